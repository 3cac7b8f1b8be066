use std::ops::Range;

use opus_packet::{OpusHead, OpusTags, duration};

use crate::{
    Error, FindingKind, Violation,
    finding::Findings,
    page::{Fragment, Fragments, bytes_at, wide},
};

/// What the current page of a link gave: tags, packets, losses.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) head: OpusHead,
    /// Whether packets have one Opus stream.
    is_single: bool,
    pub(crate) tags: OpusTags,
    /// The next packet should be OpusTags.
    pub(crate) awaits_tags: bool,
    /// OpusTags ended on this page.
    pub(crate) has_tags: bool,
    pub(crate) entries: Vec<Entry>,
    /// How long the packets last.
    pub(crate) samples: u64,
    /// Before which entry something is lost.
    pub(crate) loss: Option<usize>,
    /// Audio packets that have ended, kept or not: up to here, and before this page.
    pub(crate) ended: u64,
    ended_before: u64,
}

/// Small, since most of what a demuxer does is to write and read these.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Entry {
    /// In one piece in the page, at these bytes of it.
    InPage { start: u32, end: u32, duration: u32 },
    /// Put together from several pages.
    Joined { duration: u32 },
    /// Lost.
    Gap { samples: u64 },
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

    /// Makes room for what the next page gives.
    #[inline]
    pub(crate) fn turn_page(&mut self) {
        self.entries.clear();
        self.ended_before = self.ended;
        (self.has_tags, self.samples, self.loss) = (false, 0, None);
    }

    /// How many audio packets ended on this page, kept or not.
    pub(crate) fn audio_packets(&self) -> u64 {
        self.ended - self.ended_before
    }

    /// Duration of the first packet of the page.
    pub(crate) fn packet_duration(&self) -> Option<u32> {
        match self.entries.first() {
            Some(&(Entry::InPage { duration, .. } | Entry::Joined { duration })) => Some(duration),
            _ => None,
        }
    }

    /// Takes the packets that a page begins with, as long as there is nothing special about
    /// them: nearly all that there are. Gives the first fragment that is another matter.
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

    /// Takes the next packet that ends on the page, and gives its duration; none if it
    /// is not audio.
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

    /// A packet of more than `limit` bytes is dropped. If it goes on on the next page, it
    /// is lost there, since the granule position of this page does not tell its time.
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
        findings.report(
            offset,
            match self.awaits_tags {
                true => Violation::TagsTooLong { limit },
                false => Violation::PacketTooLong { limit },
            },
        )
    }

    /// Before what comes next something is lost.
    #[cold]
    pub(crate) fn lose(&mut self) {
        self.loss.get_or_insert(self.entries.len());
    }

    /// False: the packet is none of tags, but audio.
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
