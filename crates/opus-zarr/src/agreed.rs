use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use opus_packet::{CodedPos, OpusHead};
use opus_packet_index::{SyncDecoder, SyncStart};
use opus_segment_decode::{AgreedStart, Agreement, LibopusDecoder};

use crate::{Error, error::Reason, pool::Pool};

/// What reads of a recording without a sync map found out, for later reads, and decoders to find out
/// more.
#[derive(Debug, Default)]
pub(crate) struct Agreed {
    /// The results of searches, by tenth of a second.
    cells: Mutex<BTreeMap<u64, Option<AgreedStart>>>,
    pairs: Pool<[LibopusDecoder; 2]>,
}

impl Agreed {
    /// Returns what is known about a position: a start, or that there is none.
    pub(crate) fn known(
        &self,
        position: CodedPos,
        decoder: SyncDecoder,
    ) -> Option<Option<SyncStart>> {
        let cell = Agreement::cell(position);
        let cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(result) = cells.get(&cell) {
            return Some(result.and_then(|found| found.start_at(position, decoder)));
        }
        let before = cells.range(cell.saturating_sub(NEAR_CELLS)..cell).rev();
        let found = before.filter_map(|(_, result)| result.as_ref()?.start_at(position, decoder));
        let near = |start: &SyncStart| position.get() - start.start.get() <= NEAR;
        found.into_iter().find(near).map(Some)
    }

    /// Remembers the result of a search for a position, and returns what it means there.
    pub(crate) fn remember(
        &self,
        position: CodedPos,
        found: Option<AgreedStart>,
        decoder: SyncDecoder,
    ) -> Option<SyncStart> {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        if cells.len() >= MOST_CELLS {
            cells.clear();
        }
        cells.insert(Agreement::cell(position), found);
        found.and_then(|found| found.start_at(position, decoder))
    }

    /// Takes an idle pair of decoders, or creates one.
    pub(crate) fn take(&self, head: &OpusHead) -> Result<[LibopusDecoder; 2], Error> {
        let pair = || Ok([LibopusDecoder::unmixed(head)?, LibopusDecoder::unmixed(head)?]);
        Ok(self.pairs.take(pair).map_err(Reason::Decoder)?)
    }

    /// Returns a pair of decoders to the pool.
    pub(crate) fn put(&self, pair: [LibopusDecoder; 2]) {
        self.pairs.put(pair);
    }
}

/// A start that a search nearby found is as good if it lies at most this far before a position: 1.2
/// seconds.
const NEAR: u64 = 57_600;
const NEAR_CELLS: u64 = 12;

/// The most results remembered: nearly two hours, in about 4 MB.
const MOST_CELLS: usize = 1 << 16;
