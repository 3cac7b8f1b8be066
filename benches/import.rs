//! Measures the import of audio as a whole and by stages, taking turns with `opusenc` and `ffmpeg`,
//! which only encode the same file: `cargo bench --bench import`, or `-- 9` for nine rounds. Needs
//! both programs and the corpus of real recordings (`OPUS_ZARR_CORPUS`).

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench may panic")]

use std::{
    env, fs,
    hint::black_box,
    io::{Read, Write},
    num::NonZeroUsize,
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use ogg_opus_demux::OggOpusReader;
use opus_encode::{
    Bitrate, Channels, EncodedStream, Options, SampleBuffer, SampleSource, SliceSource,
};
use opus_packet::{CodedPos, OpusHead, Packet};
use opus_packet_index::{SyncDecoder, SyncEntry, find_sync_start};
use opus_segment_decode::{LibopusDecoder, PacketDecoder, SyncConstruction, build_sync_map};
use opus_transcode::{AudioFile, ReadOptions, Resampled};
use opus_zarr::{ImportOptions, Recording, Stage, Store, import};

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [file, store, bits, exact] = arguments.as_slice() {
        return import_alone(file, store, bits.parse().unwrap(), exact == "exact");
    }
    let rounds = arguments.first().map_or(5, |rounds| rounds.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let (wav, flac) = (folder.path().join("mono.wav"), folder.path().join("stereo.flac"));
    write_wav(&wav);
    write_flac(&flac);
    for (file, channels, bits) in
        [(&wav, Channels::MONO, 160_000), (&wav, Channels::MONO, 0), (&flac, Channels::STEREO, 0)]
    {
        let default = Bitrate::default_for(channels).get();
        let bits = if bits == 0 { default } else { bits };
        Case::new(file, channels, bits).measure(rounds);
    }
}

/// 212 s of music, wildlife and speech, mono, 16 bit, 48 kHz.
fn write_wav(path: &Path) {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error"]);
    for (file, seconds) in [(MUSIC, "72"), (WILDLIFE, "60"), (SPEECH[0], "50"), (SPEECH[1], "30")] {
        command.args(["-t", seconds, "-i"]).arg(corpus(file));
    }
    let same =
        |input| format!("[{input}:a]aformat=sample_rates=48000:channel_layouts=mono[{input}m]");
    let inputs = [same(0), same(1), same(2), same(3)].join(";");
    let filter = format!("{inputs};[0m][1m][2m][3m]concat=n=4:v=0:a=1");
    run(command.args(["-filter_complex", &filter, "-c:a", "pcm_s16le"]).arg(path));
}

/// 212 s of music, stereo, 16 bit, 44.1 kHz.
fn write_flac(path: &Path) {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-t", "212", "-i"]).arg(corpus(MUSIC));
    run(command.args(["-map", "0:a", "-ar", "44100", "-sample_fmt", "s16"]).arg(path));
}

const MUSIC: &str = "eshaz+wasm-audio-decoders/test/data/ogg.vorbis.chained2.ogg";
const WILDLIFE: &str = "kitzeslab+opensoundscape/tests/audio/1min.wav";
const SPEECH: [&str; 2] = [
    "tyiannak+pyAudioAnalysis/pyAudioAnalysis/data/recording1.wav",
    "tyiannak+pyAudioAnalysis/pyAudioAnalysis/data/recording2.wav",
];

fn corpus(path: &str) -> PathBuf {
    let beside = || opus_zarr_testkit::root().join("../shared/corpus");
    env::var_os("OPUS_ZARR_CORPUS").map_or_else(beside, PathBuf::from).join(path)
}

/// Imports a file in a process of its own, as the other encoders run, and prints the duration of
/// each stage and the memory peak.
fn import_alone(file: &str, store: &str, bits: u32, exact: bool) {
    let mut options = ImportOptions::default().exact(exact);
    options.transcode.bitrate = Some(Bitrate::bits_per_second(bits));
    let store = Store::open_or_create(store).unwrap();
    let (began, mut stages) = (Instant::now(), Vec::<(Stage, Duration)>::new());
    import(file, &store, "it", &options, |progress| {
        if stages.last().is_none_or(|(stage, _)| *stage != progress.stage) {
            stages.push((progress.stage, began.elapsed()));
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    let mut ends: Vec<Duration> = stages.iter().skip(1).map(|(_, at)| *at).collect();
    ends.push(began.elapsed());
    for ((stage, start), end) in stages.into_iter().zip(ends) {
        println!("{stage:?} {}", (end - start).as_micros());
    }
    println!("memory {}", peak_memory());
}

/// A file to import and encode.
struct Case {
    file: PathBuf,
    channels: Channels,
    bits: u32,
    /// Interleaved, at 48 kHz.
    samples: Vec<f32>,
    rows: Vec<Row>,
    stages: Vec<(String, Vec<u64>)>,
}

struct Row {
    name: &'static str,
    clock: Vec<Duration>,
    processor: Vec<Duration>,
}

impl Case {
    fn new(file: &Path, channels: Channels, bits: u32) -> Self {
        let mut samples = Vec::new();
        decode(file, |piece| samples.extend_from_slice(piece));
        let file = file.to_owned();
        Self { file, channels, bits, samples, rows: Vec::new(), stages: Vec::new() }
    }

    fn measure(mut self, rounds: usize) {
        let bytes = fs::metadata(&self.file).unwrap().len();
        let name = self.file.file_name().unwrap().display();
        let load = fs::read_to_string("/proc/loadavg").unwrap();
        println!("\n{name}, {bytes} bytes, {} kb/s; load {load}", self.bits / 1000);
        for _ in 0..rounds {
            self.round();
        }
        for row in &mut self.rows {
            println!("| {} | {} | {} |", row.name, of(&mut row.clock), of(&mut row.processor));
        }
        for (name, values) in &mut self.stages {
            values.sort_unstable();
            let (least, median) = (values[0], values[values.len() / 2]);
            println!("| {name} (µs, kB or a count) | {least}, {median} |");
        }
    }

    /// Runs everything once.
    fn round(&mut self) {
        let file = self.file.clone();
        self.time("decode", || decode(&file, |piece| _ = black_box(piece)));
        let samples = std::mem::take(&mut self.samples);
        let mut options = Options::new(self.channels);
        options.bitrate = Bitrate::bits_per_second(self.bits);
        for (name, threads) in [("encode, one thread", 1), ("encode, two threads", 2)] {
            self.time(name, || encode(&samples, &options, threads));
        }
        self.samples = samples;
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        self.import("import", &path("store"), "exact");
        self.import("import without a sync map", &path("approximate"), "not");
        let kilobits = (self.bits / 1000).to_string();
        let mut opusenc = Command::new("opusenc");
        opusenc.args(["--quiet", "--bitrate", &kilobits]).arg(&self.file).arg(path("1.opus"));
        self.time("opusenc", || run(&mut opusenc));
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error", "-i"]).arg(&self.file);
        ffmpeg.args(["-c:a", "libopus", "-b:a", &format!("{kilobits}k")]).arg(path("2.opus"));
        self.time("ffmpeg", || run(&mut ffmpeg));
        self.store(&path("store"));
    }

    fn import(&mut self, name: &'static str, store: &Path, exact: &str) {
        let mut command = Command::new(env::current_exe().unwrap());
        command.arg(&self.file).arg(store).args([&self.bits.to_string(), exact]);
        let mut output = Vec::new();
        self.time(name, || output = command.output().unwrap().stdout);
        for line in String::from_utf8(output).unwrap().lines() {
            let (stage, value) = line.split_once(' ').unwrap();
            self.note(&format!("{name}: {stage}"), value.parse().unwrap());
        }
    }

    /// Does what an import does with the packets: writes the blob and its index, and builds the sync
    /// map.
    fn store(&mut self, store: &Path) {
        let recording = Recording::open(&Store::open(store).unwrap(), "it").unwrap();
        let mut blob = Vec::new();
        recording.ogg_opus().read_to_end(&mut blob).unwrap();
        let (head, packets) = packets(&blob);
        self.time("blob and index", || write(&Store::open(store).unwrap(), &blob));
        self.time("full decode of the packets", || {
            let mut decoder = LibopusDecoder::new(&head).unwrap();
            let mut pcm = [0f32; 5760 * 2];
            for packet in &packets {
                black_box(decoder.decode(packet, &mut pcm).unwrap());
            }
        });
        let mut map = Vec::new();
        self.time("sync map, constructed", || {
            let mut construction = SyncConstruction::new(head.mapping().streams());
            for data in &packets {
                let duration = head.packet_duration(data).unwrap();
                construction.packet(Packet { data, duration }).unwrap();
            }
            map = construction.finish().unwrap();
        });
        self.note("sync map, constructed: samples before a packet", pre_roll(&map, packets.len()));
        for (name, threads) in
            [("sync map, measured, one thread", 1), ("sync map, measured, two threads", 2)]
        {
            let (threads, mut map) = (NonZeroUsize::new(threads).unwrap(), Vec::new());
            self.time(name, || {
                let source = OggOpusReader::strict(blob.as_slice()).unwrap();
                let decoder = || LibopusDecoder::unmixed(&head);
                map = build_sync_map(source, threads, decoder).unwrap();
            });
            self.note(&format!("{name}: samples before a packet"), pre_roll(&map, packets.len()));
        }
        self.note("packets", packets.len().try_into().unwrap());
    }

    fn note(&mut self, name: &str, value: u64) {
        match self.stages.iter_mut().find(|(known, _)| known == name) {
            Some((_, values)) => values.push(value),
            None => self.stages.push((name.to_owned(), vec![value])),
        }
    }

    fn time(&mut self, name: &'static str, work: impl FnOnce()) {
        let (began, before) = (Instant::now(), processor_time());
        work();
        let (clock, processor) = (began.elapsed(), processor_time() - before);
        match self.rows.iter_mut().find(|row| row.name == name) {
            Some(row) => {
                row.clock.push(clock);
                row.processor.push(processor);
            }
            None => {
                self.rows.push(Row { name, clock: vec![clock], processor: vec![processor] });
            }
        }
    }
}

/// Passes on the samples of the file at 48 kHz, as the encoder gets them.
fn decode(file: &Path, mut each: impl FnMut(&[f32])) {
    let file = AudioFile::open(file, &ReadOptions::default()).unwrap();
    let channels = file.channels();
    let mut source: Box<dyn SampleSource<Error = _>> = match file.rate() {
        48_000 => Box::new(file),
        _ => Box::new(Resampled::new(file, 48_000).unwrap()),
    };
    let mut memory = vec![0.0; 48_000 * channels];
    loop {
        let mut buffer = SampleBuffer::new(&mut memory, channels);
        buffer.fill_from(&mut source).unwrap();
        if buffer.samples().is_empty() {
            return;
        }
        each(buffer.samples());
    }
}

fn encode(samples: &[f32], options: &Options, threads: usize) {
    let threads = NonZeroUsize::new(threads).unwrap();
    let channels = usize::from(options.channels.count());
    let mut stream =
        EncodedStream::new(SliceSource::new(samples, channels, 48_000), options, threads).unwrap();
    while let Some(packet) = stream.next_packet().unwrap() {
        black_box(packet.data);
    }
}

/// Writes a recording as an import does, but does not commit it.
fn write(store: &Store, ogg: &[u8]) {
    let writer = store.create_recording(&"again".parse().unwrap()).unwrap();
    let mut blob = writer.blob().unwrap();
    blob.write_all(ogg).unwrap();
    let blob = blob.finish().unwrap();
    let mut index = writer.index().unwrap();
    let mut reader = OggOpusReader::strict(blob.reader()).unwrap();
    while let Some(packet) = reader.next_located().unwrap() {
        let length = packet.data.len().try_into().unwrap();
        index.push(packet.offset.unwrap(), length, packet.duration).unwrap();
    }
    index.finish().unwrap();
}

fn packets(ogg: &[u8]) -> (OpusHead, Vec<Vec<u8>>) {
    let mut reader = OggOpusReader::strict(ogg).unwrap();
    let (head, mut packets) = (reader.head().clone(), Vec::new());
    while let Some(packet) = reader.next_located().unwrap() {
        packets.push(packet.data.to_vec());
    }
    (head, packets)
}

/// How many samples an exact read decodes before its range, averaged over all packets.
fn pre_roll(map: &[SyncEntry], packets: usize) -> u64 {
    let packets = u64::try_from(packets).unwrap();
    let before = |packet| {
        let position = CodedPos::new(packet * 960);
        position.get()
            - find_sync_start(map, 0, position, SyncDecoder::Measuring).unwrap().start.get()
    };
    (0..packets).map(before).sum::<u64>() / packets
}

fn run(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}

/// The least and the median, in seconds.
fn of(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let (least, median) = (times[0].as_secs_f64(), times[times.len() / 2].as_secs_f64());
    format!("{least:.3}, {median:.3}")
}

/// Processor time of this process and of those it waited for.
fn processor_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit(')').next().unwrap().split_whitespace().skip(11).take(4);
    let ticks: u64 = fields.map(|field| field.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

/// Memory peak of this process in kB, as reported by Linux.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}
