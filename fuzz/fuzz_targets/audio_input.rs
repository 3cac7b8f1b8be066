//! Any bytes as a file with audio. What symphonia panics on must come out as an error.

#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use opus_transcode::{AudioInput, Error};

/// Enough to meet what a file of some kilobytes holds; gaps may be of hours.
const MAX_FRAMES: usize = 1 << 18;

fuzz_target!(
    init: {
        // The hook of libFuzzer would abort where a panic is caught.
        std::panic::set_hook(Box::new(|info| {
            let place = info.location().map_or("", |place| place.file());
            if !place.contains("symphonia") {
                eprintln!("{info}");
            }
        }));
    },
    |file: &[u8]| {
        if let Err(error) = read(file.to_vec()) {
            assert_eq!(error.to_string().lines().count(), 1);
        }
    }
);

fn read(file: Vec<u8>) -> Result<(), Error> {
    let mut input = AudioInput::new(Cursor::new(file), 0)?;
    let channels = input.format().channels;
    assert!(channels > 0 && input.format().rate > 0);
    let mut samples = vec![0.0; 1000 * channels];
    let mut all = 0;
    while all < MAX_FRAMES {
        let frames = input.read(&mut samples)?;
        all += frames;
        if frames < 1000 {
            assert_eq!(input.read(&mut samples)?, 0, "the end stays the end");
            break;
        }
    }
    assert!(input.findings().len() <= 1001);
    Ok(())
}
