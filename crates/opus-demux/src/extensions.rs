//! Extensions of packets, which are reported alike for every container.

use std::{fmt, num::NonZeroU8};

use opus_packet::{CodedPos, ExtensionIds, LocatedPacket, extension_ids};

use crate::{Finding, FindingKind};

/// The packets of a stream that contain extensions: layers in their padding that decoders older
/// than libopus 1.5 skip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExtendedPackets {
    /// Which extensions.
    pub ids: ExtensionIds,
    /// How many packets contain some.
    pub packets: u64,
    /// The first sample of the first of these packets.
    pub position: CodedPos,
}

/// Counts the packets with extensions.
#[derive(Debug)]
pub(crate) struct Tally {
    streams: NonZeroU8,
    found: Option<ExtendedPackets>,
    /// Where the first that lies in the file in one piece does.
    offset: Option<u64>,
}

impl Tally {
    /// `streams` is the number of Opus streams in a packet.
    pub(crate) fn new(streams: NonZeroU8) -> Self {
        Self { streams, found: None, offset: None }
    }

    #[inline]
    pub(crate) fn count(&mut self, packet: &LocatedPacket<'_>) {
        let ids = extension_ids(packet.data, self.streams);
        if !ids.is_empty() {
            self.add(ids, packet);
        }
    }

    #[cold]
    fn add(&mut self, ids: ExtensionIds, packet: &LocatedPacket<'_>) {
        let position = packet.position;
        let first = ExtendedPackets { ids, packets: 0, position };
        let found = self.found.get_or_insert(first);
        found.ids.extend(ids.iter());
        found.packets = found.packets.saturating_add(1);
        self.offset = self.offset.or(packet.offset);
    }

    /// Returns the finding at the end of the stream, once.
    pub(crate) fn finish(&mut self) -> Option<Finding> {
        let found = self.found.take()?;
        Some(Finding::new(self.offset.unwrap_or_default(), FindingKind::Extensions(found)))
    }
}

impl fmt::Display for ExtendedPackets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ids, packets, position } = self;
        let packets = match packets {
            1 => "1 packet contains".to_owned(),
            _ => format!("{packets} packets contain"),
        };
        write!(
            f,
            "{packets} {ids}, the first at coded sample {position}; kept, but not decoded by libopus 1.3"
        )
    }
}
