use crate::Options;

/// Where sync points start: one per interval, at its first packet or, to avoid an onset, up to 40 ms
/// later. Not earlier, because a sync map has its starts at multiples of the interval.
#[derive(Debug)]
pub(crate) struct Schedule {
    /// Packets of an interval.
    interval: u64,
    /// How many packets late a point may start.
    slack: u64,
    /// A packet where a point starts in any case.
    seam: Option<u64>,
    /// Where the last point started.
    start: Option<u64>,
}

impl Schedule {
    /// None if the options ask for no sync points.
    pub(crate) fn new(options: &Options, seam: Option<u64>) -> Option<Self> {
        let interval = options.sync_packets()?;
        let slack = u64::from(MOST_LATE / options.frame_duration.samples()).min(interval / 4);
        Some(Self { interval, slack, seam, start: None })
    }

    /// Takes the next packet and returns its distance from the last start. The first packet of a
    /// recording does not count as a sync point, since nothing precedes it.
    pub(crate) fn packet(&mut self, number: u64, has_onset: bool) -> Option<u64> {
        let late = number % self.interval;
        let due = number - late;
        let is_open = due > 0 && late <= self.slack && self.start < Some(due);
        if is_open && (!has_onset || late == self.slack || self.seam == Some(number)) {
            self.start = Some(number);
        }
        Some(number - self.start?)
    }
}

/// 40 ms, in samples at 48 kHz.
const MOST_LATE: u32 = 40 * 48;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::{Channels, FrameDuration, SyncInterval};

    fn schedule(frame_duration: FrameDuration, millis: u64, seam: Option<u64>) -> Schedule {
        let options = Options::new(Channels::MONO)
            .frame_duration(frame_duration)
            .sync_interval(SyncInterval(Duration::from_millis(millis)));
        Schedule::new(&options, seam).unwrap()
    }

    fn starts(schedule: &mut Schedule, onsets: &[bool]) -> Vec<u64> {
        let packets = (0..).zip(onsets);
        packets
            .filter(|&(at, &onset)| schedule.packet(at, onset) == Some(0))
            .map(|it| it.0)
            .collect()
    }

    #[test]
    fn a_point_waits_40_ms_for_the_end_of_an_onset() {
        for (letters, expected) in [
            ("....................", vec![4, 8, 12, 16]),
            ("....x....x...xx.....", vec![5, 8, 12, 16]),
            ("....xx..xxx.xxxx....", vec![5, 9, 13, 16]),
        ] {
            let onsets: Vec<bool> = letters.chars().map(|letter| letter == 'x').collect();
            let found = starts(&mut schedule(FrameDuration::Ms20, 80, None), &onsets);
            assert_eq!(found, expected, "{letters}");
        }
        let always = [true; 100];
        assert_eq!(
            starts(&mut schedule(FrameDuration::Ms20, 400, None), &always),
            [22, 42, 62, 82]
        );
        assert_eq!(starts(&mut schedule(FrameDuration::Ms60, 400, None), &always)[..2], [6, 12]);
        let seam = starts(&mut schedule(FrameDuration::Ms20, 400, Some(40)), &always);
        assert_eq!(seam, [22, 40, 62, 82]);
    }

    proptest! {
        #[test]
        fn every_interval_has_one_point_at_most_40_ms_late(
            frame_duration in proptest::sample::select(FrameDuration::ALL.to_vec()),
            millis in 0u64..2000,
            onsets in proptest::collection::vec(any::<bool>(), 1..1000),
        ) {
            let mut schedule = schedule(frame_duration, millis, None);
            let (interval, slack) = (schedule.interval, schedule.slack);
            prop_assert!(slack < interval && slack * u64::from(frame_duration.samples()) <= 1920);
            let starts = starts(&mut schedule, &onsets);
            let packets = u64::try_from(onsets.len()).unwrap();
            let mut due = (1..).map(|number| number * interval);
            for &start in &starts {
                let due = due.next().unwrap();
                prop_assert!((due..=due + slack).contains(&start), "{start}, due {due}");
            }
            prop_assert!(due.next().unwrap() + slack >= packets, "one is missing");
        }
    }
}
