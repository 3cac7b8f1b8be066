use std::{num::NonZeroUsize, vec::Drain};

use opus_packet::{OpusHead, Packet, PacketSource, Timeline};

use crate::{
    Encoder, Error, Options, SampleSource, SyncPoint,
    frames::Frames,
    segments::{Cut, Segments},
};

/// Encodes a [`SampleSource`] as Opus packets, in bounded memory.
///
/// Playback has exactly the length of the source, with every sample at its place; see
/// [`timeline`](Self::timeline).
///
/// The caller pulls the packets, so it can report progress after each one and cancel by dropping
/// the stream, which stops its threads.
pub struct EncodedStream<S> {
    options: Options,
    frames: Frames<S>,
    /// Supplies the head, and encodes unless segments do.
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
    /// Starts encoding on `threads` threads; 1 uses only the thread of the caller. The packets do
    /// not depend on the number of threads.
    ///
    /// More than one thread helps if all packets use CELT ([`Options::is_all_celt`]), sync points
    /// are at most 10 seconds apart, and there are at most 8 channels. The recording is then
    /// encoded in segments of up to 10 seconds. Memory holds the samples of two more segments than
    /// there are threads.
    ///
    /// # Errors
    ///
    /// Invalid options, a source whose channels or sample rate differ from them, and threads that
    /// do not start.
    pub fn new(source: S, options: &Options, threads: NonZeroUsize) -> Result<Self, Error> {
        let encoder = Encoder::new(options)?;
        let frames = Frames::new(source, options, encoder.lookahead())?;
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

    /// Returns the next packet, or `None` at the end.
    ///
    /// The same as [`PacketSource::next_packet`], without importing the trait.
    pub fn next_packet(&mut self) -> Result<Option<Packet<'_>>, Error> {
        let packet = match &mut self.work {
            Work::Segments(segments) => segments.next_packet(&mut self.frames, &self.options)?,
            Work::Frames(frame) => match self.frames.read(frame)? {
                0 => None,
                _ => Some(self.encoder.encode(frame)?),
            },
        };
        self.is_at_end = packet.is_none();
        self.packets += u64::from(packet.is_some());
        Ok(packet)
    }

    /// Returns where decoders may start, as far as the packets so far show it, in order, and forgets
    /// these points. Once [`next_packet`](Self::next_packet) has returned `None`, all have been
    /// returned.
    ///
    /// A decoder may also start with the first packet, which is not among them. The points do not
    /// depend on the number of threads. There is one per [`sync_interval`](Options::sync_interval),
    /// except where no decoder would be exact before the next one.
    ///
    /// ```
    /// use std::num::NonZeroUsize;
    ///
    /// use opus_encode::{Channels, EncodedStream, Options, SliceSource};
    ///
    /// let samples = vec![0.0; 2 * 48_000];
    /// let options = Options::new(Channels::MONO);
    /// let source = SliceSource::new(&samples, 1, 48_000);
    /// let mut stream = EncodedStream::new(source, &options, NonZeroUsize::MIN)?;
    /// while let Some(_packet) = stream.next_packet()? {}
    /// let interval = options.sync_samples().unwrap();
    /// let points: Vec<_> = stream.drain_sync_points().collect();
    /// assert_eq!(points[0].start.get(), interval);
    /// assert!(points[0].exact_from > points[0].start);
    /// # Ok::<(), opus_encode::Error>(())
    /// ```
    pub fn drain_sync_points(&mut self) -> Drain<'_, SyncPoint> {
        match &mut self.work {
            Work::Segments(segments) => segments.drain_sync_points(),
            Work::Frames(_) => self.encoder.drain_sync_points(),
        }
    }

    /// Returns the head of the stream (RFC 7845 section 5.1). `input_sample_rate` is the rate of
    /// the recording in Hz before it was resampled for encoding, a note that does not affect
    /// decoding.
    pub fn head(&self, input_sample_rate: u32) -> Result<OpusHead, Error> {
        self.encoder.head(input_sample_rate)
    }

    /// Returns the source.
    pub fn source(&self) -> &S {
        self.frames.source()
    }

    /// Returns how many samples per channel, at the coding rate, were read from the source so far.
    /// With several threads, this runs ahead of the packets.
    pub fn source_len(&self) -> u64 {
        self.frames.source_len()
    }

    /// Returns which samples play, counted at 48 kHz: all of the source and no more. Returns `None`
    /// until [`next_packet`](Self::next_packet) has returned `None`.
    pub fn timeline(&self) -> Option<Timeline> {
        let pre_skip = self.encoder.head(0).ok()?.pre_skip();
        let coded_length = self.packets * u64::from(self.options.frame_duration.samples());
        let play_length = self.frames.source_len() * u64::from(self.options.rate.divisor());
        let end_trim = coded_length.checked_sub(play_length)?.checked_sub(pre_skip.into())?;
        self.is_at_end.then(|| Timeline::new(pre_skip, coded_length, end_trim).ok())?
    }
}

impl<S: SampleSource> PacketSource for EncodedStream<S> {
    type Error = Error;

    fn next_packet(&mut self) -> Result<Option<Packet<'_>>, Error> {
        self.next_packet()
    }
}
