//! Exact reads of a second where they are dear: beyond full scale, with losses, with DTX.
//! `cargo bench --bench hard -- 200 DTX` reads 200 random seconds of each recording whose name
//! contains "DTX". Figures are relative to decoding only the packets of that second.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench may panic")]

use std::{
    f32::consts::TAU,
    fs::{self, File},
    ops::Range,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use magnum_opus::{Application, Bitrate, Channels, Encoder};
use ogg_opus_demux::OggOpusWriter;
use opus_packet::{Concealment, OpusHead, OpusTags};
use opus_zarr::{ImportOptions, ReadMode, Recording, Sample};
use opus_zarr_testkit::{
    Random,
    counter::cost,
    recordings::{DTX, MONO, all, import_with, store_of, stream_of},
};

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let reads = arguments.next().map_or(200, |reads| reads.parse().unwrap());
    let wanted = arguments.next().unwrap_or_default();
    for (name, make) in KINDS {
        if name.contains(&wanted) {
            measure(name, &make(), reads);
        }
    }
}

type Make = fn() -> Packets;
const KINDS: [(&str, Make); 13] = [
    ("music", || music(0.1)),
    ("clipped music", || music(1.0)),
    ("music, output gain +18 dB", || Packets { gain: 18 * 256, ..music(0.3) }),
    ("square, full scale", || {
        celt(1, |time, _| if (time * 100.0).fract() < 0.5 { 1.0 } else { -1.0 })
    }),
    ("wave of 0.2 Hz, far beyond full scale", || Packets { gain: 18 * 256, ..slow() }),
    ("speech", || speech(24, true)),
    ("music, holes of 60 ms each 10 s", || music(0.1).with_holes()),
    ("speech 24k, hybrid, holes of 60 ms each 10 s", || speech(24, true).with_holes()),
    ("speech 14k, SILK, holes of 60 ms each 10 s", || speech(14, true).with_holes()),
    ("speech 20k, CBR, FEC", || speech(20, false)),
    ("DTX speech, 22 s", || dtx(1)),
    ("DTX speech, 10 min", || dtx(27)),
    ("DTX speech, 1 h", || dtx(162)),
];

/// 20 ms each.
struct Packets {
    channels: u8,
    gain: i16,
    packets: Vec<Vec<u8>>,
}

impl Packets {
    fn with_holes(mut self) -> Self {
        for lost in (250..self.packets.len()).step_by(500) {
            let mut concealment = Concealment::new(&self.packets[lost - 1], 1, 960);
            let packet = concealment.next_packet().unwrap().data.to_vec();
            self.packets[lost..lost + 3].fill(packet);
        }
        self
    }

    fn write(&self, path: &Path) {
        let head = OpusHead::new(self.channels, 312, 48_000).unwrap().with_output_gain(self.gain);
        let tags = OpusTags::new("bench", Vec::<&str>::new());
        let mut writer = OggOpusWriter::new(File::create(path).unwrap(), 1, &head, &tags).unwrap();
        for packet in &self.packets {
            writer.write(packet).unwrap();
        }
        writer.finish(0).unwrap();
    }
}

/// Imports a recording and reads it.
fn measure(name: &str, packets: &Packets, reads: usize) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("it.opus");
    packets.write(&file);
    let options = ImportOptions::default().exact(true);
    let (imported, took) = time(of_all_threads, || {
        import_with(&file, folder.path().join("store"), "it", &options).unwrap()
    });
    let recording = imported.into_first();
    let (_, full) = time(of_all_threads, || all::<f32>(&recording));
    println!(
        "{name}: {:.0?}, import {took:.1?}, {:.1} decodes",
        recording.info().duration(),
        took.as_secs_f64() / full.as_secs_f64()
    );
    read::<f32>(&recording, "f32", reads);
    read::<i16>(&recording, "i16", reads);
}

fn read<S: Sample>(recording: &Recording, format: &str, reads: usize) {
    let (mut random, mut packets, mut cpu, mut alone) =
        (Random(1), Vec::new(), Vec::new(), Vec::new());
    let begin = Instant::now();
    // A dear one need not be read as often.
    while packets.len() < reads && begin.elapsed() < Duration::from_secs(60) {
        let start = random.below(recording.info().play_length - 48_000);
        let range = start..start + 48_000;
        let read = |mode, range: Range<u64>| {
            cost(|| time(of_thread, || recording.read_as::<S>(mode, range).unwrap()).1)
        };
        let (took, within) = read(ReadMode::Approximate { pre_roll: 0 }, range.clone());
        alone.push(took.as_secs_f64());
        let (took, exact) = read(ReadMode::Exact, range);
        cpu.push(took.as_secs_f64());
        packets.push(count(exact.packets) / count(within.packets));
    }
    let reads = packets.len();
    let alone = percentile(&mut alone, 50);
    let of = |figures: &mut [f64], unit: f64| {
        [50, 95, 100]
            .map(|percent| format!("{:.2}", percentile(figures, percent) / unit))
            .join(" / ")
    };
    println!(
        "  {format}, {reads} reads, p50 / p95 / most: packets {}, CPU {}, {} ms",
        of(&mut packets, 1.0),
        of(&mut cpu, alone),
        of(&mut cpu, 1e-3)
    );
}

fn percentile(figures: &mut [f64], percent: usize) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[(figures.len() - 1) * percent / 100]
}

fn count(packets: u64) -> f64 {
    f64::from(u32::try_from(packets).unwrap())
}

/// Runs `work` and returns its result and processor time.
fn time<T>(clock: fn() -> Duration, work: impl FnOnce() -> T) -> (T, Duration) {
    let before = clock();
    let result = work();
    (result, clock() - before)
}

/// Of this thread, as reported by Linux, which counts when the thread yields.
fn of_thread() -> Duration {
    thread::yield_now();
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split_whitespace().next().unwrap().parse().unwrap())
}

/// Of all threads in user mode, in hundredths of a second.
fn of_all_threads() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks: u64 = fields.split_whitespace().nth(11).unwrap().parse().unwrap();
    Duration::from_millis(10 * ticks)
}

/// Ten minutes.
const SECONDS: usize = 600;

/// Chords of notes that are struck and fade.
fn music(volume: f32) -> Packets {
    celt(2, move |time, channel| {
        let note = |number: u8| {
            let struck = (time * 2.0 + f32::from(number) * 0.37).fract();
            let hz =
                110.0 * 1.5f32.powi(i32::from(number)) * (1.0 + (time * 0.5).floor() % 5.0 / 8.0);
            (time.fract() * hz.round() * TAU + channel).sin() * (-3.0 * struck).exp()
        };
        ((0..6).map(note).sum::<f32>() * volume).clamp(-1.0, 1.0)
    })
}

/// The encoder lets a fifteenth of such a low frequency pass.
fn slow() -> Packets {
    celt(1, |time, _| 30.0 * (time * 0.2 * TAU).sin())
}

/// 64 kb/s per channel.
fn celt(channels: u8, sample: impl Fn(f32, f32) -> f32) -> Packets {
    let mut random = Random(1);
    let mut noise = || f32::from(u16::try_from(random.below(1 << 16)).unwrap()) / 65_536.0 - 0.5;
    // Of a minute, so that f32 counts precisely.
    let minute: Vec<f32> = (0..60 * 48_000u32)
        .flat_map(|n| {
            let time = f32::from(u16::try_from(n / 48_000).unwrap())
                + f32::from(u16::try_from(n % 48_000).unwrap()) / 48_000.0;
            (0..channels).map(|channel| sample(time, f32::from(channel))).collect::<Vec<_>>()
        })
        .collect();
    let signal = minute.iter().cycle().take(SECONDS * 48_000 * usize::from(channels));
    let signal: Vec<f32> = signal.map(|sample| sample + 0.002 * noise()).collect();
    let kbps = i32::from(channels) * 64;
    encode(&signal, channels, Application::LowDelay, kbps, true)
}

fn speech(kbps: i32, is_vbr: bool) -> Packets {
    let (_store, notes) = store_of(MONO);
    let notes: Vec<f32> = all(&notes);
    let signal: Vec<f32> = notes.iter().copied().cycle().take(SECONDS * 48_000).collect();
    encode(&signal, 1, Application::Audio, kbps, is_vbr)
}

fn encode(
    signal: &[f32],
    channels: u8,
    application: Application,
    kbps: i32,
    is_vbr: bool,
) -> Packets {
    let layout = if channels == 1 { Channels::Mono } else { Channels::Stereo };
    let mut encoder = Encoder::new(48_000, layout, application).unwrap();
    encoder.set_bitrate(Bitrate::Bits(kbps * 1000)).unwrap();
    encoder.set_vbr(is_vbr).unwrap();
    if !is_vbr {
        encoder.set_inband_fec(true).unwrap();
        encoder.set_packet_loss_perc(20).unwrap();
    }
    let frames = signal.chunks_exact(960 * usize::from(channels));
    let packets = frames.map(|frame| encoder.encode_vec_float(frame, 4000).unwrap()).collect();
    Packets { channels, gain: 0, packets }
}

/// The recording again and again. `magnum-opus` cannot ask for DTX.
fn dtx(times: usize) -> Packets {
    let packets = stream_of(DTX).packets;
    let count = times * packets.len();
    Packets { channels: 1, gain: 0, packets: packets.into_iter().cycle().take(count).collect() }
}
