//! FLAC files with tags or junk after the audio, open block sizes, and chunks of a WAVE file.

use std::{fs, path::Path};

use opus_transcode::{AudioFile, AudioInput, Finding, ReadOptions};

use crate::audio::{has_ffmpeg, make, read_all, say_skipped, tone};

/// Three seconds of seeded noise at 16 kHz, made with `flac --keep-foreign-metadata` from a WAVE file
/// with GUANO.
fn flac() -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/guano-foreign.flac")).unwrap()
}

/// The file without its stated total.
fn without_total(mut file: Vec<u8>) -> Vec<u8> {
    file[8 + 13] &= 0xf0;
    file[8 + 14..8 + 18].fill(0);
    file
}

fn read(bytes: &[u8]) -> (AudioInput, Vec<f32>) {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    let mut input = AudioInput::open(file.path(), 0).unwrap();
    let samples = read_all(&mut input).unwrap();
    (input, samples)
}

/// Bytes that programs append, and whether they are a tag.
fn tails() -> Vec<(&'static str, Vec<u8>, bool)> {
    let id3v1 = [b"TAG".as_slice(), &[b'x'; 125]].concat();
    let ape = b"APETAGEX\xd0\x07\0\0\x20\0\0\0\0\0\0\0\0\0\0\x80\0\0\0\0\0\0\0\0".to_vec();
    let big = [b"APETAGEX".as_slice(), &[0xff; 3_000_000]].concat();
    let junk: Vec<u8> =
        (0..100_000_u32).map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    vec![
        ("zeros", vec![0; 5000], true),
        ("ID3v1", id3v1.clone(), true),
        ("APE and ID3v1", [ape.clone(), id3v1.clone()].concat(), true),
        ("APE", ape, true),
        ("zeros and ID3v1", [vec![0; 77], id3v1].concat(), true),
        ("large APE", big, true),
        ("one byte", vec![7], false),
        ("text", b"the end\n".to_vec(), false),
        ("sync codes", [0xff, 0xf8].repeat(50_000), false),
        ("junk", junk, false),
    ]
}

#[test]
fn bytes_after_the_last_frame_lose_nothing() {
    let whole = flac();
    let (_, expected) = read(&whole);
    for file in [whole.clone(), without_total(whole)] {
        for (name, tail, is_tag) in tails() {
            let (input, samples) = read(&[file.clone(), tail.clone()].concat());
            assert_eq!(samples.len(), expected.len(), "{name}: {:?}", input.findings());
            assert_eq!(samples, expected, "{name}");
            let bytes = u64::try_from(tail.len()).unwrap();
            let findings = if is_tag { vec![] } else { vec![Finding::Trailing { bytes }] };
            assert_eq!(input.findings(), findings, "{name}");
        }
    }
}

#[test]
fn a_file_that_was_cut_off_still_says_so() {
    let whole = flac();
    for cut in [1, 100, 3000] {
        let (input, samples) = read(&whole[..whole.len() - cut]);
        assert!(!samples.is_empty());
        assert!(!input.findings().is_empty(), "{cut}");
    }
}

#[test]
fn block_sizes_that_streaminfo_leaves_open_come_from_the_frames() {
    let whole = flac();
    let (_, expected) = read(&whole);
    for sizes in [[0, 0, 0x10, 0], [0, 0, 0, 0], [0, 15, 0x10, 0], [0x20, 0, 0x10, 0]] {
        let mut file = whole.clone();
        file[8..12].copy_from_slice(&sizes);
        let (input, samples) = read(&file);
        assert_eq!(samples, expected, "{sizes:?}");
        assert_eq!(input.findings(), [], "{sizes:?}");
    }
}

#[test]
fn chunks_of_the_original_are_kept() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let file = AudioFile::open(folder.join("guano-foreign.flac"), &ReadOptions::default()).unwrap();
    let chunks = file.chunks();
    assert_eq!(chunks.len(), 1);
    let bytes = chunks[0].bytes.as_deref().unwrap();
    assert_eq!((&*chunks[0].id, bytes.len()), ("guan", 162));
    let at = usize::try_from(chunks[0].offset).unwrap();
    assert_eq!(&flac()[at..at + 162], bytes);
}

/// Zeroes the minimum block size wherever a container keeps STREAMINFO. The checksum of an Ogg page is
/// made valid again.
fn without_min_block(mut file: Vec<u8>) -> Vec<u8> {
    let sizes =
        file.windows(4).position(|four| matches!(four, [0x12, 0, 0x12, 0] | [0x10, 0, 0x10, 0]));
    let at = sizes.unwrap();
    file[at..at + 2].fill(0);
    if file.starts_with(b"OggS") {
        let end = 28 + usize::from(file[27]);
        file[22..26].fill(0);
        let crc = ogg_crc(&file[..end]);
        file[22..26].copy_from_slice(&crc.to_le_bytes());
    }
    file
}

#[test]
fn a_minimum_block_size_of_0_is_read_in_every_container() {
    if !has_ffmpeg() {
        return say_skipped("no ffmpeg");
    }
    let folder = tempfile::tempdir().unwrap();
    let source = tone(48_000, 1, 30_000);
    let options = ["-c:a", "flac", "-sample_fmt", "s16", "-strict", "-2"];
    for name in ["x.flac", "x.oga", "x.mp4", "x.mka"] {
        let path = make(folder.path(), &source, 48_000, 1, name, &options);
        let (_, expected) = read(&fs::read(&path).unwrap());
        let (input, samples) = read(&without_min_block(fs::read(&path).unwrap()));
        assert_eq!((input.findings(), expected.len()), (&[][..], 30_000), "{name}");
        assert!(samples == expected, "{name}");
    }
}

fn ogg_crc(page: &[u8]) -> u32 {
    page.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u32::from(*byte) << 24), |crc, _| {
            if crc >> 31 == 0 { crc << 1 } else { (crc << 1) ^ 0x04c1_1db7 }
        })
    })
}

/// Puts the file into Ogg (RFC 9639 section 10.1): each block of metadata in a packet and page of its
/// own, then each frame.
fn in_ogg(file: &[u8]) -> Vec<u8> {
    let (mut at, mut packets) = (4, Vec::new());
    loop {
        let size = usize::from(file[at + 1]) << 16
            | usize::from(file[at + 2]) << 8
            | usize::from(file[at + 3]);
        packets.push(file[at..at + 4 + size].to_vec());
        at += 4 + size;
        if packets.last().unwrap()[0] & 0x80 != 0 {
            break;
        }
    }
    packets[0] = [b"\x7fFLAC\x01\0\0\0fLaC", &packets[0][..]].concat();
    // The first frame, up to the one with number 1.
    let next = [&file[at..at + 4], &[1]].concat();
    let len = file[at..].windows(5).position(|five| five == next).unwrap();
    packets.push(file[at..at + len].to_vec());
    let mut ogg = Vec::new();
    for (number, packet) in packets.iter().enumerate() {
        let mut page = b"OggS\0".to_vec();
        page.push(if number == 0 { 2 } else { 0 });
        page.extend([0; 8]);
        page.extend(7_u32.to_le_bytes());
        page.extend(u32::try_from(number).unwrap().to_le_bytes());
        page.extend([0; 4]);
        let mut lacing = vec![255; packet.len() / 255];
        lacing.push(u8::try_from(packet.len() % 255).unwrap());
        page.push(u8::try_from(lacing.len()).unwrap());
        page.extend(lacing);
        page.extend(packet);
        let crc = ogg_crc(&page);
        page[22..26].copy_from_slice(&crc.to_le_bytes());
        ogg.extend(page);
    }
    ogg
}

#[test]
fn chunks_of_the_original_are_kept_in_ogg() {
    let ogg = in_ogg(&flac());
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), &ogg).unwrap();
    let chunks = AudioFile::open(file.path(), &ReadOptions::default()).unwrap().chunks();
    assert_eq!(chunks.len(), 1);
    let bytes = chunks[0].bytes.as_deref().unwrap();
    assert_eq!((&*chunks[0].id, bytes.len()), ("guan", 162));
    let at = usize::try_from(chunks[0].offset).unwrap();
    assert_eq!(&ogg[at..at + 162], bytes);
}

/// A metadata block that cannot be read costs no audio, whatever kind it has.
#[test]
fn damaged_metadata_blocks_cost_no_audio() {
    let plain = flac();
    let (_, samples) = read(&plain);
    let after_info = 4 + 4 + 34;
    for kind in 0..127 {
        for block in [&b""[..], b"abc", b"\xff\xff\xff\xff\xff\xff\xff\xff", &[0xff; 400]] {
            let size = u32::try_from(block.len()).unwrap().to_be_bytes();
            let block = [&[kind], &size[1..], block].concat();
            let file = [&plain[..after_info], &block, &plain[after_info..]].concat();
            let (input, found) = read(&file);
            assert!(found == samples, "kind {kind}");
            let damaged = Finding::DamagedBlock {
                offset: u64::try_from(after_info).unwrap(),
                block: if kind == 4 { "VORBIS_COMMENT" } else { "PICTURE" },
            };
            let expected = if matches!(kind, 4 | 6) { vec![damaged] } else { vec![] };
            assert_eq!(input.findings(), expected, "kind {kind}");
        }
    }
}

/// Wherever a file is cut, all whole frames are read.
#[test]
fn a_file_that_is_cut_keeps_its_whole_frames() {
    let whole = flac();
    let (_, samples) = read(&whole);
    let count = |file: &[u8], cut: usize| {
        let (input, found) = read(&file[..file.len() - cut]);
        assert!(found == samples[..found.len()], "{cut} bytes");
        (found.len(), !input.findings().is_empty())
    };
    let frames = samples.len() / BLOCK;
    for (file, states_total) in [(without_total(whole.clone()), false), (whole, true)] {
        // The last frame is gone, and at some place another one.
        let [mut some, mut more] = [1, 9000];
        assert_eq!([some, more].map(|cut| count(&file, cut).0 / BLOCK), [frames, frames - 1]);
        while more - some > 1 {
            let middle = (some + more) / 2;
            let is_there = count(&file, middle).0 == frames * BLOCK;
            *(if is_there { &mut some } else { &mut more }) = middle;
        }
        // Without a total, nothing shows that a frame is missing as a whole.
        assert_eq!(count(&file, some), (frames * BLOCK, states_total));
        for cut in 1..40 {
            assert_eq!(count(&file, cut), (frames * BLOCK, true), "{cut} bytes");
            assert_eq!(count(&file, some - cut), (frames * BLOCK, true), "{} bytes", some - cut);
            assert_eq!(count(&file, some + cut), ((frames - 1) * BLOCK, true), "{cut} more bytes");
        }
    }
}

/// A metadata block that claims more bytes than the file has leaves no audio.
#[test]
fn blocks_beyond_the_end_are_no_audio() {
    for kind in 0..128 {
        let mut file = flac();
        let last_block = 4 + 4 + 34;
        file[last_block..last_block + 4].copy_from_slice(&[0x80 | kind, 0xff, 0xff, 0xff]);
        let input = AudioInput::new(std::io::Cursor::new(file), 0);
        assert!(input.is_err(), "kind {kind}");
    }
}

const BLOCK: usize = 4096;

/// Where each frame begins, and the end.
fn frames(file: &[u8]) -> Vec<usize> {
    let mut frames: Vec<usize> = Vec::new();
    for at in 0..file.len() - 5 {
        // The last frame is shorter than the others, so that only its rate is coded alike.
        let is_alike = frames.first().is_none_or(|first| {
            (file[first + 2] & 15, file[first + 3]) == (file[at + 2] & 15, file[at + 3])
        });
        let number = u8::try_from(frames.len()).unwrap();
        if file[at..].starts_with(b"\xff\xf8") && file[at + 4] == number && is_alike {
            frames.push(at);
        }
    }
    frames.push(file.len());
    assert_eq!(frames.len(), 13);
    frames
}

/// A damaged frame costs itself, wherever the damage is, and no other.
#[test]
fn a_damaged_frame_costs_no_other() {
    let whole = flac();
    let (_, samples) = read(&whole);
    let starts = frames(&whole);
    for (number, range) in starts.windows(2).enumerate() {
        let [start, end] = *range else { unreachable!() };
        let frame = number * BLOCK;
        let len = BLOCK.min(samples.len() - frame);
        for (at, with_total) in [start, start + 4, start + 5, start + 900, end - 1]
            .into_iter()
            .flat_map(|at| [(at, true), (at, false)])
        {
            let mut file = if with_total { whole.clone() } else { without_total(whole.clone()) };
            file[at] ^= 0x41;
            let (input, found) = read(&file);
            let mut expected = samples.clone();
            let [frame, frames] = [frame, len].map(|count| u64::try_from(count).unwrap());
            let findings = input.findings().to_vec();
            match number {
                11 => expected.truncate(11 * BLOCK),
                0 if !with_total => drop(expected.drain(..BLOCK)),
                _ => {
                    expected[number * BLOCK..number * BLOCK + len].fill(0.0);
                    assert_eq!(findings, [Finding::Gap { frame, frames }], "byte {at}");
                }
            }
            assert!(found == expected, "byte {at}: {} samples, {findings:?}", found.len());
            assert!(!findings.is_empty(), "byte {at}, {with_total}");
        }
    }
}

#[test]
fn bytes_between_frames_cost_none() {
    let whole = flac();
    let (_, samples) = read(&whole);
    for at in frames(&whole).into_iter().take(12) {
        for (name, junk, _) in tails() {
            let file = [&whole[..at], &junk, &whole[at..]].concat();
            let (input, found) = read(&file);
            assert!(found == samples, "{name} at byte {at}: {} samples", found.len());
            let skipped = |finding: &Finding| matches!(finding, Finding::Skipped { .. });
            let [finding] = input.findings() else { panic!("{name}: {:?}", input.findings()) };
            assert!(skipped(finding), "{name}");
        }
    }
}

/// Files in a row play one after the other, like those of Ogg, if their format is the same.
#[test]
fn files_in_a_row_are_all_read() {
    let whole = flac();
    let (_, samples) = read(&whole);
    let tag = [b"TAG".as_slice(), &[b'x'; 125]].concat();
    for second in [whole.clone(), without_total(whole.clone())] {
        for between in [&b""[..], &tag, &[0; 300]] {
            let (input, found) = read(&[&whole, between, &second, between, &whole].concat());
            assert!(found == samples.repeat(3), "{} samples", found.len());
            let chained = [1, 2].map(|file| Finding::Chained { frame: file * 48_000 });
            assert_eq!(input.findings(), chained);
        }
    }
    // The rate is another one.
    let mut other = whole.clone();
    other[18] ^= 1;
    let (input, found) = read(&[&*whole, &other].concat());
    assert!(found == samples);
    assert_eq!(
        input.findings(),
        [Finding::Trailing { bytes: u64::try_from(other.len()).unwrap() }]
    );
}

/// Old contents of a disk may follow: frames that fit, but not here.
#[test]
fn frames_of_other_recordings_are_not_read() {
    let whole = flac();
    let (_, samples) = read(&whole);
    let starts = frames(&whole);
    let earlier = &whole[starts[3]..starts[7]];
    for file in [whole.clone(), without_total(whole.clone())] {
        let (input, found) = read(&[&file, earlier].concat());
        assert!(found == samples);
        let bytes = u64::try_from(earlier.len()).unwrap();
        assert_eq!(input.findings(), [Finding::Trailing { bytes }]);
    }
    // The total says where the file ends.
    let mut short = whole[..starts[4]].to_vec();
    short[8 + 14..8 + 18].copy_from_slice(&u32::try_from(4 * BLOCK).unwrap().to_be_bytes());
    let later = &whole[starts[6]..starts[9]];
    let (input, found) = read(&[&short, later].concat());
    assert!(found == samples[..4 * BLOCK]);
    assert_eq!(
        input.findings(),
        [Finding::Trailing { bytes: u64::try_from(later.len()).unwrap() }]
    );
}

/// A copy of later frames in the wrong place costs only the frame in which it lies.
#[test]
fn copies_of_later_frames_are_not_read() {
    let whole = flac();
    let (_, samples) = read(&whole);
    let starts = frames(&whole);
    for file in [whole.clone(), without_total(whole.clone())] {
        for copied in [7..8, 6..9, 8..12] {
            let copy = &whole[starts[copied.start]..starts[copied.end]];
            for (at, is_inside) in [(starts[3], false), (starts[3] + 500, true)] {
                let file = [&file[..at], copy, &file[at..]].concat();
                let (input, found) = read(&file);
                let mut expected = samples.clone();
                if is_inside {
                    expected[3 * BLOCK..4 * BLOCK].fill(0.0);
                }
                assert!(found == expected, "{copied:?} at {at}: {:?}", input.findings());
                assert_eq!(input.findings().len(), 1, "{:?}", input.findings());
            }
        }
    }
}
