//! Test signals and their encoding.

use magnum_opus::{Application, Bitrate, Channels, Encoder, Repacketizer};

use super::recording::Recording;

/// How to encode a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) application: Application,
    /// Input sample rate in Hz, which limits the bandwidth of SILK.
    pub(crate) rate: u16,
    pub(crate) channels: u8,
    pub(crate) kbps: i32,
    pub(crate) vbr: bool,
    /// Whether each SILK frame repeats the previous one.
    pub(crate) fec: bool,
    /// Samples per packet, at 48 kHz.
    pub(crate) packet: usize,
    pub(crate) volume: f32,
}

pub(crate) const SPEECH: Kind = Kind {
    application: Application::Voip,
    rate: 48_000,
    channels: 1,
    kbps: 12,
    vbr: true,
    fec: false,
    packet: 960,
    volume: 0.3,
};
pub(crate) const MUSIC: Kind =
    Kind { application: Application::LowDelay, channels: 2, kbps: 96, ..SPEECH };
/// Far beyond full scale.
pub(crate) const LOUD: f32 = 3.0;

/// A voice in noise that never repeats itself.
fn signal(kind: Kind, seconds: usize, is_voiced: impl Fn(f32) -> bool) -> Vec<f32> {
    let mut random = 1u32;
    let mut samples = Vec::new();
    let seconds = (0..u16::try_from(seconds).unwrap())
        .flat_map(|second| (0..kind.rate).map(move |n| (second, n)));
    for (second, n) in seconds {
        let time = f32::from(second) + f32::from(n) / f32::from(kind.rate);
        let pitch = 120.0 + 40.0 * (time * 1.3).sin();
        for channel in 0..kind.channels {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = f32::from(u16::try_from(random >> 16).unwrap()) / 32_768.0 - 1.0;
            let mut sample = noise * 0.02;
            if is_voiced(time) {
                for harmonic in 1..12u8 {
                    let phase = time * pitch * f32::from(harmonic) * std::f32::consts::TAU;
                    sample += (phase + f32::from(channel)).sin() / f32::from(harmonic);
                }
            }
            samples.push(sample * kind.volume);
        }
    }
    samples
}

/// Encodes a voice with pauses of a second.
pub(crate) fn encode(kind: Kind, seconds: usize) -> Recording {
    encode_signal(kind, &signal(kind, seconds, |time| (time * 2.7).sin() > -0.3))
}

/// Encodes a voice that begins after a second and never pauses.
pub(crate) fn encode_voice(kind: Kind, seconds: usize) -> Recording {
    encode_signal(kind, &signal(kind, seconds, |time| time > 1.0))
}

pub(crate) fn encode_signal(kind: Kind, signal: &[f32]) -> Recording {
    let channels = if kind.channels == 1 { Channels::Mono } else { Channels::Stereo };
    let mut encoder = Encoder::new(kind.rate.into(), channels, kind.application).unwrap();
    encoder.set_bitrate(Bitrate::Bits(kind.kbps * 1000)).unwrap();
    encoder.set_vbr(kind.vbr).unwrap();
    encoder.set_inband_fec(kind.fec).unwrap();
    encoder.set_packet_loss_perc(if kind.fec { 20 } else { 0 }).unwrap();
    let packet = kind.packet * usize::from(kind.rate) / 48_000;
    let packets = signal
        .chunks_exact(packet * usize::from(kind.channels))
        .map(|samples| encoder.encode_vec_float(samples, 8000).unwrap())
        .collect();
    Recording::mono_or_stereo(kind.channels, packets)
}

/// Joins the frames of `packets` packets into one (RFC 6716 section 3.2.5).
pub(crate) fn merged(recording: &Recording, packets: usize) -> Recording {
    let mut repacketizer = Repacketizer::new().unwrap();
    let mut merge = |packets: &[Vec<u8>]| {
        let packets: Vec<&[u8]> = packets.iter().map(Vec::as_slice).collect();
        let mut merged = vec![0; 61_298];
        let len = repacketizer.combine(&packets, &mut merged).unwrap();
        merged.truncate(len);
        merged
    };
    let packets = recording.packets.chunks_exact(packets).map(&mut merge).collect();
    Recording { head: recording.head.clone(), packets }
}
