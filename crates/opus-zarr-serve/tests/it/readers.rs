//! Other programs that read the virtual Zarr store and the files.

use std::{path::Path, process::Command};

use opus_zarr_testkit::python::{answer_of, neighbours};

use crate::support::{Serving, recording};

/// zarr-python over obstore, tensorstore, and xarray.
#[test]
fn python_reads_the_samples_of_a_read() {
    let Some(python) = neighbours("readers of the virtual Zarr store") else { return };
    let serving = Serving::golden();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/readers/read.py");
    let url = format!("http://{}/zarr", serving.address);
    let found = answer_of(Command::new(python).arg(script).arg(url).arg("synced"));
    let recording = recording("synced");
    let expected: Vec<i16> = recording.read(0..recording.info().play_length).unwrap();
    let expected = serde_json::json!({"sum": expected.iter().map(|it| i64::from(*it)).sum::<i64>(),
        "weighted": expected.iter().zip(1_i64..).map(|(it, n)| i64::from(*it) * (n % 1009)).sum::<i64>(),
        "shape": [expected.len(), 1]});
    let readers = found.as_object().unwrap();
    assert_eq!(readers.len(), 4, "{readers:?}");
    for (reader, read) in readers {
        assert_eq!(*read, expected, "{reader}");
    }
}
