//! Sizes as field recorders, pipes and crashes leave them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod common;

use common::{FORMS, Wave, read};
use wave_demux::{ChunkId, Error, FindingKind, Form};

/// Eight bytes, which nothing needs to fill up: of an unknown size, that would be taken for samples.
const SAMPLES: [i16; 4] = [100, 200, 300, 400];

fn expected() -> Vec<f32> {
    SAMPLES.iter().map(|sample| f32::from(*sample) / 32_768.0).collect()
}

/// A recorder that writes metadata behind the samples.
fn wave(form: Form, data_size: Option<u64>) -> Wave {
    let behind = vec![(*b"guan", b"GUANO|Version:1.0".to_vec()), (*b"LIST", b"INFO".to_vec())];
    Wave { behind, data_size, ..Wave::new(form, &SAMPLES) }
}

/// What a file of this form would say of an unknown size.
fn unknown(form: Form) -> [u64; 2] {
    // The 24 bytes of the header are added.
    let all_bits = if form == Form::Riff { u64::from(u32::MAX) } else { u64::MAX };
    if form == Form::W64 { [u64::MAX - 24, u64::MAX - 23] } else { [0, all_bits] }
}

#[test]
fn unknown_sizes_reach_to_the_chunks_at_the_end() {
    for form in FORMS {
        for size in unknown(form) {
            let mut wave = wave(form, Some(size));
            let reading = read(&wave.bytes()).unwrap();
            assert_eq!(reading.samples, expected(), "{form:?}");
            assert_eq!(reading.findings, [FindingKind::DataSizeUnknown { found: 8 }], "{form:?}");
            let guano = &reading.chunks[reading.chunks.len() - 2];
            assert_eq!(guano.bytes.as_deref(), Some(b"GUANO|Version:1.0".as_slice()));
            assert_eq!(reading.chunks.last().unwrap().bytes.as_deref(), Some(b"INFO".as_slice()));
            wave.behind.clear();
            assert_eq!(read(&wave.bytes()).unwrap().samples, expected(), "{form:?}");
        }
    }
}

#[test]
fn sizes_beyond_the_end_as_well() {
    for form in FORMS {
        let reading = read(&wave(form, Some(0x7fff_f000)).bytes()).unwrap();
        assert_eq!(reading.samples, expected());
        let told = FindingKind::DataBeyondEnd { claimed: 0x7fff_f000, found: 8 };
        assert_eq!(reading.findings, [told]);
        assert_eq!(reading.chunks.last().unwrap().id, ChunkId::FourCc(*b"LIST"));
    }
}

/// A size of the last time that the recorder brought it up to date.
#[test]
fn sizes_that_end_amid_the_samples_are_not_believed() {
    for form in FORMS {
        let mut wave = wave(form, Some(4));
        wave.data.extend_from_within(..);
        let reading = read(&wave.bytes()).unwrap();
        assert_eq!(reading.samples, [expected(), expected()].concat());
        let told = FindingKind::DataSizeTooSmall { claimed: 4, found: 16 };
        assert_eq!(reading.findings, [told]);
        assert_eq!(reading.chunks.last().unwrap().id, ChunkId::FourCc(*b"LIST"));
    }
}

#[test]
fn what_stands_behind_a_file_is_no_audio() {
    let id3v1 = [b"TAG".as_slice(), &[b'x'; 125]].concat();
    let unknown_chunk = b"Xyz1\x02\0\0\0ab".to_vec();
    let tags = [id3v1, b"ID3\x03\0\0\0".to_vec(), b"APETAGEX\0".to_vec(), vec![0; 100_000]];
    for tag in tags.into_iter().chain([unknown_chunk]) {
        let mut file = Wave::new(Form::Riff, &SAMPLES).bytes();
        file.extend_from_slice(&tag);
        let reading = read(&file).unwrap();
        assert_eq!(reading.samples, expected());
        let is_told = matches!(reading.findings[..], [FindingKind::NotAChunk { .. }]);
        assert_eq!(is_told, !tag.starts_with(b"Xyz1"), "{:?}", reading.findings);
    }
    // Else it is.
    let mut file = Wave::new(Form::Riff, &SAMPLES).bytes();
    file.extend_from_slice(b"\x01\x02\x03");
    let reading = read(&file).unwrap();
    assert_eq!(reading.samples.len(), 5);
    assert_eq!(
        reading.findings,
        [
            FindingKind::DataSizeTooSmall { claimed: 8, found: 11 },
            FindingKind::PartialFrame { bytes: 1, block_align: 2 },
        ]
    );
}

#[test]
fn what_fills_up_the_samples_can_be_any_byte_and_a_tag_follow_it() {
    let mut wave = Wave { bits: 8, ..Wave::new(Form::Riff, &[]) };
    wave.data = vec![1, 2, 3];
    let mut file = wave.bytes();
    file.extend_from_slice(b"ID3\x03\0\0\0");
    assert_eq!(read(&file).unwrap().samples.len(), 3);
    let mut file = wave.bytes();
    *file.last_mut().unwrap() = 0x55;
    let reading = read(&file).unwrap();
    assert_eq!((reading.samples.len(), reading.findings), (3, vec![]));
}

#[test]
fn silence_of_unknown_size_is_silence() {
    let mut wave = Wave { data_size: Some(0), ..Wave::new(Form::Riff, &[0; 1000]) };
    assert_eq!(read(&wave.bytes()).unwrap().samples, [0.0; 1000]);
    // So is more than a little of it behind samples whose size is known.
    wave.data = vec![0; 3 << 20];
    wave.data_size = Some(100);
    assert_eq!(read(&wave.bytes()).unwrap().samples.len(), 3 << 19);
}

#[test]
fn nothing_is_recorded() {
    for form in FORMS {
        let reading = read(&Wave::new(form, &[]).bytes()).unwrap();
        assert!(reading.samples.is_empty() && reading.findings.is_empty());
        let mut wave = wave(form, None);
        wave.data.clear();
        let reading = read(&wave.bytes()).unwrap();
        assert!(reading.samples.is_empty() && reading.findings.is_empty());
    }
}

#[test]
fn cut_anywhere_the_samples_before_are_left() {
    for form in FORMS {
        let file = Wave::new(form, &SAMPLES).bytes();
        let start = file.len() - 8;
        for cut in 0..file.len() {
            let Ok(reading) = read(&file[..cut]) else {
                assert!(cut < start);
                continue;
            };
            assert_eq!(reading.samples, expected()[..(cut - start) / 2]);
            let found = u64::try_from(cut - start).unwrap();
            let told = FindingKind::DataBeyondEnd { claimed: 8, found };
            assert_eq!(reading.findings[0], told);
        }
    }
}

#[test]
fn the_size_of_a_chunk_can_stand_in_ds64() {
    let mut wave = Wave::new(Form::Rf64, &SAMPLES);
    wave.before.push((*b"axml", b"<a/>".to_vec()));
    let mut file = wave.bytes();
    // One entry in the table, and the size of "axml" in it alone.
    file[16] += 12;
    file[44] = 1;
    file.splice(48..48, *b"axml\x04\0\0\0\0\0\0\0");
    file[64..68].fill(0xff);
    let reading = read(&file).unwrap();
    assert_eq!((reading.samples, reading.findings), (expected(), vec![]));
    assert_eq!(reading.chunks[1].bytes.as_deref(), Some(b"<a/>".as_slice()));
}

#[test]
fn a_chunk_beyond_the_end_is_read_as_far_as_it_goes() {
    let mut file = wave(Form::Riff, None).bytes();
    file.truncate(file.len() - 2);
    let reading = read(&file).unwrap();
    assert_eq!(reading.samples, expected());
    let id = ChunkId::FourCc(*b"LIST");
    let told = FindingKind::ChunkBeyondEnd { id, claimed: 4, available: 2 };
    assert_eq!(reading.findings, [told]);
    assert_eq!(reading.chunks.last().unwrap().bytes.as_deref(), Some(b"IN".as_slice()));
}

#[test]
fn a_tag_before_the_file_is_passed_over() {
    // 130 bytes of seven bits each; the other has a footer.
    for (flags, bytes) in [(0, 140), (0x10, 150)] {
        let mut tag = [b"ID3\x04\0", [flags].as_slice(), b"\0\0\x01\x02"].concat();
        tag.resize(bytes, 7);
        let file = [tag, Wave::new(Form::Riff, &SAMPLES).bytes()].concat();
        let reading = read(&file).unwrap();
        assert_eq!(reading.samples, expected());
        let bytes = u64::try_from(bytes).unwrap();
        assert_eq!(reading.findings, [FindingKind::TagBefore { bytes }]);
    }
}

#[test]
fn long_chunks_are_listed_without_their_bytes() {
    let mut wave = Wave::new(Form::Riff, &SAMPLES);
    wave.before.push((*b"JUNK", vec![1; (1 << 20) + 1]));
    wave.behind = vec![(*b"bext", vec![2; 1 << 20]); 17];
    let reading = read(&wave.bytes()).unwrap();
    assert_eq!(reading.samples, expected());
    let kept: Vec<_> = reading.chunks.iter().map(|chunk| chunk.bytes.is_some()).collect();
    // The format comes second; its few bytes are what the last one is over the limit.
    assert_eq!(kept, [vec![false, true], vec![true; 15], vec![false; 2]].concat());
    assert_eq!(reading.chunks[0].len, (1 << 20) + 1);
    wave.behind = vec![(*b"bext", vec![]); 10_010];
    let reading = read(&wave.bytes()).unwrap();
    assert_eq!(reading.chunks.len(), 10_000);
    assert_eq!(reading.findings, [FindingKind::ChunksOmitted { count: 12 }]);
}

#[test]
fn samples_in_several_places_are_refused() {
    let mut wave = Wave::new(Form::Riff, &SAMPLES);
    wave.behind.push((*b"data", vec![]));
    assert_eq!(read(&wave.bytes()).unwrap().samples, expected());
    wave.behind.push((*b"data", vec![1, 2]));
    let error = read(&wave.bytes()).unwrap_err();
    assert!(matches!(error, Error::SeveralData { first: 44, second: 68, .. }), "{error}");
    // An empty one before it is none.
    wave.data.clear();
    wave.behind.remove(0);
    assert_eq!(read(&wave.bytes()).unwrap().samples.len(), 1);
    // Nor does an unknown size make samples of the second one.
    let mut two = Wave { data_size: Some(u64::from(u32::MAX)), ..Wave::new(Form::Riff, &SAMPLES) };
    two.behind.push((*b"data", vec![1, 2]));
    assert!(matches!(read(&two.bytes()).unwrap_err(), Error::SeveralData { .. }));
    wave.behind = vec![(*b"LIST", b"wavldata".to_vec())];
    let error = read(&wave.bytes()).unwrap_err();
    assert!(matches!(error, Error::WaveList { offset: 52 }), "{error}");
}

#[test]
fn what_cannot_be_read_is_told_with_its_byte() {
    let text = |file: &[u8]| read(file).unwrap_err().to_string();
    assert!(text(b"RIFX\0\0\0\0WAVE").ends_with("found \"RIFX\\x00\\x00\\x00\\x00WAVE\""));
    let mut wave = Wave::new(Form::Riff, &SAMPLES);
    let file = wave.bytes();
    assert!(text(&file[..43]).starts_with("byte 43: expected a chunk \"data\""));
    assert!(text(&[&file[..12], &file[36..]].concat()).contains("expected a chunk \"fmt \""));
    wave.tag = 0x55;
    assert_eq!(
        text(&wave.bytes()),
        "byte 20: the file holds MP3 of 16 bits (format tag 0x0055), expected PCM of 1 to 64 bits, float of 32 or 64, A-law or mu-law"
    );
    wave.extension = Some((16, 0));
    assert!(text(&wave.bytes()).contains("MP3 of 16 bits (format tag 0x0055 of GUID 5500"));
    (wave.tag, wave.channels) = (1, 0);
    assert_eq!(text(&wave.bytes()), "byte 20: 0 channels at 48000 Hz, expected at least 1 of each");
}
