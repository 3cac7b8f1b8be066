//! Prints when recordings began, by their file names.

use std::env;

use recorder_metadata::{Error, StartTime, Timestamp, Zone, time_in_file_name};

fn main() -> Result<(), Error> {
    let zone: Zone = "Europe/Zurich".parse()?;
    for name in env::args().skip(1) {
        let found: Vec<_> = time_in_file_name(&name).into_iter().collect();
        if let Some((start, findings)) = StartTime::choose(&found, Some(&zone)) {
            let instant: Option<Timestamp> = start.instant();
            println!("{name}: {instant:?}");
            findings.iter().for_each(|finding| println!("{finding}"));
        }
    }
    Ok(())
}
