//! Imports that must fail: with one line that says what is wrong and where, without half-written or
//! lost data, and without effect on the next import.

mod attempts;
mod disks;

use ogg::{PacketWriteEndInfo, PacketWriter};
use ogg_opus_demux::PageReader;
use opus_zarr_testkit::recordings::{MONO, bytes_of};

use self::{
    attempts::{Attempt, World},
    disks::{FULL, READ_ONLY},
};

/// An import that must fail.
struct Row {
    what: &'static str,
    attempt: Attempt,
    /// A part of the error. WORLD stands for the directory of the test.
    says: String,
}

#[test]
fn failed_imports_say_why_in_one_line_and_leave_no_trace() {
    let world = World::new();
    for Row { what, attempt, says } in rows() {
        let before = world.tree();
        for error in world.refusals(&attempt) {
            let error = world.anonymous(&error);
            println!("{what}: {error}");
            assert_eq!(error.lines().count(), 1, "{what}: {error}");
            assert!(error.contains(&says), "{what}: expected \"{says}\", found\n{error}");
        }
        before.assert_same(&world.tree(), what);
        world.assert_that_the_earlier_recording_reads(what);
        world.assert_that_a_good_import_works(what);
    }
}

fn rows() -> Vec<Row> {
    [cut_off(), flipped(), pages(), not_ogg_opus(), no_file(), names(), stores(), full_disks()]
        .into_iter()
        .flatten()
        .collect()
}

fn row(what: &'static str, attempt: Attempt, says: impl Into<String>) -> Row {
    Row { what, attempt, says: says.into() }
}

/// A file with an error at a byte.
fn file(what: &'static str, bytes: impl Into<Vec<u8>>, at: usize, says: &str) -> Row {
    row(what, Attempt::Bytes(bytes.into()), format!("\"WORLD/source.opus\": byte {at}: {says}"))
}

/// A good file, and the offsets of its pages and of its end.
fn good_file() -> (Vec<u8>, Vec<usize>) {
    let bytes = bytes_of(MONO);
    let mut pages = PageReader::new(bytes.as_slice());
    let mut starts = vec![];
    while let Some((offset, _)) = pages.next_page().unwrap() {
        starts.push(usize::try_from(offset).unwrap());
    }
    starts.push(bytes.len());
    (bytes, starts)
}

fn cut_off() -> Vec<Row> {
    let (good, page) = good_file();
    let cut = |end: usize| &good[..end];
    let last = page.len() - 2;
    vec![
        row("empty", Attempt::Bytes(vec![]), "\"WORLD/source.opus\": the file is empty"),
        other("cut in \"OggS\"", cut(2), "the file begins with \"Og\", expected Opus in Ogg"),
        file("cut in the head page", cut(40), 0, "Ogg page of at least 47 bytes, but only 40"),
        file("cut after the head", cut(page[1]), 47, "expected an OpusTags packet"),
        file("cut in the tags", cut(page[2] - 1), 47, "Ogg page of at least"),
        file("cut after the tags", cut(page[2]), page[2], "end of the stream: 0 coded samples"),
        file("cut in a page header", cut(page[9] + 26), page[9], "Ogg page of at least 27"),
        file("cut in the lacing", cut(page[9] + 30), page[9], "Ogg page of at least"),
        file("cut in an audio page", cut(page[10] - 500), page[9], "Ogg page of at least"),
        file("one byte short", cut(good.len() - 1), page[last], "Ogg page of at least"),
    ]
}

fn flipped() -> Vec<Row> {
    let (good, page) = good_file();
    let flip = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let (head, tags, audio) = (page[0], page[1], page[9]);
    let checksum = "Ogg page with checksum 0x";
    vec![
        file("flipped in the head", flip(head + 30), head, checksum),
        file("flipped in the tags", flip(tags + 60), tags, checksum),
        file("flipped in a packet", flip(audio + 1000), audio, checksum),
        file("flipped in the last byte", flip(good.len() - 1), page[page.len() - 2], checksum),
        file("flipped in \"OggS\"", flip(audio), audio, "expected an Ogg page (\"OggS\"), found"),
        file("flipped in the version", flip(audio + 4), audio, "Ogg page of version 1, expected 0"),
        file("flipped in the flags", flip(audio + 5), audio, checksum),
        file("flipped in the granule", flip(audio + 6), audio, checksum),
        file("flipped in the serial", flip(audio + 14), audio, checksum),
        file("flipped in the sequence", flip(audio + 18), audio, checksum),
        file("flipped in the checksum", flip(audio + 22), audio, checksum),
        file("flipped in the segment count", flip(audio + 26), audio, checksum),
        file("flipped in the lacing", flip(audio + 27), audio, checksum),
    ]
}

fn pages() -> Vec<Row> {
    let (good, page) = good_file();
    let span = |from: usize, to: usize| &good[page[from]..page[to]];
    let end = page.len() - 1;
    let nine = page[9];
    let lost = [span(0, 9), span(10, end)].concat();
    let twice = [span(0, 10), span(9, end)].concat();
    let swapped = [span(0, 9), span(10, 11), span(9, 10), span(11, end)].concat();
    let pages_are_lost = "expected 9: pages are lost";
    vec![
        file("a page lost", lost, nine, &format!("page number 10, {pages_are_lost}")),
        file("a page twice", twice, page[10], "page number 9, expected 10: a page is repeated"),
        file("pages swapped", swapped, nine, &format!("page number 10, {pages_are_lost}")),
        file("no head", span(1, end), 0, "expected a first page (BOS)"),
        file("two heads", [span(0, 1), &good].concat(), page[1], "the header pages are"),
        file("junk before", [b"ID3\x04", &*good].concat(), 0, "expected an Ogg page"),
        file("junk between", [span(0, 9), b"junk", span(9, end)].concat(), nine, "expected an Ogg"),
        file("junk after", [&good, &b"junk"[..]].concat(), page[end], "expected an Ogg page"),
        file("zeros after", [&good, &[0; 99][..]].concat(), page[end], "expected an Ogg page"),
    ]
}

fn not_ogg_opus() -> Vec<Row> {
    vec![
        other(
            "text",
            "Dear reader",
            "the file begins with \"Dear rea\", expected Opus in Ogg, WebM",
        ),
        other(
            "a WAV cut before its samples",
            wav()[..36].to_vec(),
            "byte 36: expected a \"data\" chunk",
        ),
        other("a WAV without samples", wav()[..44].to_vec(), "stream 1: nothing to play"),
        other("zeros", vec![0; 100_000], "the file begins with \"\\x00\\x00"),
        other("one line feed", "\n", "the file begins with \"\\n\", expected Opus"),
        row(
            "bare packets",
            Attempt::Bytes([0xf8, 0xff, 0xfe].repeat(99)),
            "bare Opus packets cannot be split",
        ),
        other("Vorbis without an end", ogg_of(b"\x01vorbis\0\0\0\0"), "cannot read the audio file"),
        other("FLAC without an end", ogg_of(b"\x7fFLAC\x01\0"), "cannot read the audio file"),
        other("an unknown codec", ogg_of(b"dear reader"), "cannot read the audio file"),
        file(
            "three channels",
            ogg_of(THREE_CHANNELS),
            0,
            "mapping family 0 does not allow 3 channels",
        ),
    ]
}

/// A file of an unknown format.
fn other(what: &'static str, bytes: impl Into<Vec<u8>>, says: &str) -> Row {
    row(what, Attempt::Bytes(bytes.into()), format!("\"WORLD/source.opus\": {says}"))
}

fn wav() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
    (0..4800).for_each(|sample| writer.write_sample(sample).unwrap());
    writer.finalize().unwrap();
    bytes.into_inner()
}

/// An Ogg stream of this packet, alone on its page, and of another one.
fn ogg_of(packet: &'static [u8]) -> Vec<u8> {
    let mut writer = PacketWriter::new(Vec::new());
    writer.write_packet(packet, 1, PacketWriteEndInfo::EndPage, 0).unwrap();
    writer.write_packet(&b"more"[..], 1, PacketWriteEndInfo::EndStream, 0).unwrap();
    writer.into_inner()
}

/// A head that contradicts itself: family 0 has one or two channels.
const THREE_CHANNELS: &[u8] = b"OpusHead\x01\x03\x38\x01\x80\xbb\0\0\0\0\0";

fn no_file() -> Vec<Row> {
    let directory = "cannot open \"WORLD/directory\": is a directory";
    let missing = "cannot open \"WORLD/missing.opus\": No such file or directory";
    let beneath = "cannot open \"WORLD/file/x.opus\": Not a directory";
    vec![
        row("a directory", Attempt::Source("directory"), directory),
        row("a missing file", Attempt::Source("missing.opus"), missing),
        row("a file in a file", Attempt::Source("file/x.opus"), beneath),
        row("a pipe", Attempt::Source("pipe"), "cannot open \"WORLD/pipe\": not a regular file"),
        row(
            "a device",
            Attempt::Source("/dev/zero"),
            "cannot open \"/dev/zero\": not a regular file",
        ),
        row(
            "lines",
            Attempt::Source("line\nfeed/file"),
            "\"WORLD/line\\nfeed/file\": the file begins",
        ),
        row("no lines", Attempt::Source("a\nb"), "cannot open \"WORLD/a\\nb\": No such file"),
    ]
}

fn names() -> Vec<Row> {
    let bad = |name: &str, shown: &str, reason: &str| {
        let says = format!("invalid recording name \"{shown}\": {reason}");
        row("a name", Attempt::Name(name.to_owned()), says)
    };
    let (reserved, forbidden) =
        ("names that start with \".\" or \"__\", ", "expected none of / \\ : *");
    let taken = "recording \"earlier\" already exists in \"WORLD/store\"";
    vec![
        row("a name that is taken", Attempt::Name("earlier".to_owned()), taken),
        bad("", "", "expected at least one character"),
        bad(".", ".", reserved),
        bad("..", "..", reserved),
        bad("zarr.json", "zarr.json", reserved),
        bad("__x", "__x", reserved),
        bad(".opus-zarr-draft-1", ".opus-zarr-draft-1", reserved),
        bad("a/b", "a/b", forbidden),
        bad("/a", "/a", forbidden),
        bad("../a", "../a", forbidden),
        bad("a\\b", "a\\\\b", forbidden),
        bad("x\0y", "x\\0y", forbidden),
        bad("x\ny", "x\\ny", forbidden),
        bad("a ", "a ", "expected no \".\" or space at the end"),
        bad(&"x".repeat(300), &"x".repeat(200), "expected at most 200 bytes"),
        bad(&"ü".repeat(101), &"ü".repeat(101), "expected at most 200 bytes"),
    ]
}

fn stores() -> Vec<Row> {
    let no_store = |path: &'static str, why: &str| {
        let says = format!("\"WORLD/{}\" is not an opus-zarr store: {why}", path.escape_default());
        row("no store", Attempt::Store(path), says)
    };
    let later = "\"WORLD/future/zarr.json\": layout 7, this version reads layout 1";
    vec![
        no_store("directory", "zarr.json not found"),
        no_store("line\nfeed", "zarr.json not found"),
        no_store("foreign", "zarr.json has no opus_zarr attributes"),
        no_store("broken", "zarr.json is not valid JSON"),
        row("a later layout", Attempt::Store("future"), later),
        no_store("file", "not a directory"),
        no_store("file/x", "not a directory"),
    ]
}

fn full_disks() -> Vec<Row> {
    vec![
        row("a full disk", Attempt::Disk(FULL), "No space left on device"),
        row("a read-only disk", Attempt::Disk(READ_ONLY), "Read-only file system"),
    ]
}

#[test]
#[ignore = "runs as a child process, on its own disk"]
fn child_on_a_full_disk() {
    disks::disk_of_child().iter().for_each(|disk| disks::import_to_a_full_disk(disk));
}

#[test]
#[ignore = "runs as a child process, on its own disk"]
fn child_on_a_disk_that_becomes_read_only() {
    disks::disk_of_child().iter().for_each(|disk| disks::import_while_writable(disk));
}

#[test]
#[ignore = "runs as a child process, on its own disk"]
fn child_on_a_read_only_disk() {
    disks::disk_of_child().iter().for_each(|disk| disks::import_to_a_read_only_disk(disk));
}
