use std::num::NonZeroUsize;

use opus_packet::{OpusHead, Packet, PacketSource, Timeline};

use crate::{
    EncodeError, Encoder, Options, SampleSource, StreamError,
    frames::Frames,
    segments::{Cut, Segments},
};

/// A source of samples as Opus packets, in bounded memory.
///
/// What plays is exactly as long as the source, and lies where it lies there:
/// [`timeline`](Self::timeline).
pub struct EncodedStream<S> {
    options: Options,
    frames: Frames<S>,
    /// Says the head, and encodes if there are no segments.
    encoder: Encoder,
    work: Work,
    packets: u64,
    is_at_end: bool,
}

enum Work {
    Frames(Vec<f32>),
    Segments(Box<Segments>),
}

impl<S: SampleSource> EncodedStream<S> {
    /// Encodes on so many threads; 1 is that of the caller alone. The packets are the same with
    /// any number.
    ///
    /// More than one thread is of use where all packets are of CELT
    /// ([`Options::is_all_celt`]), sync points are at most 10 seconds apart, and there are at
    /// most 8 channels. The recording is then encoded in segments of up to 10 seconds. In memory
    /// are the samples of two more segments than there are threads.
    pub fn new(source: S, options: &Options, threads: NonZeroUsize) -> Result<Self, EncodeError> {
        let encoder = Encoder::new(options)?;
        let frames = Frames::new(source, options, encoder.lookahead());
        let work = match Cut::new(options) {
            Some(cut) => Work::Segments(Box::new(Segments::new(cut, threads)?)),
            None => {
                let channels = usize::from(options.channels.count());
                Work::Frames(vec![0.0; options.frame_len() * channels])
            }
        };
        let options = options.clone();
        Ok(Self { options, frames, encoder, work, packets: 0, is_at_end: false })
    }

    /// The head of the stream; the rate is that of the recording before it was resampled for
    /// encoding, a note that has no effect on decoding.
    pub fn head(&self, input_sample_rate: u32) -> Result<OpusHead, EncodeError> {
        self.encoder.head(input_sample_rate)
    }

    /// What is encoded.
    pub fn source(&self) -> &S {
        self.frames.source()
    }

    /// Samples per channel, at the coding rate, that the source has given so far. With several
    /// threads that is ahead of the packets.
    pub fn source_len(&self) -> u64 {
        self.frames.source_len()
    }

    /// Which samples play: all of the source and no more, counted at 48 kHz. None before the
    /// last packet was given.
    pub fn timeline(&self) -> Option<Timeline> {
        let pre_skip = self.encoder.head(0).ok()?.pre_skip();
        let coded_length = self.packets * u64::from(self.options.frame_duration.samples());
        let play_length = self.frames.source_len() * u64::from(self.options.rate.divisor());
        let end_trim = coded_length.checked_sub(play_length)?.checked_sub(pre_skip.into())?;
        self.is_at_end.then(|| Timeline::new(pre_skip, coded_length, end_trim).ok())?
    }
}

impl<S: SampleSource> PacketSource for EncodedStream<S> {
    type Error = StreamError<S::Error>;

    fn next_packet(&mut self) -> Result<Option<Packet<'_>>, Self::Error> {
        let packet = match &mut self.work {
            Work::Segments(segments) => segments.next_packet(&mut self.frames, &self.options)?,
            Work::Frames(frame) => match self.frames.read(frame).map_err(StreamError::Source)? {
                0 => None,
                _ => Some(self.encoder.encode(frame)?),
            },
        };
        self.is_at_end = packet.is_none();
        self.packets += u64::from(packet.is_some());
        Ok(packet)
    }
}
