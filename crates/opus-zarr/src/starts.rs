use std::{
    cell::{Cell, RefCell},
    convert::Infallible,
    ops::Range,
};

use opus_packet::CodedPos;
use opus_packet_index::{BlobRead, IndexRead, Span, SyncDecoder, SyncRead, SyncStart};
use opus_segment_decode::{APPROXIMATE_PRE_ROLL, Agreement, BoxError, PreRoll};
use opus_zarr_store::RecordingReader;

use crate::{
    Exactness, NotExact, ReadMode,
    agreed::Agreed,
    facts::Facts,
    index::{Index, IndexError},
};

/// Tells where decoding may begin in a range of a recording, and why its samples are exact.
pub(crate) struct Starts<'a> {
    reader: &'a RecordingReader,
    /// For looking back.
    index: RefCell<Index<'a>>,
    agreed: &'a Agreed,
    end: CodedPos,
    rule: Rule,
    proof: RefCell<Proof>,
    /// Whether the map could not be read. It is not read again, and one warning is enough.
    has_failed: Cell<bool>,
}

/// The rule by which starts are chosen.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rule {
    Map(SyncDecoder),
    Agreement(SyncDecoder, PreRoll),
    PreRoll(PreRoll),
}

/// What makes the samples of a range exact, as far as decoding has come.
#[derive(Clone, Debug)]
pub(crate) struct Proof(Result<Exactness, NotExact>);

impl<'a> Starts<'a> {
    pub(crate) fn new(
        reader: &'a RecordingReader,
        agreed: &'a Agreed,
        facts: &Facts<'_>,
        mode: ReadMode,
        range: &Range<CodedPos>,
    ) -> Self {
        let proof = RefCell::new(Proof::new(facts, mode));
        let (rule, index) = (Rule::new(facts, mode), RefCell::new(Index::Stored(reader)));
        Self { reader, index, agreed, end: range.end, rule, proof, has_failed: Cell::new(false) }
    }

    pub(crate) fn exactness(&self) -> Result<Exactness, NotExact> {
        self.proof.borrow().exactness()
    }

    /// Says what would make samples up to the end of the range exact, without decoding them.
    pub(crate) fn prove(&self, start: CodedPos) -> Result<Exactness, NotExact> {
        let mut position = start;
        while position < self.end && self.exactness().is_ok() {
            let Ok(found) = self.start(position);
            position = found.until;
        }
        self.exactness()
    }

    fn mapped(&self, position: CodedPos, decoder: SyncDecoder) -> SyncStart {
        if self.has_failed.get() {
            return SyncStart::BEGINNING;
        }
        self.reader.sync_start(position, decoder).unwrap_or_else(|fault| {
            tracing::warn!(recording = %self.reader.name(), ?fault, "decoding from the start");
            self.has_failed.set(true);
            SyncStart::BEGINNING
        })
    }

    /// A start on which decoders agree. None also if a packet cannot be read: that matters only if the
    /// range needs it.
    fn agreed(&self, position: CodedPos, decoder: SyncDecoder) -> Option<SyncStart> {
        if let Some(known) = self.agreed.known(position, decoder) {
            return known;
        }
        let found = self.search(position, decoder);
        found.unwrap_or_else(|fault| {
            tracing::debug!(recording = %self.reader.name(), ?fault, "cannot look back");
            None
        })
    }

    fn search(
        &self,
        position: CodedPos,
        decoder: SyncDecoder,
    ) -> Result<Option<SyncStart>, BoxError> {
        let reader = self.reader;
        let end = CodedPos::new(reader.info().coded_length);
        let mut agreement = Agreement::new(position..self.end, end, decoder);
        let mut pair = self.agreed.take(reader.head())?;
        while let Some(samples) = agreement.need() {
            let (span, mut blob) = (self.span(samples)?, Vec::new());
            reader.read(span.bytes(), &mut blob)?;
            agreement.supply(span, blob, &mut pair)?;
        }
        self.agreed.put(pair);
        Ok(self.agreed.remember(position, agreement.found(), decoder))
    }

    /// Looks packets up, and walks all of them if the index is missing or damaged. The read warns.
    fn span(&self, samples: Range<CodedPos>) -> Result<Span, IndexError> {
        let index = &mut *self.index.borrow_mut();
        match (index.span(samples.clone()), &index) {
            (Err(_), Index::Stored(reader)) => {
                *index = Index::walked(reader);
                index.span(samples)
            }
            (found, _) => found,
        }
    }
}

impl SyncRead for Starts<'_> {
    type Error = Infallible;

    fn start(&self, position: CodedPos) -> Result<SyncStart, Infallible> {
        let found = match self.rule {
            Rule::Map(decoder) => Some(self.mapped(position, decoder)),
            Rule::Agreement(decoder, _) => self.agreed(position, decoder),
            Rule::PreRoll(_) => None,
        };
        Ok(self.rule.start(&mut self.proof.borrow_mut(), position, found))
    }
}

impl Rule {
    pub(crate) fn new(facts: &Facts<'_>, mode: ReadMode) -> Self {
        let pre_roll = |samples| PreRoll::new(samples, &facts.timeline);
        match mode {
            ReadMode::Exact => Self::Map(facts.sync_decoder()),
            ReadMode::Agreed => {
                Self::Agreement(facts.agreeing_decoder(), pre_roll(APPROXIMATE_PRE_ROLL))
            }
            ReadMode::Approximate { pre_roll: samples } => Self::PreRoll(pre_roll(samples)),
        }
    }

    /// Decides where decoding begins for a position, and notes what that proves. `found` is what the map
    /// or the decoders say.
    pub(crate) fn start(
        &self,
        proof: &mut Proof,
        position: CodedPos,
        found: Option<SyncStart>,
    ) -> SyncStart {
        let (pre_roll, why_not) = match *self {
            Self::Map(_) => return found.unwrap_or(SyncStart::BEGINNING),
            Self::Agreement(_, pre_roll) => (pre_roll, NotExact::NoAgreement),
            Self::PreRoll(pre_roll) => (pre_roll, NotExact::Requested),
        };
        let start = found.unwrap_or_else(|| pre_roll.start_at(position));
        proof.note(match found {
            _ if start.start == CodedPos::new(0) => Ok(Exactness::Beginning),
            Some(_) => Ok(Exactness::Agreement),
            None => Err(why_not),
        });
        start
    }
}

impl Proof {
    pub(crate) fn new(facts: &Facts<'_>, mode: ReadMode) -> Self {
        match (mode, facts.exactness()) {
            (ReadMode::Exact, Ok(exactness)) => Self(Ok(exactness)),
            _ => Self(Ok(Exactness::Beginning)),
        }
    }

    pub(crate) fn exactness(&self) -> Result<Exactness, NotExact> {
        self.0.clone()
    }

    /// Adds what a start proves. Samples that are not exact are never made up for.
    fn note(&mut self, start: Result<Exactness, NotExact>) {
        match (&self.0, &start) {
            (Err(_), _) | (Ok(Exactness::Agreement), Ok(_)) => {}
            _ => self.0 = start,
        }
    }
}
