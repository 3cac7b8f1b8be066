//! The state that a muxer keeps of a logical stream.

use std::num::NonZeroU8;

use opus_packet::{OpusHead, multistream_duration};

use super::{Body, Mark, Quirk, Truth};

#[derive(Default)]
pub(super) struct Stream {
    sequence: u32,
    /// The true time: the duration of all packets so far, including lost ones.
    time: u64,
    /// How far granule positions are ahead of the true time.
    lead: u64,
    /// The lead according to the pages so far. `None` if the next page may have any.
    told: Option<u64>,
    epoch: u32,
    odd: u64,
    open: Option<Open>,
    /// The number of Opus streams in a packet, minus one.
    more: u8,
}

/// A packet that continues on the next page.
#[derive(Default)]
struct Open {
    bytes: Vec<u8>,
    is_headless: bool,
}

/// Where a packet begins in the page (`None` if it began before), its bytes, and what is true.
type Marked = (Option<usize>, Vec<u8>, Mark);

impl Stream {
    /// Returns the number of Opus streams in a packet.
    pub(super) fn count(&self) -> NonZeroU8 {
        NonZeroU8::MIN.saturating_add(self.more)
    }

    /// Returns the header of the next page and the valid packets that end on it.
    pub(super) fn page(
        &mut self,
        serial: u32,
        flags: u8,
        body: &Body,
        quirk: Quirk,
        truth: &mut Truth,
    ) -> (Vec<u8>, Vec<Marked>) {
        let first = body.pieces().next().map_or(&[][..], |(_, bytes, _)| bytes);
        let head = if flags & 2 == 0 { None } else { OpusHead::parse(first).ok() };
        if self.renumber(quirk) && head.is_none() {
            truth.renumbered.insert(serial);
            self.told = None;
        }
        let is_continued = self.open.is_some() ^ (quirk.kind & 15 == 5);
        let start = self.time;
        let mut marked = self.packets(serial, body, is_continued);
        let trim = quirk.trim(flags).map(|trim| trim.min(self.time - start));
        let granule = self.granule(flags, body, quirk, trim.unwrap_or_default());
        if quirk.copies() > 0 {
            let is_told = self.tell(granule, body, trim);
            for (_, _, mark) in &mut marked {
                *mark = Mark { epoch: self.epoch, is_told, trim, ..*mark };
            }
            self.more = head.map_or(self.more, |head| head.mapping().streams().get() - 1);
        }
        let mut header = b"OggS\0".to_vec();
        header.push(flags | u8::from(is_continued));
        header.extend(granule.to_le_bytes());
        header.extend(serial.to_le_bytes());
        header.extend(self.sequence.to_le_bytes());
        header.extend([0, 0, 0, 0, body.lacing.len() as u8]);
        header.extend(&body.lacing);
        self.sequence = self.sequence.wrapping_add(1);
        (header, marked)
    }

    /// Changes the page number. Returns whether it went back.
    fn renumber(&mut self, quirk: Quirk) -> bool {
        let amount = u32::from(quirk.amount);
        match quirk.kind & 15 {
            0 => self.sequence = self.sequence.wrapping_add(amount),
            1 => self.sequence = self.sequence.wrapping_sub(amount),
            2 => self.sequence = amount.wrapping_sub(128),
            _ => {}
        }
        matches!(quirk.kind & 15, 1 | 2)
    }

    /// Returns the valid packets that end on the page.
    fn packets(&mut self, serial: u32, body: &Body, is_continued: bool) -> Vec<Marked> {
        let mut marked: Vec<Marked> = vec![];
        for (place, Open { bytes, is_headless }) in self.ended(body, is_continued) {
            let is_short = bytes.len() <= 61_440.max(7680 * usize::from(self.count().get()));
            let duration = multistream_duration(&bytes, self.count()).ok();
            let Some(duration) = duration.filter(|_| is_short && !is_headless) else {
                let lost = duration_of_invalid(&bytes);
                for (_, _, mark) in &mut marked {
                    mark.lost_after = Some(lost + mark.lost_after.unwrap_or_default());
                }
                self.lose(lost);
                continue;
            };
            let mark = Mark {
                serial,
                len: bytes.len(),
                start: self.time,
                epoch: 0,
                is_told: false,
                odd: self.odd,
                lost_after: None,
                trim: None,
            };
            self.time += u64::from(duration);
            marked.push((place, bytes, mark));
        }
        marked
    }

    /// Returns the packets that end on the page and where they begin on it.
    fn ended(&mut self, body: &Body, is_continued: bool) -> Vec<(Option<usize>, Open)> {
        let mut ended = vec![];
        if is_continued && !body.lacing.is_empty() {
            self.open.get_or_insert(Open { bytes: vec![], is_headless: true });
        } else if !body.lacing.is_empty()
            && let Some(open) = self.open.take()
        {
            self.lose(duration_of_invalid(&open.bytes));
        }
        for (place, bytes, ends) in body.pieces() {
            let place = self.open.is_none().then_some(place);
            let mut open = self.open.take().unwrap_or_default();
            open.bytes.extend(bytes);
            if ends {
                ended.push((place, open));
            } else {
                self.open = Some(open);
            }
        }
        ended
    }

    fn lose(&mut self, samples: u64) {
        self.odd += samples % 120;
        self.time += samples;
    }

    fn granule(&mut self, flags: u8, body: &Body, quirk: Quirk, trim: u64) -> u64 {
        let amount = u64::from(quirk.amount);
        match quirk.kind >> 4 {
            0 => self.lead = self.lead.wrapping_add(amount * 120),
            1 if flags & 4 == 0 => self.lead = self.lead.wrapping_sub(amount),
            2 => self.lead = (i64::MAX as u64 - amount * 120).wrapping_sub(self.time),
            3 => self.lead = (amount << 56).wrapping_sub(self.time),
            4 => self.lead = self.lead.wrapping_add(amount << 25),
            _ => {}
        }
        match quirk.kind >> 4 {
            5 => u64::MAX,
            6 => 0,
            _ if flags & 2 != 0 => 0,
            _ if !body.pieces().any(|(_, _, ends)| ends) => u64::MAX,
            _ => self.time.wrapping_add(self.lead).wrapping_sub(trim),
        }
    }

    /// Returns whether the page has a granule position. One that contradicts those before begins
    /// an epoch; so does the page after a last page, because a loss before a last page ends with
    /// a whole packet.
    fn tell(&mut self, granule: u64, body: &Body, trim: Option<u64>) -> bool {
        if granule >= 1 << 63 || !body.pieces().any(|(_, _, ends)| ends) {
            return false;
        }
        let lead = granule.wrapping_add(trim.unwrap_or_default()).wrapping_sub(self.time);
        self.epoch += u32::from(self.told != Some(lead));
        self.told = trim.is_none().then_some(lead);
        true
    }
}

/// Returns the duration of a packet before it was damaged. Headers have none.
fn duration_of_invalid(bytes: &[u8]) -> u64 {
    match bytes.len() % 8 {
        _ if bytes.starts_with(b"Opus") => 0,
        7 => 1000,
        eighth => 480 * eighth as u64,
    }
}

impl Quirk {
    /// Returns how much a last page trims.
    fn trim(self, flags: u8) -> Option<u64> {
        (flags & 4 != 0).then(|| if self.kind >> 4 == 1 { self.amount.into() } else { 0 })
    }
}
