//! Long recordings, made of a short one.

use std::{fs::File, io::BufWriter, path::Path};

use ogg_opus_demux::{OggOpusReader, OggOpusWriter};
use opus_zarr::{Recording, import};

/// Imports a recording of so many hours: the packets of `testdata/field-notes.opus`
/// again and again.
pub fn import_hours(hours: u64, directory: &Path) -> Recording {
    let path = directory.join(format!("{hours}-hours.opus"));
    write_hours(hours, BufWriter::new(File::create(&path).unwrap()));
    import(&path, directory.join("store"), &format!("{hours}-hours")).unwrap().into_first()
}

/// Writes the file that [`import_hours`] imports.
pub fn write_hours(hours: u64, out: impl std::io::Write) {
    let notes = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/field-notes.opus");
    let open = || OggOpusReader::new(File::open(&notes).unwrap()).unwrap();
    let mut reader = open();
    let mut writer = OggOpusWriter::new(out, 1, reader.head(), reader.tags()).unwrap();
    let packets = hours * 3600 * 50;
    let mut written = 0;
    while written < packets {
        match reader.next_ogg_packet().unwrap() {
            None => reader = open(),
            Some(packet) => {
                writer.write(packet.data).unwrap();
                written += 1;
            }
        }
    }
    writer.finish(0).unwrap();
}
