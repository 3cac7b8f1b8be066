use opus_packet::{Bandwidth, FrameFlags, InvalidPacket, Mode, ModeChange, Toc, frame_flags};

/// Follows what the packets of one Opus stream do to the memory of its decoder. The project's
/// `docs/exactness.md` derives the rules, field by field.
#[derive(Clone, Debug, Default)]
pub(super) struct StreamMemory {
    /// The packet before, unless it was concealed.
    before: Option<Toc>,
    /// Whether its redundant frame already led over to CELT.
    is_led_over: bool,
    /// Where that packet began.
    before_start: u64,
    /// Where the last two non-transient CELT frames began, counted from half a second after the
    /// last lost audio. Together they overwrite all that CELT remembers of earlier energies.
    calm: [u64; 2],
    /// Where the last lost audio ended.
    lost_until: u64,
    wiped: u64,
    /// The mode of the last packet that was not concealed.
    mode: Option<Mode>,
    /// Where SILK made up audio for the first time since it started anew.
    made_up_from: Option<u64>,
}

/// What is known about the memory of a decoder after a packet. A start counts as settled, with
/// memory equal to that of a decoder of all packets, in either of two cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Memory {
    /// First case: its output has been equal since [`WINDOW`] samples before this position.
    pub(super) settles: u64,
    /// Second case: it lies at or before this position, where a change of mode wiped all memory.
    pub(super) wiped: u64,
    /// Where the last lost audio ended. With other decoders, the output must have been equal from
    /// there on as well.
    pub(super) lost_until: u64,
    /// SILK has not made up audio before here since it started anew. Later starts do not know its
    /// random numbers, which depend on how much it has made up.
    pub(super) made_up_from: u64,
    /// Whether the packet has output that depends on what only concealment remembers, so that
    /// starts before it, however settled, cannot be trusted in it and after it.
    pub(super) is_boundary: bool,
    /// Whether all of the packet is CELT.
    pub(super) is_celt: bool,
    /// Whether a frame of it is transient, and so may show the energies of earlier frames that were
    /// not.
    pub(super) has_transient: bool,
}

/// How long output must be equal before the energies of all bands, and the history of the
/// post-filter, are equal as well: half a second. Measured; 0.2 s is the edge.
pub(super) const WINDOW: u64 = 24_000;

/// How long SILK must have decoded after lost audio before its memory shows: 100 ms. Measured; at
/// most two packets are ever hidden.
const SILK_WINDOW: u64 = 4_800;

impl StreamMemory {
    /// Passes a packet that begins at coded sample `start`.
    pub(super) fn pass(&mut self, packet: &[u8], start: u64) -> Result<Memory, InvalidPacket> {
        let toc = packet.first().map(|&byte| Toc::new(byte));
        let duration = u64::from(toc.map_or(0, Toc::frame_duration));
        let (mut position, mut is_boundary, mut has_transient) = (start, false, false);
        for frame in frame_flags(packet)? {
            let end = position + duration;
            has_transient |= frame.celt.is_some_and(|celt| celt.is_transient);
            is_boundary |= match toc {
                Some(toc) if !frame.is_concealed => self.decode(toc, &frame, position, start),
                _ => self.conceal(position, end),
            };
            position = end;
        }
        Ok(Memory {
            settles: self.settles(position),
            wiped: self.wiped,
            lost_until: self.lost_until,
            made_up_from: self.made_up_from.unwrap_or(u64::MAX),
            is_boundary,
            is_celt: toc.is_some_and(|toc| toc.mode() == Mode::Celt),
            has_transient,
        })
    }

    /// Passes lost audio.
    fn conceal(&mut self, start: u64, end: u64) -> bool {
        let Self { mode, mut made_up_from, .. } = *self;
        if mode.is_some_and(|mode| mode != Mode::Celt) {
            made_up_from.get_or_insert(start);
        }
        *self = Self { lost_until: end, mode, made_up_from, ..Self::default() };
        true
    }

    /// Passes a frame and returns whether it is a boundary.
    fn decode(&mut self, toc: Toc, frame: &FrameFlags, position: u64, packet: u64) -> bool {
        let change = frame.redundancy.map(|redundancy| redundancy.change);
        let is_boundary = self.switch(toc, change, packet);
        self.mode = Some(toc.mode());
        if toc.mode() == Mode::Celt {
            self.made_up_from = None;
        }
        let is_calm = frame.celt.is_some_and(|celt| !celt.is_transient);
        if is_calm && position >= self.lost_until + WINDOW {
            let [_, last] = self.calm;
            self.calm = [last, position];
        }
        (self.before, self.before_start) = (Some(toc), packet);
        self.is_led_over = change == Some(ModeChange::SilkToCelt);
        is_boundary
    }

    /// Passes from the packet before to the next one and returns whether that is a boundary.
    fn switch(&mut self, toc: Toc, change: Option<ModeChange>, packet: u64) -> bool {
        let Some(before) = self.before else { return true };
        let was_led_over = self.is_led_over;
        match (before.mode(), toc.mode()) {
            // CELT begins anew, here or in the redundant frame, and SILK will.
            (Mode::Silk | Mode::Hybrid, Mode::Celt) => {
                self.wiped = if was_led_over { self.before_start } else { packet };
                !was_led_over
            }
            // SILK begins anew, and so does CELT where there is any.
            (Mode::Celt, Mode::Silk | Mode::Hybrid) => {
                self.wiped = packet;
                change.is_none()
            }
            (Mode::Celt, Mode::Celt) => false,
            // A redundant frame from CELT reads what an earlier CELT packet left behind.
            _ => silk_rate(before) != silk_rate(toc) || change == Some(ModeChange::CeltToSilk),
        }
    }

    fn settles(&self, end: u64) -> u64 {
        let [first, _] = self.calm;
        match self.before.map(Toc::mode) {
            Some(Mode::Silk) if end >= self.lost_until + SILK_WINDOW => end,
            Some(Mode::Celt | Mode::Hybrid) => first,
            _ => 0,
        }
    }
}

impl Memory {
    /// Makes no difference to the streams it is combined with.
    pub(super) const OF_NO_STREAM: Self = Self {
        settles: u64::MAX,
        wiped: u64::MAX,
        lost_until: 0,
        made_up_from: u64::MAX,
        is_boundary: false,
        is_celt: true,
        has_transient: false,
    };
    /// Nothing is settled, and nothing that was can be trusted.
    pub(super) const UNKNOWN: Self = Self {
        settles: 0,
        wiped: 0,
        lost_until: 0,
        made_up_from: 0,
        is_boundary: true,
        is_celt: false,
        has_transient: true,
    };

    /// Combines what is known about several streams.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            settles: self.settles.min(other.settles),
            wiped: self.wiped.min(other.wiped),
            lost_until: self.lost_until.max(other.lost_until),
            made_up_from: self.made_up_from.min(other.made_up_from),
            is_boundary: self.is_boundary || other.is_boundary,
            is_celt: self.is_celt && other.is_celt,
            has_transient: self.has_transient || other.has_transient,
        }
    }

    /// Whether a start is settled after the packet. The start lies at `start`, and its output has
    /// been equal from `equal_from` on.
    pub(super) fn is_settled(&self, start: u64, equal_from: u64) -> bool {
        start <= self.wiped || equal_from + WINDOW <= self.settles
    }

    /// Whether a settled start is settled for any decoder.
    pub(super) fn is_settled_for_any(&self, start: u64, equal_from: u64) -> bool {
        self.is_settled(start, equal_from.max(self.lost_until))
    }
}

/// The rate at which SILK runs, by the bandwidth of a packet that has SILK.
fn silk_rate(toc: Toc) -> Bandwidth {
    toc.bandwidth().min(Bandwidth::Wide)
}
