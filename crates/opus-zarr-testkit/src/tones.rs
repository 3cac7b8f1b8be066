//! Tones that come and go over noise, encoded as CELT.

use magnum_opus::{Application, Bitrate, Channels, Encoder};

use crate::random::Random;

/// Encodes `count` packets of 20 ms at 64 kb/s per channel.
pub fn packets(channels: u8, count: u16) -> Vec<Vec<u8>> {
    let layout = if channels == 1 { Channels::Mono } else { Channels::Stereo };
    let mut encoder = Encoder::new(48_000, layout, Application::LowDelay).unwrap();
    encoder.set_bitrate(Bitrate::Bits(i32::from(channels) * 64_000)).unwrap();
    let (mut random, mut phases) = (Random(4), [0f32; 6]);
    let packet = |number: u16| {
        let mut frame = Vec::new();
        for _ in 0..960 {
            for channel in 0..channels {
                let noise = f32::from(u16::try_from(random.below(1 << 16)).unwrap()) / 65_536.0;
                let mut sample = (noise - 0.5) * 0.05;
                for (tone, phase) in (1..7u8).zip(&mut phases) {
                    *phase += 0.003 * f32::from(tone) * (1.0 + f32::from(number % 37) / 40.0);
                    sample += (*phase + f32::from(channel)).sin() * 0.08;
                }
                frame.push(sample);
            }
        }
        encoder.encode_vec_float(&frame, 4000).unwrap()
    };
    (0..count).map(packet).collect()
}
