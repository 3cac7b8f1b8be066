use opus_packet::{CodedPos, Concealment, Gap, Ledger, OpusHead, OpusTags, Timeline};

use crate::{
    Error, FindingKind, Note, Violation,
    assembler::{Admission, Assembler, PlacedPage, Step},
    contents::{Contents, Entry, Placed, PlacedBytes},
    error::Reason,
    finding::Findings,
    granule::{GranuleClock, PageTime},
    group::{Content, Member, Others, header_granule},
    page::{Fragment, bytes_at},
};

/// One Opus stream of one link of a chain: turns pages into packets. All rules about audio
/// are here. Does no I/O.
#[derive(Debug)]
pub(crate) struct Link {
    assembler: Assembler,
    clock: GranuleClock,
    /// The longest packet in bytes.
    limit: usize,
    contents: Contents,
    others: Others,
    tracks: usize,
    /// Which of the entries is next.
    next: usize,
    /// Counts the samples of all links. Those of this link begin at `start`.
    ledger: Ledger,
    start: u64,
    concealment: Concealment,
    /// The current packet, if it conceals a loss.
    concealed: Vec<u8>,
    /// The last packet of the page before.
    before: Vec<u8>,
    has_finished: bool,
    timeline: Option<Timeline>,
}

/// Which link a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// This link.
    Here,
    /// The next link, which it begins.
    NextLink,
}

impl Link {
    /// `ledger` holds the samples of the links before.
    pub(crate) fn new(
        member: Member,
        head: OpusHead,
        others: Others,
        tracks: usize,
        ledger: Ledger,
    ) -> Self {
        Self {
            assembler: member.assembler,
            clock: GranuleClock::new(head.pre_skip()),
            limit: head.max_packet_len(),
            contents: Contents::new(head),
            others,
            tracks,
            next: 0,
            ledger,
            start: ledger.position().get(),
            concealment: Concealment::default(),
            concealed: Vec::new(),
            before: Vec::new(),
            has_finished: false,
            timeline: None,
        }
    }

    /// The samples of this link and the links before.
    pub(crate) fn ledger(&self) -> Ledger {
        self.ledger
    }

    pub(crate) fn head(&self) -> &OpusHead {
        &self.contents.head
    }

    pub(crate) fn tags(&self) -> &OpusTags {
        &self.contents.tags
    }

    pub(crate) fn serial(&self) -> u32 {
        self.assembler.serial()
    }

    pub(crate) fn tracks(&self) -> usize {
        self.tracks
    }

    pub(crate) fn timeline(&self) -> Option<Timeline> {
        self.timeline
    }

    pub(crate) fn has_finished(&self) -> bool {
        self.has_finished
    }

    /// Returns whether the last page (EOS) was read.
    pub(crate) fn has_ended(&self) -> bool {
        self.assembler.has_ended()
    }

    /// The expected number of the next page.
    pub(crate) fn next_sequence(&self) -> u32 {
        self.assembler.next_sequence()
    }

    /// Returns whether a serial number is that of a stream of the link.
    pub(crate) fn has_stream(&self, serial: u32) -> bool {
        serial == self.serial() || self.others.contains(serial)
    }

    /// Ignores the pages of a stream from now on.
    pub(crate) fn ignore(&mut self, serial: u32) {
        if serial != self.serial() {
            self.others.add(serial);
        }
    }

    /// Returns whether packets end on the current page.
    pub(crate) fn has_packets(&self) -> bool {
        !self.contents.entries.is_empty()
    }

    /// Returns whether the headers are complete or given up.
    pub(crate) fn has_headers(&self) -> bool {
        !self.contents.awaits_tags
    }

    /// Accepts the next page of the file.
    #[inline]
    pub(crate) fn page(
        &mut self,
        placed: PlacedPage<'_>,
        findings: &mut Findings,
    ) -> Result<Taken, Error> {
        let page = placed.page;
        // A page of another stream also replaces the page before.
        self.contents.turn_page();
        self.next = 0;
        if page.serial() != self.assembler.serial() {
            return self.other_stream(placed, findings);
        }
        if page.is_first()
            && let Some(taken) = self.begins_again(placed, findings)?
        {
            return Ok(taken);
        }
        match self.assembler.page(placed, &self.clock, findings)? {
            Admission::Admitted => {}
            Admission::AfterLoss => self.contents.lose(),
            Admission::Refused => return Ok(Taken::Here),
        }
        // A loss that began on an earlier page precedes every packet that ends here.
        if self.assembler.is_dropping() || self.clock.owes_a_loss() {
            self.contents.lose();
        }
        self.packets(placed, findings)?;
        self.time(placed, findings)?;
        Ok(Taken::Here)
    }

    #[inline]
    fn packets(&mut self, placed: PlacedPage<'_>, findings: &mut Findings) -> Result<(), Error> {
        let PlacedPage { offset, page } = placed;
        let Self { assembler, contents, .. } = self;
        let mut fragments = page.fragments();
        let mut fragment = if assembler.is_idle() {
            contents.plain_packets(page.bytes(), &mut fragments, self.limit)
        } else {
            fragments.next()
        };
        while let Some(Fragment { range, ends_packet }) = fragment {
            fragment = fragments.next();
            let bytes = bytes_at(page.bytes(), &range);
            let limit = if contents.awaits_tags { MAX_TAGS_LEN } else { self.limit };
            let step = assembler.fragment(bytes, ends_packet, limit);
            let (data, at) = match step {
                Step::Whole => (bytes, offset + u64::from(range.start)),
                Step::Joined => (assembler.joined(), offset),
                Step::Nothing => continue,
                Step::TooLong => {
                    contents.too_long(limit, offset, ends_packet, findings)?;
                    continue;
                }
            };
            if let Some(duration) = contents.packet(data, at, findings)? {
                contents.entries.push(match step {
                    Step::Whole => Entry::InPage { start: range.start, end: range.end, duration },
                    _ => Entry::Joined { duration },
                });
            }
        }
        Ok(())
    }

    /// A page with another serial number.
    #[cold]
    fn other_stream(
        &mut self,
        placed: PlacedPage<'_>,
        findings: &mut Findings,
    ) -> Result<Taken, Error> {
        let PlacedPage { offset, page } = placed;
        let serial = page.serial();
        if page.is_first() {
            // The streams of a link begin together, so this is the next link. Another codec may
            // begin late without ending our stream.
            let is_opus = page.first_packet().starts_with(b"OpusHead");
            if is_opus || self.assembler.has_ended() {
                return Ok(Taken::NextLink);
            }
        }
        if self.others.add(serial) {
            if page.is_first() {
                let codec = "another codec";
                findings.report(offset, Note::OtherStream { serial, codec })?;
            } else {
                findings.report(offset, Violation::ForeignPage { found: serial })?;
            }
        }
        Ok(Taken::Here)
    }

    /// A first page with our serial number. `None` if its flag has no meaning.
    #[cold]
    fn begins_again(
        &mut self,
        placed: PlacedPage<'_>,
        findings: &mut Findings,
    ) -> Result<Option<Taken>, Error> {
        let PlacedPage { offset, page } = placed;
        if !page.first_packet().starts_with(b"OpusHead") && !self.assembler.has_ended() {
            findings.report(offset, Violation::FirstFlag)?;
            return Ok(None);
        }
        if self.contents.ended == 0 {
            let member = Member::new(placed);
            // A caller may have seen the head once the headers are complete.
            let is_same = member.content == Content::Opus(Ok(self.head().clone()));
            if is_same || self.contents.awaits_tags {
                findings.report(offset, Violation::RepeatedHeaders)?;
                if let Some(head) = member.head(findings)? {
                    // Moved, since copying long tags for many short pages would be quadratic.
                    let others = std::mem::take(&mut self.others);
                    let again = Self::new(member, head, others, self.tracks, self.ledger);
                    let before = std::mem::replace(self, again);
                    self.contents.tags = before.contents.tags;
                }
                return Ok(Some(Taken::Here));
            }
        }
        Ok(Some(Taken::NextLink))
    }

    /// Ends the link: the page at `offset` begins another.
    #[cold]
    pub(crate) fn end(
        &mut self,
        offset: u64,
        serial: u32,
        findings: &mut Findings,
    ) -> Result<(), Error> {
        if serial == self.serial() {
            findings.report(offset, Violation::SerialReused { serial })?;
        }
        self.finish(offset, findings)
    }

    /// Compares the page's granule position with its packets.
    #[inline]
    fn time(&mut self, placed: PlacedPage<'_>, findings: &mut Findings) -> Result<(), Error> {
        let PlacedPage { offset, page } = placed;
        let contents = &self.contents;
        let audio = contents.audio_packets();
        if contents.has_tags {
            self.assembler.has_tags();
            if audio > 0 || self.assembler.is_open() {
                findings.report(offset, Violation::TagsNotAlone)?;
            } else if let Some(violation) = header_granule(page.granule()) {
                findings.report(offset, violation)?;
            }
        }
        // After the first audio, the end of a dropped packet states the time as well.
        let verdict = if audio > 0 || (self.clock.has_begun() && page.packets_ended() > 0) {
            self.assembler.has_audio();
            let [packet_duration, last_packet] = contents.packet_durations();
            self.clock.page(PageTime {
                samples: contents.samples,
                granule: page.granule(),
                is_last: page.is_last(),
                has_loss: contents.loss.is_some(),
                packet_duration,
                last_packet,
            })
        } else {
            if contents.loss.is_some() {
                self.clock.loss();
            }
            let is_possible = |samples| self.ledger.check_loss(samples).is_ok();
            self.clock.empty_page(page.granule(), page.is_nil(), is_possible)
        };
        if let Some(violation) = verdict.violation {
            findings.report(offset, violation)?;
        }
        if let Some(note) = verdict.note {
            findings.report(offset, note)?;
        }
        if verdict.gap > 0 {
            self.gap(offset, verdict.gap, verdict.is_inferred, findings)?;
        }
        Ok(())
    }

    #[cold]
    fn gap(
        &mut self,
        offset: u64,
        samples: u64,
        is_inferred: bool,
        findings: &mut Findings,
    ) -> Result<(), Error> {
        let checked = self.ledger.check_loss(samples);
        checked.map_err(|reason| Error::at(offset, Reason::TooMuchLost(reason)))?;
        let place = self.contents.loss.unwrap_or_default();
        let before = self.contents.entries.iter().take(place).map(Entry::samples).sum::<u64>();
        let position = CodedPos::new(self.position().get() + before);
        self.contents.entries.insert(place, Entry::Gap { samples });
        let gap = Gap::new(position, samples).inferred(is_inferred);
        Ok(findings.report(offset, Note::Gap(gap))?)
    }

    /// The position of the next sample in this link.
    #[inline]
    fn position(&self) -> CodedPos {
        self.ledger.position().saturating_sub(self.start)
    }

    /// The next packet, or `None` if another page is needed. `page` is the current page.
    #[inline]
    pub(crate) fn next(&mut self, page: &[u8]) -> Option<Placed> {
        if self.concealment.has_more()
            && let Some(packet) = self.conceal()
        {
            return Some(packet);
        }
        match self.contents.entries.get(self.next) {
            Some(&Entry::InPage { start, end, duration }) => {
                self.next += 1;
                Some(self.place(PlacedBytes::InPage { start, end }, duration))
            }
            Some(&Entry::Joined { duration }) => {
                self.next += 1;
                Some(self.place(PlacedBytes::Joined, duration))
            }
            Some(&Entry::Gap { samples }) => {
                self.remember(page);
                let streams = self.head().mapping().streams().get();
                self.concealment = Concealment::new(&self.before, streams, samples);
                self.next += 1;
                self.next(page)
            }
            None => {
                self.remember(page);
                None
            }
        }
    }

    /// The bytes of the current packet, if it spans pages.
    pub(crate) fn joined(&self) -> &[u8] {
        self.assembler.joined()
    }

    /// The bytes of the current packet, if it conceals a loss.
    pub(crate) fn concealed(&self) -> &[u8] {
        &self.concealed
    }

    /// Ends the link: no more of its pages follow.
    pub(crate) fn finish(&mut self, offset: u64, findings: &mut Findings) -> Result<(), Error> {
        self.has_finished = true;
        self.contents.turn_page();
        if self.contents.awaits_tags {
            self.contents.awaits_tags = false;
            findings.report(offset, Violation::NoTags)?;
        }
        if self.assembler.is_open() {
            findings.report(offset, Violation::UnfinishedPacket)?;
        }
        if !self.assembler.has_ended() {
            findings.report(offset, Note::NoLastPage)?;
        }
        let pre_skip = self.head().pre_skip();
        match Timeline::new(pre_skip, self.position().get(), self.clock.end_trim()) {
            Ok(timeline) => self.timeline = Some(timeline),
            Err(reason) => findings.report(offset, FindingKind::Timeline(reason))?,
        }
        Ok(())
    }

    #[inline]
    fn place(&mut self, bytes: PlacedBytes, duration: u32) -> Placed {
        let position = self.position();
        match bytes {
            PlacedBytes::Concealed => self.ledger.conceal(duration),
            PlacedBytes::InPage { .. } | PlacedBytes::Joined => self.ledger.read(duration),
        };
        Placed { bytes, duration, position }
    }

    #[cold]
    fn conceal(&mut self) -> Option<Placed> {
        let packet = self.concealment.next_packet()?;
        self.concealed.clear();
        self.concealed.extend_from_slice(packet.data);
        let duration = packet.duration;
        Some(self.place(PlacedBytes::Concealed, duration))
    }

    /// Keeps the packet before the next entry, since a loss may follow. Of a single stream, the
    /// first byte suffices.
    fn remember(&mut self, page: &[u8]) {
        let Some(previous) = self.next.checked_sub(1) else { return };
        let data = match self.contents.entries.get(previous) {
            Some(Entry::InPage { start, end, .. }) => bytes_at(page, &(*start..*end)),
            Some(Entry::Joined { .. }) => self.assembler.joined(),
            Some(Entry::Gap { .. }) | None => return,
        };
        let is_single = self.contents.head.mapping().streams().get() == 1;
        let data = if is_single { data.get(..1).unwrap_or_default() } else { data };
        self.before.clear();
        self.before.extend_from_slice(data);
    }
}

/// The longest comment header that is read (RFC 7845 section 5.2): 120 MiB.
const MAX_TAGS_LEN: usize = 120 * 1024 * 1024;
