//! A recording says which extensions its packets contain, and keeps them.

use std::{fs, io::Read, path::Path};

use opus_packet::extension_ids;
use opus_zarr::{
    ExtensionIds, ImportOptions, Recording, RecordingReader, StoredAs, VerifyLevel, VerifyOptions,
};
use opus_zarr_testkit::{
    fast_folder,
    recordings::verify_at,
    recordings::{MONO, all, bytes_of, import_bytes, import_with, open_at, store_of, stream_of},
    stream::Pages,
    testdata,
};
use serde_json::{Map, Value, json};

/// A second of stereo at 256 kb/s by libopus 1.6, with an Opus HD layer in every packet.
const HD: &str = "opus-hd.opus";

fn blob(recording: &Recording) -> Vec<u8> {
    let mut blob = Vec::new();
    recording.ogg_opus().read_to_end(&mut blob).unwrap();
    blob
}

fn attributes(store: &Path, name: &str) -> Value {
    let document = fs::read(store.join(name).join("zarr.json")).unwrap();
    let document: Value = serde_json::from_slice(&document).unwrap();
    document["attributes"]["opus_zarr"].clone()
}

#[test]
fn an_opus_hd_layer_is_kept_reported_and_recorded() {
    let folder = fast_folder();
    let options = ImportOptions::default().exact(true);
    let imported = import_with(testdata(HD), folder.path(), "hd", &options).unwrap();
    let [finding] = &imported.findings[..] else { panic!("{:?}", imported.findings) };
    assert!(!finding.is_violation);
    let expected = "61 packets contain Opus HD (extension 124), the first at coded sample 0; kept, but not decoded by libopus 1.3";
    assert!(finding.message.ends_with(expected), "{finding}");

    let recording = open_at(folder.path(), "hd").unwrap();
    let info = recording.info();
    assert!(info.extensions.iter().eq([ExtensionIds::OPUS_HD]));
    assert_eq!((info.source.stored, info.source.findings.len()), (StoredAs::Verbatim, 0));
    assert!(blob(&recording) == bytes_of(HD));
    assert_eq!((info.play_length, all::<f32>(&recording).len()), (57_600, 2 * 57_600));
    let options = VerifyOptions::default().level(VerifyLevel::Decode);
    assert!(verify_at(folder.path(), "hd", &options).unwrap().faults.is_empty());
}

#[test]
fn new_pages_keep_the_layer() {
    let folder = fast_folder();
    // Twice, so that a packet crosses a page.
    let mut stream = stream_of(HD);
    stream.packets.extend(stream.packets.clone());
    let remuxed = import_bytes(&stream.write(Pages::Full), folder.path(), "remuxed");
    assert_eq!(remuxed.info().source.stored, StoredAs::Remuxed);
    assert!(remuxed.info().extensions.contains(ExtensionIds::OPUS_HD));
    let packets = |file: &[u8]| {
        let mut reader = ogg_opus_demux::OggOpusReader::strict(file).unwrap();
        let mut packets = vec![];
        while let Some(packet) = reader.next_located().unwrap() {
            assert!(!extension_ids(packet.data, std::num::NonZeroU8::MIN).is_empty());
            packets.push(packet.data.to_vec());
        }
        packets
    };
    assert!(packets(&blob(&remuxed)) == stream.packets);
}

#[test]
fn the_attribute_is_there_only_if_there_are_extensions() {
    let folder = fast_folder();
    import_with(testdata(HD), folder.path(), "hd", &ImportOptions::default()).unwrap();
    assert_eq!(attributes(folder.path(), "hd")["extensions"], json!([124]));
    // It survives a change of the document.
    let mut reader = RecordingReader::open(folder.path(), &"hd".parse().unwrap()).unwrap();
    reader
        .edit_user_metadata(|all| *all = Map::from_iter([("place".to_owned(), json!("oak"))]))
        .unwrap();
    assert_eq!(attributes(folder.path(), "hd")["extensions"], json!([124]));

    let (plain, recording) = store_of(MONO);
    assert!(recording.info().extensions.is_empty());
    assert_eq!(attributes(plain.path(), "it").get("extensions"), None);
}
