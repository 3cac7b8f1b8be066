//! The range decoder (RFC 6716 section 4.1).

/// Reads the symbols of one frame. Bytes past its end count as zero.
#[derive(Clone)]
pub(super) struct RangeDecoder<'a> {
    bytes: &'a [u8],
    /// Bytes read from the start.
    read: usize,
    /// Bits read from the end, which are not range coded.
    raw_bits: usize,
    /// Whole bits read, of both kinds.
    total_bits: u32,
    range: u32,
    value: u32,
    /// The last byte: its last bit belongs to the next symbols.
    last: u8,
}

const CODE_BITS: u32 = 32;
const SYMBOL_BITS: u32 = 8;
/// Bits of the first byte that count as read at the start.
const EXTRA_BITS: u32 = 7;
const CODE_TOP: u32 = 1 << (CODE_BITS - 1);
const CODE_BOTTOM: u32 = CODE_TOP >> SYMBOL_BITS;

impl<'a> RangeDecoder<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let first = bytes.first().copied().unwrap_or_default();
        let mut decoder = Self {
            bytes,
            read: 1,
            raw_bits: 0,
            total_bits: CODE_BITS + 1 - (CODE_BITS - EXTRA_BITS) / SYMBOL_BITS * SYMBOL_BITS,
            range: 1 << EXTRA_BITS,
            value: (1 << EXTRA_BITS) - 1 - u32::from(first >> (SYMBOL_BITS - EXTRA_BITS)),
            last: first,
        };
        decoder.normalize();
        decoder
    }

    /// Bits used so far, rounded up.
    pub(super) fn tell(&self) -> usize {
        let unused = u32::BITS - self.range.leading_zeros();
        usize::try_from(self.total_bits - unused).unwrap_or(usize::MAX)
    }

    #[cfg(test)]
    pub(super) fn state(&self) -> (u32, u32, usize) {
        (self.range, self.value, self.read)
    }

    /// Lets the frame end after `len` bytes.
    pub(super) fn shorten(&mut self, len: usize) {
        self.bytes = self.bytes.get(..len).unwrap_or(self.bytes);
    }

    /// A symbol whose inverse cumulative distribution is given, in units of 1/256. It ends with
    /// zero.
    pub(super) fn symbol(&mut self, icdf: &[u8]) -> usize {
        self.symbol_of(icdf, 8)
    }

    /// The same in units of 1 / 2^`bits`.
    pub(super) fn symbol_of(&mut self, icdf: &[u8], bits: u32) -> usize {
        let unit = self.range >> bits;
        let mut above = self.range;
        for (symbol, &greater) in icdf.iter().enumerate() {
            let below = unit * u32::from(greater);
            if self.value >= below {
                self.value -= below;
                self.range = above - below;
                self.normalize();
                return symbol;
            }
            above = below;
        }
        0
    }

    /// A bit that is set with a probability of 1 / 2^`log`.
    pub(super) fn bit(&mut self, log: u32) -> bool {
        let set = self.range >> log;
        let is_set = self.value < set;
        if is_set {
            self.range = set;
        } else {
            self.value -= set;
            self.range -= set;
        }
        self.normalize();
        is_set
    }

    /// One of `count` equally probable numbers, of 2 to 256.
    pub(super) fn uniform(&mut self, count: u16) -> u16 {
        let unit = self.range / u32::from(count);
        let from_top = (self.value / unit + 1).min(u32::from(count));
        let below = unit * (from_top - 1);
        self.value -= below;
        // The smallest number has what is left over.
        let is_smallest = from_top == u32::from(count);
        self.range = if is_smallest { self.range - below } else { unit };
        self.normalize();
        count - u16::try_from(from_top).unwrap_or(count)
    }

    /// Up to 16 bits that are not range coded. They are at the end of the frame, backwards.
    pub(super) fn raw(&mut self, bits: u32) -> u16 {
        let mut number = 0;
        for bit in 0..bits {
            let byte = self.bytes.iter().rev().nth(self.raw_bits / 8).copied().unwrap_or_default();
            number |= u16::from(byte >> (self.raw_bits % 8) & 1) << bit;
            self.raw_bits += 1;
        }
        self.total_bits += bits;
        number
    }

    fn normalize(&mut self) {
        while self.range <= CODE_BOTTOM {
            let next = self.bytes.get(self.read).copied().unwrap_or_default();
            let pair = u16::from_be_bytes([self.last, next]);
            let [_, symbol] = (pair >> (SYMBOL_BITS - EXTRA_BITS)).to_be_bytes();
            self.value = ((self.value << SYMBOL_BITS) + u32::from(!symbol)) & (CODE_TOP - 1);
            self.range <<= SYMBOL_BITS;
            self.total_bits += SYMBOL_BITS;
            self.last = next;
            self.read += 1;
        }
    }
}
