use std::{num::NonZeroUsize, time::Duration, vec::Drain};

use opus_packet::Packet;

use crate::{
    Channels, Encoder, Error, Options, SampleSource, SyncPoint, frames::Frames, workers::Workers,
};

/// Encodes a recording in segments, each with its own encoder that first hears a little of what
/// precedes it. Segments begin at sync points, so a seam sounds like any sync point.
pub(crate) struct Segments {
    cut: Cut,
    workers: Workers,
    /// The last samples, to warm up the next encoder.
    recent: Vec<f32>,
    /// Packets in the segments read so far.
    packets_read: u64,
    is_at_end: bool,
    current: Packets,
    /// Those of the segments returned so far.
    sync_points: Vec<SyncPoint>,
}

/// Where to cut a recording. Depends only on the options, so that packets do not depend on the
/// number of threads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    /// Samples of a frame, all channels together.
    frame: usize,
    packets: usize,
    warm_up: usize,
}

/// A part of a recording.
pub(crate) struct Segment {
    options: Options,
    /// Whole frames, starting with the warm-up.
    samples: Vec<f32>,
    warm_up: usize,
    /// Number of the first packet after the warm-up.
    first: u64,
}

/// The packets of a segment, and how many were returned.
#[derive(Debug, Default)]
pub(crate) struct Packets {
    bytes: Vec<u8>,
    /// The end and duration of each packet.
    ends: Vec<(usize, u32)>,
    sync_points: Vec<SyncPoint>,
    given: usize,
}

impl Cut {
    /// Returns `None` if the mode may change between packets, since each encoder would choose its
    /// own and seams would be audible. Also rejects many channels and distant sync points, whose
    /// segments would need much memory.
    pub(crate) fn new(options: &Options) -> Option<Self> {
        let channels = options.channels.count();
        if !options.is_all_celt() || channels > MAX_CHANNELS {
            return None;
        }
        let frames = |time: Duration| {
            let count = time.as_nanos().div_ceil(options.frame_duration.duration().as_nanos());
            usize::try_from(count).ok()
        };
        let sync_packets = usize::try_from(options.sync_packets()?).ok()?;
        let packets = frames(SEGMENT)? / sync_packets * sync_packets;
        let frame = options.frame_len() * usize::from(channels);
        (packets > 0).then_some(Self { frame, packets, warm_up: frames(warm_up(options))? })
    }
}

const SEGMENT: Duration = Duration::from_secs(10);
const MAX_CHANNELS: u8 = 8;

/// Returns how much an encoder must hear before its first packet. Below 96 kb/s per stream, the
/// bits of a packet depend on the loudness of the last seconds (`spec_avg` in libopus, with a time
/// constant of one second). Everything else settles quickly.
fn warm_up(options: &Options) -> Duration {
    let streams = match options.channels {
        Channels::STEREO => 1,
        channels => u32::from(channels.count()),
    };
    let is_settled_soon = options.bitrate.get() >= 96_000 * streams;
    Duration::from_millis(if is_settled_soon { 320 } else { 2_000 })
}

impl Segments {
    pub(crate) fn new(cut: Cut, threads: NonZeroUsize) -> Result<Self, Error> {
        Ok(Self {
            cut,
            workers: Workers::new(threads)?,
            recent: Vec::new(),
            packets_read: 0,
            is_at_end: false,
            current: Packets::default(),
            sync_points: Vec::new(),
        })
    }

    pub(crate) fn next_packet<S: SampleSource>(
        &mut self,
        frames: &mut Frames<S>,
        options: &Options,
    ) -> Result<Option<Packet<'_>>, Error> {
        while self.current.is_empty() {
            self.sync_points.append(&mut self.current.sync_points);
            while !self.is_at_end && self.workers.have_room() {
                self.submit(frames, options)?;
            }
            match self.workers.next() {
                Some(packets) => self.current = packets?,
                None => return Ok(None),
            }
        }
        Ok(self.current.next())
    }

    /// Returns the sync points of the segments whose packets were all returned, and forgets them.
    pub(crate) fn drain_sync_points(&mut self) -> Drain<'_, SyncPoint> {
        self.sync_points.drain(..)
    }

    fn submit<S: SampleSource>(
        &mut self,
        frames: &mut Frames<S>,
        options: &Options,
    ) -> Result<(), Error> {
        let Cut { frame, packets, warm_up } = self.cut;
        let mut samples = std::mem::take(&mut self.recent);
        let start = samples.len();
        samples.resize(start + packets * frame, 0.0);
        let room = samples.get_mut(start..).unwrap_or_default();
        let read = frames.read(room)?;
        self.is_at_end = read < room.len();
        samples.truncate(start + read);
        let recent = samples.len().saturating_sub(warm_up * frame);
        self.recent = samples.get(recent..).unwrap_or_default().to_vec();
        let first = self.packets_read;
        self.packets_read += u64::try_from(read / frame).unwrap_or_default();
        if read > 0 {
            let segment =
                Segment { options: options.clone(), samples, warm_up: start / frame, first };
            self.workers.submit(segment)?;
        }
        Ok(())
    }
}

impl Segment {
    pub(crate) fn encode(&self) -> Result<Packets, Error> {
        let warm_up = u64::try_from(self.warm_up).unwrap_or_default();
        let mut encoder = Encoder::at_packet(&self.options, self.first.saturating_sub(warm_up))?;
        let frame = self.options.frame_len() * usize::from(self.options.channels.count());
        let mut packets = Packets::default();
        for (number, frame) in self.samples.chunks_exact(frame).enumerate() {
            let packet = encoder.encode(frame)?;
            if number >= self.warm_up {
                packets.push(packet);
            }
        }
        let first = self.first * u64::from(self.options.frame_duration.samples());
        let points = encoder.drain_sync_points().filter(|point| point.start.get() >= first);
        packets.sync_points.extend(points);
        Ok(packets)
    }
}

impl Packets {
    fn push(&mut self, packet: Packet<'_>) {
        self.bytes.extend_from_slice(packet.data);
        self.ends.push((self.bytes.len(), packet.duration));
    }

    fn is_empty(&self) -> bool {
        self.given == self.ends.len()
    }

    fn next(&mut self) -> Option<Packet<'_>> {
        let start = self.given.checked_sub(1).and_then(|last| self.ends.get(last));
        let start = start.map_or(0, |&(end, _)| end);
        let &(end, duration) = self.ends.get(self.given)?;
        self.given += 1;
        Some(Packet { data: self.bytes.get(start..end)?, duration })
    }
}
