/// The first byte of an extension.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head(pub(crate) u8);

impl Head {
    pub(crate) fn id(self) -> u8 {
        self.0 >> 1
    }

    pub(crate) fn flag(self) -> bool {
        self.0 & 1 != 0
    }

    pub(crate) fn without_flag(self) -> Self {
        Self(self.0 & !1)
    }

    pub(crate) fn is_long(self) -> bool {
        self.id() >= 32
    }

    /// Splits the payload off the bytes after the head. Without a length it takes all but the
    /// last `kept` bytes.
    pub(crate) fn split_payload(self, bytes: &[u8], kept: usize) -> Option<(&[u8], &[u8])> {
        match self.id() {
            0 | 2 => Some((&[], bytes)),
            1..=31 => bytes.split_at_checked(self.flag().into()),
            _ if self.flag() => {
                let (length, rest) = length(bytes)?;
                rest.split_at_checked(length)
            }
            _ => bytes.split_at_checked(bytes.len().checked_sub(kept)?),
        }
    }
}

/// Reads a length in bytes that add up, of which only the last is not 255.
fn length(mut bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut length = 0_usize;
    loop {
        let (&byte, rest) = bytes.split_first()?;
        (length, bytes) = (length + usize::from(byte), rest);
        if byte != 255 {
            return Some((length, bytes));
        }
    }
}
