use std::collections::BTreeMap;

/// The bytes of the file that were returned, so that none is returned twice. Otherwise a small
/// file could hold endless audio.
///
/// Almost all files are in order. They have one run, or one for each chunk between those of
/// other tracks. Their number is limited, so that memory is constant. Everything below the
/// lowest kept run counts as used.
#[derive(Debug, Default)]
pub(crate) struct Extents {
    /// Start and end of each run.
    runs: BTreeMap<u64, u64>,
    floor: u64,
}

impl Extents {
    /// Marks bytes as used. Returns false if some already were.
    pub(crate) fn claim(&mut self, start: u64, end: u64) -> bool {
        let before = self.runs.range(..end).next_back().map(|(start, end)| (*start, *end));
        if start < self.floor || before.is_some_and(|(_, before)| before > start) {
            return false;
        }
        match before {
            Some((first, before)) if before == start => self.runs.insert(first, end),
            _ => self.runs.insert(start, end),
        };
        if self.runs.len() > MAX_RUNS {
            self.floor = self.runs.pop_first().map_or(self.floor, |(_, end)| end);
        }
        true
    }
}

const MAX_RUNS: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_byte_is_used_twice() {
        let mut extents = Extents::default();
        assert!(extents.claim(10, 20) && extents.claim(20, 30) && extents.claim(40, 50));
        assert_eq!(extents.runs.len(), 2);
        for (start, end) in [(10, 11), (29, 31), (5, 11), (35, 60), (5, 60), (49, 50)] {
            assert!(!extents.claim(start, end), "{start}..{end}");
        }
        assert!(extents.claim(30, 40) && extents.claim(5, 10));
    }

    #[test]
    fn memory_is_constant() {
        let mut extents = Extents::default();
        for start in 0..20_000 {
            assert!(extents.claim(2 * start, 2 * start + 1));
        }
        assert_eq!(extents.runs.len(), MAX_RUNS);
        assert!(!extents.claim(1, 2), "forgotten, so it counts as used");
        assert!(extents.claim(39_997, 39_998));
    }
}
