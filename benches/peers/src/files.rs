use std::{
    fs::File,
    io::BufWriter,
    path::{Path, PathBuf},
};

use ogg_opus_demux::{OggOpusReader, OggOpusWriter};
use opus_packet::{OpusHead, OpusTags};
use opus_zarr::{ImportOptions, Recording, Store, import, unwatched};

use crate::tones;

/// The content of a file.
#[derive(Clone, Copy)]
pub(crate) enum Audio {
    /// `testdata/field-notes.opus`: 24 kb/s, SILK and hybrid, mono.
    Speech,
    /// Tones that come and go, with noise, at 64 kb/s per channel.
    Celt { channels: u8 },
}

impl Audio {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Speech => "speech, mono",
            Self::Celt { channels: 1 } => "CELT, mono",
            Self::Celt { .. } => "CELT, stereo",
        }
    }
}

/// A file, and the store that holds it with a sync map.
pub(crate) struct Files {
    pub(crate) audio: Audio,
    pub(crate) minutes: usize,
    pub(crate) file: PathBuf,
    pub(crate) store: PathBuf,
}

impl Files {
    /// Creates both by repeating a short piece.
    pub(crate) fn new(audio: Audio, minutes: usize, folder: &Path) -> Self {
        let file = folder.join(format!("{}, {minutes}.opus", audio.name()));
        let store = file.with_extension("zarr");
        let (head, packets) = match audio {
            Audio::Speech => field_notes(),
            Audio::Celt { channels } => tones(channels),
        };
        let out = BufWriter::new(File::create(&file).unwrap());
        let tags = OpusTags::new("bench", Vec::<&str>::new());
        let mut writer = OggOpusWriter::new(out, 1, &head, &tags).unwrap();
        for packet in packets.iter().cycle().take(minutes * 60 * 50) {
            writer.write(packet).unwrap();
        }
        writer.finish(0).unwrap();
        let options = ImportOptions::default().exact(true);
        import(&file, &Store::open_or_create(&store).unwrap(), NAME, &options, unwatched).unwrap();
        Self { audio, minutes, file, store }
    }
}

/// Opens the imported recording.
pub(crate) fn open(store: &Path) -> Recording {
    Recording::open(&Store::open(store).unwrap(), NAME).unwrap()
}

const NAME: &str = "recording";

fn field_notes() -> (OpusHead, Vec<Vec<u8>>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/field-notes.opus");
    let mut reader = OggOpusReader::new(File::open(path).unwrap()).unwrap();
    let head = reader.head().clone();
    let mut packets = Vec::new();
    while let Some(packet) = reader.next_located().unwrap() {
        packets.push(packet.data.to_vec());
    }
    (head, packets)
}

/// Five minutes.
fn tones(channels: u8) -> (OpusHead, Vec<Vec<u8>>) {
    let head = OpusHead::new(channels, 312, 48_000).unwrap();
    (head, tones::packets(channels, 5 * 60 * 50))
}
