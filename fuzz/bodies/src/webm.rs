//! WebM and Matroska files.

use std::io::Read;

use opus_demux::{
    Error,
    webm::{Options, WebmOpusReader, is_webm},
};

use crate::pieces::Pieces;

/// Reads arbitrary bytes as a WebM file: the same packets and findings from memory and in pieces.
pub fn webm(file: &[u8]) {
    let tolerant = read(file, file, Options::default());
    assert_eq!(tolerant, read(Pieces(file, 61), file, Options::default()));
    let strict = read(file, file, Options::default().strict(true));
    let has_violation = tolerant.findings.iter().any(|(_, is_violation)| *is_violation);
    // Findings before an error in the headers, and those beyond the first thousand, are lost.
    let all_are_seen = tolerant.error.is_none() && tolerant.findings.len() <= 1000;
    match strict.error {
        None => assert!(strict == tolerant && !has_violation),
        Some(error) => assert!(has_violation || !all_are_seen, "{error}"),
    }
}

/// The content of a file up to its end or its first error.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    packets: Vec<(Option<u64>, u32)>,
    findings: Vec<(String, bool)>,
    error: Option<String>,
}

fn read(source: impl Read, file: &[u8], options: Options) -> Outcome {
    let mut outcome = Outcome::default();
    if let Err(error) = read_into(&mut outcome, source, file, options) {
        let text = error.to_string();
        assert_eq!(text.lines().count(), 1, "{text}");
        outcome.error = Some(text);
    } else {
        assert!(is_webm(file));
    }
    outcome
}

/// Reads all documents of a file.
fn read_into(
    outcome: &mut Outcome,
    source: impl Read,
    file: &[u8],
    options: Options,
) -> Result<(), Error> {
    let mut reader = WebmOpusReader::with_options(source, options)?;
    let mut bytes_end = 0;
    loop {
        let result = read_document(outcome, &mut reader, file, &mut bytes_end);
        let next = result.and_then(|is_whole| Ok(is_whole && reader.next_document()?));
        outcome.findings.extend(reader.findings().map(|finding| {
            let text = finding.to_string();
            assert_eq!(text.lines().count(), 1, "{text}");
            (text, finding.is_violation())
        }));
        if !next? {
            return Ok(());
        }
    }
}

/// Reads a document and checks what holds for any. Returns false if it did not read to the end.
fn read_document(
    outcome: &mut Outcome,
    reader: &mut WebmOpusReader<impl Read>,
    file: &[u8],
    bytes_end: &mut usize,
) -> Result<bool, Error> {
    let (head, mut position, mut lost) = (reader.head().clone(), 0, 0);
    while let Some(packet) = reader.next_located()? {
        assert_eq!(head.packet_duration(packet.data), Ok(packet.duration));
        assert_eq!(packet.position.get(), position);
        position += u64::from(packet.duration);
        if let Some(offset) = packet.offset {
            let offset = usize::try_from(offset).unwrap();
            assert!(offset >= *bytes_end, "a byte was returned twice");
            assert!(file[offset..].starts_with(packet.data));
            *bytes_end = offset + packet.data.len();
        } else {
            lost += u64::from(packet.duration);
        }
        outcome.packets.push((packet.offset, packet.duration));
        // A day of lost audio teaches a fuzzer nothing.
        if lost > 1 << 22 {
            return Ok(false);
        }
    }
    assert!(reader.next_located()?.is_none(), "packets after the end");
    let timeline = reader.timeline().expect("known at the end");
    assert_eq!(timeline.coded_length(), position);
    Ok(true)
}
