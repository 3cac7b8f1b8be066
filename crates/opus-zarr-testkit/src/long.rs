//! Long recordings.

use std::{fs::File, io::BufWriter, path::Path};

use ogg_opus_demux::{OggOpusReader, OggOpusWriter};
use opus_packet::{OpusHead, OpusTags};
use opus_zarr::Recording;

use crate::{files::testdata, random::Random, recordings::import_to};

/// Imports a recording that repeats the packets of `testdata/field-notes.opus` for this many
/// hours.
pub fn import_hours(hours: u64, directory: &Path) -> Recording {
    let path = directory.join(format!("{hours}-hours.opus"));
    write_hours(hours, BufWriter::new(File::create(&path).unwrap()));
    import_to(&path, directory.join("store"), &format!("{hours}-hours")).unwrap().into_first()
}

/// Writes the file that [`import_hours`] imports.
pub fn write_hours(hours: u64, out: impl std::io::Write) {
    let notes = testdata("field-notes.opus");
    let open = || OggOpusReader::new(File::open(&notes).unwrap()).unwrap();
    let mut reader = open();
    let mut writer = OggOpusWriter::new(out, 1, reader.head(), reader.tags()).unwrap();
    let packets = hours * 3600 * 50;
    let mut written = 0;
    while written < packets {
        match reader.next_located().unwrap() {
            None => reader = open(),
            Some(packet) => {
                writer.write(packet.data).unwrap();
                written += 1;
            }
        }
    }
    writer.finish(0).unwrap();
}

/// Writes a file of this many hours at the bit rate of music, 128 kb/s CBR: stereo CELT packets
/// of 20 ms that decode to noise.
pub fn write_music_hours(hours: u64, out: impl std::io::Write) {
    let head = OpusHead::new(2, 312, 48_000).unwrap();
    let tags = OpusTags::new("noise", Vec::<&str>::new());
    let mut writer = OggOpusWriter::new(out, 1, &head, &tags).unwrap();
    let mut random = Random(1);
    let noise: Vec<u8> = (0..1 << 20).map(|_| random.below(256).to_le_bytes()[0]).collect();
    let mut packet = [0xfc; 320]; // CELT, fullband, 20 ms, stereo, one frame
    for _ in 0..hours * 3600 * 50 {
        let from = usize::try_from(random.below(1 << 19)).unwrap();
        packet[1..].copy_from_slice(&noise[from..from + 319]);
        writer.write(&packet).unwrap();
    }
    writer.finish(0).unwrap();
}
