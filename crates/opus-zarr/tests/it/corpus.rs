//! The chain of truth, on real files: opusfile's counts, the packets of the `ogg`
//! crate, and libopus' own decoder say what must come out of a store.

use std::{collections::BTreeMap, fs, ops::Range, path::Path};

use magnum_opus::{Channels, Decoder};
use ogg_opus_demux::OggOpusReader;
use opus_packet::OpusHead;
use opus_zarr::Recording;
use opus_zarr_testkit::{CorpusFile, Random, ogg_opus_files, recordings::import_to};

/// Files that the readers who are the reference here do not read as they should: a chain,
/// repeated headers, a damaged and a cut-off file. `corpus_table` has them.
const IRREGULAR: [&str; 4] = [
    "chain.opus",
    "bear_duplicate_header.opus",
    "ogg.errors.opus",
    "tinytag/tests/samples/test.opus",
];

/// A file as the `ogg` crate reads it: an independent opinion on what its packets
/// are, decoded by libopus without any code of ours.
struct Reference {
    head: OpusHead,
    packets: Vec<Vec<u8>>,
    /// First coded sample of each packet, and the end of the last.
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

    /// Decodes from the packet that holds coded sample `from`, and gives the play
    /// samples of `play`, by the function that is given.
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
            decoder.decode_float(packet, pcm, false).unwrap()
        };
        self.decode(from, play, decode)
    }
}

fn readable(files: Vec<CorpusFile>) -> impl Iterator<Item = (CorpusFile, u64)> {
    files.into_iter().filter(|file| file.channels <= 2).filter_map(|file| {
        let irregular = IRREGULAR.iter().any(|name| file.path.ends_with(name));
        let samples = file.opusfile_samples.filter(|_| !irregular)?;
        Some((file, samples))
    })
}

fn stored(file: &CorpusFile, store: &Path) -> Recording {
    import_to(&file.path, store, &file.name).unwrap().into_first()
}

#[test]
fn counts_and_samples_are_those_of_opusfile_ogg_and_libopus() {
    let Some(files) = ogg_opus_files() else { return };
    let mut count = 0;
    for (file, samples) in readable(files) {
        let directory = tempfile::tempdir().unwrap();
        let recording = stored(&file, directory.path());
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

/// Bit for bit what libopus gives when it starts 80 ms before the range; and, set
/// against a full decode, at the right place.
#[test]
fn five_hundred_ranges_of_each_file() {
    let Some(files) = ogg_opus_files() else { return };
    for (file, samples) in readable(files) {
        let directory = tempfile::tempdir().unwrap();
        let recording = stored(&file, directory.path());
        let reference = Reference::read(&file.path);
        let full = reference.decode_f32(0, &(0..samples));
        let mut random = Random(samples);
        let mut errors = LagErrors::default();
        for _ in 0..500 {
            let range = random.range(samples, 48_000);
            let part: Vec<f32> = recording.read(range.clone()).unwrap();
            let pre_skip = u64::from(reference.head.pre_skip());
            let from = if range.start <= 3840 { 0 } else { range.start + pre_skip - 3840 };
            let expected = reference.decode_f32(from, &range);
            assert!(part == expected, "{}: {range:?}", file.name);
            errors.add(&part, &full, range.start, usize::from(reference.head.channels()));
        }
        errors.check(&file.name);
    }
}

/// Energy of the difference between what was read and the full decode, for the
/// right place and for places beside it, summed over many ranges.
#[derive(Default)]
struct LagErrors {
    signal: f64,
    lags: Vec<Lag>,
}

#[derive(Default)]
struct Lag {
    samples: i64,
    /// Of what was read against the full decode, so many samples beside.
    error: f64,
    /// Of the full decode against itself, so many samples beside.
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
        // Only ranges that have a neighbour at every lag: the sums are to be of the same.
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
        println!("{name}: signal {ratio:.1} dB above the error of 80 ms of pre-roll");
        assert!(ratio > 10.0, "{name}: {ratio} dB");
        // A tone is like itself a period later: there is no telling the two apart.
        for lag in beside.iter().filter(|lag| lag.self_difference > self.signal / 100.0) {
            assert!(here.error < lag.error, "{name}: lag {} fits better than 0", lag.samples);
        }
    }
}

/// A lost page of 48,000 samples is concealed, and nothing behind it has moved: the
/// damaged file holds the packets of the good one at the same positions.
#[test]
fn a_damaged_file_keeps_its_time() {
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

/// What opusfile reads of a file that is cut off.
#[test]
fn a_cut_off_file_gives_its_complete_pages() {
    let Some(files) = ogg_opus_files() else { return };
    let file = files.iter().find(|file| file.path.ends_with(IRREGULAR[3])).unwrap();
    let mut reader = OggOpusReader::new(fs::File::open(&file.path).unwrap()).unwrap();
    while reader.next_located().unwrap().is_some() {}
    assert_eq!(Some(reader.timeline().unwrap().play_length()), file.opusfile_samples);
}
