//! Metadata as recorders write it.

use super::{Seed, named};

/// Returns one seed for each kind of metadata.
pub(super) fn metadata() -> Vec<Seed> {
    let mut seeds = named(&TEXTS);
    seeds.push(("bext".to_owned(), bext()));
    seeds.push(("wamd".to_owned(), wamd()));
    seeds.push(("harp".to_owned(), harp()));
    seeds
}

const TEXTS: [(&str, &[u8]); 7] = [
    (
        "audiomoth",
        b"Recorded at 19:30:00 12/11/2021 (UTC-3:30) by AudioMoth 248D9B045EC9EE79 using \
          external microphone at medium gain while battery was 4.1V and temperature was -4.0C. \
          Frequency trigger (2.0kHz and window length of 16 samples) threshold was 0.5% with 5s \
          minimum trigger duration. Band-pass filter with frequencies of 1.0kHz and 20.0kHz \
          applied. Amplitude threshold was -28 dB with 5s minimum trigger duration. Recording \
          stopped due to low voltage.",
    ),
    (
        "audiomoth-1.0",
        b"Recorded at 19:30:00 12/11/2018 by AudioMoth 0FE081F80FE081F0 at gain setting 2 while \
          battery state was 4.03V",
    ),
    (
        "guano",
        b"GUANO|Version: 1.0\nTimestamp: 2012-03-29T03:58:01.5+04:00\nTE: 10\n\
          Samplerate: 500000\nLoc Position: 37.18 -86.10\nSpecies Auto ID: MYLU, EPFU\n\
          Note: one\\ntwo\nPET|Gain: 80\n",
    ),
    ("info", b"INFOICMT\x05\0\0\0four\0\0ICRD\x1a\0\0\x002018-04-26T13:26:19-05:00\0"),
    ("name", b"S4A03895_20190522_001500.250-0330.wav"),
    ("name-hex", b"5B6A9C40.WAV"),
    (
        "ixml",
        b"<BWF_ORIGINATION_DATE>2003-10-30</BWF_ORIGINATION_DATE>\
          <BWF_ORIGINATION_TIME>03:27:17</BWF_ORIGINATION_TIME>",
    ),
];

fn bext() -> Vec<u8> {
    let mut chunk = vec![0; 320];
    chunk.extend(b"2017-10-0621:23:15");
    chunk.extend(4800_u64.to_le_bytes());
    chunk.extend(2_u16.to_le_bytes());
    chunk.extend([0; 254]);
    chunk.extend(b"A=PCM");
    chunk
}

fn wamd() -> Vec<u8> {
    let fields: [(u16, &[u8]); 4] = [
        (15, &[10, 0]),
        (1, b"SM4BAT"),
        (5, b"2016-04-27 18:54:58.000"),
        (6, b"WGS84,46.5,S,7.25,W"),
    ];
    let mut chunk = vec![];
    for (number, contents) in fields {
        chunk.extend(number.to_le_bytes());
        chunk.extend((contents.len() as u32).to_le_bytes());
        chunk.extend(contents);
    }
    chunk
}

/// Three raw files, of which the last begins late.
fn harp() -> Vec<u8> {
    let mut chunk = vec![0; 56];
    (chunk[0], chunk[36]) = (1, 3);
    for second in [0, 2, 40] {
        chunk.extend([9, 7, 20, 19, 32, second, 244, 1]);
        chunk.extend([0, 8000, 0, 2000].map(u32::to_le_bytes).concat());
        chunk.extend([0; 8]);
    }
    chunk
}
