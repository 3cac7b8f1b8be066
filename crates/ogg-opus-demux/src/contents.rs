use std::ops::Range;

use opus_packet::{CodedPos, OpusHead, OpusTags, duration, wide};

use crate::{
    Error, FindingKind, Violation,
    finding::Findings,
    page::{Fragment, Fragments, bytes_at},
};

/// What the current page of a link holds: tags, packets, losses.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) head: OpusHead,
    /// Whether packets have a single Opus stream.
    is_single: bool,
    pub(crate) tags: OpusTags,
    /// Whether the next packet should be OpusTags.
    pub(crate) awaits_tags: bool,
    /// Whether OpusTags ended on this page.
    pub(crate) has_tags: bool,
    pub(crate) entries: Vec<Entry>,
    /// Samples in the packets.
    pub(crate) samples: u64,
    /// The entry before which something is lost.
    pub(crate) loss: Option<usize>,
    /// Audio packets that have ended so far, kept or not.
    pub(crate) ended: u64,
    /// The same before this page.
    ended_before: u64,
}

/// Small, since a demuxer spends most of its time writing and reading these.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Entry {
    /// A packet in these bytes of the page.
    InPage { start: u32, end: u32, duration: u32 },
    /// A packet joined from several pages.
    Joined { duration: u32 },
    /// Lost audio.
    Gap { samples: u64 },
}

/// Where the bytes of a packet lie, its duration and its position.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed {
    pub(crate) bytes: PlacedBytes,
    pub(crate) duration: u32,
    pub(crate) position: CodedPos,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum PlacedBytes {
    /// In these bytes of the page.
    InPage { start: u32, end: u32 },
    /// See [`Link::joined`](crate::link::Link::joined).
    Joined,
    /// See [`Link::concealed`](crate::link::Link::concealed).
    Concealed,
}

impl Contents {
    pub(crate) fn new(head: OpusHead) -> Self {
        Self {
            is_single: head.mapping().streams().get() == 1,
            head,
            tags: OpusTags::new("", []),
            awaits_tags: true,
            has_tags: false,
            entries: Vec::new(),
            samples: 0,
            loss: None,
            ended: 0,
            ended_before: 0,
        }
    }

    /// Makes room for the next page.
    #[inline]
    pub(crate) fn turn_page(&mut self) {
        self.entries.clear();
        self.ended_before = self.ended;
        (self.has_tags, self.samples, self.loss) = (false, 0, None);
    }

    /// The number of audio packets that ended on this page, kept or not.
    pub(crate) fn audio_packets(&self) -> u64 {
        self.ended - self.ended_before
    }

    /// The durations of the first and the last packet of the page; 0 if there is none.
    pub(crate) fn packet_durations(&self) -> [u32; 2] {
        [self.entries.first(), self.entries.last()].map(|entry| match entry {
            Some(&(Entry::InPage { duration, .. } | Entry::Joined { duration })) => duration,
            Some(Entry::Gap { .. }) | None => 0,
        })
    }

    /// Accepts packets from the start of a page as long as they are plain, which almost all are.
    /// Returns the first fragment that is not.
    #[inline]
    pub(crate) fn plain_packets(
        &mut self,
        page: &[u8],
        fragments: &mut Fragments<'_>,
        limit: usize,
    ) -> Option<Fragment> {
        if self.awaits_tags || !self.is_single {
            return fragments.next();
        }
        let (first, mut samples) = (self.entries.len(), self.samples);
        let other = loop {
            let Some(fragment) = fragments.next() else { break None };
            let bytes = bytes_at(page, &fragment.range);
            match duration(bytes) {
                Ok(duration) if fragment.ends_packet && bytes.len() <= limit => {
                    let Range { start, end } = fragment.range;
                    samples += u64::from(duration);
                    self.entries.push(Entry::InPage { start, end, duration });
                }
                _ => break Some(fragment),
            }
        };
        self.samples = samples;
        self.ended += wide(self.entries.len() - first);
        other
    }

    /// Accepts the next packet that ends on the page and returns its duration. `None` if it is
    /// not audio.
    #[inline(always)]
    pub(crate) fn packet(
        &mut self,
        data: &[u8],
        offset: u64,
        findings: &mut Findings,
    ) -> Result<Option<u32>, Error> {
        if self.awaits_tags && self.take_tags(data, offset, findings)? {
            return Ok(None);
        }
        self.ended += 1;
        let duration =
            if self.is_single { duration(data) } else { self.head.packet_duration(data) };
        match duration {
            Ok(duration) => {
                self.samples += u64::from(duration);
                Ok(Some(duration))
            }
            Err(reason) => {
                self.lose();
                let packet = self.ended - 1;
                findings.report(offset, FindingKind::Packet { packet, reason })?;
                Ok(None)
            }
        }
    }

    /// Drops a packet of more than `limit` bytes. If it continues on the next page, it is lost
    /// there, since the granule position of this page does not include it.
    #[cold]
    pub(crate) fn too_long(
        &mut self,
        limit: usize,
        offset: u64,
        ends_packet: bool,
        findings: &mut Findings,
    ) -> Result<(), Error> {
        if ends_packet {
            self.lose();
        }
        let violation = if self.awaits_tags {
            Violation::TagsTooLong { limit }
        } else {
            Violation::PacketTooLong { limit }
        };
        Ok(findings.report(offset, violation)?)
    }

    /// Records a loss before the next entry.
    #[cold]
    pub(crate) fn lose(&mut self) {
        self.loss.get_or_insert(self.entries.len());
    }

    /// Returns false if the packet is audio instead of tags.
    #[cold]
    fn take_tags(
        &mut self,
        packet: &[u8],
        offset: u64,
        findings: &mut Findings,
    ) -> Result<bool, Error> {
        self.awaits_tags = false;
        if !packet.starts_with(b"OpusTags") {
            findings.report(offset, Violation::NoTags)?;
            return Ok(false);
        }
        self.has_tags = true;
        match OpusTags::parse(packet.to_vec()) {
            Ok(tags) => self.tags = tags,
            Err(reason) => findings.report(offset, FindingKind::Tags(reason))?,
        }
        Ok(true)
    }
}

impl Entry {
    pub(crate) fn samples(&self) -> u64 {
        match self {
            Self::InPage { duration, .. } | Self::Joined { duration } => u64::from(*duration),
            Self::Gap { samples } => *samples,
        }
    }
}
