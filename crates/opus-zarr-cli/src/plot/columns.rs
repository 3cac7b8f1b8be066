use std::ops::Range;

/// A range of samples divided among the columns of a picture. Every sample is in exactly one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Columns {
    range: Range<u64>,
    count: u64,
}

impl Columns {
    /// Creates as many columns as fit, with at least one sample each.
    pub(crate) fn new(range: Range<u64>, room: usize) -> Self {
        let room = u64::try_from(room).unwrap_or(u64::MAX);
        let count = (range.end - range.start).min(room).max(1);
        Self { range, count }
    }

    pub(crate) fn count(&self) -> usize {
        usize::try_from(self.count).unwrap_or(usize::MAX)
    }

    pub(crate) fn range(&self) -> &Range<u64> {
        &self.range
    }

    /// Returns the samples of the longest column; others have one fewer at most.
    pub(crate) fn longest(&self) -> u64 {
        (self.range.end - self.range.start).div_ceil(self.count)
    }

    /// Returns the samples of a column.
    pub(crate) fn share(&self, column: usize) -> Range<u64> {
        self.edge(column)..self.edge(column + 1)
    }

    /// Returns the column of a sample.
    pub(crate) fn column(&self, sample: u64) -> usize {
        let before = u128::from(sample.saturating_sub(self.range.start)) + 1;
        let length = u128::from(self.range.end - self.range.start).max(1);
        let column = (before * u128::from(self.count) - 1) / length;
        usize::try_from(column).unwrap_or(usize::MAX)
    }

    /// Groups consecutive columns so that a group has at most this many samples, or is a single
    /// column.
    pub(crate) fn groups(&self, samples: u64) -> Vec<Range<usize>> {
        let size = usize::try_from((samples / self.longest()).max(1)).unwrap_or(usize::MAX);
        let count = self.count();
        (0..count).step_by(size).map(|first| first..first.saturating_add(size).min(count)).collect()
    }

    fn edge(&self, column: usize) -> u64 {
        let length = u128::from(self.range.end - self.range.start);
        let before = u128::try_from(column).unwrap_or(u128::MAX) * length / u128::from(self.count);
        self.range.start + u64::try_from(before).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_in_one_column() {
        for (range, room) in [(5..6, 10), (5..105, 100), (5..105, 7), (5..105, 99), (0..3, 1000)] {
            let columns = Columns::new(range.clone(), room);
            assert_eq!(columns.count(), room.min(range.clone().count()));
            let mut next = range.start;
            for column in 0..columns.count() {
                let share = columns.share(column);
                assert_eq!(share.start, next, "{range:?} {room}");
                assert!(!share.is_empty());
                let length = share.end - share.start;
                assert!(length == columns.longest() || length + 1 == columns.longest());
                share.clone().for_each(|sample| assert_eq!(columns.column(sample), column));
                next = share.end;
            }
            assert_eq!(next, range.end);
        }
    }

    #[test]
    fn groups_hold_all_columns_and_a_limited_number_of_samples() {
        let columns = Columns::new(0..1000, 10);
        assert_eq!(columns.groups(399), [0..3, 3..6, 6..9, 9..10]);
        assert_eq!(columns.groups(5).len(), 10);
        assert_eq!(Columns::new(0..u64::MAX, 2).share(1), u64::MAX / 2..u64::MAX);
    }
}
