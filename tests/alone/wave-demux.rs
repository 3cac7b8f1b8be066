//! Prints the format and the first samples of a WAVE or AIFF file.

use std::{env, fs::File};

use wave_demux::{Chunk, Error, ErrorKind, Finding, Format, WaveReader};

fn main() -> Result<(), Error> {
    let Some(path) = env::args().nth(1) else { return Ok(()) };
    let Ok(file) = File::open(path) else { return Ok(()) };
    let mut reader = WaveReader::new(file)?;
    let format: Format = reader.format();
    println!("{} channels at {} Hz", format.channels, format.rate);
    reader.chunks().iter().for_each(|chunk: &Chunk| println!("{}", chunk.id));
    let mut buffer = vec![0.0; 4096 * usize::from(format.channels)];
    match reader.read_samples(&mut buffer) {
        Ok(samples) => println!("{:?}", samples.first()),
        Err(error) if error.kind() == ErrorKind::Io => println!("byte {}", error.offset()),
        Err(error) => return Err(error),
    }
    reader.findings().iter().for_each(|finding: &Finding| println!("{finding}"));
    Ok(())
}
