use std::vec::Drain;

use opus_packet::{
    ChannelMapping, CodedPos, Mode, OpusHead, Packet, SAMPLE_RATE, SyncPoint, SyncTracker, Toc,
};

use crate::{
    Complexity, Error, Options, RateControl,
    error::Reason,
    libopus::{Layout, Libopus, MODE_AUTOMATIC, MODE_CELT, MODE_SILK, SIGNAL_MUSIC, Setting},
};

/// Encodes frame by frame: each becomes a packet.
///
/// Decoded audio is delayed by [`lookahead`](Self::lookahead) samples. That many samples, such as
/// silence, must follow the last frame, and the pre-skip in [`head`](Self::head) drops as many at
/// the start. [`EncodedStream`](crate::EncodedStream) takes care of both.
///
/// ```
/// use opus_encode::{Channels, Encoder, Options};
///
/// let options = Options::new(Channels::STEREO);
/// let mut encoder = Encoder::new(&options)?;
/// let frame = vec![0.0; options.frame_len() * 2]; // 20 ms of interleaved samples
/// assert_eq!(encoder.encode(&frame)?.duration, 960); // samples at 48 kHz
/// # Ok::<(), opus_encode::Error>(())
/// ```
#[derive(Debug)]
pub struct Encoder {
    libopus: Libopus,
    options: Options,
    mapping: Option<ChannelMapping>,
    head: OpusHead,
    lookahead: usize,
    sync_packets: Option<u64>,
    /// Whether sync points switch the mode. The other two are the mode of the last packet, and of
    /// the last that did not belong to a sync point.
    switches_mode: bool,
    is_celt: bool,
    was_celt: bool,
    bitrate: i32,
    bitrate_between_switches: i32,
    /// The sync point begun last, until it is exact.
    pending: Option<SyncTracker>,
    sync_points: Vec<SyncPoint>,
    /// Number of the next packet.
    next: u64,
    packet: Vec<u8>,
}

impl Encoder {
    /// Creates an encoder without history.
    pub fn new(options: &Options) -> Result<Self, Error> {
        Self::at_packet(options, 0)
    }

    /// Creates an encoder without history whose first packet has number `next`, which determines
    /// the sync points.
    pub(crate) fn at_packet(options: &Options, next: u64) -> Result<Self, Error> {
        let (mut libopus, layout) =
            Libopus::new(options.rate, options.channels, options.application)?;
        set(&mut libopus, options, layout.streams)?;
        let lookahead = libopus.lookahead()?;
        let mapping = mapping(options, &layout)?;
        Ok(Self {
            head: head(options, mapping.clone(), lookahead, 0)?,
            mapping,
            libopus,
            options: options.clone(),
            lookahead,
            sync_packets: options.sync_packets(),
            // Several streams each have their own mode, but libopus can only set all of them.
            switches_mode: !options.is_all_celt() && layout.streams == 1,
            is_celt: false,
            was_celt: false,
            bitrate: options.check_bitrate(layout.streams)?,
            bitrate_between_switches: bitrate_between_switches(options),
            pending: None,
            sync_points: Vec::new(),
            next,
            packet: vec![0; usize::from(layout.streams) * MAX_STREAM_LEN],
        })
    }

    /// Returns the head of the stream (RFC 7845 section 5.1). `input_sample_rate` is the rate of
    /// the recording in Hz before it was resampled for encoding, a note that does not affect
    /// decoding.
    pub fn head(&self, input_sample_rate: u32) -> Result<OpusHead, Error> {
        head(&self.options, self.mapping.clone(), self.lookahead, input_sample_rate)
    }

    /// Returns the delay of the decoded audio: samples per channel at the coding rate.
    pub fn lookahead(&self) -> usize {
        self.lookahead
    }

    /// Encodes one frame: [`Options::frame_len`] samples per channel, interleaved.
    pub fn encode(&mut self, frame: &[f32]) -> Result<Packet<'_>, Error> {
        let expected = self.options.frame_len() * usize::from(self.options.channels.count());
        if frame.len() != expected {
            return Err(Reason::FrameLength { found: frame.len(), expected }.into());
        }
        self.prepare()?;
        let len = self.libopus.encode(frame, &mut self.packet)?;
        self.is_celt = self.packet.first().is_some_and(|&toc| Toc::new(toc).mode() == Mode::Celt);
        let number = self.next;
        self.next += 1;
        self.follow(number, len)?;
        self.checked(number, len)
    }

    /// Returns the sync points that the packets so far have made exact, in order, and forgets them.
    /// The first packet is not among them.
    pub fn drain_sync_points(&mut self) -> Drain<'_, SyncPoint> {
        self.sync_points.drain(..)
    }

    fn prepare(&mut self) -> Result<(), Error> {
        let after_sync = self.packets_after_sync();
        if after_sync == Some(0) {
            let start = self.next * u64::from(self.options.frame_duration.samples());
            self.pending =
                Some(SyncTracker::new(CodedPos::new(start), self.head.mapping().streams()));
        }
        if self.switches_mode {
            self.prepare_mode(after_sync)?;
        }
        self.prepare_celt()
    }

    /// SILK cannot be coded without prediction, but two CELT packets make it forget (libopus turns
    /// the first into SILK with a transition to CELT). Afterwards libopus would stay with CELT, so
    /// the former mode is forced.
    fn prepare_mode(&mut self, after_sync: Option<u64>) -> Result<(), Error> {
        if !matches!(after_sync, Some(1 | 2)) {
            self.was_celt = self.is_celt;
        }
        let bitrate = if self.was_celt { self.bitrate } else { self.bitrate_between_switches };
        self.libopus.set(Setting::Bitrate, bitrate)?;
        let mode = match after_sync {
            Some(0 | 1) => MODE_CELT,
            Some(2) if self.was_celt => MODE_CELT,
            _ if self.was_celt && self.is_impatient() => MODE_CELT,
            Some(2) => MODE_SILK,
            _ => MODE_AUTOMATIC,
        };
        self.libopus.set(Setting::ForceMode, mode)
    }

    /// Makes the CELT frames after a sync point what it needs. libopus has no transient frames at
    /// the lowest complexity, and no post-filter if it expects losses. The complexity is the last
    /// resort, because at a low one libopus forgets what kind of audio it heard, which affects the
    /// bit rate for about a second, and the mode if libopus chooses it.
    fn prepare_celt(&mut self) -> Result<(), Error> {
        let pending = self.pending.as_ref().filter(|_| !self.switches_mode || self.was_celt);
        let needs = |needs: fn(&SyncTracker) -> bool| pending.is_some_and(needs);
        let complexity =
            if self.is_impatient() { Complexity::MIN } else { self.options.complexity };
        let loss = if needs(SyncTracker::must_not_filter) { LOSS_WITHOUT_FILTER } else { 0 };
        let is_independent = needs(SyncTracker::needs_energies);
        self.libopus.set(Setting::PredictionDisabled, is_independent.into())?;
        self.libopus.set(Setting::Complexity, complexity.get().into())?;
        self.libopus.set(Setting::PacketLoss, loss)
    }

    /// Returns whether the sync point has waited long enough for frames that are not transient.
    fn is_impatient(&self) -> bool {
        let patience = if self.switches_mode { 200 } else { 40 };
        let pending = self.pending.as_ref().filter(|_| !self.switches_mode || self.was_celt);
        pending.is_some_and(|pending| pending.lacks_steady_frames_after(patience * 48))
    }

    /// Lets the pending sync point know the packet.
    fn follow(&mut self, packet: u64, len: usize) -> Result<(), Error> {
        let Some(pending) = &mut self.pending else { return Ok(()) };
        let data = self.packet.get(..len).unwrap_or_default();
        let point = pending.packet(data).map_err(|source| Reason::Packet { packet, source })?;
        if let Some(point) = point {
            self.sync_points.push(point);
            self.pending = None;
        }
        Ok(())
    }

    /// Returns the distance from the last sync point in packets. The first packet does not count as
    /// one, since nothing precedes it.
    fn packets_after_sync(&self) -> Option<u64> {
        let packets = self.sync_packets.filter(|&packets| self.next >= packets)?;
        Some(self.next % packets)
    }

    fn checked(&self, packet: u64, len: usize) -> Result<Packet<'_>, Error> {
        let data = self.packet.get(..len).unwrap_or_default();
        let found =
            self.head.packet_duration(data).map_err(|source| Reason::Packet { packet, source })?;
        let expected = self.options.frame_duration.samples();
        if found != expected {
            return Err(Reason::Duration { packet, found, expected }.into());
        }
        Ok(Packet { data, duration: found })
    }
}

/// The least expected loss, in percent, at which libopus uses no post-filter.
const LOSS_WITHOUT_FILTER: i32 = 9;
/// The longest packet of one stream in bytes: six frames with their headers (`MS_FRAME_TMP` in
/// libopus), and two bytes for the length of any stream but the last.
const MAX_STREAM_LEN: usize = 6 * 1275 + 12 + 2;

fn set(libopus: &mut Libopus, options: &Options, streams: u8) -> Result<(), Error> {
    let (vbr, constraint) = match options.rate_control {
        RateControl::Vbr => (1, 0),
        RateControl::ConstrainedVbr => (1, 1),
        RateControl::Cbr => (0, 0),
    };
    libopus.set(Setting::Bitrate, options.check_bitrate(streams)?)?;
    libopus.set(Setting::Vbr, vbr)?;
    libopus.set(Setting::VbrConstraint, constraint)?;
    libopus.set(Setting::Complexity, options.complexity.get().into())?;
    libopus.set(Setting::LsbDepth, options.depth.get().into())?;
    if options.forces_celt() {
        // Forcing the mode is not enough: below 20 kb/s, bandwidth and stereo would depend on
        // whether libopus detects speech, and so on its history.
        libopus.set(Setting::ForceMode, MODE_CELT)?;
        libopus.set(Setting::Signal, SIGNAL_MUSIC)?;
    }
    Ok(())
}

/// Returns the bit rate that leaves room for the bits of sync points that switch the mode.
fn bitrate_between_switches(options: &Options) -> i32 {
    let bitrate = u64::from(options.bitrate.get());
    let left = match options.sync_samples() {
        Some(interval) if options.rate_control != RateControl::Cbr => {
            // Beyond an hour it makes no difference.
            let interval = interval.min(3600 * u64::from(SAMPLE_RATE));
            bitrate * interval / (interval + SWITCH_OVERHEAD)
        }
        _ => bitrate,
    };
    i32::try_from(left).unwrap_or(i32::MAX)
}

/// How many samples could be encoded with the bits that switching to CELT and back takes: two
/// redundant frames of 5 ms, a CELT packet, which takes more than SILK, and SILK's start without
/// prediction (measured in speech; see the project's `docs/benchmarks.md`).
const SWITCH_OVERHEAD: u64 = 32 * 48;

/// Returns `None` for family 0, which has only one mapping.
fn mapping(options: &Options, layout: &Layout) -> Result<Option<ChannelMapping>, Error> {
    let (family, count) = (options.channels.family(), options.channels.count());
    let mut table = vec![layout.streams, layout.coupled];
    table.extend_from_slice(&layout.mapping);
    let mapping = (family != 0).then(|| ChannelMapping::parse(family, count, &table));
    Ok(mapping.transpose().map_err(Reason::Head)?)
}

fn head(
    options: &Options,
    mapping: Option<ChannelMapping>,
    lookahead: usize,
    input_sample_rate: u32,
) -> Result<OpusHead, Error> {
    // At most 312 samples at 48 kHz.
    let lookahead = u32::try_from(lookahead).unwrap_or(u32::MAX);
    let pre_skip = lookahead.saturating_mul(options.rate.divisor());
    let pre_skip = u16::try_from(pre_skip).unwrap_or(u16::MAX);
    let channels = options.channels.count().min(2);
    let head = OpusHead::new(channels, pre_skip, input_sample_rate).map_err(Reason::Head)?;
    Ok(match mapping {
        Some(mapping) => head.with_mapping(mapping),
        None => head,
    })
}
