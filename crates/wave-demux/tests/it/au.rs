//! AU: a header and samples, without chunks.

use wave_demux::{ByteOrder, ChunkId, Encoding, ErrorKind, FindingKind, Form, is_wave};

use crate::files::read;

/// A mono file at 16 kHz with a note.
fn au(size: u32, encoding: u32, data: &[u8]) -> Vec<u8> {
    let fields = [28, size, encoding, 16_000, 1].map(u32::to_be_bytes).concat();
    [b".snd", &fields[..], b"fen\0", data].concat()
}

#[test]
fn every_encoding_is_read() {
    let cases: [(u32, &[u8], Encoding); 8] = [
        (1, &[0x80], Encoding::MuLaw),
        (2, &[0x40, 0x80], Encoding::I8),
        (3, &[0x40, 0, 0x80, 0], Encoding::I16),
        (4, &[0x40, 0, 0, 0x80, 0, 0], Encoding::I24),
        (5, &[0x40, 0, 0, 0, 0x80, 0, 0, 0], Encoding::I32),
        (6, &[0x3f, 0, 0, 0, 0xbf, 0x80, 0, 0], Encoding::F32),
        (7, &[0x3f, 0xe0, 0, 0, 0, 0, 0, 0, 0xbf, 0xf0, 0, 0, 0, 0, 0, 0], Encoding::F64),
        (27, &[0x2a], Encoding::ALaw),
    ];
    for (code, data, encoding) in cases {
        let file = au(u32::try_from(data.len()).unwrap(), code, data);
        assert!(is_wave(&file));
        let reading = read(&file).unwrap();
        let format = reading.format;
        assert_eq!((format.form, format.encoding), (Form::Au, encoding));
        assert_eq!((format.byte_order, format.rate), (ByteOrder::Big, 16_000));
        assert_eq!(reading.findings, []);
        let note = &reading.chunks[0];
        assert_eq!(
            (note.id, note.bytes.as_deref()),
            (ChunkId::FourCc(*b"ANNO"), Some(&b"fen"[..]))
        );
        match encoding {
            Encoding::MuLaw => assert_eq!(reading.samples, [32_124.0 / 32_768.0]),
            Encoding::ALaw => assert_eq!(reading.samples, [-32_256.0 / 32_768.0]),
            _ => assert_eq!(reading.samples, [0.5, -1.0], "{encoding:?}"),
        }
    }
}

#[test]
fn wrong_sizes_lose_nothing() {
    let data = [0x40, 0, 0x80, 0];
    let of = |size| {
        let reading = read(&au(size, 3, &data)).unwrap();
        (reading.samples.len(), reading.findings)
    };
    assert_eq!(of(u32::MAX), (2, vec![]));
    assert_eq!(of(0), (2, vec![FindingKind::DataSizeUnknown { found: 4 }]));
    assert_eq!(of(9), (2, vec![FindingKind::DataBeyondEnd { claimed: 9, found: 4 }]));
    assert_eq!(of(2), (1, vec![FindingKind::NotAChunk { bytes: 2 }]));
    for len in 0..28 {
        let start = &au(4, 3, &data)[..len];
        let error = read(start).map(|reading| reading.samples.len());
        assert!(matches!(error, Ok(0) | Err(_)), "{len}");
    }
}

#[test]
fn other_encodings_are_named() {
    let error = read(&au(4, 23, &[0; 4])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnsupportedEncoding);
    assert!(error.to_string().ends_with("found encoding 23 of AU"), "{error}");
}
