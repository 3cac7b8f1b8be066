//! Listings as JSON.

use opus_zarr::{Catalogue, CatalogueRow, Recording, RecordingFilter};
use serde_json::{Value, json};

use crate::Problem;

/// The rows of a catalogue that a filter selects, as an array.
pub(crate) fn recordings(
    catalogue: &Catalogue,
    filter: &RecordingFilter,
) -> Result<Vec<u8>, Problem> {
    let rows: Vec<&CatalogueRow> =
        catalogue.rows().iter().filter(|row| filter.matches_row(row)).collect();
    bytes(&rows)
}

/// What the store knows about a recording, except checksums of its pieces.
pub(crate) fn info(recording: &Recording) -> Result<Vec<u8>, Problem> {
    let info = recording.info();
    let mut value = serde_json::to_value(info).map_err(|error| unwritten(&error))?;
    if let Value::Object(fields) = &mut value {
        PIECES.iter().for_each(|name| drop(fields.remove(*name)));
        fields.insert("name".to_owned(), recording.name().into());
        let seconds = recording.time_of(info.play_length).as_secs_f64();
        fields.insert("seconds".to_owned(), seconds.into());
        fields.insert("real_rate".to_owned(), info.real_rate.get().into());
        fields.insert("is_exact".to_owned(), recording.exactness().is_ok().into());
        for (name, sample) in [("start_utc", 0), ("end_utc", info.play_length)] {
            if let Some(time) = recording.utc_of(sample) {
                fields.insert(name.to_owned(), time.to_string().into());
            }
        }
    }
    bytes(&value)
}

/// The stores, and what the paths of each begin with.
pub(crate) fn stores<'a>(names: impl Iterator<Item = &'a str>, is_only: bool) -> Vec<u8> {
    let one = |name| {
        let base = format!("/s/{}", crate::query::encode(name));
        json!({"name": name, "base": if is_only { "" } else { &base }})
    };
    Value::Array(names.map(one).collect()).to_string().into_bytes()
}

fn bytes(value: &impl serde::Serialize) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(value).map_err(|error| unwritten(&error))
}

fn unwritten(error: &serde_json::Error) -> Problem {
    tracing::error!(%error, "cannot write JSON");
    Problem::new(hyper::StatusCode::INTERNAL_SERVER_ERROR, "an internal error")
}

/// Attributes about pieces of the stored bytes, of which there may be many.
const PIECES: [&str; 4] =
    ["blob_checksums", "index_checkpoints", "index_ranges", "index_checksums"];
