//! Files whose packets cross pages: the store keeps the packets in new pages.

use std::{fs, io::Read, path::Path};

use ogg_opus_demux::{OggOpusReader, PageReader};
use opus_zarr::{Recording, StoredAs};
use opus_zarr_testkit::{
    Random, fast_folder,
    recordings::{BOTH, MONO, STEREO, all, import_bytes, import_to, stream_of},
    stream::{PACKET, Pages, Stream},
    testdata,
};

fn kept(recording: &Recording) -> Vec<u8> {
    let mut kept = Vec::new();
    recording.ogg_opus().read_to_end(&mut kept).unwrap();
    kept
}

/// A recording of `testdata/`, and the same in pages that its packets cross.
fn original_and_remuxed(file: &str, folder: &Path) -> (Recording, Recording) {
    let original =
        import_to(testdata(file), folder.join("store"), "original").unwrap().into_first();
    (original, import_bytes(&divisible(file).write(Pages::Full), folder, "remuxed"))
}

/// Pads the packets of a recording, because hardly any of them is long enough to cross a page.
fn divisible(file: &str) -> Stream {
    let stream = stream_of(file).padded();
    assert!(continued_pages(&stream.write(Pages::Full)) > 0, "no packet of {file} crosses a page");
    stream
}

fn continued_pages(file: &[u8]) -> usize {
    let mut pages = PageReader::new(file);
    let mut count = 0;
    while let Some((_, page)) = pages.next_page().unwrap() {
        count += usize::from(page.is_continued());
    }
    count
}

#[test]
fn the_samples_are_those_of_the_original() {
    for file in BOTH {
        let folder = fast_folder();
        let (original, remuxed) = original_and_remuxed(file, folder.path());
        assert_eq!(remuxed.info().play_length, original.info().play_length);
        assert_eq!(remuxed.info().packet_count, original.info().packet_count);
        assert!(all::<i16>(&remuxed) == all::<i16>(&original), "{file} i16");
        assert!(all::<f32>(&remuxed) == all::<f32>(&original), "{file} f32");
        let mut random = Random(1);
        for _ in 0..50 {
            let range = random.range(original.info().play_length, 20_000);
            let read = |from: &Recording| from.read::<i16>(range.clone()).unwrap();
            assert!(read(&remuxed) == read(&original), "{file} {range:?}");
        }
    }
}

#[test]
fn info_says_that_it_was_remuxed_and_from_which_file() {
    let folder = fast_folder();
    let (original, remuxed) = original_and_remuxed(MONO, folder.path());
    let source = &remuxed.info().source;
    let file = fs::metadata(folder.path().join("remuxed.opus")).unwrap();
    assert_eq!(source.stored, StoredAs::Remuxed);
    assert_eq!((source.name.as_str(), source.bytes), ("remuxed.opus", file.len()));
    assert_ne!(source.sha256, remuxed.info().blob_sha256);
    assert_eq!(remuxed.info().tags, original.info().tags);
}

#[test]
fn headers_and_packets_are_stored_byte_for_byte() {
    for file in BOTH {
        let folder = fast_folder();
        let (_, remuxed) = original_and_remuxed(file, folder.path());
        let (expected, found) = (divisible(file), Stream::read(&kept(&remuxed)));
        assert_eq!(found.serial, expected.serial);
        assert_eq!(found.head, expected.head);
        assert_eq!(found.last_granule, expected.last_granule);
        assert!(found.tags == expected.tags, "the tags of {file}");
        assert!(found.packets == expected.packets, "the packets of {file}");
    }
}

#[test]
fn no_stored_packet_crosses_a_page() {
    let folder = fast_folder();
    let (_, remuxed) = original_and_remuxed(MONO, folder.path());
    let kept = kept(&remuxed);
    let mut reader = OggOpusReader::new(kept.as_slice()).unwrap();
    while let Some(packet) = reader.next_located().unwrap() {
        let at = usize::try_from(packet.offset.expect("crosses a page")).unwrap();
        assert!(kept[at..].starts_with(packet.data), "the packet is elsewhere");
    }
    assert_eq!(reader.timeline().unwrap().play_length(), remuxed.info().play_length);
}

#[test]
fn the_stored_stream_imports_verbatim() {
    let folder = fast_folder();
    let (_, remuxed) = original_and_remuxed(MONO, folder.path());
    let again = import_bytes(&kept(&remuxed), folder.path(), "again");
    assert_eq!(again.info().source.stored, StoredAs::Verbatim);
    assert_eq!(again.info().blob_sha256, remuxed.info().blob_sha256);
}

#[test]
fn tags_longer_than_a_page_are_stored() {
    let folder = fast_folder();
    let picture = format!("METADATA_BLOCK_PICTURE={}", "a".repeat(200_000));
    let tags = opus_packet::OpusTags::new("vendor", ["TITLE=x", &picture]);
    let stream = Stream { tags: tags.as_bytes().to_vec(), ..divisible(STEREO) };
    for (name, pages) in [("remuxed", Pages::Full), ("verbatim", Pages::OfOneSecond)] {
        let recording = import_bytes(&stream.write(pages), folder.path(), name);
        assert_eq!(format!("{:?}", recording.info().source.stored).to_lowercase(), name);
        assert_eq!(recording.info().tags.comments, ["TITLE=x"]);
        assert_eq!(recording.info().tags.omitted, 1);
        assert!(Stream::read(&kept(&recording)).tags == stream.tags, "{name}: other tags");
    }
}

/// The last page of the source holds packets that do not play at all.
#[test]
fn a_remuxed_stream_ends_with_the_last_packet_that_plays() {
    let folder = fast_folder();
    let mut stream = divisible(STEREO).shortened(501);
    stream.last_granule -= PACKET + 40;
    let recording = import_bytes(&stream.write(Pages::Full), folder.path(), "trimmed");
    let info = recording.info();
    let end_trim = info.coded_length - info.play_length - u64::from(info.pre_skip);
    assert_eq!((info.source.stored, end_trim, info.packet_count), (StoredAs::Remuxed, 40, 500));
    assert_eq!(info.play_length, stream.last_granule - u64::from(info.pre_skip));
}
