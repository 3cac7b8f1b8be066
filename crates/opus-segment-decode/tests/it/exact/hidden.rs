//! Audio that keeps what a decoder remembers out of its output for as long as possible, and two
//! judges: the rest of the recording, and packets made to show what is remembered.
//!
//! Runs of transient CELT frames hide band energies that only anti-collapse reads. Equal output
//! for a second proves nothing there, although the first rule of sync maps relied on it.

use std::ops::Range;

use magnum_opus::Application;
use opus_packet::{CodedPos, Toc, frame_flags};
use opus_packet_index::{SYNC_SPACING, SyncDecoder, SyncEntry, SyncRead};
use opus_segment_decode::{LibopusDecoder, PacketDecoder, probes};

use super::{
    agreed,
    recording::Recording,
    signal::{Kind, MUSIC, SPEECH, encode, encode_signal, merged},
    sounds::{Noise, SOUNDS, castanets, clicks, mono, rain, stereo, voices},
};

/// Stereo CELT of delayed voices, clicks, castanets, rain and crickets.
#[test]
fn transients_hide_nothing() {
    let mut outcome = Outcome::default();
    for (name, sound) in SOUNDS {
        let signal = stereo(sound, seconds());
        let every = [(64, 960), (128, 480), (96, 960), (96, 240), (96, 120)];
        for &(kbps, packet) in every.iter().take(if is_full_run() { 5 } else { 2 }) {
            let kind = Kind { kbps, packet, ..MUSIC };
            let recording = encode_signal(kind, &signal);
            outcome.judge(&recording, &format!("{name} at {kbps} kb/s in packets of {packet}"));
        }
    }
    outcome.expect_traps(2);
}

#[test]
fn transients_in_hybrid_hide_nothing() {
    let mut outcome = Outcome::default();
    for (name, sound) in SOUNDS {
        let signal = stereo(sound, seconds());
        for (kbps, packet) in [(36, 960), (48, 480)] {
            let kind = Kind { channels: 2, kbps, packet, ..SPEECH };
            outcome.judge(&encode_signal(kind, &signal), &format!("hybrid {name} at {kbps} kb/s"));
        }
    }
    outcome.report();
}

/// Channels, bandwidths and modes alternate, with and without a frame that leads over.
#[test]
fn alternation_hides_nothing() {
    let mut outcome = Outcome::default();
    let seconds = seconds();
    let (left_right, mid) = (stereo(voices, seconds), mono(voices, seconds));
    let celt = encode_signal(Kind { kbps: 64, ..MUSIC }, &left_right);
    let celt_mono = encode_signal(Kind { channels: 1, kbps: 48, ..MUSIC }, &mid);
    let hybrid = encode_signal(Kind { channels: 2, kbps: 40, ..SPEECH }, &left_right);
    let silk = encode(Kind { channels: 2, rate: 16_000, kbps: 24, ..SPEECH }, seconds.into());
    let narrow = encode(Kind { channels: 2, rate: 8000, kbps: 16, ..SPEECH }, seconds.into());
    let streams: [(&str, &[&Recording]); 6] = [
        ("mono and stereo", &[&celt, &celt_mono]),
        ("CELT and hybrid", &[&celt, &hybrid]),
        ("CELT and SILK", &[&celt, &silk]),
        ("hybrid and SILK", &[&hybrid, &silk]),
        ("bandwidths of SILK", &[&silk, &narrow]),
        ("all modes", &[&celt, &hybrid, &silk, &celt_mono, &narrow]),
    ];
    for (name, streams) in streams {
        for each in [7, 40] {
            outcome.judge(&alternating(streams, each), &format!("{name} every {each} packets"));
        }
    }
    let chosen = Kind { application: Application::Audio, channels: 2, kbps: 40, ..SPEECH };
    outcome.judge(&encode_signal(chosen, &left_right), "modes chosen by the encoder");
    outcome.report();
}

/// Other encoders need not limit anti-collapse to the start of a run of transient frames.
#[test]
fn handmade_packets_hide_nothing() {
    let mut outcome = Outcome::default();
    for (channels, toc) in [(1, CELT & !STEREO), (2, CELT), (2, HYBRID)] {
        for period in [9, 60, 200] {
            let mut packets = Handmade(period);
            let calm = |number: u64| number % period < 2;
            let packets = (0..50 * u64::from(seconds()))
                .map(|number| packets.next(toc, |flags| flags == (!calm(number), false)))
                .collect();
            let what = format!("two calm frames in {period}, {channels} channels, {toc:#x}");
            outcome.judge(&Recording::mono_or_stereo(channels, packets), &what);
        }
    }
    outcome.report();
}

#[test]
fn losses_among_transients_hide_nothing() {
    let mut outcome = Outcome::default();
    let mut recording = encode_signal(Kind { kbps: 96, ..MUSIC }, &stereo(voices, 12));
    for lost in [90..92, 200..201, 333..340, 500..501] {
        recording.lose(lost);
    }
    outcome.judge(&recording, "losses");
}

/// Where every frame is transient, memory never settles. What was measured counts nevertheless.
#[test]
fn a_stream_of_transients_is_read_from_near() {
    let square = |time: f32, _: &mut Noise| if (time * 100.0).fract() < 0.5 { 0.9 } else { -0.9 };
    let recording = encode_signal(Kind { channels: 1, kbps: 64, ..MUSIC }, &mono(square, 34));
    let is_transient = |packet: &Vec<u8>| {
        frame_flags(packet).unwrap().all(|frame| frame.celt.is_some_and(|celt| celt.is_transient))
    };
    assert!(recording.packets[5..].iter().all(is_transient));
    let mut outcome = Outcome::default();
    outcome.judge(&recording, "a square");
    outcome.report();
    assert_near(&recording, 100..1700, 100);
}

/// What CELT makes up depends on the loudness of the background, which it follows for seconds.
#[test]
fn starts_count_across_losses() {
    for (name, sound) in SOUNDS {
        let mut recording = encode_signal(Kind { kbps: 96, ..MUSIC }, &stereo(sound, 24));
        for lost in [600..603, 900..901, 910..915] {
            recording.lose(lost);
        }
        let mut outcome = Outcome::default();
        outcome.judge(&recording, &format!("losses in {name}"));
        outcome.report();
        assert_near(&recording, 400..1200, 450);
    }
}

/// Starts of these packets lie at most `most` packets of 20 ms before them.
fn assert_near(recording: &Recording, packets: Range<u64>, most: u64) {
    let sync = recording.sync_map();
    for packet in packets {
        let found = sync.start(CodedPos::new(960 * packet)).unwrap();
        let distance = packet - found.start.get() / 960;
        assert!(distance <= most, "{distance} packets before packet {packet}: {found:?}");
    }
}

#[test]
fn transients_in_surround_hide_nothing() {
    let mut outcome = Outcome::default();
    let [front, rear] =
        [voices, clicks].map(|sound| encode_signal(Kind { kbps: 96, ..MUSIC }, &stereo(sound, 8)));
    let [centre, bass] = [castanets, rain]
        .map(|sound| encode_signal(Kind { channels: 1, kbps: 48, ..MUSIC }, &mono(sound, 8)));
    let streams = [front, rear, centre, bass];
    let surround = Recording::of_streams(1, 6, &[0, 4, 1, 2, 3, 5], &streams);
    outcome.judge(&surround, "surround");
    outcome.judge(&merged(&streams[0], 3), "packets of 60 ms");
}

/// What the judges found.
#[derive(Default)]
struct Outcome {
    starts: usize,
    /// Starts that the map trusts.
    claims: usize,
    /// Starts whose output was equal for a second and differed later.
    traps: usize,
    /// Positions for which two decoders agreed on a start without a map.
    agreed: usize,
}

impl Outcome {
    /// Checks all starts of a recording, and of what is left of it without its first packets.
    fn judge(&mut self, recording: &Recording, what: &str) {
        for skipped in if is_full_run() { vec![0, 5, 11, 18] } else { vec![11] } {
            let packets = recording.packets[skipped..].to_vec();
            let rest = Recording { packets, ..recording.clone() };
            let judge = Judge::of(&rest);
            self.agreed += agreed::judge(&rest, &judge.output, what);
            for (number, &entry) in rest.sync_map().iter().enumerate().skip(1) {
                let number = u64::try_from(number).unwrap();
                self.starts += 1;
                self.claims += usize::from(!entry.exact(number).is_empty());
                let what = || format!("{what}: entry {number}, {skipped} packets skipped");
                let are_equal = judge.are_equal(number);
                self.traps += usize::from(judge.is_trap(&are_equal));
                judge.hear_the_rest(number, entry, &are_equal, &what);
                judge.probe(number, entry, &what);
            }
        }
    }

    /// Checks that the material was hard enough.
    fn expect_traps(&self, least: usize) {
        self.report();
        assert!(self.traps >= least, "{} of {} starts are traps", self.traps, self.starts);
    }

    /// Checks that the map trusts some starts: otherwise nothing was judged.
    fn report(&self) {
        let Self { starts, claims, agreed, .. } = self;
        assert!(*agreed > 0, "decoders never agree");
        assert!(4 * claims > *starts, "of {starts} starts, {claims} are trusted");
    }
}

/// A recording and the output of its packets, decoded in sequence.
pub(super) struct Judge<'a> {
    recording: &'a Recording,
    /// Where each packet begins, and the last ends.
    starts: Vec<u64>,
    pub(super) output: Vec<Vec<f32>>,
}

impl<'a> Judge<'a> {
    pub(super) fn of(recording: &'a Recording) -> Self {
        let mut starts = vec![0];
        for packet in &recording.packets {
            let duration = u64::from(recording.head.packet_duration(packet).unwrap());
            starts.push(starts.last().unwrap() + duration);
        }
        let output = decode_from(recording, 0).collect();
        Self { recording, starts, output }
    }

    fn packet_at(&self, position: u64) -> usize {
        self.starts.partition_point(|&start| start <= position) - 1
    }

    /// For each packet from an entry on, whether the output equals the sequential one.
    fn are_equal(&self, number: u64) -> Vec<(usize, bool)> {
        let first = self.packet_at(number * SYNC_SPACING);
        let late = decode_from(self.recording, first);
        late.zip(&self.output[first..])
            .enumerate()
            .map(|(place, (late, all))| (first + place, same_bits(&late, all)))
            .collect()
    }

    /// Whether the first rule would have trusted the entry, and been wrong.
    fn is_trap(&self, are_equal: &[(usize, bool)]) -> bool {
        let mut equal_since = None;
        let mut is_trusted = false;
        for &(packet, is_equal) in are_equal {
            if !is_equal {
                if is_trusted {
                    return true;
                }
                equal_since = None;
                continue;
            }
            let since = *equal_since.get_or_insert(self.starts[packet]);
            is_trusted |= self.starts[packet + 1] - since >= 48_000;
        }
        false
    }

    /// The rest of the recording must sound the same, for as long as the entry says.
    fn hear_the_rest(
        &self,
        number: u64,
        entry: SyncEntry,
        are_equal: &[(usize, bool)],
        what: &impl Fn() -> String,
    ) {
        let exact = entry.exact(number);
        for &(packet, is_equal) in are_equal {
            let claimed = exact.start.get() <= self.starts[packet]
                && self.starts[packet + 1] <= exact.end.get();
            assert!(is_equal || !claimed, "{}: {entry:?} is wrong in packet {packet}", what());
        }
    }

    /// Where the entry says that memory is equal, whatever may come must sound the same.
    fn probe(&self, number: u64, entry: SyncEntry, what: &impl Fn() -> String) {
        let settled = entry.exact_for(SyncDecoder::Any, number);
        let end = *self.starts.last().unwrap();
        if settled.is_empty() || settled.start.get() >= end {
            return;
        }
        let (first, until) =
            (self.packet_at(number * SYNC_SPACING), self.packet_at(settled.start.get()));
        let mode = Toc::new(self.recording.packets[until - 1][0]).mode();
        if self.recording.head.mapping().streams().get() > 1 {
            return;
        }
        for probes in probes(mode) {
            let [all, late] = [0, first].map(|from| {
                let packets = self.recording.packets[from..until].iter().chain(&probes);
                decode(self.recording, packets).skip(until - from).collect::<Vec<_>>()
            });
            for (place, (all, late)) in all.iter().zip(&late).enumerate() {
                assert!(same_bits(all, late), "{}: {entry:?}, probe {place}", what());
            }
        }
    }
}

/// Packets with random symbols.
struct Handmade(u64);

/// Full band, 20 ms, stereo.
const CELT: u8 = 0xfc;
const HYBRID: u8 = 0x7c;
const STEREO: u8 = 0b100;

impl Handmade {
    /// The next packet whose flags (transient, intra) are as wanted.
    fn next(&mut self, toc: u8, is_wanted: impl Fn((bool, bool)) -> bool) -> Vec<u8> {
        loop {
            let len = 40 + usize::from(self.byte()) / 2;
            let packet: Vec<u8> = [toc].into_iter().chain((0..len).map(|_| self.byte())).collect();
            let flags = frame_flags(&packet).unwrap().next().unwrap();
            let celt = flags.celt.filter(|_| flags.redundancy.is_none());
            if celt.is_some_and(|celt| is_wanted((celt.is_transient, celt.is_intra))) {
                return packet;
            }
        }
    }

    fn byte(&mut self) -> u8 {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        self.0.to_be_bytes()[0]
    }
}

/// `each` packets of each stream in turn.
fn alternating(streams: &[&Recording], each: usize) -> Recording {
    let of = |number: usize| streams[number / each % streams.len()].packets.get(number).cloned();
    Recording::mono_or_stereo(2, (0..50 * usize::from(seconds())).map_while(of).collect())
}

/// Minutes of decoding unless all is asked for.
pub(super) fn is_full_run() -> bool {
    std::env::var_os("OPUS_ZARR_FULL").is_some()
}

fn seconds() -> u16 {
    if is_full_run() { 12 } else { 8 }
}

fn decode_from(recording: &Recording, first: usize) -> impl Iterator<Item = Vec<f32>> {
    decode(recording, recording.packets[first..].iter())
}

fn decode<'a>(
    recording: &Recording,
    packets: impl Iterator<Item = &'a Vec<u8>>,
) -> impl Iterator<Item = Vec<f32>> {
    let mut decoder = LibopusDecoder::unmixed(&recording.head).unwrap();
    let channels = PacketDecoder::<f32>::layout(&decoder).channels;
    let mut pcm = vec![0.0; 5760 * channels];
    packets.map(move |packet| {
        let samples = decoder.decode(packet, &mut pcm).unwrap();
        pcm[..samples * channels].to_vec()
    })
}

fn same_bits(one: &[f32], other: &[f32]) -> bool {
    one.len() == other.len()
        && one.iter().zip(other).all(|(one, other)| one.to_bits() == other.to_bits())
}
