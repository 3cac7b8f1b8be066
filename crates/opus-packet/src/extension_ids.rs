use core::fmt;

/// A set of ids of packet extensions. `Display` names them.
///
/// ```
/// use opus_packet::ExtensionIds;
///
/// let mut ids = ExtensionIds::from_iter([124, 33]);
/// assert_eq!(ids.to_string(), "extension 33, Opus HD (extension 124)");
/// assert!(ids.iter().eq([33, ExtensionIds::OPUS_HD]));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ExtensionIds(u128);

impl ExtensionIds {
    /// Opus HD (QEXT): a second layer of finer samples, and frequencies above 20 kHz at 96 kHz.
    pub const OPUS_HD: u8 = 124;
    /// DRED: a coarse copy of earlier audio, from which lost packets are restored.
    pub const DRED: u8 = 126;

    /// Returns whether the set is empty.
    pub const fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// Returns whether the set contains an id.
    pub fn contains(self, id: u8) -> bool {
        self.0 & bit(id) != 0
    }

    /// Returns the ids in ascending order.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (FIRST..=LAST).filter(move |id| self.contains(*id))
    }
}

/// Takes ids from 3 to 127 and ignores the rest, which are not extensions.
impl Extend<u8> for ExtensionIds {
    fn extend<I: IntoIterator<Item = u8>>(&mut self, ids: I) {
        self.0 = ids.into_iter().fold(self.0, |set, id| set | bit(id));
    }
}

impl FromIterator<u8> for ExtensionIds {
    fn from_iter<I: IntoIterator<Item = u8>>(ids: I) -> Self {
        let mut all = Self::default();
        all.extend(ids);
        all
    }
}

impl fmt::Display for ExtensionIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, id) in self.iter().enumerate() {
            if number > 0 {
                f.write_str(", ")?;
            }
            match id {
                Self::OPUS_HD => write!(f, "Opus HD (extension {id})")?,
                Self::DRED => write!(f, "DRED (extension {id})")?,
                _ => write!(f, "extension {id}")?,
            }
        }
        Ok(())
    }
}

/// The least and the greatest id. Those below are padding, separators and repetitions.
const FIRST: u8 = 3;
const LAST: u8 = 127;

fn bit(id: u8) -> u128 {
    if (FIRST..=LAST).contains(&id) { 1 << id } else { 0 }
}
