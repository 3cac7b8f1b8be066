//! Audio files.

use std::{io::Cursor, panic};

use opus_transcode::{AudioInput, Error};

/// Enough for a file of some kilobytes. Gaps may last for hours.
const MAX_FRAMES: usize = 1 << 18;

/// Decodes arbitrary bytes as a file with audio. A panic of symphonia must come out as an error.
pub fn audio_input(file: &[u8]) {
    if let Err(error) = read(file.to_vec()) {
        assert_eq!(error.to_string().lines().count(), 1);
    }
}

/// Replaces the panic hook of libFuzzer, which aborts before a panic of symphonia can be caught.
pub fn allow_panics_of_symphonia() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map_or("", |place| place.file());
        if !place.contains("symphonia") {
            eprintln!("{info}");
        }
    }));
}

fn read(file: Vec<u8>) -> Result<(), Error> {
    let mut input = AudioInput::new(Cursor::new(file), 0)?;
    let channels = input.format().channels;
    assert!(channels > 0 && input.format().rate > 0);
    let mut samples = vec![0.0; 1000 * channels];
    let mut all = 0;
    while all < MAX_FRAMES {
        let frames = input.read_samples(&mut samples)?.len() / channels;
        all += frames;
        if frames < 1000 {
            assert!(input.read_samples(&mut samples)?.is_empty(), "samples after the end");
            break;
        }
    }
    assert!(input.findings().len() <= 1001);
    Ok(())
}
