//! Wrong sizes, as field recorders, pipes and crashes leave them.

use wave_demux::{ChunkId, ErrorKind, FindingKind, Form};

use crate::files::{FORMS, Wave, read};

/// Eight bytes, which need no padding: at unknown size, padding would be read as samples.
const SAMPLES: [i16; 4] = [100, 200, 300, 400];

fn expected() -> Vec<f32> {
    SAMPLES.iter().map(|sample| f32::from(*sample) / 32_768.0).collect()
}

/// The file of a recorder that writes metadata after the samples.
fn wave(form: Form, data_size: Option<u64>) -> Wave {
    let after = vec![(*b"guan", b"GUANO|Version:1.0".to_vec()), (*b"LIST", b"INFO".to_vec())];
    Wave { after, data_size, ..Wave::new(form, &SAMPLES) }
}

/// How a file of this form states an unknown size.
fn unknown(form: Form) -> [u64; 2] {
    // `Wave` adds the 24 bytes of the header.
    let all_bits = if form == Form::Riff { u64::from(u32::MAX) } else { u64::MAX };
    if form == Form::W64 { [u64::MAX - 24, u64::MAX - 23] } else { [0, all_bits] }
}

#[test]
fn samples_of_unknown_size_end_at_the_trailing_chunks() {
    for form in FORMS {
        for size in unknown(form) {
            let mut wave = wave(form, Some(size));
            let reading = read(&wave.bytes()).unwrap();
            assert_eq!(reading.samples, expected(), "{form:?}");
            assert_eq!(reading.findings, [FindingKind::DataSizeUnknown { found: 8 }], "{form:?}");
            let guano = &reading.chunks[reading.chunks.len() - 2];
            assert_eq!(guano.bytes.as_deref(), Some(b"GUANO|Version:1.0".as_slice()));
            assert_eq!(reading.chunks.last().unwrap().bytes.as_deref(), Some(b"INFO".as_slice()));
            wave.after.clear();
            assert_eq!(read(&wave.bytes()).unwrap().samples, expected(), "{form:?}");
        }
    }
}

#[test]
fn samples_of_excessive_size_end_at_the_trailing_chunks() {
    for form in FORMS {
        let reading = read(&wave(form, Some(0x7fff_f000)).bytes()).unwrap();
        assert_eq!(reading.samples, expected());
        let expected_finding = FindingKind::DataBeyondEnd { claimed: 0x7fff_f000, found: 8 };
        assert_eq!(reading.findings, [expected_finding]);
        assert_eq!(reading.chunks.last().unwrap().id, ChunkId::FourCc(*b"LIST"));
    }
}

/// The recorder updated the size for the last time before the end.
#[test]
fn sizes_that_end_within_the_samples_are_ignored() {
    for form in FORMS {
        let mut wave = wave(form, Some(4));
        wave.data.extend_from_within(..);
        let reading = read(&wave.bytes()).unwrap();
        assert_eq!(reading.samples, [expected(), expected()].concat());
        let expected_finding = FindingKind::DataSizeTooSmall { claimed: 4, found: 16 };
        assert_eq!(reading.findings, [expected_finding]);
        assert_eq!(reading.chunks.last().unwrap().id, ChunkId::FourCc(*b"LIST"));
    }
}

#[test]
fn tags_after_the_file_are_not_audio() {
    let id3v1 = [b"TAG".as_slice(), &[b'x'; 125]].concat();
    let unknown_chunk = b"Xyz1\x02\0\0\0ab".to_vec();
    let tags = [id3v1, b"ID3\x03\0\0\0".to_vec(), b"APETAGEX\0".to_vec(), vec![0; 100_000]];
    for tag in tags.into_iter().chain([unknown_chunk]) {
        let mut file = Wave::new(Form::Riff, &SAMPLES).bytes();
        file.extend_from_slice(&tag);
        let reading = read(&file).unwrap();
        assert_eq!(reading.samples, expected());
        let is_reported = matches!(reading.findings[..], [FindingKind::NotAChunk { .. }]);
        assert_eq!(is_reported, !tag.starts_with(b"Xyz1"), "{:?}", reading.findings);
    }
    // Anything else is.
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
fn padding_may_be_any_byte_or_missing_before_a_tag() {
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
fn silence_of_unknown_size_is_kept() {
    let mut wave = Wave { data_size: Some(0), ..Wave::new(Form::Riff, &[0; 1000]) };
    assert_eq!(read(&wave.bytes()).unwrap().samples, [0.0; 1000]);
    // So is long silence after samples of known size.
    wave.data = vec![0; 3 << 20];
    wave.data_size = Some(100);
    assert_eq!(read(&wave.bytes()).unwrap().samples.len(), 3 << 19);
}

#[test]
fn a_file_without_samples_has_no_findings() {
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
fn a_file_cut_anywhere_keeps_the_samples_before_the_cut() {
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
            let expected_finding = FindingKind::DataBeyondEnd { claimed: 8, found };
            assert_eq!(reading.findings[0], expected_finding);
        }
    }
}

#[test]
fn ds64_overrides_the_size_of_a_chunk() {
    let mut wave = Wave::new(Form::Rf64, &SAMPLES);
    wave.before.push((*b"axml", b"<a/>".to_vec()));
    let mut file = wave.bytes();
    // One table entry, which holds the size of "axml".
    file[16] += 12;
    file[44] = 1;
    file.splice(48..48, *b"axml\x04\0\0\0\0\0\0\0");
    file[64..68].fill(0xff);
    let reading = read(&file).unwrap();
    assert_eq!((reading.samples, reading.findings), (expected(), vec![]));
    assert_eq!(reading.chunks[1].bytes.as_deref(), Some(b"<a/>".as_slice()));
}

#[test]
fn a_chunk_beyond_the_end_is_read_to_the_end() {
    let mut file = wave(Form::Riff, None).bytes();
    file.truncate(file.len() - 2);
    let reading = read(&file).unwrap();
    assert_eq!(reading.samples, expected());
    let id = ChunkId::FourCc(*b"LIST");
    let expected_finding = FindingKind::ChunkBeyondEnd { id, claimed: 4, available: 2 };
    assert_eq!(reading.findings, [expected_finding]);
    assert_eq!(reading.chunks.last().unwrap().bytes.as_deref(), Some(b"IN".as_slice()));
}

#[test]
fn a_tag_before_the_file_is_skipped() {
    // A size of 130 in seven-bit bytes; the second tag has a footer.
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
fn long_chunks_are_listed_without_contents() {
    let mut wave = Wave::new(Form::Riff, &SAMPLES);
    wave.before.push((*b"JUNK", vec![1; (1 << 20) + 1]));
    wave.after = vec![(*b"bext", vec![2; 1 << 20]); 17];
    let reading = read(&wave.bytes()).unwrap();
    assert_eq!(reading.samples, expected());
    let kept: Vec<_> = reading.chunks.iter().map(|chunk| chunk.bytes.is_some()).collect();
    // The format comes second, and its few bytes push the last chunk over the limit.
    assert_eq!(kept, [vec![false, true], vec![true; 15], vec![false; 2]].concat());
    assert_eq!(reading.chunks[0].len, (1 << 20) + 1);
    wave.after = vec![(*b"bext", vec![]); 10_010];
    let reading = read(&wave.bytes()).unwrap();
    assert_eq!(reading.chunks.len(), 10_000);
    assert_eq!(reading.findings, [FindingKind::ChunksOmitted { count: 12 }]);
}

#[test]
fn samples_in_several_places_are_an_error() {
    let mut wave = Wave::new(Form::Riff, &SAMPLES);
    wave.after.push((*b"data", vec![]));
    assert_eq!(read(&wave.bytes()).unwrap().samples, expected());
    wave.after.push((*b"data", vec![1, 2]));
    let error = read(&wave.bytes()).unwrap_err();
    assert_eq!((error.kind(), error.offset()), (ErrorKind::UnsupportedLayout, 68));
    assert!(error.to_string().ends_with("found a second one (the first is at byte 44)"), "{error}");
    // An empty first one does not count.
    wave.data.clear();
    wave.after.remove(0);
    assert_eq!(read(&wave.bytes()).unwrap().samples.len(), 1);
    // An unknown size does not turn the second one into samples.
    let mut two = Wave { data_size: Some(u64::from(u32::MAX)), ..Wave::new(Form::Riff, &SAMPLES) };
    two.after.push((*b"data", vec![1, 2]));
    assert_eq!(read(&two.bytes()).unwrap_err().kind(), ErrorKind::UnsupportedLayout);
    wave.after = vec![(*b"LIST", b"wavldata".to_vec())];
    let error = read(&wave.bytes()).unwrap_err();
    assert_eq!((error.kind(), error.offset()), (ErrorKind::UnsupportedLayout, 52));
}

#[test]
fn errors_name_the_byte_and_the_encoding() {
    let text = |file: &[u8]| read(file).unwrap_err().to_string();
    assert!(text(b"RIFY\0\0\0\0WAVE").ends_with("found \"RIFY\\x00\\x00\\x00\\x00WAVE\""));
    let mut wave = Wave::new(Form::Riff, &SAMPLES);
    let file = wave.bytes();
    assert!(text(&file[..43]).starts_with("byte 43: expected a \"data\" chunk"));
    assert!(text(&[&file[..12], &file[36..]].concat()).contains("expected a \"fmt \" chunk"));
    wave.tag = 0x55;
    assert_eq!(
        text(&wave.bytes()),
        "byte 20: expected PCM of 1 to 64 bits, float of 32 or 64 bits, A-law or mu-law, found MP3 of 16 bits (format tag 0x0055)"
    );
    wave.extension = Some((16, 0));
    assert!(text(&wave.bytes()).contains("MP3 of 16 bits (format tag 0x0055, GUID 5500"));
    (wave.tag, wave.channels) = (1, 0);
    assert_eq!(
        text(&wave.bytes()),
        "byte 20: expected at least 1 channel and 1 Hz, found 0 channels at 48000 Hz"
    );
}
