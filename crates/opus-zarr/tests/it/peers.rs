//! Every real file with Opus that ffmpeg or opusfile reads differently. `testdata/peers.tsv` states
//! for each of them who is right, and by which rule. `OPUS_ZARR_WRITE_TABLE=1 cargo test -p opus-zarr
//! peers` rewrites it, with a question mark where somebody has yet to judge.

use std::{collections::HashMap, env, ffi::OsStr, fs, process::Command};

use opus_zarr_testkit::{
    CorpusFile, say_skipped,
    stored::{StoredRecordings, every_stored_file},
    testdata,
};

const COLUMNS: &str = "file\tpeer\tours\tpeer's\tright\tby which rule";

/// The number of packets and play samples of all Opus streams of a file together.
struct Reading {
    packets: u64,
    plays: u64,
}

#[test]
fn the_table_judges_every_difference_from_ffmpeg_and_opusfile() {
    let Some(files) = every_stored_file() else { return };
    let peers: Vec<_> = PEERS.iter().filter(|peer| peer.is_there()).collect();
    let path = testdata("peers.tsv");
    let table = fs::read_to_string(&path).unwrap_or_default();
    let judgements = judgements(&table);
    let mut found = vec![COLUMNS.to_owned()];
    for stored in &files {
        let file = &stored.file;
        let ours = stored.outcome.as_ref().ok().map(ours);
        for peer in &peers {
            let Some(theirs) = (peer.read)(file) else { continue };
            let (ours, theirs) = (peer.show(ours.as_ref()), peer.show(theirs.as_ref()));
            if ours != theirs {
                let judgement = judgements.get(&(file.relative.as_str(), peer.name));
                let judgement = judgement.copied().unwrap_or("?\t?");
                found.push([&file.relative, peer.name, &ours, &theirs, judgement].join("\t"));
            }
        }
    }
    if env::var_os("OPUS_ZARR_WRITE_TABLE").is_some() {
        fs::write(&path, found.join("\n") + "\n").unwrap();
    }
    assert!(found.iter().all(|row| !row.contains('?')), "somebody has to judge: {found:#?}");
    let is_compared =
        |row: &&str| peers.iter().any(|peer| row.split('\t').nth(1) == Some(peer.name));
    let expected: Vec<_> = table.lines().skip(1).filter(is_compared).collect();
    assert_eq!(expected, found[1..]);
}

/// The last two columns of each row, by the first two.
fn judgements(table: &str) -> HashMap<(&str, &str), &str> {
    let row = |row| -> Option<_> {
        let mut fields = str::splitn(row, 5, '\t');
        Some(((fields.next()?, fields.next()?), fields.nth(2)?))
    };
    table.lines().skip(1).filter_map(row).collect()
}

fn ours(imported: &StoredRecordings) -> Reading {
    let sum = |of: fn(&opus_zarr::RecordingInfo) -> u64| {
        imported.recordings.iter().map(|recording| of(recording.info())).sum()
    };
    Reading { packets: sum(|info| info.packet_count), plays: sum(|info| info.play_length) }
}

struct Peer {
    name: &'static str,
    command: &'static str,
    /// The beginning of the version that the table was made with.
    version: &'static str,
    counts_packets: bool,
    /// `None` if it does not claim to read such files, `Some(None)` if it refuses this one.
    read: fn(&CorpusFile) -> Option<Option<Reading>>,
}

const PEERS: [Peer; 2] = [
    Peer {
        name: "ffmpeg",
        command: "ffmpeg",
        version: "ffmpeg version 5.1.",
        counts_packets: true,
        read: ffmpeg,
    },
    Peer {
        name: "opusfile",
        command: "opusdec",
        version: "opusdec opus-tools 0.2 ",
        counts_packets: false,
        read: opusfile,
    },
];

impl Peer {
    fn is_there(&self) -> bool {
        let flag = if self.command == "ffmpeg" { "-version" } else { "--version" };
        let said = Command::new(self.command).arg(flag).output();
        let is_there = said.is_ok_and(|output| output.stdout.starts_with(self.version.as_bytes()));
        if !is_there {
            say_skipped(&format!("not compared with {}: there is no {}", self.name, self.version));
        }
        is_there
    }

    fn show(&self, reading: Option<&Reading>) -> String {
        match reading {
            None => "refused".to_owned(),
            Some(Reading { packets, plays }) if self.counts_packets => {
                format!("{packets} packets, {plays} samples")
            }
            Some(Reading { plays, .. }) => format!("{plays} samples"),
        }
    }
}

/// Packets according to its demuxer, samples according to its decoder.
fn ffmpeg(file: &CorpusFile) -> Option<Option<Reading>> {
    let path = file.path.as_os_str();
    let of = "stream=index,codec_name,channels,nb_read_packets";
    let probe = ["-v", "error", "-count_packets", "-show_entries", of, "-of", "csv=p=0"];
    let streams = run("ffprobe", &[probe.map(OsStr::new).as_slice(), &[path]].concat());
    let (mut packets, mut plays) = (0, 0);
    for stream in String::from_utf8(streams?).unwrap().lines() {
        let [index, "opus", channels, count, ..] = stream.split(',').collect::<Vec<_>>()[..] else {
            continue;
        };
        packets += count.parse::<u64>().unwrap();
        let map = format!("0:{index}");
        let start = ["-v", "error", "-nostdin", "-i"].map(OsStr::new);
        let end = ["-map", &map, "-f", "f32le", "-"].map(OsStr::new);
        let samples =
            run("ffmpeg", &[start.as_slice(), &[path], &end].concat()).unwrap_or_default();
        plays += wide(samples.len()) / 4 / channels.parse::<u64>().unwrap();
    }
    Some((packets > 0).then_some(Reading { packets, plays }))
}

fn opusfile(file: &CorpusFile) -> Option<Option<Reading>> {
    if file.container != "ogg" {
        return None;
    }
    let flags = ["--quiet", "--rate", "48000", "--no-dither", "--float"].map(OsStr::new);
    let samples =
        run("opusdec", &[flags.as_slice(), &[file.path.as_os_str(), OsStr::new("-")]].concat());
    let plays = |samples: Vec<u8>| wide(samples.len()) / 4 / u64::from(file.channels);
    Some(samples.map(|samples| Reading { packets: 0, plays: plays(samples) }))
}

/// The output of a command, or `None` if it fails.
fn run(command: &str, arguments: &[&OsStr]) -> Option<Vec<u8>> {
    let output = Command::new(command).args(arguments).output().unwrap();
    output.status.success().then_some(output.stdout)
}

fn wide(number: usize) -> u64 {
    number.try_into().unwrap()
}
