use std::io::Cursor;

use opus_demux::{
    Error, OpusHead, Timeline,
    mp4::{Finding, FindingKind, Mp4OpusReader, Options},
};

/// Everything read from a file up to its end or its first error.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Without concealment.
    pub(crate) packets: Vec<Vec<u8>>,
    pub(crate) positions: Vec<u64>,
    pub(crate) concealed: u64,
    pub(crate) head: Option<OpusHead>,
    pub(crate) timeline: Option<Timeline>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) error: Option<Error>,
}

impl Outcome {
    pub(crate) fn reports(&self, is_it: impl Fn(&FindingKind) -> bool) -> bool {
        self.findings.iter().any(|finding| is_it(&finding.kind))
    }

    pub(crate) fn text(&self) -> String {
        self.error.as_ref().unwrap().to_string()
    }
}

/// Reads a file and checks properties of all files.
pub(crate) fn read_with(file: &[u8], options: Options) -> Outcome {
    let mut outcome = Outcome::default();
    let mut reader = match Mp4OpusReader::with_options(Cursor::new(file), options) {
        Ok(reader) => reader,
        Err(error) => {
            assert_eq!(error.to_string().lines().count(), 1);
            return Outcome { error: Some(error), ..outcome };
        }
    };
    outcome.head = Some(reader.head().clone());
    let (mut position, mut bytes) = (0, 0);
    loop {
        let packet = match reader.next_located() {
            Ok(Some(packet)) => packet,
            Ok(None) => break,
            Err(error) => {
                outcome.error = Some(error);
                break;
            }
        };
        let head = outcome.head.as_ref().unwrap();
        assert_eq!(head.packet_duration(packet.data), Ok(packet.duration));
        assert_eq!(packet.position.get(), position);
        position += u64::from(packet.duration);
        let Some(offset) = packet.offset else {
            outcome.concealed += u64::from(packet.duration);
            continue;
        };
        assert!(file[usize::try_from(offset).unwrap()..].starts_with(packet.data));
        bytes += packet.data.len();
        assert!(bytes <= file.len(), "no byte is returned twice");
        outcome.packets.push(packet.data.to_vec());
        outcome.positions.push(packet.position.get());
    }
    assert!(reader.next_located().unwrap().is_none(), "the end stays the end");
    outcome.timeline = reader.timeline();
    assert_eq!(outcome.timeline.is_some(), outcome.error.is_none());
    assert!(outcome.timeline.is_none_or(|timeline| timeline.coded_length() == position));
    outcome.findings = reader.findings().collect();
    for finding in &outcome.findings {
        assert_eq!(finding.to_string().lines().count(), 1);
    }
    outcome
}

pub(crate) fn read(file: &[u8]) -> Outcome {
    read_with(file, Options::default())
}

pub(crate) fn read_strict(file: &[u8]) -> Outcome {
    read_with(file, Options::default().strict(true))
}
