//! What a recording tells without being read. [`Recording`](crate::Recording) and
//! [`AsyncRecording`](crate::AsyncRecording) have it in common.

use std::ops::Range;

use opus_packet::{CodedPos, PlayPos, Timeline};
use opus_segment_decode::{APPROXIMATE_PRE_ROLL, LibopusDecoder, Output, OutputRate};
use opus_zarr_store::{RecordingInfo, RecordingName};

use crate::{Error, error::Reason};

/// How close the samples of a read are to those of a full decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadMode {
    /// Bit for bit the samples of a full decode. Decoding begins where the sync map of the
    /// recording allows it.
    Exact,
    /// Position and length are exact, values are not. Decoding begins a fixed distance before
    /// the range (RFC 7845 section 4.6), but a decoder remembers more than that.
    Approximate {
        /// Distance in samples per channel at 48 kHz.
        pre_roll: u32,
    },
}

/// Why reads of a recording are not exact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum NotExact {
    #[error("no sync map; build one with `build_sync`")]
    NoSyncMap,
    #[error(
        "the sync map was built with {measured:?}, but this is {decoder:?}; build it again with `build_sync`"
    )]
    OtherDecoder { measured: String, decoder: String },
    #[error("reads are exact at 48000 Hz only, but the output is at {rate} Hz")]
    OtherRate { rate: u32 },
}

/// What a recording tells without being read.
pub(crate) struct Facts<'a> {
    pub(crate) name: &'a RecordingName,
    pub(crate) info: &'a RecordingInfo,
    pub(crate) timeline: Timeline,
    pub(crate) output: &'a Output,
}

impl Facts<'_> {
    pub(crate) fn exactness(&self) -> Result<(), NotExact> {
        exactness(self.info, self.output.rate)
    }

    pub(crate) fn read_mode(&self) -> ReadMode {
        match self.exactness() {
            Ok(()) => ReadMode::Exact,
            Err(_) => ReadMode::Approximate { pre_roll: APPROXIMATE_PRE_ROLL },
        }
    }

    /// Checks that reads in this mode are possible.
    pub(crate) fn check(&self, mode: ReadMode) -> Result<(), Error> {
        if mode != ReadMode::Exact {
            return Ok(());
        }
        let recording = self.name.clone();
        self.exactness()
            .map_err(|reason| Error::from(Reason::NotExact { recording, source: reason }))
    }

    pub(crate) fn sample_count(&self, range: Range<u64>) -> Result<u64, Error> {
        let samples = self.output.rate.samples(&self.coded(range)?);
        Ok(samples.end - samples.start)
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

/// Tells whether the decoder of this program reads a recording exactly.
pub(crate) fn exactness(info: &RecordingInfo, rate: OutputRate) -> Result<(), NotExact> {
    let measured = &info.sync.as_ref().ok_or(NotExact::NoSyncMap)?.decoder;
    let decoder = LibopusDecoder::identity().unwrap_or("none");
    if *measured != *decoder {
        let (measured, decoder) = (measured.clone(), decoder.to_owned());
        return Err(NotExact::OtherDecoder { measured, decoder });
    }
    match rate {
        OutputRate::Hz48000 => Ok(()),
        rate => Err(NotExact::OtherRate { rate: rate.hz() }),
    }
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

            /// How close reads are to a full decode: exact if possible.
            pub fn read_mode(&self) -> $crate::ReadMode {
                self.facts().read_mode()
            }

            /// Whether reads are exact, or why not.
            pub fn exactness(&self) -> Result<(), $crate::NotExact> {
                self.facts().exactness()
            }

            /// The rate and channels of reads. By default all channels at 48 kHz.
            pub fn output(&self) -> &opus_segment_decode::Output {
                self.decoders.output()
            }

            /// Changes the rate and channels of reads. Ranges still count samples at 48 kHz: see
            /// [`OutputRate`](crate::OutputRate).
            ///
            /// A sync map is measured at 48 kHz, so reads at other rates are approximate. The
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
