use opus_packet::CodedPos;
use opus_packet_index::{IndexRow, SyncStart};

/// Keeps the second memory of a decoder exact, which a sync map says nothing about
/// ([`PacketDecoder::hold`](crate::PacketDecoder::hold)).
///
/// The memory passes through exact packets only, without a break even where decoding starts again,
/// from `begin` up to `end`. If it is unknown when the first wanted packet is reached, a start
/// for an earlier packet is asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lead {
    /// The sample before the wanted ones for which a start is to be exact.
    earlier: Option<CodedPos>,
    begin: CodedPos,
    end: Option<CodedPos>,
    /// Earlier packets are decoded with the memory held.
    held_before: CodedPos,
    /// Whether the memory is known anyway, because `begin` is the beginning of the recording or reads
    /// are approximate.
    is_whole: bool,
}

impl Lead {
    /// The sample for which a start is to be exact, if `position` is the first wanted one.
    pub(crate) fn goal(&self, position: CodedPos) -> CodedPos {
        self.earlier.unwrap_or(position)
    }

    /// Decoding starts again. Returns whether the memory is held meanwhile.
    pub(crate) fn start(&mut self, found: SyncStart, goal: CodedPos) -> bool {
        if self.end == Some(goal) {
            self.held_before = goal;
            return true;
        }
        let nothing = CodedPos::new(0);
        self.is_whole = found.start == nothing || found.exact_from == nothing;
        self.begin = if self.is_whole { nothing } else { found.exact_from };
        (self.held_before, self.end) = (self.begin, None);
        false
    }

    /// Whether the memory is held in the packet that begins here.
    pub(crate) fn is_held(&self, packet: CodedPos) -> bool {
        packet < self.held_before
    }

    /// Whether a packet lies between the start and the wanted one that can make the memory known.
    pub(crate) fn has_room(&self, rows: &[IndexRow], wanted: CodedPos) -> bool {
        let is_before = |row: &&IndexRow| row.last < wanted.get();
        rows.iter().take_while(is_before).any(|row| row.first >= self.held_before.get())
    }

    /// Passes a packet up to its end, if the first wanted sample is the one at `position`.
    pub(crate) fn pass(&mut self, end: CodedPos, position: CodedPos) {
        self.end = Some(end);
        self.earlier = (end < position).then_some(end);
    }

    /// Goes back, because the memory is unknown before the wanted packet that begins here. Returns
    /// false if that is as it should be. Each time, goes twice as far.
    pub(crate) fn go_back(&mut self, wanted: CodedPos) -> bool {
        let distance = wanted.get().saturating_sub(self.begin.get()).max(1);
        self.go_to(self.begin.min(wanted).saturating_sub(distance))
    }

    /// Goes back to the beginning, unless it came from there.
    pub(crate) fn begin_anew(&mut self) -> bool {
        self.go_to(CodedPos::new(0))
    }

    fn go_to(&mut self, begin: CodedPos) -> bool {
        if !self.is_whole {
            (self.earlier, self.end) = (Some(begin), None);
        }
        !self.is_whole
    }

    /// Forgets everything after an error.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }
}
