//! A store, with what is remembered of it.

use std::{
    collections::HashSet,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use opus_zarr::{
    Catalogue, ChannelSelection, Output, OutputRate, Recording, RecordingName, SAMPLE_RATE, Store,
};

use crate::{Options, Problem, cache::Cache};

/// A store. Its methods block.
#[derive(Debug)]
pub(crate) struct Archive {
    store: Store,
    listed: Mutex<Option<Listed>>,
    /// Held by the one that updates the listing.
    updating: Mutex<()>,
    open: Cache<Key, Opened>,
    trust: Duration,
}

/// A recording and how it is read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) name: RecordingName,
    /// Samples per second.
    pub(crate) rate: u32,
    pub(crate) channels: Selected,
}

/// Which channels are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Selected {
    All,
    /// In the order of WAV.
    Wav,
    Mono,
    /// One, counted from 0.
    Only(u8),
}

#[derive(Clone, Debug)]
struct Opened {
    recording: Arc<Recording>,
    at: Instant,
}

#[derive(Clone, Debug)]
struct Listed {
    catalogue: Arc<Catalogue>,
    /// Recordings that cannot be opened, about which somebody was warned.
    failed: Arc<HashSet<RecordingName>>,
    at: Instant,
    took: Duration,
}

impl Key {
    pub(crate) fn new(name: RecordingName) -> Self {
        Self { name, rate: SAMPLE_RATE, channels: Selected::All }
    }

    fn output(&self, recording: &Recording) -> Result<Output, Problem> {
        let info = recording.info();
        let rate = OutputRate::try_from(self.rate).map_err(|it| Problem::bad(it.to_string()))?;
        let ordered = opus_zarr_render::wav_order(info.channels);
        let channels = match self.channels {
            Selected::Mono => ChannelSelection::Mono,
            Selected::Wav => match ordered.filter(|_| info.mapping_family == 1) {
                Some(order) => ChannelSelection::Only(order),
                None => ChannelSelection::All,
            },
            Selected::Only(channel) => ChannelSelection::Only(vec![channel]),
            Selected::All => ChannelSelection::All,
        };
        Ok(Output::default().rate(rate).channels(channels))
    }
}

impl Archive {
    pub(crate) fn new(store: Store, options: &Options) -> Self {
        Self {
            store,
            listed: Mutex::default(),
            updating: Mutex::default(),
            open: Cache::new(options.recordings),
            trust: options.trust,
        }
    }

    /// Returns the recording if it is open and was looked at recently. Does not block.
    pub(crate) fn open_already(&self, key: &Key) -> Option<Arc<Recording>> {
        let opened = self.open.get(key)?;
        (opened.at.elapsed() < self.trust).then_some(opened.recording)
    }

    /// Opens a recording, or looks whether it is still the same.
    pub(crate) fn recording(&self, key: &Key) -> Result<Arc<Recording>, Problem> {
        if let Some(recording) = self.open_already(key) {
            return Ok(recording);
        }
        let at = Instant::now();
        let mut found = Recording::open(&self.store, key.name.as_str())
            .inspect_err(|_| self.open.forget(key))?;
        let recording = match self.open.get(key) {
            // What its decoders remember stays useful.
            Some(known) if known.recording.info() == found.info() => known.recording,
            _ => {
                // One request keeps one processor busy.
                found.set_threads(NonZeroUsize::MIN);
                let output = key.output(&found)?;
                found.set_output(output)?;
                Arc::new(found)
            }
        };
        self.open.put(key.clone(), Opened { recording: recording.clone(), at }, 1);
        Ok(recording)
    }

    /// Returns the catalogue, which is not older than the options allow, or ten times what it takes to
    /// update it. Only one request at a time updates it; others get the previous one, if any.
    pub(crate) fn catalogue(&self) -> Result<Arc<Catalogue>, Problem> {
        let known = self.listed();
        if let Some(listed) = known.as_ref().filter(|listed| self.is_recent(listed)) {
            return Ok(listed.catalogue.clone());
        }
        let updating = self.updating.try_lock();
        let _updating = match (updating, &known) {
            (Ok(updating), _) => updating,
            (Err(_), Some(listed)) => return Ok(listed.catalogue.clone()),
            (Err(_), None) => self.updating.lock().unwrap_or_else(PoisonError::into_inner),
        };
        let known = self.listed();
        if let Some(listed) = known.as_ref().filter(|listed| self.is_recent(listed)) {
            return Ok(listed.catalogue.clone());
        }
        let listed = self.update(known.as_ref())?;
        let catalogue = listed.catalogue.clone();
        *self.listed.lock().unwrap_or_else(PoisonError::into_inner) = Some(listed);
        Ok(catalogue)
    }

    fn listed(&self) -> Option<Listed> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is_recent(&self, listed: &Listed) -> bool {
        listed.at.elapsed() < self.trust.max(listed.took.saturating_mul(10))
    }

    fn update(&self, known: Option<&Listed>) -> Result<Listed, Problem> {
        let at = Instant::now();
        let mut failed = HashSet::new();
        let empty = Catalogue::default();
        let previous = known.map_or(&empty, |listed| &listed.catalogue);
        let (catalogue, _) = previous.update(&self.store, |name, error| {
            if !known.is_some_and(|listed| listed.failed.contains(name)) {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "not listed");
            }
            failed.insert(name.clone());
        })?;
        let (catalogue, failed) = (Arc::new(catalogue), Arc::new(failed));
        Ok(Listed { catalogue, failed, at: Instant::now(), took: at.elapsed() })
    }
}
