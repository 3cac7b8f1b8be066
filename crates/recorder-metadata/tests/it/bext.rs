//! Broadcast WAVE chunks.

use recorder_metadata::{Bext, ErrorKind};

/// The fields of a chunk.
struct Chunk {
    description: &'static [u8],
    originator: &'static [u8],
    date: &'static [u8],
    time: &'static [u8],
    time_reference: u64,
    version: u16,
    umid: u8,
    loudness: [i16; 5],
    history: &'static [u8],
}

const CHUNK: Chunk = Chunk {
    description: b"frogs and rain",
    originator: b"Sound Devices",
    date: b"2024-03-15",
    time: b"14:30:00",
    time_reference: 0,
    version: 2,
    umid: 7,
    loudness: [-2310, 750, i16::MAX, -1950, 0],
    history: b"A=PCM,F=48000,W=24,M=stereo\r\n\0\0",
};

impl Chunk {
    fn bytes(&self) -> Vec<u8> {
        let padded = |text: &[u8], len: usize| [text, &vec![0; len - text.len()]].concat();
        [
            &padded(self.description, 256)[..],
            &padded(self.originator, 32),
            &padded(b"SD-001", 32),
            &padded(self.date, 10),
            &padded(self.time, 8),
            &self.time_reference.to_le_bytes(),
            &self.version.to_le_bytes(),
            &[self.umid; 64],
            self.loudness.map(i16::to_le_bytes).as_flattened(),
            &[0; 180],
            self.history,
        ]
        .concat()
    }

    fn parse(&self) -> Bext {
        Bext::parse(&self.bytes()).unwrap()
    }

    fn start(&self) -> Option<String> {
        self.parse().start(48_000).map(|start| start.clock.to_string())
    }
}

#[test]
fn all_fields_are_read() {
    let bext = CHUNK.parse();
    assert_eq!(bext.description, "frogs and rain");
    assert_eq!(bext.originator, "Sound Devices");
    assert_eq!(bext.originator_reference, "SD-001");
    assert_eq!((bext.version, bext.umid), (2, Some([7; 64])));
    let loudness = bext.loudness.unwrap();
    assert_eq!((loudness.integrated, loudness.range), (Some(-2310), Some(750)));
    assert_eq!((loudness.max_true_peak, loudness.max_momentary), (None, Some(-1950)));
    assert_eq!(loudness.max_short_term, Some(0));
    assert_eq!(bext.coding_history, "A=PCM,F=48000,W=24,M=stereo");
    let start = bext.start(48_000).unwrap();
    assert_eq!((start.clock.to_string().as_str(), start.offset), ("2024-03-15T14:30:00", None));
}

#[test]
fn earlier_versions_have_fewer_fields() {
    let bext = Chunk { version: 1, ..CHUNK }.parse();
    assert_eq!((bext.umid, bext.loudness), (Some([7; 64]), None));
    let bext = Chunk { version: 0, ..CHUNK }.parse();
    assert_eq!((bext.umid, bext.loudness), (None, None));
    assert_eq!(Chunk { umid: 0, ..CHUNK }.parse().umid, None);
}

#[test]
fn the_time_reference_supplies_the_decimals() {
    let midnight_to_half_past_two = 48_000 * (14 * 3600 + 30 * 60);
    for (time_reference, start) in [
        (0, "2024-03-15T14:30:00"),
        (midnight_to_half_past_two, "2024-03-15T14:30:00"),
        (midnight_to_half_past_two + 12_000, "2024-03-15T14:30:00.25"),
        (midnight_to_half_past_two - 24_000, "2024-03-15T14:29:59.5"),
        (midnight_to_half_past_two + 48_000, "2024-03-15T14:30:00"), // another clock's
        (u64::MAX, "2024-03-15T14:30:00"),
    ] {
        assert_eq!(Chunk { time_reference, ..CHUNK }.start().as_deref(), Some(start));
    }
    let bext = Chunk { time_reference: 24_000, ..CHUNK }.parse();
    assert_eq!(bext.since_midnight(48_000).unwrap().as_millis(), 500);
    assert_eq!(bext.since_midnight(0), None);
    assert!(bext.start(0).is_some());
}

#[test]
fn invalid_dates_and_times_are_no_start() {
    let leap = Chunk { time: b"23:59:60", time_reference: 0, ..CHUNK }.start();
    assert_eq!(leap.as_deref(), Some("2024-03-15T23:59:59"));
    assert_eq!(
        Chunk { date: b"2024:03:15", time: b"14-30-00", ..CHUNK }.start().as_deref(),
        Some("2024-03-15T14:30:00")
    );
    for date in [
        &b""[..],
        b"2024-13-01",
        b"2024-03:15",
        b"15-03-2024",
        b"1904-01-01",
        b"1904-02-03",
        b"1970-01-01",
        b"\xff\xff\xff\xff",
    ] {
        assert_eq!(Chunk { date, ..CHUNK }.start(), None);
    }
    for time in [&b""[..], b"24:00:00", b"14:30", b"14:30-00", b"12345678"] {
        assert_eq!(Chunk { time, ..CHUNK }.start(), None);
    }
}

#[test]
fn a_chunk_by_pro_tools_is_read() {
    // nonstandard-01.wav of hound's tests: the time reference is of the session, not the day.
    let mut chunk = Chunk {
        description: b"",
        originator: b"Pro Tools",
        date: b"2017-10-06",
        time: b"21:23:15",
        time_reference: 275_188_816,
        version: 0,
        umid: 0,
        loudness: [0; 5],
        history: b"",
    }
    .bytes();
    let bext = Bext::parse(&chunk).unwrap();
    assert_eq!(chunk.len(), 602);
    assert_eq!(bext.originator, "Pro Tools");
    assert_eq!(bext.start(48_000).unwrap().clock.to_string(), "2017-10-06T21:23:15");

    // Chunks that end early.
    chunk.truncate(338);
    assert_eq!(Bext::parse(&chunk).unwrap().start(48_000), bext.start(48_000));
    chunk.truncate(337);
    let error = Bext::parse(&chunk).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidBext);
    assert_eq!(
        format!("{error:?}"),
        "expected a \"bext\" chunk of at least 338 bytes, up to its date and time (EBU Tech 3285), found 337"
    );
}

#[test]
fn text_other_than_utf_8_is_decoded() {
    assert_eq!(
        Chunk { description: b"Flederm\xe4use", ..CHUNK }.parse().description,
        "Fledermäuse"
    );
}
