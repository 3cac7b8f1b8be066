//! RIFX: a WAVE file with everything in big-endian order.

use wave_demux::{ByteOrder, Encoding, Form, is_wave};

use crate::files::read;

fn push(file: &mut Vec<u8>, id: &[u8; 4], contents: &[u8]) {
    file.extend_from_slice(id);
    file.extend_from_slice(&u32::try_from(contents.len()).unwrap().to_be_bytes());
    file.extend_from_slice(contents);
    file.resize(file.len().next_multiple_of(2), 0);
}

/// A mono file at 16 kHz.
fn rifx(tag: u16, bits: u16, is_extensible: bool, data: &[u8]) -> Vec<u8> {
    let mut file = b"RIFX\0\0\0\0WAVE".to_vec();
    let stated = if is_extensible { 0xfffe } else { tag };
    let mut format = [stated, 1].map(u16::to_be_bytes).concat();
    let bytes = bits / 8;
    format.extend([16_000, 16_000 * u32::from(bytes)].map(u32::to_be_bytes).concat());
    format.extend([bytes, bits].map(u16::to_be_bytes).concat());
    if is_extensible {
        format.extend([22, bits].map(u16::to_be_bytes).concat());
        format.extend([4, u32::from(tag)].map(u32::to_be_bytes).concat());
        format.extend([0, 0, 0, 16, 128, 0, 0, 170, 0, 56, 155, 113]);
    }
    push(&mut file, b"fmt ", &format);
    push(&mut file, b"note", b"odd");
    push(&mut file, b"data", data);
    file
}

#[test]
fn samples_of_every_width_are_big_endian() {
    let cases: [(u16, u16, &[u8], Encoding); 6] = [
        (1, 8, &[0xc0, 0], Encoding::U8),
        (1, 16, &[0x40, 0, 0x80, 0], Encoding::I16),
        (1, 24, &[0x40, 0, 0, 0x80, 0, 0], Encoding::I24),
        (1, 32, &[0x40, 0, 0, 0, 0x80, 0, 0, 0], Encoding::I32),
        (3, 32, &[0x3f, 0, 0, 0, 0xbf, 0x80, 0, 0], Encoding::F32),
        (3, 64, &[0x3f, 0xe0, 0, 0, 0, 0, 0, 0, 0xbf, 0xf0, 0, 0, 0, 0, 0, 0], Encoding::F64),
    ];
    for (tag, bits, data, encoding) in cases {
        for is_extensible in [false, true] {
            let file = rifx(tag, bits, is_extensible, data);
            assert!(is_wave(&file));
            let reading = read(&file).unwrap();
            assert_eq!(reading.samples, [0.5, -1.0], "{encoding:?} {is_extensible}");
            let format = reading.format;
            assert_eq!((format.form, format.encoding), (Form::Rifx, encoding));
            assert_eq!((format.byte_order, format.rate), (ByteOrder::Big, 16_000));
            assert_eq!(format.channel_mask, is_extensible.then_some(4));
            assert_eq!(reading.findings, []);
        }
    }
}
