use opus_packet::{ChannelMapping, InvalidHead, Mode, OpusHead, Packet, Toc};

use crate::{
    EncodeError, Options, RateControl,
    libopus::{Layout, Libopus, MODE_AUTOMATIC, MODE_CELT, MODE_SILK, SIGNAL_MUSIC, Setting},
};

/// Encodes frame after frame: each becomes a packet.
///
/// The audio comes out of a decoder later by [`lookahead`](Self::lookahead): so many samples
/// of silence, or whatever one likes, must follow the last, and so many are dropped by the
/// pre-skip of [`head`](Self::head). [`EncodedStream`](crate::EncodedStream) does all that.
#[derive(Debug)]
pub struct Encoder {
    libopus: Libopus,
    options: Options,
    mapping: Option<ChannelMapping>,
    head: OpusHead,
    lookahead: usize,
    sync_packets: Option<u64>,
    /// Whether sync points switch the mode; and which was that of the last packet, and of the
    /// last before a sync point.
    switches_mode: bool,
    is_celt: bool,
    was_celt: bool,
    /// Number of the packet that comes next.
    next: u64,
    packet: Vec<u8>,
}

impl Encoder {
    /// An encoder that has heard nothing.
    pub fn new(options: &Options) -> Result<Self, EncodeError> {
        Self::at_packet(options, 0)
    }

    /// An encoder that has heard nothing, and whose first packet has this number in the
    /// recording: sync points are counted by it.
    pub(crate) fn at_packet(options: &Options, next: u64) -> Result<Self, EncodeError> {
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
            // Of several streams each has a mode of its own, and they can only be told together.
            switches_mode: !options.is_all_celt() && layout.streams == 1,
            is_celt: false,
            was_celt: false,
            next,
            packet: vec![0; usize::from(layout.streams) * MAX_STREAM_LEN],
        })
    }

    /// The head of the stream; the rate is that of the recording before it was resampled for
    /// encoding, a note that has no effect on decoding.
    pub fn head(&self, input_sample_rate: u32) -> Result<OpusHead, EncodeError> {
        head(&self.options, self.mapping.clone(), self.lookahead, input_sample_rate)
    }

    /// Samples per channel, at the coding rate, by which the decoded audio comes late.
    pub fn lookahead(&self) -> usize {
        self.lookahead
    }

    /// Encodes one frame: [`Options::frame_len`] samples of each channel, interleaved.
    pub fn encode(&mut self, frame: &[f32]) -> Result<Packet<'_>, EncodeError> {
        let expected = self.options.frame_len() * usize::from(self.options.channels.count());
        if frame.len() != expected {
            return Err(EncodeError::FrameLength { found: frame.len(), expected });
        }
        self.prepare()?;
        let len = self.libopus.encode(frame, &mut self.packet)?;
        self.is_celt = self.packet.first().is_some_and(|&toc| Toc::new(toc).mode() == Mode::Celt);
        let number = self.next;
        self.next += 1;
        self.checked(number, len)
    }

    /// A sync point is a packet of CELT without prediction. SILK has no such packet: two
    /// of CELT, of which libopus makes the first one of SILK with a bridge to CELT, make it forget
    /// what was. After them libopus would keep CELT where it had chosen SILK, so it is told.
    fn prepare(&mut self) -> Result<(), EncodeError> {
        let after_sync = self.packets_after_sync();
        self.libopus.set(Setting::PredictionDisabled, (after_sync == Some(0)).into())?;
        if !self.switches_mode {
            return Ok(());
        }
        if after_sync == Some(0) {
            self.was_celt = self.is_celt;
        }
        let mode = match after_sync {
            Some(0 | 1) => MODE_CELT,
            Some(2) if !self.was_celt => MODE_SILK,
            _ => MODE_AUTOMATIC,
        };
        self.libopus.set(Setting::ForceMode, mode)
    }

    /// How many packets ago the last sync point was. The first packet is none: there is nothing
    /// before it to refer to.
    fn packets_after_sync(&self) -> Option<u64> {
        let packets = self.sync_packets.filter(|&packets| self.next >= packets)?;
        Some(self.next % packets)
    }

    fn checked(&self, packet: u64, len: usize) -> Result<Packet<'_>, EncodeError> {
        let data = self.packet.get(..len).unwrap_or_default();
        let found = self
            .head
            .packet_duration(data)
            .map_err(|reason| EncodeError::Packet { packet, reason })?;
        let expected = self.options.frame_duration.samples();
        if found != expected {
            return Err(EncodeError::Duration { packet, found, expected });
        }
        Ok(Packet { data, duration: found })
    }
}

/// The most bytes that libopus makes for one stream: six frames and what tells them apart
/// (`MS_FRAME_TMP` in its source), and two for the length of a stream that is not the last.
const MAX_STREAM_LEN: usize = 6 * 1275 + 12 + 2;

fn set(libopus: &mut Libopus, options: &Options, streams: u8) -> Result<(), EncodeError> {
    let (vbr, constraint) = match options.rate_control {
        RateControl::Vbr => (1, 0),
        RateControl::ConstrainedVbr => (1, 1),
        RateControl::Cbr => (0, 0),
    };
    libopus.set(Setting::Bitrate, options.check_bitrate(streams)?)?;
    libopus.set(Setting::Vbr, vbr)?;
    libopus.set(Setting::VbrConstraint, constraint)?;
    libopus.set(Setting::Complexity, options.complexity.get().into())?;
    if options.forces_celt() {
        // The mode alone is not enough: below 20 kb/s bandwidth and stereo would depend on
        // what libopus takes for speech, and so on how long it has listened.
        libopus.set(Setting::ForceMode, MODE_CELT)?;
        libopus.set(Setting::Signal, SIGNAL_MUSIC)?;
    }
    Ok(())
}

/// None for family 0, which has one mapping only.
fn mapping(options: &Options, layout: &Layout) -> Result<Option<ChannelMapping>, InvalidHead> {
    let (family, count) = (options.channels.family(), options.channels.count());
    let mut table = vec![layout.streams, layout.coupled];
    table.extend_from_slice(&layout.mapping);
    (family != 0).then(|| ChannelMapping::parse(family, count, &table)).transpose()
}

fn head(
    options: &Options,
    mapping: Option<ChannelMapping>,
    lookahead: usize,
    input_sample_rate: u32,
) -> Result<OpusHead, EncodeError> {
    // At most 312 samples at 48 kHz.
    let lookahead = u32::try_from(lookahead).unwrap_or(u32::MAX);
    let pre_skip = lookahead.saturating_mul(options.rate.divisor());
    let pre_skip = u16::try_from(pre_skip).unwrap_or(u16::MAX);
    let channels = options.channels.count().min(2);
    let head = OpusHead::new(channels, pre_skip, input_sample_rate)?;
    Ok(match mapping {
        Some(mapping) => head.with_mapping(mapping),
        None => head,
    })
}
