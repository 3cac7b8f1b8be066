use std::{collections::BTreeMap, fs::File};

use magnum_opus::{Application, Bitrate, Channels, Encoder};
use ogg_opus_demux::OggOpusReader;
use opus_encode::{SampleBuffer, SampleSource, SliceSource};
use opus_packet::{Toc, duration};
use opus_transcode::{AudioFile, ReadOptions, Resampled};
use opus_zarr_testkit::{every_file, ogg_opus_files, recordings, testdata};

use crate::{SECOND, signals};

/// Packets to read from.
pub(crate) struct Stream {
    pub(crate) name: String,
    /// Where the audio is from.
    pub(crate) origin: &'static str,
    pub(crate) channels: u8,
    pub(crate) packets: Vec<Vec<u8>>,
}

impl Stream {
    /// The mode of at least 19 of 20 packets.
    pub(crate) fn mode(&self) -> &'static str {
        let mut counts = BTreeMap::new();
        for packet in &self.packets {
            *counts.entry(format!("{:?}", Toc::new(packet[0]).mode())).or_insert(0) += 1;
        }
        let (mode, count) = counts.into_iter().max_by_key(|(_, count)| *count).unwrap();
        match mode.as_str() {
            _ if count * 20 < self.packets.len() * 19 => "changing modes",
            "Silk" => "SILK",
            "Celt" => "CELT",
            _ => "hybrid",
        }
    }

    pub(crate) fn kbps(&self) -> u64 {
        let bytes: usize = self.packets.iter().map(Vec::len).sum();
        let samples: u64 =
            self.packets.iter().map(|packet| u64::from(duration(packet).unwrap())).sum();
        u64::try_from(bytes).unwrap() * 8 * SECOND / samples / 1000
    }
}

/// How to encode: name, application, input rate, channels, kb/s, samples per packet at 48 kHz.
type Kind = (&'static str, Application, u32, u8, i32, usize);

const KINDS: [Kind; 15] = [
    ("speech, 20 ms", Application::Voip, 16_000, 1, 16, 960),
    ("speech, wideband, 10 ms", Application::Voip, 16_000, 1, 24, 480),
    ("speech, wideband, 60 ms", Application::Voip, 16_000, 1, 32, 2880),
    ("speech, wideband, stereo, 20 ms", Application::Voip, 16_000, 2, 40, 960),
    ("speech, 20 ms", Application::Voip, 48_000, 1, 24, 960),
    ("speech, 10 ms", Application::Voip, 48_000, 1, 32, 480),
    ("speech, 60 ms", Application::Voip, 48_000, 1, 32, 2880),
    ("speech, stereo, 20 ms", Application::Voip, 48_000, 2, 48, 960),
    ("any, 20 ms", Application::Audio, 48_000, 1, 24, 960),
    ("any, 20 ms", Application::Audio, 48_000, 1, 64, 960),
    ("any, stereo, 20 ms", Application::Audio, 48_000, 2, 128, 960),
    ("low delay, 10 ms", Application::LowDelay, 48_000, 1, 48, 480),
    ("low delay, 5 ms", Application::LowDelay, 48_000, 1, 64, 240),
    ("low delay, 2.5 ms", Application::LowDelay, 48_000, 1, 96, 120),
    ("any, 60 ms", Application::Audio, 48_000, 1, 64, 2880),
];

/// Real recordings that are speech, wildlife and music.
const AUDIO: [&str; 3] = ["data/recording1.wav", "audio/1min.wav", "data/ogg.vorbis.chained2.ogg"];

/// Files of the corpus that repeat others or are silent.
const LEFT_OUT: [&str; 2] = ["ogg.errors.opus", "correctness_gain_silent_output.opus"];

pub(crate) fn all() -> impl Iterator<Item = Stream> {
    let files = ogg_opus_files().unwrap_or_default().into_iter();
    let files = files.filter(|file| file.channels <= 2 && !LEFT_OUT.contains(&file.name.as_str()));
    let stored = files.filter_map(|file| read(file.name, File::open(file.path).unwrap()));
    let made_up = [
        ("voice", signals::voice as fn() -> Vec<f32>),
        ("chirps", signals::chirps),
        ("strings", signals::strings),
        ("birds", signals::birds),
    ];
    let made_up = made_up.into_iter().map(|(name, signal)| (name, "made up", signal()));
    let audio = every_file().unwrap_or_default().into_iter().filter_map(|file| {
        let name = AUDIO.into_iter().find(|name| file.path.ends_with(name))?;
        let source = AudioFile::open(&file.path, &ReadOptions::default()).unwrap();
        let channels = source.channels();
        let samples = resampled(source, 48_000, 60);
        Some((name, "recorded", samples.chunks(channels).map(|frame| frame[0]).collect()))
    });
    let ours = recordings::BOTH.map(|name| (name.to_owned(), testdata(name))).into_iter();
    let ours = ours.filter_map(|(name, path)| read(name, File::open(path).unwrap()));
    ours.chain(stored).chain(made_up.chain(audio).flat_map(|(name, origin, signal)| {
        KINDS.into_iter().map(move |kind| encode(kind, name, origin, &signal))
    }))
}

/// Reads up to three minutes of a file, unless it is damaged or holds less than 5 s.
fn read(name: String, file: File) -> Option<Stream> {
    let mut reader = OggOpusReader::strict(file).ok()?;
    let (channels, mut packets) = (reader.head().channels(), Vec::new());
    let mut length = 0;
    while let Some(packet) = reader.next_located().ok()? {
        packets.push(packet.data.to_vec());
        length += u64::from(packet.duration);
    }
    let is_of_length = (5 * SECOND..180 * SECOND).contains(&length);
    is_of_length.then_some(Stream { name, origin: "recorded", channels, packets })
}

fn encode(kind: Kind, audio: &str, origin: &'static str, signal: &[f32]) -> Stream {
    let (name, application, rate, channels, kbps, packet) = kind;
    let signal = resampled(SliceSource::new(signal, 1, 48_000), rate, 60);
    let layout = if channels == 1 { Channels::Mono } else { Channels::Stereo };
    let mut encoder = Encoder::new(rate, layout, application).unwrap();
    encoder.set_bitrate(Bitrate::Bits(kbps * 1000)).unwrap();
    if application == Application::Voip {
        // Keeps libopus in SILK or hybrid whatever the audio. Decoding skips the repeated frames.
        encoder.set_inband_fec(true).unwrap();
        encoder.set_packet_loss_perc(20).unwrap();
    }
    // The right channel is 10 ms late.
    let delay = usize::try_from(rate / 100).unwrap();
    let late = |n: usize| signal[n.saturating_sub(delay)];
    let frame = |n| [signal[n], late(n)].into_iter().take(channels.into());
    let interleaved: Vec<f32> = (0..signal.len()).flat_map(frame).collect();
    let packet = packet * usize::try_from(rate).unwrap() / 48_000 * usize::from(channels);
    let packets = interleaved.chunks_exact(packet);
    let packets = packets.map(|samples| encoder.encode_vec_float(samples, 8000).unwrap()).collect();
    Stream { name: format!("{audio}, {name}"), origin, channels, packets }
}

/// Reads up to this many seconds of a source, interleaved, at this rate.
fn resampled<S: SampleSource<Error: std::fmt::Debug>>(
    source: S,
    rate: u32,
    seconds: u32,
) -> Vec<f32> {
    let channels = source.channels();
    let mut source = Resampled::new(source, rate).unwrap();
    let mut memory = vec![0.0; usize::try_from(rate * seconds).unwrap() * channels];
    let mut buffer = SampleBuffer::new(&mut memory, channels);
    buffer.fill_from(&mut source).unwrap();
    buffer.samples().to_vec()
}
