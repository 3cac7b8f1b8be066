//! Writes a tone as a WAV file, and its spectrum as a picture.

use std::{env, fs, io};

use opus_zarr_render::{Palette, PcmSample, Pixels, SampleFormat, Stft, Wav, decibels, encode_png};

fn main() -> io::Result<()> {
    let (Some(wav), Some(png)) = (env::args().nth(1), env::args().nth(2)) else { return Ok(()) };
    let tone: Vec<f32> = (0..1024_u16).map(|n| (f32::from(n) * 0.785).sin() / 2.0).collect();
    let mut file = Wav::new(SampleFormat::Int16, 48_000, 1, 1024).header();
    tone.iter().for_each(|sample| sample.put(SampleFormat::Int16, &mut file));
    fs::write(wav, file)?;

    let stft = Stft::new(1024, 1024);
    let mut power = vec![0.0; stft.bins()];
    stft.add(&mut stft.work(), &tone, &mut power);
    let levels: Vec<u8> =
        power.iter().map(|power| if decibels(*power) > -40.0 { 255 } else { 0 }).collect();
    let colours = Palette::Viridis.colours();
    let picture = encode_png((513, 1), Pixels::Indexed(&colours, &levels));
    fs::write(png, picture.map_err(io::Error::other)?)
}
