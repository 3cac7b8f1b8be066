use std::{fs, path::Path};

use opus_zarr::{ImportOptions, Recording, Store, import, unwatched};
use opus_zarr_testkit::{corpus::every_file, random::Random};
use serde_json::{Value, json};

/// Imports real recordings into `real.zarr` and writes what the library reads from them to `real/`: random
/// ranges as little-endian `f32`, listed in `real.json`. Without a corpus, there are none.
pub(crate) fn write_real(folder: &Path) {
    let files = every_file().unwrap_or_default().into_iter();
    let small = files.filter(|file| fs::metadata(&file.path).is_ok_and(|it| it.len() < 2_000_000));
    let store = Store::open_or_create(folder.join("real.zarr")).unwrap();
    fs::create_dir(folder.join("real")).unwrap();
    let (mut random, mut expected) = (Random(21), Vec::new());
    for (number, file) in small.enumerate() {
        let options = ImportOptions::default().exact(true).stream(1);
        let name = format!("{number}");
        let Ok(imported) = import(&file.path, &store, &name, &options, unwatched) else { continue };
        expected.extend(ranges_of(&imported.recordings, folder, &mut random));
        if expected.len() == COUNT {
            break;
        }
    }
    fs::write(folder.join("real.json"), Value::from(expected).to_string()).unwrap();
}

fn ranges_of(recordings: &[Recording], folder: &Path, random: &mut Random) -> Option<Value> {
    let recording = recordings.first()?;
    let (name, length) = (recording.name(), recording.info().play_length);
    let mut ranges = vec![(0, length)];
    for _ in 0..5 {
        let start = random.below(length);
        ranges.push((start, start + 1 + random.below(length - start)));
    }
    for (number, &(start, end)) in ranges.iter().enumerate() {
        let samples = recording.read::<f32>(start..end).ok()?;
        let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        fs::write(folder.join("real").join(format!("{name}.{number}")), bytes).unwrap();
    }
    Some(json!({ "name": name, "ranges": ranges }))
}

const COUNT: usize = 20;
