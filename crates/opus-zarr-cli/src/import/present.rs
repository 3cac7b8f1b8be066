//! What is in the store already.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Write},
    path::Path,
};

use opus_encode::Channels;
use opus_packet::SAMPLE_RATE;
use opus_zarr::{Bitrate, Certainty, ImportOptions, RecordingInfo, Ultrasound};
use opus_zarr_store::RecordingName;
use sha2::{Digest, Sha256};

use crate::{
    failure::{Exit, Failure},
    interrupt,
    list::for_each,
    place::StorePlace,
};

/// The recordings of a store, by the length of the files that they were imported from: nothing else
/// is hashed.
#[derive(Default)]
pub(super) struct Present(HashMap<u64, Vec<Known>>);

struct Known {
    name: String,
    sha256: String,
    has_sync: bool,
    /// Whether it is one of several streams of a file, and not the first: `name.2`.
    is_further: bool,
    /// Whether only the clock of the recorder is known.
    lacks_zone: bool,
    /// How it was encoded, if it was.
    encoded: Option<Encoded>,
}

struct Encoded {
    channels: u8,
    /// Of the file, in Hz.
    rate: u32,
    bitrate: u32,
    frame_samples: u32,
    is_kept: bool,
}

/// What a file is to a store.
pub(super) enum Found<'a> {
    /// A recording of it, as it would be imported now; and those of it that have no sync map.
    Same {
        name: &'a str,
        without_sync: Vec<&'a str>,
    },
    /// A recording of it, imported in another way.
    Other {
        name: &'a str,
    },
    Nothing,
}

impl Present {
    /// Reads what a store holds, if there is one.
    pub(super) fn of(place: &StorePlace) -> Result<Self, Failure> {
        let store = match place.open() {
            Ok(store) => store,
            Err(failure) if failure.exit == Exit::Missing => return Ok(Self::default()),
            Err(failure) => return Err(failure),
        };
        let mut present = Self::default();
        for_each(&store, |name, recording| {
            // What is damaged is not there; to write it again says so.
            if let Ok(recording) = recording {
                let info = recording.info();
                present.0.entry(info.source.bytes).or_default().push(Known::of(&name, info));
            }
            Ok(())
        })?;
        Ok(present)
    }

    /// Looks for a file, by length and then by content.
    pub(super) fn find(
        &self,
        path: &Path,
        bytes: u64,
        name: &RecordingName,
        options: &ImportOptions,
    ) -> Result<Found<'_>, Failure> {
        let Some(candidates) = self.0.get(&bytes) else { return Ok(Found::Nothing) };
        let sha256 = sha256(path)?;
        let of_file = |known: &&Known| known.sha256 == sha256;
        let (mut same, mut other): (Vec<_>, Vec<_>) =
            candidates.iter().filter(of_file).partition(|known| known.is_as_asked(options));
        // What has the name that the file would get comes first.
        for known in [&mut same, &mut other] {
            known.sort_by_key(|known| known.name != name.as_str());
        }
        let without_sync = same.iter().filter(|known| !known.has_sync);
        let without_sync = without_sync.map(|known| known.name.as_str()).collect();
        // Of a file with several streams the first is written last.
        Ok(match (same.iter().find(|known| !known.is_further), other.first()) {
            (Some(known), _) => Found::Same { name: &known.name, without_sync },
            (None, Some(known)) => Found::Other { name: &known.name },
            (None, None) => Found::Nothing,
        })
    }
}

impl Known {
    fn of(name: &RecordingName, info: &RecordingInfo) -> Self {
        let start = info.start.as_ref();
        let encoded = info.source.transcoding.as_ref().map(|transcoding| Encoded {
            channels: info.channels,
            rate: transcoding.rate,
            bitrate: transcoding.settings.bitrate,
            frame_samples: transcoding.settings.frame_duration,
            is_kept: transcoding.is_kept,
        });
        Self {
            name: name.to_string(),
            sha256: info.source.sha256.clone(),
            has_sync: info.sync.is_some(),
            is_further: info.source.stream > 1 && ends_in_number(name.as_str()),
            lacks_zone: start.is_some_and(|start| start.certainty == Certainty::LocalOnly),
            encoded,
        }
    }

    /// Whether it is what an import with these options would make, as far as the command line
    /// says. Whether there is a sync map can be changed later.
    fn is_as_asked(&self, options: &ImportOptions) -> bool {
        let would_gain_zone = self.lacks_zone && options.zone.is_some();
        !would_gain_zone && self.encoded.as_ref().is_none_or(|encoded| encoded.is_as_asked(options))
    }
}

impl Encoded {
    fn is_as_asked(&self, options: &ImportOptions) -> bool {
        let asked = &options.transcode;
        let default = || Channels::new(self.channels).ok().map(Bitrate::default_for);
        let bitrate = asked.bitrate.or_else(default).map(Bitrate::get);
        let keeps = asked.ultrasound == Ultrasound::Keep && self.rate > SAMPLE_RATE;
        bitrate == Some(self.bitrate)
            && asked.frame_duration.samples() == self.frame_samples
            && keeps == self.is_kept
    }
}

fn ends_in_number(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, number)| number.parse::<u64>().is_ok())
}

/// SHA-256 of a file, in hexadecimal.
fn sha256(path: &Path) -> Result<String, Failure> {
    let fault = |error: io::Error| match interrupt::check() {
        Err(interrupted) => interrupted,
        Ok(()) => Failure::io("read", path, &error),
    };
    let mut hash = Hash(Sha256::new());
    let mut file = File::open(path).map_err(fault)?;
    io::copy(&mut file, &mut hash).map_err(fault)?;
    Ok(hash.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Ends when it is asked to.
struct Hash(Sha256);

impl Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        interrupt::check().map_err(|_| io::Error::other("interrupted"))?;
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
