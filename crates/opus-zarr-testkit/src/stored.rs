//! The Opus files of the corpus, imported once for all tests of an executable.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use opus_zarr::{ImportOptions, Recording, Store, unwatched};
use serde_json::{Value, json};

use crate::{
    corpus::{CorpusFile, every_opus_file},
    errors::chain,
    shared::shared_folder,
};

/// A file of the corpus and what its import returned.
#[derive(Debug)]
pub struct Stored {
    /// The file.
    pub file: CorpusFile,
    /// The recordings and findings, or the text of the error.
    pub outcome: Result<StoredRecordings, String>,
}

/// The outcome of an import.
#[derive(Debug)]
pub struct StoredRecordings {
    /// The recordings. They have a sync map where their decoder can make one.
    pub recordings: Vec<Recording>,
    /// The findings in the file.
    pub findings: Vec<StoredFinding>,
}

/// A finding of an import.
#[derive(Clone, Debug)]
pub struct StoredFinding {
    /// The number of the stream that it is about.
    pub stream: u64,
    /// Its text.
    pub message: String,
    /// Whether the file violates its format.
    pub is_violation: bool,
}

/// Imports every Opus file of the corpus, or returns `None` if the corpus is missing.
///
/// All tests share the store: they must not change it.
pub fn every_stored_file() -> Option<Vec<Stored>> {
    let files = every_opus_file()?;
    let folder = shared_folder("corpus", |folder| import_all(&files, folder));
    let outcomes = fs::read(folder.join(OUTCOMES)).unwrap();
    let outcomes: Vec<Value> = serde_json::from_slice(&outcomes).unwrap();
    let store = Store::open(folder.join(STORE)).unwrap();
    let stored = |(file, outcome)| Stored { file, outcome: read(&store, &outcome) };
    Some(files.into_iter().zip(outcomes).map(stored).collect())
}

fn import_all(files: &[CorpusFile], folder: &Path) {
    let store = Store::open_or_create(folder.join(STORE)).unwrap();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut outcomes = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = files.get(number) else { return outcomes };
            outcomes.push((number, import(file, &store, &number.to_string())));
        }
    };
    let threads = thread::available_parallelism().unwrap().get();
    let mut outcomes: Vec<(usize, Value)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    outcomes.sort_by_key(|(number, _)| *number);
    let outcomes: Vec<Value> = outcomes.into_iter().map(|(_, outcome)| outcome).collect();
    fs::write(folder.join(OUTCOMES), Value::from(outcomes).to_string()).unwrap();
}

/// Imports a file and returns the outcome as JSON.
fn import(file: &CorpusFile, store: &Store, name: &str) -> Value {
    let options = ImportOptions::default();
    match opus_zarr::import(&file.path, store, name, &options, unwatched) {
        Err(error) => json!({ "error": chain(&error) }),
        Ok(mut imported) => {
            for recording in &mut imported.recordings {
                // Fails where libopus refuses the layout of the channels.
                let _ = recording.build_sync(unwatched);
            }
            let names = imported.recordings.iter().map(Recording::name);
            let findings = imported
                .findings
                .iter()
                .map(|finding| json!([finding.stream, finding.message, finding.is_violation]));
            json!({ "names": Vec::from_iter(names), "findings": Vec::from_iter(findings) })
        }
    }
}

fn read(store: &Store, outcome: &Value) -> Result<StoredRecordings, String> {
    if let Some(error) = outcome["error"].as_str() {
        return Err(error.to_owned());
    }
    let open = |name: &Value| Recording::open(store, name.as_str().unwrap()).unwrap();
    let finding = |fields: &Value| StoredFinding {
        stream: fields[0].as_u64().unwrap(),
        message: fields[1].as_str().unwrap().to_owned(),
        is_violation: fields[2].as_bool().unwrap(),
    };
    Ok(StoredRecordings {
        recordings: outcome["names"].as_array().unwrap().iter().map(open).collect(),
        findings: outcome["findings"].as_array().unwrap().iter().map(finding).collect(),
    })
}

const STORE: &str = "store";
const OUTCOMES: &str = "outcomes.json";
