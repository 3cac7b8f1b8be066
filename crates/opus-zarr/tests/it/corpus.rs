//! Real recordings against references that share no code with us: the sample counts of opusfile,
//! the packets of the `ogg` crate, and the decoder of libopus.

use std::{collections::BTreeMap, fs, ops::Range, path::Path};

use magnum_opus::{Channels, Decoder};
use ogg_opus_demux::OggOpusReader;
use opus_packet::OpusHead;
use opus_zarr::{ReadMode, Recording};
use opus_zarr_testkit::{
    CorpusFile, Random, ogg_opus_files, stored::every_stored_file, stream::flush,
};

/// Files that the references read wrong: a chain, repeated headers, a damaged and a truncated file.
/// `corpus_table` covers them.
const IRREGULAR: [&str; 4] = [
    "chain.opus",
    "bear_duplicate_header.opus",
    "ogg.errors.opus",
    "tinytag/tests/samples/test.opus",
];

/// A file as the `ogg` crate and libopus read it.
struct Reference {
    head: OpusHead,
    packets: Vec<Vec<u8>>,
    /// The first coded sample of each packet, and the end of the last.
    positions: Vec<u64>,
}

impl Reference {
    fn read(path: &Path) -> Self {
        let mut reader = ogg::PacketReader::new(fs::File::open(path).unwrap());
        let mut next = || reader.read_packet().unwrap().map(|packet| packet.data);
        let head = OpusHead::parse(&next().unwrap()).unwrap();
        next().unwrap();
        let packets: Vec<_> = std::iter::from_fn(next).collect();
        let mut positions = vec![0];
        for packet in &packets {
            let samples = magnum_opus::packet::get_nb_samples(packet, 48_000).unwrap();
            positions.push(positions.last().unwrap() + u64::try_from(samples).unwrap());
        }
        Self { head, packets, positions }
    }

    fn decoder(&self) -> Decoder {
        let channels = if self.head.channels() == 1 { Channels::Mono } else { Channels::Stereo };
        let mut decoder = Decoder::new(48_000, channels).unwrap();
        decoder.set_gain(self.head.output_gain().into()).unwrap();
        decoder
    }

    /// Decodes from the packet that holds coded sample `from` and returns the play samples of
    /// `play`.
    fn decode<S: Copy + Default>(
        &self,
        from: u64,
        play: &Range<u64>,
        decode: impl Fn(&mut Decoder, &[u8], &mut [S]) -> usize,
    ) -> Vec<S> {
        let channels = usize::from(self.head.channels());
        let pre_skip = u64::from(self.head.pre_skip());
        let first = self.positions.partition_point(|&position| position <= from) - 1;
        let last = self.positions.partition_point(|&position| position < play.end + pre_skip);
        let (mut decoder, mut samples) = (self.decoder(), Vec::new());
        let mut pcm = vec![S::default(); 5760 * channels];
        for packet in &self.packets[first..last] {
            let count = decode(&mut decoder, packet, &mut pcm);
            samples.extend_from_slice(&pcm[..count * channels]);
        }
        let place = |sample| usize::try_from(sample + pre_skip - self.positions[first]).unwrap();
        samples[place(play.start) * channels..place(play.end) * channels].to_vec()
    }

    fn decode_i16(&self, from: u64, play: &Range<u64>) -> Vec<i16> {
        self.decode(from, play, |decoder, packet, pcm| decoder.decode(packet, pcm, false).unwrap())
    }

    fn decode_f32(&self, from: u64, play: &Range<u64>) -> Vec<f32> {
        let decode = |decoder: &mut Decoder, packet: &[u8], pcm: &mut [f32]| {
            let count = decoder.decode_float(packet, pcm, false).unwrap();
            flush(pcm);
            count
        };
        self.decode(from, play, decode)
    }
}

/// A file that the references read, with its play length and its recording.
type Readable = (CorpusFile, u64, Recording);

fn readable() -> Option<impl Iterator<Item = Readable>> {
    let files = every_stored_file()?.into_iter();
    let files = files.filter(|stored| stored.file.container == "ogg" && stored.file.channels <= 2);
    Some(files.filter_map(|stored| {
        let file = stored.file;
        let is_irregular = IRREGULAR.iter().any(|name| file.path.ends_with(name));
        let samples = file.opusfile_samples.filter(|_| !is_irregular)?;
        let recording = stored.outcome.unwrap().recordings.remove(0);
        Some((file, samples, recording))
    }))
}

#[test]
fn lengths_packets_and_samples_match_opusfile_ogg_and_libopus() {
    let Some(files) = readable() else { return };
    let mut count = 0;
    for (file, samples, recording) in files {
        let (info, reference) = (recording.info(), Reference::read(&file.path));
        let name = &file.name;
        assert_eq!(info.play_length, samples, "{name}: play length");
        assert_eq!(u32::from(info.channels), file.channels, "{name}: channels");
        assert_eq!(u64::try_from(reference.packets.len()), Ok(info.packet_count), "{name}");
        assert_eq!(info.coded_length, *reference.positions.last().unwrap(), "{name}: durations");

        let mut reader = OggOpusReader::new(recording.ogg_opus()).unwrap();
        for (packet, position) in reference.packets.iter().zip(&reference.positions) {
            let stored = reader.next_located().unwrap().unwrap();
            assert_eq!((stored.data, stored.position.get()), (packet.as_slice(), *position));
        }
        let all = 0..samples;
        let full: Vec<i16> = recording.read(all.clone()).unwrap();
        assert!(full == reference.decode_i16(0, &all), "{name}: 16-bit samples");
        let full: Vec<f32> = recording.read(all.clone()).unwrap();
        assert!(full == reference.decode_f32(0, &all), "{name}: float samples");
        count += 1;
    }
    assert!(count >= 40, "{count} files");
}

/// Bit for bit what libopus returns when it starts 0.8 s before the range; and, compared with a full
/// decode, at the right position.
#[test]
fn five_hundred_approximate_reads_of_each_file_start_0_8_s_early() {
    let Some(files) = readable() else { return };
    let approximate = ReadMode::Approximate { pre_roll: 38_400 };
    for (file, samples, recording) in files {
        let reference = Reference::read(&file.path);
        let full = reference.decode_f32(0, &(0..samples));
        let mut random = Random(samples);
        let mut errors = LagErrors::default();
        for _ in 0..500 {
            let range = random.range(samples, 48_000);
            let part: Vec<f32> = recording.read_as(approximate, range.clone()).unwrap();
            let pre_skip = u64::from(reference.head.pre_skip());
            let from = if range.start <= 38_400 { 0 } else { range.start + pre_skip - 38_400 };
            let expected = reference.decode_f32(from, &range);
            assert!(part == expected, "{}: {range:?}", file.name);
            errors.add(&part, &full, range.start, usize::from(reference.head.channels()));
        }
        errors.check(&file.name);
    }
}

/// The energy of the difference between reads and a full decode, at the right position and at
/// positions beside it, summed over many ranges.
#[derive(Default)]
struct LagErrors {
    signal: f64,
    lags: Vec<Lag>,
}

#[derive(Default)]
struct Lag {
    samples: i64,
    /// Of the reads against the full decode, this many samples away.
    error: f64,
    /// Of the full decode against itself, this many samples away.
    self_difference: f64,
}

impl LagErrors {
    const LAGS: [i64; 25] = [
        0, -1, 1, -2, 2, -3, 3, -7, 7, -20, 20, -48, 48, -120, 120, -312, 312, -480, 480, -648,
        648, -960, 960, -3840, 3840,
    ];

    fn add(&mut self, part: &[f32], full: &[f32], start: u64, channels: usize) {
        let energy = |part: &[f32], full: &[f32]| -> f64 {
            part.iter().zip(full).map(|(a, b)| f64::from(a - b).powi(2)).sum()
        };
        self.lags.resize_with(Self::LAGS.len(), Lag::default);
        let place = |lag: i64| {
            let start = usize::try_from(i64::try_from(start).unwrap() + lag).ok()? * channels;
            full.get(start..start + part.len())
        };
        // Only ranges that have a neighbour at every lag, so that all sums cover the same ranges.
        let Some(here) = place(0).filter(|_| Self::LAGS.iter().all(|&lag| place(lag).is_some()))
        else {
            return;
        };
        for (sum, lag) in self.lags.iter_mut().zip(Self::LAGS) {
            let beside = place(lag).unwrap();
            sum.samples = lag;
            sum.error += energy(part, beside);
            sum.self_difference += energy(here, beside);
        }
        self.signal += energy(here, &vec![0.0; part.len()]);
    }

    fn check(&self, name: &str) {
        let Some((here, beside)) = self.lags.split_first().filter(|_| self.signal > 0.0) else {
            return println!("{name}: too short, or silent");
        };
        let ratio = 10.0 * (self.signal / here.error).log10();
        println!("{name}: signal {ratio:.1} dB above the error of 0.8 s of pre-roll");
        assert!(ratio > 10.0, "{name}: {ratio} dB");
        // A tone equals itself a period later, so such lags prove nothing.
        for lag in beside.iter().filter(|lag| lag.self_difference > self.signal / 100.0) {
            assert!(here.error < lag.error, "{name}: lag {} fits better than 0", lag.samples);
        }
    }
}

/// A lost page of 48,000 samples is concealed and shifts nothing: the damaged file has the packets
/// of the good one at the same positions.
#[test]
fn a_lost_page_shifts_no_packet() {
    let Some(files) = ogg_opus_files() else { return };
    let open = |name: &str| {
        let file = files.iter().find(|file| file.path.ends_with(name)).unwrap();
        OggOpusReader::new(fs::File::open(&file.path).unwrap()).unwrap()
    };
    let (mut good, mut damaged) = (open("data/ogg.opus"), open("data/ogg.errors.opus"));
    let mut packets = BTreeMap::new();
    while let Some(packet) = good.next_located().unwrap() {
        packets.insert(packet.position, packet.data.to_vec());
    }
    let mut concealed = 0;
    while let Some(packet) = damaged.next_located().unwrap() {
        if packet.is_concealment {
            concealed += packet.duration;
        } else {
            assert_eq!(packets.get(&packet.position).map(Vec::as_slice), Some(packet.data));
        }
    }
    assert_eq!(concealed, 48_000);
    assert_eq!(damaged.timeline(), good.timeline());
}

/// As opusfile does.
#[test]
fn a_truncated_file_keeps_its_complete_pages() {
    let Some(files) = ogg_opus_files() else { return };
    let file = files.iter().find(|file| file.path.ends_with(IRREGULAR[3])).unwrap();
    let mut reader = OggOpusReader::new(fs::File::open(&file.path).unwrap()).unwrap();
    while reader.next_located().unwrap().is_some() {}
    assert_eq!(Some(reader.timeline().unwrap().play_length()), file.opusfile_samples);
}
