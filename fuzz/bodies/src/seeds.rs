//! The inputs that a fuzzer begins with. With real pages and packets it gets much further.

mod divided;
mod recorders;
mod tables;

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::checksum::page_lens;

/// An input and a name for it.
pub type Seed = (String, Vec<u8>);

/// Returns the seeds of a target: every input that once crashed it, and parts of the recordings in
/// `testdata/`.
pub fn seeds(target: &str) -> Vec<Seed> {
    let mut seeds = files_of(&testdata().join("fuzz").join(target));
    match target {
        "wave" | "audio_input" => {
            seeds.extend(
                files_of(&testdata().join("wave"))
                    .into_iter()
                    .filter(|(name, _)| !name.ends_with(".sh")),
            );
        }
        "demux" => {
            seeds.extend(streams().iter().flat_map(beginnings));
            seeds.push(("divided".to_owned(), divided::stream(&first_page("field-notes"))));
        }
        "page" => seeds.extend(streams().iter().flat_map(|stream| numbered(stream, pages(stream)))),
        "headers" => seeds.extend(streams().iter().flat_map(|stream| packets(stream, 0..2))),
        "flac_chunks" => seeds.extend(named(&CHUNKS)),
        "flac_end" => seeds.extend(named(&ENDS)),
        "triggered" => seeds.extend(named(&[("counts", b"\0\x03\0\x01\x20\0\x02\x99\x07\0\0\0")])),
        "extensions" => seeds.extend(named(&PADDINGS)),
        "packet" | "flags" => {
            seeds.extend(streams().iter().flat_map(|stream| packets(stream, 2..3)))
        }
        "index" => seeds.extend(named(&[("rows", &index_rows()), ("packets", INDEX_PACKETS)])),
        "open_store" => seeds.extend(named(&CHANGES)),
        "metadata" => seeds.extend(recorders::metadata()),
        "tables" => seeds.extend(named(&tables::TABLES)),
        _ => {}
    }
    seeds
}

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata")
}

/// The files of a folder, if there is one, sorted by name.
fn files_of(folder: &Path) -> Vec<Seed> {
    let Ok(entries) = fs::read_dir(folder) else { return vec![] };
    let paths = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let mut files: Vec<Seed> = paths.map(|path| (name(&path), fs::read(&path).unwrap())).collect();
    files.sort();
    files
}

fn named(seeds: &[(&str, &[u8])]) -> Vec<Seed> {
    seeds.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect()
}

/// The recordings in `testdata/`.
fn streams() -> Vec<Seed> {
    let files = files_of(&testdata());
    files
        .into_iter()
        .filter_map(|(name, bytes)| Some((name.strip_suffix(".opus")?.to_owned(), bytes)))
        .collect()
}

fn first_page(name: &str) -> Vec<u8> {
    let streams = streams();
    let stream = streams.iter().find(|(found, _)| found == name).unwrap();
    pages(stream).remove(0).to_vec()
}

/// The first four pages.
fn pages((_, bytes): &Seed) -> Vec<&[u8]> {
    let mut rest = &bytes[..];
    let page = |_| {
        let lens = page_lens(rest).unwrap();
        let (page, after) = rest.split_at(lens.header + lens.body);
        rest = after;
        page
    };
    (0..4).map(page).collect()
}

/// The stream up to the end of each of the first four pages, and its first 64 KiB.
fn beginnings(stream: &Seed) -> Vec<Seed> {
    let (name, bytes) = stream;
    let mut end = 0;
    let beginnings = pages(stream).into_iter().map(|page| {
        end += page.len();
        &bytes[..end]
    });
    let mut seeds = numbered(stream, beginnings.collect());
    seeds.push((name.clone(), bytes[..bytes.len().min(1 << 16)].to_vec()));
    seeds
}

/// The packets that end on these of the first four pages.
fn packets(stream: &Seed, numbers: std::ops::Range<usize>) -> Vec<Seed> {
    let pages = pages(stream);
    let packets = pages[numbers].iter().flat_map(|page| {
        let lens = page_lens(page).unwrap();
        let (header, mut body) = page.split_at(lens.header);
        let lacing = header[27..].split_inclusive(|&value| value < 255);
        lacing.filter(|lacing| lacing.last() != Some(&255)).map(move |lacing| {
            let len = lacing.iter().map(|&value| usize::from(value)).sum();
            let (packet, rest) = body.split_at(len);
            body = rest;
            packet
        })
    });
    numbered(stream, packets.collect())
}

fn numbered((name, _): &Seed, parts: Vec<&[u8]>) -> Vec<Seed> {
    let numbered = parts.into_iter().zip(1..);
    numbered.map(|(bytes, number)| (format!("{name}-{number}"), bytes.to_vec())).collect()
}

/// Mode 0 of the target `index`: a start, the length of the blob, then rows.
fn index_rows() -> Vec<u8> {
    let numbers: [u64; 12] = [0, 100, 0, 50, 120, 0, 119, 50, 50, 120, 120, 239];
    let numbers = numbers.iter().flat_map(|number| number.to_le_bytes());
    [0, 1, 8, 0].into_iter().chain(numbers).collect()
}

/// Mode 1 of the target `index`: the gap, the length and the duration of every packet.
const INDEX_PACKETS: &[u8] = &[1, 1, 8, 2, 0, 50, 8, 3, 50, 8, 0, 5, 4, 0, 255, b'0'];

/// Input of the target `extensions`: one less than the number of frames, then padding.
const PADDINGS: [(&str, &[u8]); 5] = [
    ("zeros", &[0, 0, 0, 0]),
    ("hd", &[0, 248, 1, 2, 3]),
    ("separated", &[2, 7, 10, 2, 249, 2, 1, 2, 3, 1, 252, 5]),
    ("repeated", &[2, 7, 10, 5, 11, 12, 2, 8, 2, 8]),
    ("repeated-long", &[1, 81, 2, 1, 2, 11, 9, 4, 3, 4, 5, 8]),
];

/// Changes to the store of the target `open_store`: an attribute and its new value; a row, a
/// column and its new value; a number of the sync map and its new value; the object and the offset
/// of a byte and its new value.
const CHANGES: [(&str, &[u8]); 5] = [
    ("whole", &[0]),
    ("attribute", &[1, 3, 0, 0, 0, 0, 0, 0, 0, 1]),
    ("row", &[2, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
    ("sync", &[3, 2, 1, 0, 0, 0]),
    ("byte", &[4, 3, 64, 0, 0, 1]),
];

/// A kind of file, the length of a block, and the block.
const CHUNKS: [(&str, &[u8]); 3] = [
    ("riff", b"\0\x0cRIFF\0\0\0\0WAVE\0\x0cguan\x03\0\0\0abc\0\0\x0cLIST\x04\0\0\0INFO"),
    ("aiff", b"\x01\x0cNAME\0\0\0\x03Fen\0"),
    (
        "w64",
        b"\x02\x20bext\xf3\xac\xd3\x11\x8c\xd1\0\xc0\x4f\x8e\xdb\x8a\x1b\0\0\0\0\0\0\0abc\0\0\0\0\0",
    ),
];

/// Frames, stated numbers, and what follows the frames.
const ENDS: [(&str, &[u8]); 4] = [
    ("tag", b"\x03\0\0TAGnoise"),
    ("ape", b"\x02\x01\x01APETAGEX\xd0\x07\0\0"),
    ("zeros", b"\x01\x01\x02\0\0\0\0"),
    ("frame", b"\x02\0\x03\xff\xf8\x1d\x08\x02\xbb\x80"),
];
