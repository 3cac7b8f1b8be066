//! What a recording tells without being read. [`Recording`](crate::Recording) and
//! [`AsyncRecording`](crate::AsyncRecording) have it in common.

use std::ops::Range;

use opus_packet::{CodedPos, PlayPos, Timeline};
use opus_packet_index::SyncDecoder;
use opus_segment_decode::{APPROXIMATE_PRE_ROLL, LibopusDecoder, OtherLibopus, Output, OutputRate};
use opus_zarr_store::{RecordingInfo, RecordingName, SyncInfo};

use crate::{Error, error::Reason};

/// How close the samples of a read are to those of a full decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadMode {
    /// Bit for bit the samples of a full decode. Decoding begins where the sync map of the
    /// recording allows it, and at the first packet if it has none.
    Exact,
    /// Exact where that can be established without a sync map by looking back at most six seconds:
    /// near the beginning, and in CELT, as in most music, where two decoders that begin at different
    /// packets agree. Approximate elsewhere, and from the first such place of a range on.
    /// [`Recording::exactness_of`](crate::Recording::exactness_of) and
    /// [`SampleStream::exactness`](crate::SampleStream::exactness) say which.
    ///
    /// The first read of a place takes two to three times as long as an approximate one, later ones as
    /// long: the recording remembers what was established.
    Agreed,
    /// Position and length are exact, values are not. Decoding begins a fixed distance before
    /// the range (RFC 7845 section 4.6), but a decoder remembers more than that.
    Approximate {
        /// Distance in samples per channel at 48 kHz.
        pre_roll: u32,
    },
}

/// What makes reads exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exactness {
    /// The packets themselves, which were encoded here with sync points. The sync map says where,
    /// and holds for every decoder at every rate.
    Construction,
    /// The sync map, measured with this decoder at this rate.
    Map,
    /// The sync map, measured with another decoder or at another rate. Decoding begins earlier:
    /// where the memory of every decoder is equal, whatever its rounding. The decoder may be
    /// another because the program links another libopus: see [`other_libopus`](crate::other_libopus).
    SettledMap,
    /// Two decoders that began at different packets before the range agreed, which proves in CELT
    /// that both were right ([`ReadMode::Agreed`]).
    Agreement,
    /// Decoding began with the first packet.
    Beginning,
}

/// Why reads of a recording are not exact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum NotExact {
    #[error("no sync map; build one with `build_sync`")]
    NoSyncMap,
    #[error(
        "the sync map was built by rule {rule}, but rule {expected} is needed; build it again with `build_sync`"
    )]
    OtherRule { rule: u64, expected: u64 },
    #[error("the sync map was measured, and such maps do not hold for a libopus in fixed point")]
    FixedPoint,
    #[error("no sync map, and decoders do not agree there; build one with `build_sync`")]
    NoAgreement,
    #[error("an approximate read was requested")]
    Requested,
    #[error(
        "the sync map was built with {measured:?}, but this is {decoder:?}{}; build it again with `build_sync`",
        because_of_other_libopus()
    )]
    OtherDecoder { measured: String, decoder: String },
}

/// Returns the libopus that this program links, if it is another than the one that these crates are
/// built with. Its samples may differ in the last bit, so it needs sync maps of its own for
/// [`Exactness::Map`].
pub fn other_libopus() -> Option<OtherLibopus> {
    LibopusDecoder::other_libopus()
}

/// What a recording tells without being read.
pub(crate) struct Facts<'a> {
    pub(crate) name: &'a RecordingName,
    pub(crate) info: &'a RecordingInfo,
    pub(crate) timeline: Timeline,
    pub(crate) output: &'a Output,
}

impl Facts<'_> {
    pub(crate) fn exactness(&self) -> Result<Exactness, NotExact> {
        exactness(self.info, self.output.rate)
    }

    pub(crate) fn read_mode(&self) -> ReadMode {
        match self.exactness() {
            Ok(_) => ReadMode::Exact,
            Err(_) if !LibopusDecoder::is_fixed_point() => ReadMode::Agreed,
            Err(_) => ReadMode::Approximate { pre_roll: APPROXIMATE_PRE_ROLL },
        }
    }

    /// For which decoder agreement is looked for, at 48 kHz.
    pub(crate) fn agreeing_decoder(&self) -> SyncDecoder {
        match self.output.rate {
            OutputRate::Hz48000 => SyncDecoder::Measuring,
            _ => SyncDecoder::Any,
        }
    }

    /// For which decoder starts of the sync map are looked up.
    pub(crate) fn sync_decoder(&self) -> SyncDecoder {
        match self.exactness() {
            Ok(Exactness::SettledMap) | Err(_) => SyncDecoder::Any,
            Ok(_) => SyncDecoder::Measuring,
        }
    }

    pub(crate) fn sample_count(&self, range: Range<u64>) -> Result<u64, Error> {
        let samples = self.output.rate.samples(&self.coded(range)?);
        Ok(samples.end - samples.start)
    }

    pub(crate) fn first_play_sample(&self) -> u64 {
        let divisor = u64::from(self.output.rate.divisor());
        let pre_skip = u64::from(self.info.pre_skip);
        pre_skip.next_multiple_of(divisor) - pre_skip
    }

    pub(crate) fn play_samples(&self, frames: Range<u64>) -> Range<u64> {
        let (divisor, first) = (u64::from(self.output.rate.divisor()), self.first_play_sample());
        let play = |frame: u64| first.saturating_add(frame.saturating_mul(divisor));
        // The end of the recording may lie before that of its last frame.
        let last = frames.end.checked_sub(1).map_or(0, |last| play(last).saturating_add(1));
        let end = play(frames.end).min(self.info.play_length.max(last));
        play(frames.start)..end.max(play(frames.start))
    }

    pub(crate) fn coded(&self, play: Range<u64>) -> Result<Range<CodedPos>, Error> {
        let play = PlayPos::new(play.start)..PlayPos::new(play.end);
        self.timeline.coded(play).map_err(|reason| {
            Error::from(Reason::Read { recording: self.name.clone(), source: reason.into() })
        })
    }

    /// Checks the buffer of a read that returns `expected` samples of all channels.
    pub(crate) fn check_buffer(&self, found: usize, expected: usize) -> Result<(), Error> {
        if found == expected {
            return Ok(());
        }
        Err(Error::from(Reason::Buffer { recording: self.name.clone(), found, expected }))
    }
}

/// Tells whether reads of a recording are exact.
pub(crate) fn exactness(info: &RecordingInfo, rate: OutputRate) -> Result<Exactness, NotExact> {
    let sync = current(info)?;
    if sync.decoder == SyncInfo::ANY_DECODER {
        return Ok(Exactness::Construction);
    }
    if LibopusDecoder::is_fixed_point() {
        return Err(NotExact::FixedPoint);
    }
    let is_measured = sync.decoder == decoder() && rate == OutputRate::Hz48000;
    Ok(if is_measured { Exactness::Map } else { Exactness::SettledMap })
}

/// Checks that this program can derive the sync map of a recording again.
pub(crate) fn check_derivable(info: &RecordingInfo) -> Result<(), NotExact> {
    let (measured, decoder) = (&current(info)?.decoder, decoder());
    if measured == decoder || measured == SyncInfo::ANY_DECODER {
        return Ok(());
    }
    Err(NotExact::OtherDecoder { measured: measured.clone(), decoder: decoder.to_owned() })
}

/// The sync map of a recording, if this version can use it.
fn current(info: &RecordingInfo) -> Result<&SyncInfo, NotExact> {
    let sync = info.sync.as_ref().ok_or(NotExact::NoSyncMap)?;
    if sync.is_current() {
        return Ok(sync);
    }
    Err(NotExact::OtherRule { rule: sync.rule, expected: SyncInfo::RULE })
}

/// Says so if the program links another libopus than expected.
fn because_of_other_libopus() -> String {
    LibopusDecoder::other_libopus().map_or_else(String::new, |other| format!(" ({other})"))
}

fn decoder() -> &'static str {
    LibopusDecoder::identity().unwrap_or("none")
}

/// Adds the methods that `Recording` and `AsyncRecording` have in common.
macro_rules! facts_of {
    ($recording:ident) => {
        impl $recording {
            /// The name of the recording in its store.
            pub fn name(&self) -> &str {
                self.reader.name().as_str()
            }

            /// What the store knows about the recording.
            pub fn info(&self) -> &opus_zarr_store::RecordingInfo {
                self.reader.info()
            }

            /// How close reads are to a full decode: [`Exact`](crate::ReadMode::Exact) with a sync
            /// map, [`Agreed`](crate::ReadMode::Agreed) without one.
            pub fn read_mode(&self) -> $crate::ReadMode {
                self.facts().read_mode()
            }

            /// What makes every read exact, or why some are not.
            pub fn exactness(&self) -> Result<$crate::Exactness, $crate::NotExact> {
                self.facts().exactness()
            }

            /// The rate and channels of reads. By default all channels at 48 kHz.
            pub fn output(&self) -> &opus_segment_decode::Output {
                self.decoders.output()
            }

            /// Changes the rate and channels of reads. Ranges still count samples at 48 kHz: see
            /// [`OutputRate`](crate::OutputRate).
            ///
            /// Reads stay exact. A sync map is measured at 48 kHz, so at other rates decoding
            /// begins earlier ([`Exactness::SettledMap`](crate::Exactness::SettledMap)). The
            /// selection of channels makes no difference.
            ///
            /// # Errors
            ///
            /// The recording lacks a selected channel, or none is selected. The output then
            /// stays the same.
            pub fn set_output(
                &mut self,
                output: opus_segment_decode::Output,
            ) -> Result<(), $crate::Error> {
                self.decoders = $crate::decoders::Decoders::new(self.reader.head(), output)?;
                Ok(())
            }

            /// The number of samples per channel that a read of this range returns, at the rate of
            /// the output.
            pub fn sample_count(&self, range: std::ops::Range<u64>) -> Result<u64, $crate::Error> {
                self.facts().sample_count(range)
            }

            /// Returns the play samples of which a read returns these frames of the output, counted
            /// from the first frame. Adjacent ranges of frames give adjacent ranges of samples. The
            /// range may reach beyond the end of the recording.
            ///
            /// At 48 kHz, frames are play samples. At 16 kHz, a frame stands for three.
            pub fn play_samples(&self, frames: std::ops::Range<u64>) -> std::ops::Range<u64> {
                self.facts().play_samples(frames)
            }

            /// Returns the play samples that were recorded in a span of real time, counted from
            /// the first sample that plays. Adjacent spans give adjacent ranges.
            ///
            /// The range may reach beyond the end of the recording.
            pub fn samples_of(
                &self,
                time: std::ops::Range<std::time::Duration>,
            ) -> std::ops::Range<u64> {
                self.facts().samples_of(time)
            }

            /// Returns the play samples that were recorded in a span of the time of day, like
            /// [`samples_of`](Self::samples_of).
            ///
            /// ```no_run
            /// use opus_zarr::{Recording, Store, Timestamp};
            ///
            /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
            /// let recording = Recording::open(&Store::open("archive.zarr")?, "station-4")?;
            /// let dawn: Timestamp = "2026-05-12T03:10:00Z".parse()?;
            /// let dusk: Timestamp = "2026-05-12T19:40:00Z".parse()?;
            /// let samples = recording.samples_of_utc(dawn..dusk)?;
            /// println!("dawn is sample {}", samples.start);
            /// assert_eq!(recording.utc_of(samples.start), Some(dawn));
            /// # Ok(())
            /// # }
            /// ```
            ///
            /// # Errors
            ///
            /// The start of the recording is unknown, or later than one of the times.
            pub fn samples_of_utc(
                &self,
                time: std::ops::Range<jiff::Timestamp>,
            ) -> Result<std::ops::Range<u64>, $crate::Error> {
                self.facts().samples_of_utc(time)
            }

            /// Returns when a play sample was recorded, counted from the first sample that plays.
            pub fn time_of(&self, sample: u64) -> std::time::Duration {
                self.facts().time_of(sample)
            }

            /// Returns when a play sample was recorded, if the start of the recording is known.
            pub fn utc_of(&self, sample: u64) -> Option<jiff::Timestamp> {
                self.facts().utc_of(sample)
            }

            /// Returns the play samples that a selection stands for: at least one, and only
            /// samples that the recording has. Time is [real time](Self::samples_of).
            ///
            /// ```no_run
            /// # use opus_zarr::{Recording, Selection, Store};
            /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
            /// let recording = Recording::open(&Store::open("archive.zarr")?, "station-4")?;
            /// let range = recording.select(&"1:02:03.250..+10s".parse()?)?;
            /// let samples: Vec<f32> = recording.read(range)?;
            /// # Ok(())
            /// # }
            /// ```
            ///
            /// # Errors
            ///
            /// The selection holds no sample, or reaches beyond the end of the recording; or it
            /// is in time of day, and the recording began later or at an unknown time.
            pub fn select(
                &self,
                selection: &$crate::Selection,
            ) -> Result<std::ops::Range<u64>, $crate::Error> {
                self.facts().select(selection)
            }

            fn facts(&self) -> $crate::facts::Facts<'_> {
                $crate::facts::Facts {
                    name: self.reader.name(),
                    info: self.reader.info(),
                    timeline: self.reader.timeline(),
                    output: self.decoders.output(),
                }
            }
        }
    };
}

pub(crate) use facts_of;
