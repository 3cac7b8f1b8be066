use std::num::NonZeroU32;

use crate::{ClockReading, Position, text};

/// The contents of a `wamd` chunk: numbered fields, as Wildlife Acoustics' recorders and
/// Kaleidoscope wrote them before GUANO. The format is unpublished; this parser follows
/// `wamd2guano` of guano-py and real recordings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wamd {
    chunk: Vec<u8>,
}

impl Wamd {
    /// Parses a chunk.
    pub fn parse(chunk: &[u8]) -> Self {
        Self { chunk: chunk.to_vec() }
    }

    /// Returns all fields in order: number and contents. The last may be cut off.
    pub fn fields(&self) -> impl Iterator<Item = (u16, &[u8])> {
        let mut rest = self.chunk.as_slice();
        std::iter::from_fn(move || {
            let (&number, after) = rest.split_first_chunk::<2>()?;
            let (&size, after) = after.split_first_chunk::<4>()?;
            let size = usize::try_from(u32::from_le_bytes(size)).unwrap_or(usize::MAX);
            let (contents, after) = after.split_at_checked(size).unwrap_or((after, &[]));
            rest = after;
            Some((u16::from_le_bytes(number), contents))
        })
    }

    /// Returns the text of the first non-empty field with this number.
    pub fn text(&self, number: u16) -> Option<String> {
        let texts = self.fields().filter(|(found, _)| *found == number);
        let mut trimmed = texts.map(|(_, text)| text::decode_text(text).trim().to_owned());
        trimmed.find(|text| !text.is_empty())
    }

    /// Returns the model of the recorder.
    pub fn model(&self) -> Option<String> {
        self.text(0x01)
    }

    /// Returns the serial number of the recorder.
    pub fn serial(&self) -> Option<String> {
        self.text(0x02)
    }

    /// Returns the firmware version of the recorder.
    pub fn firmware_version(&self) -> Option<String> {
        self.text(0x03)
    }

    /// Returns the start of the recording.
    pub fn timestamp(&self) -> Option<ClockReading> {
        ClockReading::parse(&self.text(0x05)?)
    }

    /// Returns the place where the recording began.
    pub fn position(&self) -> Option<Position> {
        position(&self.text(0x06)?)
    }

    /// Returns the time expansion factor; 1 if missing or invalid.
    pub fn time_expansion(&self) -> NonZeroU32 {
        let field = self.fields().find(|(number, _)| *number == 0x0F);
        let factor = field.and_then(|(_, contents)| contents.first_chunk::<2>());
        factor
            .and_then(|&factor| NonZeroU32::new(u16::from_le_bytes(factor).into()))
            .unwrap_or(NonZeroU32::MIN)
    }

    /// Returns the rate at which the sound was sampled, in Hz: the rate in the file's header times
    /// [`time_expansion`](Self::time_expansion). `None` if it exceeds 32 bits.
    pub fn true_rate(&self, file_rate: u32) -> Option<u32> {
        file_rate.checked_mul(self.time_expansion().get())
    }
}

/// Parses `WGS84, 46.1, N, 7.2, W, 500` or, from an Echo Meter Touch, `WGS84, 46.1, -7.2, 500`.
fn position(text: &str) -> Option<Position> {
    let mut parts = text.split(',').map(str::trim).skip(1).peekable();
    let mut degrees = |limit: f64, negative: &str, positive: &str| {
        let size: f64 = parts.next()?.parse().ok()?;
        let hemisphere = parts.next_if(|part| *part == negative || *part == positive);
        let degrees = if hemisphere == Some(negative) { -size } else { size };
        (degrees.abs() <= limit).then_some(degrees)
    };
    Some(Position { latitude: degrees(90.0, "S", "N")?, longitude: degrees(180.0, "W", "E")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wamd(fields: &[(u16, &[u8])]) -> Wamd {
        let field = |(number, contents): &(u16, &[u8])| {
            let size = u32::try_from(contents.len()).unwrap();
            [&number.to_le_bytes()[..], &size.to_le_bytes(), contents].concat()
        };
        Wamd::parse(&fields.iter().flat_map(field).collect::<Vec<u8>>())
    }

    /// From `S4U00331_0_20160427_185458_000.wav` of Tadarida-D, without a program of 632 bytes.
    const SM4BAT: &[(u16, &[u8])] = &[
        (0x00, &[1, 0]),
        (0x0F, &[10, 0]),
        (0x01, b"SM4BAT"),
        (0x02, b"S4U00331"),
        (0x03, b"1.0.8"),
        (0x05, b"2016-04-27 18:54:58.000"),
        (0x08, b"Kaleidoscope 3.1.2"),
        (0x10, b"SM4P\x01\0\0\0"),
    ];

    #[test]
    fn fields_of_a_song_meter_are_read() {
        let wamd = wamd(SM4BAT);
        assert_eq!(wamd.fields().collect::<Vec<_>>(), SM4BAT);
        assert_eq!(wamd.model().as_deref(), Some("SM4BAT"));
        assert_eq!(wamd.serial().as_deref(), Some("S4U00331"));
        assert_eq!(wamd.firmware_version().as_deref(), Some("1.0.8"));
        assert_eq!(wamd.timestamp().unwrap().clock.to_string(), "2016-04-27T18:54:58");
        assert_eq!(wamd.true_rate(38_400), Some(384_000));
        assert_eq!(wamd.position(), None);
    }

    #[test]
    fn missing_time_expansion_is_one() {
        for contents in [&b""[..], &[0], &[0, 0]] {
            assert_eq!(wamd(&[(0x0F, contents)]).true_rate(48_000), Some(48_000));
        }
        assert_eq!(wamd(&[(0x0F, &[255, 255])]).true_rate(u32::MAX), None);
    }

    #[test]
    fn positions_have_signs_or_hemispheres() {
        for (text, expected) in [
            ("WGS84,46.5,N,7.25,W,500", Some((46.5, -7.25))),
            ("WGS84, 46.5, S, 7.25, E", Some((-46.5, 7.25))),
            ("WGS84,-46.5,7.25,500", Some((-46.5, 7.25))),
            ("WGS84,91,N,7.25,E", None),
            ("WGS84,NaN,7.25", None),
            ("WGS84,46.5", None),
            ("", None),
        ] {
            let found = wamd(&[(0x06, text.as_bytes())]).position();
            assert_eq!(found.map(|at| (at.latitude, at.longitude)), expected, "{text}");
        }
    }

    #[test]
    fn a_field_that_is_cut_off_is_kept() {
        let cut = Wamd::parse(b"\x01\0\xff\xff\xff\xffSM4");
        assert_eq!(cut.model().as_deref(), Some("SM4"));
        assert_eq!(Wamd::parse(b"\x01\0\x02\0\0").fields().count(), 0);
    }
}
