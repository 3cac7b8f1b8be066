use std::{
    collections::BTreeMap,
    env,
    ffi::OsStr,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    string::ToString,
};

use super::{
    sound::{Random, sound},
    *,
};

/// What an encoder is asked for: a name, channels, samples per packet, and CTLs.
type Setting = (&'static str, usize, usize, &'static [&'static str]);

/// Every mode, bandwidth, duration and channel count, and every change between them.
const SETTINGS: [Setting; 18] = [
    ("SILK narrow 10 ms", 1, 480, &["11002=1000", "4008=1101", "4002=9000"]),
    ("SILK narrow 20 ms stereo", 2, 960, &["11002=1000", "4008=1101", "4002=20000"]),
    ("SILK medium 10 ms stereo", 2, 480, &["11002=1000", "4008=1102", "4002=24000"]),
    ("SILK medium 20 ms", 1, 960, &["11002=1000", "4008=1102", "4002=12000"]),
    ("SILK wide 40 ms", 1, 1920, &["11002=1000", "4008=1103", "4002=20000"]),
    ("SILK wide 60 ms stereo", 2, 2880, &["11002=1000", "4008=1103", "4002=30000"]),
    (
        "SILK wide 60 ms stereo with FEC",
        2,
        2880,
        &["11002=1000", "4008=1103", "4002=40000", "4012=1", "4014=25"],
    ),
    (
        "SILK medium 40 ms with FEC",
        1,
        1920,
        &["11002=1000", "4008=1102", "4002=24000", "4012=1", "4014=25"],
    ),
    (
        "SILK 20 ms stereo with FEC and mono",
        2,
        960,
        &["11002=1000", "4008=1103", "4002=36000", "4012=1", "4014=25", "4022=2,1/17"],
    ),
    ("SILK with DTX", 1, 960, &["11002=1000", "4008=1103", "4002=16000", "4016=1"]),
    ("SILK bandwidths", 1, 960, &["11002=1000", "4008=1103,1101,1102/20", "4002=16000"]),
    ("hybrid super-wide 10 ms", 1, 480, &["11002=1001", "4008=1104", "4002=24000"]),
    ("hybrid full 20 ms stereo", 2, 960, &["11002=1001", "4008=1105", "4002=48000"]),
    (
        "hybrid 120 ms stereo with FEC",
        2,
        5760,
        &["11002=1001", "4008=1105", "4002=64000", "4012=1", "4014=25"],
    ),
    (
        "mode changes",
        2,
        960,
        &["11002=1000,1002,1001,1002,1001,1000/5", "4002=32000,48000/61", "4022=2,1/41"],
    ),
    ("mode changes at a constant low rate", 1, 960, &["11002=1000,1002/7", "4002=16000", "4006=0"]),
    ("CELT 2.5 ms", 2, 120, &["11002=1002", "4002=96000"]),
    ("CELT 20 ms", 2, 960, &["11002=1002", "4002=64000"]),
];

#[test]
fn agrees_with_libopus_on_what_it_encodes() {
    let observer = Observer::build();
    let mut seen = Seen::default();
    for (name, channels, samples, requests) in SETTINGS {
        let packets = observer.encode(channels, samples, requests);
        seen.compare(&observer, name, packets.iter().flat_map(|packet| single_frames(packet)));
    }
    seen.check(&[
        (" celt 0 0 0", 1000),
        (" celt 0 1", 1000),
        (" filter ", 100),
        (" redundant 0", 30),
        (" redundant 1", 30),
        ("hybrid", 2000),
        ("SILK", 3000),
    ]);
}

#[test]
fn agrees_with_libopus_on_any_packet() {
    let observer = Observer::build();
    let (mut random, mut seen) = (Random::new(1), Seen::default());
    for toc in (0..=255).step_by(4) {
        let packets = (0..PACKETS_PER_TOC).map(|_| random_packet(toc, &mut random));
        seen.compare(&observer, &format!("{:?}", Toc::new(toc)), packets);
    }
    seen.check(&[
        (" celt 1", 100),
        (" celt 0 1", 1000),
        (" redundant 0", 1000),
        (" redundant 1", 1000),
        ("hybrid redundant", 100),
        (" concealed", 100),
        ("hybrid", 3000),
        ("SILK", 9000),
    ]);
}

const PACKETS_PER_TOC: usize = 400;

/// Random bytes, of which some are a run of equal ones: so rare symbols occur, too.
fn random_packet(toc: u8, random: &mut Random) -> Vec<u8> {
    let most = [8, 40, 100, 600][random.below(4)];
    let mut packet = vec![toc];
    packet.extend((0..random.below(most)).map(|_| random.byte()));
    if packet.len() > 1 && random.below(2) == 0 {
        let start = 1 + random.below(packet.len() - 1);
        let end = packet.len().min(start + [1, 2, 4, 100][random.below(4)]);
        packet[start..end].fill([0, 0xff][random.below(2)]);
    }
    if Toc::new(toc).mode() == Mode::Hybrid && random.below(2) == 0 {
        ask_for_redundancy(&mut packet, random);
    }
    packet
}

/// Changes a hybrid frame so that it has a redundant frame, which only one packet in 4096 has. All
/// symbols before are kept. Many are so short that the redundant frame barely fits.
fn ask_for_redundancy(packet: &mut Vec<u8>, random: &mut Random) {
    let toc = Toc::new(packet[0]);
    let mut decoder = RangeDecoder::new(&packet[1..]);
    silk::skip(&mut decoder, toc);
    let (range, value, read) = decoder.state();
    let silk_bits = decoder.tell();
    let Some(bytes) = packet.get_mut(1..1 + read) else { return };
    // The decoder holds how far the bytes are from the top of the range. Their last bit belongs
    // to what follows.
    let below = u32::from_be_bytes(core::array::from_fn(|_| random.byte())) % (range >> 12);
    let mut carry = u64::from(value.saturating_sub(below)) << 1;
    for byte in bytes.iter_mut().rev() {
        carry += u64::from(*byte);
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
    let mut decoder = RangeDecoder::new(&packet[1..]);
    silk::skip(&mut decoder, toc);
    let len = match random.below(4) {
        0 => return,
        1 => (silk_bits + 37).div_ceil(8) - random.below(2),
        _ => redundant_len(&mut decoder) + decoder.tell().div_ceil(8) + random.below(3),
    };
    packet.resize_with(1 + len.min(1275), || random.byte());
}

fn redundant_len(decoder: &mut RangeDecoder<'_>) -> usize {
    decoder.bit(12);
    decoder.bit(1);
    usize::from(decoder.uniform(256)) + 2
}

/// One packet for each frame.
fn single_frames(packet: &[u8]) -> Vec<Vec<u8>> {
    let (toc, frames) = frames(packet).unwrap();
    frames.map(|frame| [&[toc.byte() & !3], frame].concat()).collect()
}

/// How often a word was in the descriptions of packets that agree.
#[derive(Default)]
struct Seen {
    packets: usize,
    descriptions: BTreeMap<String, usize>,
}

impl Seen {
    fn compare(
        &mut self,
        observer: &Observer,
        name: &str,
        packets: impl IntoIterator<Item = Vec<u8>>,
    ) {
        let packets: Vec<Vec<u8>> = packets.into_iter().collect();
        let theirs = observer.decode(&packets);
        assert_eq!(theirs.len(), packets.len(), "{name}");
        for (index, (packet, theirs)) in packets.iter().zip(theirs).enumerate() {
            let ours = describe(packet);
            assert_eq!(ours, theirs, "{name}, frame {index}: ours, theirs of {packet:02x?}");
            self.count(packet, &ours);
        }
    }

    fn count(&mut self, packet: &[u8], description: &str) {
        self.packets += 1;
        let (_, rest) = description.split_at(description.find(" celt").unwrap_or(0));
        let mode = match Toc::new(packet[0]).mode() {
            Mode::Silk => "SILK",
            Mode::Hybrid if description.contains("redundant") => "hybrid redundant",
            Mode::Hybrid => "hybrid",
            Mode::Celt => "CELT",
        };
        *self.descriptions.entry(format!("{mode} {description} {rest}")).or_default() += 1;
    }

    /// Checks that enough packets had each of these words.
    fn check(&self, expected: &[(&str, usize)]) {
        let with = |word: &str| {
            let described = self.descriptions.iter().filter(|(text, _)| text.contains(word));
            described.map(|(_, count)| count).sum::<usize>()
        };
        for (word, least) in expected {
            assert!(with(word) >= *least, "{} of {} packets: {word}", with(word), self.packets);
        }
    }
}

/// `observer.c`, linked with the libopus that was built for this test.
struct Observer(PathBuf);

impl Drop for Observer {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

const WRAPPED: [&str; 5] = [
    "ec_dec_bit_logp",
    "silk_Decode",
    "unquant_coarse_energy",
    "quant_all_bands",
    "celt_decode_with_ec",
];

impl Observer {
    fn build() -> Self {
        static NUMBER: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let program = env::temp_dir().join(format!("observer-{}-{number}", process::id()));
        let (library, sources) = libopus();
        let code = "src/flags/tests/libopus/observer.c";
        let mut compiler = Command::new(env::var_os("CC").as_deref().unwrap_or(OsStr::new("cc")));
        compiler.args(["-O1", "-o"]).arg(&program);
        compiler.args(["include", "celt"].map(|folder| format!("-I{sources}/{folder}")));
        compiler.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(code)).arg(library).arg("-lm");
        compiler.args(WRAPPED.map(|name| format!("-Wl,--wrap={name}")));
        assert!(compiler.status().unwrap().success(), "cannot compile {code}");
        Self(program)
    }

    /// Encodes the sound.
    fn encode(&self, channels: usize, samples: usize, requests: &[&str]) -> Vec<Vec<u8>> {
        let mut arguments: Vec<String> =
            vec!["encode".into(), channels.to_string(), samples.to_string(), "4010=5".into()];
        arguments.extend(requests.iter().map(|&request| request.into()));
        let pcm: Vec<u8> = sound(channels).into_iter().flat_map(i16::to_le_bytes).collect();
        let output = self.run(&arguments, pcm);
        let (mut rest, mut packets) = (&output[..], vec![]);
        while let [low, high, bytes @ ..] = rest {
            let (packet, after) = bytes.split_at(usize::from(u16::from_le_bytes([*low, *high])));
            packets.push(packet.to_vec());
            rest = after;
        }
        packets
    }

    /// Decodes packets and describes each.
    fn decode(&self, packets: &[Vec<u8>]) -> Vec<String> {
        let with_len = |packet: &Vec<u8>| {
            let len = u16::try_from(packet.len()).unwrap().to_le_bytes();
            [&len[..], packet].concat()
        };
        let lines = self.run(&["decode".into()], packets.iter().flat_map(with_len).collect());
        let lines = String::from_utf8(lines).unwrap();
        lines.lines().map(ToString::to_string).collect()
    }

    fn run(&self, arguments: &[String], input: Vec<u8>) -> Vec<u8> {
        let mut command = Command::new(&self.0);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        assert!(output.status.success(), "{arguments:?}");
        output.stdout
    }
}

/// The library that was built for this test, and the folder of its sources.
fn libopus() -> (PathBuf, String) {
    let test = env::current_exe().unwrap();
    let builds = test.ancestors().nth(2).unwrap().join("build");
    let builds = fs::read_dir(&builds).unwrap().map(|entry| entry.unwrap().path());
    let home = "CMAKE_HOME_DIRECTORY:INTERNAL=";
    let mut found = builds.filter_map(|build| {
        let library = build.join("out/lib/libopus.a");
        let cache = fs::read_to_string(build.join("out/build/CMakeCache.txt")).ok()?;
        let sources = cache.lines().find_map(|line| line.strip_prefix(home))?;
        library.exists().then(|| (library, sources.into()))
    });
    found.next().expect("this test needs libopus built from source")
}
