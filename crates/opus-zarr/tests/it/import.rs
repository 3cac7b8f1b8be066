//! The short path: a small stream is imported, described and read.

use std::{fs, io::Read, path::Path};

use ogg_opus_demux::OggOpusWriter;
use opus_packet::{OpusHead, OpusTags};
use opus_zarr::{ErrorKind, ReadMode, Recording, StoredAs, unwatched};
use opus_zarr_testkit::recordings::{import_to, open_at};

/// Two seconds of stereo silence: packets of only a TOC byte.
fn silence() -> Vec<u8> {
    let head = OpusHead::new(2, 312, 48_000).unwrap();
    let tags = OpusTags::new("nobody", ["TITLE=silence"]);
    let mut writer = OggOpusWriter::new(Vec::new(), 7, &head, &tags).unwrap();
    (0..101).for_each(|_| writer.write(&[0xfc]).unwrap());
    writer.finish(648).unwrap()
}

fn imported(directory: &Path) -> Recording {
    let file = directory.join("silence.opus");
    fs::write(&file, silence()).unwrap();
    import_to(file, directory.join("store"), "silence").unwrap().into_first()
}

#[test]
fn an_import_is_described_and_read() {
    let directory = tempfile::tempdir().unwrap();
    drop(imported(directory.path()));
    let recording = open_at(directory.path().join("store"), "silence").unwrap();
    let info = recording.info();
    assert_eq!((info.channels, info.play_length, info.packet_count), (2, 96_000, 101));
    assert_eq!(
        (info.source.name.as_str(), info.source.stored),
        ("silence.opus", StoredAs::Verbatim)
    );
    assert_eq!(info.tags.comments, ["TITLE=silence"]);
    assert_eq!(info.duration().as_secs(), 2);
    assert_eq!(recording.read_mode(), ReadMode::Agreed);
    assert_eq!(recording.read::<i16>(95_000..96_000).unwrap(), [0; 2000]);
    assert_eq!(recording.find(0..1000).unwrap(), 0..2);
    let mut stream = Vec::new();
    recording.ogg_opus().read_to_end(&mut stream).unwrap();
    assert!(stream == silence());
}

#[test]
fn a_lost_index_is_rebuilt() {
    let directory = tempfile::tempdir().unwrap();
    let mut recording = imported(directory.path());
    let shard = directory.path().join("store/silence/opus_index/c/0/0");
    let before = fs::read(&shard).unwrap();
    fs::remove_file(&shard).unwrap();
    assert!(!recording.has_index());
    assert_eq!(recording.read::<f32>(0..10).unwrap(), [0.0; 20], "read without the index");
    recording.rebuild_index(unwatched).unwrap();
    assert!(recording.has_index() && fs::read(&shard).unwrap() == before);
}

#[test]
fn a_name_belongs_to_one_file() {
    let directory = tempfile::tempdir().unwrap();
    imported(directory.path());
    let (file, store) = (directory.path().join("silence.opus"), directory.path().join("store"));
    let again = import_to(&file, &store, "silence").unwrap();
    assert_eq!((again.earlier, again.recordings.len()), (1, 1), "not the same recording");
    let mut other = silence();
    other.extend(silence());
    fs::write(&file, other).unwrap();
    let error = import_to(&file, &store, "silence").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OtherFile);
    assert!(error.to_string().ends_with("came from a different file"), "{error}");
}
