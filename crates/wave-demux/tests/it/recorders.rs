//! `testdata/wave/`: one recording as pipes, crashes and recorders leave it.

use std::{fs, path::Path};

use wave_demux::{ByteOrder, Chunk, ChunkId, Encoding, FindingKind, Form};

use crate::files::{Reading, read};

fn file(name: &str) -> Reading {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/wave").join(name);
    read(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn every_file_has_the_samples_of_the_whole_file() {
    let whole = file("whole.wav");
    assert_eq!((whole.samples.len(), whole.findings), (800, vec![]));
    let unknown = || FindingKind::DataSizeUnknown { found: 1600 };
    let guan = ChunkId::FourCc(*b"guan");
    let no_padding = |id: &[u8; 4]| FindingKind::NoPadding { id: ChunkId::FourCc(*id) };
    let claimed = u64::try_from(i64::MAX).unwrap() - 24;
    for (name, form, findings) in [
        ("pipe.wav", Form::Riff, vec![unknown()]),
        ("pipe.rf64", Form::Rf64, vec![unknown()]),
        ("pipe.w64", Form::W64, vec![FindingKind::DataBeyondEnd { claimed, found: 1600 }]),
        (
            "pipe.aiff",
            Form::Aiff,
            vec![unknown(), FindingKind::FrameCount { claimed: 0, found: 800 }],
        ),
        ("no-size.wav", Form::Riff, vec![unknown()]),
        ("no-size-guano.wav", Form::Riff, vec![unknown()]),
        (
            "old-size.wav",
            Form::Riff,
            vec![FindingKind::DataSizeTooSmall { claimed: 800, found: 1600 }],
        ),
        ("unpadded.wav", Form::Riff, vec![no_padding(b"guan")]),
    ] {
        let reading = file(name);
        assert_eq!(reading.format.form, form, "{name}");
        assert_eq!(reading.findings, findings, "{name}");
        assert_eq!(reading.samples, whole.samples, "{name}");
        let guano = reading.chunks.iter().filter(|chunk| chunk.id == guan);
        let is_whole = |chunk: &Chunk| {
            chunk.bytes.as_deref() == Some(b"GUANO|Version: 1.0\nLoc Position: 1 2\nTE: 1\n")
        };
        let expected = if name.contains("guano") || name == "unpadded.wav" { 2 } else { 0 };
        assert_eq!(guano.filter(|chunk| is_whole(chunk)).count(), expected, "{name}");
    }
}

#[test]
fn a_cut_file_keeps_the_samples_before_the_cut() {
    let reading = file("cut-off.wav");
    assert_eq!(reading.samples, file("whole.wav").samples[..478]);
    assert_eq!(
        reading.findings,
        [
            FindingKind::DataBeyondEnd { claimed: 1600, found: 957 },
            FindingKind::PartialFrame { bytes: 1, block_align: 2 },
        ]
    );
}

#[test]
fn a_cut_little_endian_aiff_c_keeps_them_too() {
    let reading = file("cut-off.aifc");
    assert_eq!((reading.format.form, reading.format.byte_order), (Form::Aifc, ByteOrder::Little));
    assert_eq!(reading.samples, file("whole.wav").samples[..478]);
    assert_eq!(reading.findings.len(), 3);
}

#[test]
fn sox_files_are_read() {
    let reading = file("extensible.wav");
    assert_eq!((reading.format.encoding, reading.format.channel_mask), (Encoding::I24, Some(3)));
    assert_eq!((reading.samples.len(), reading.findings), (320, vec![]));
    let reading = file("a-law.wav");
    assert_eq!((reading.format.encoding, reading.samples.len()), (Encoding::ALaw, 400));
    assert!(reading.samples.iter().any(|sample| *sample > 0.4));
}
