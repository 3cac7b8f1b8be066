//! Files by opusenc, with every option that changes the kind of packets.

use std::{collections::BTreeSet, fmt::Debug, fs, path::Path, process::Command};

use ogg_opus_demux::OggOpusReader;
use opus_packet::Toc;
use opus_zarr::{Recording, Sample};

use opus_zarr_testkit::{
    fast_folder,
    recordings::import_with,
    recordings::{MONO, all, store_of},
    say_skipped,
};

use super::{
    exact,
    full::{Full, packet_starts},
};

/// Channels and options. With more than two channels each packet holds several Opus streams.
const FILES: [(usize, &str); 12] = [
    (1, "--speech --bitrate 8 --framesize 60"),
    (1, "--speech --bitrate 12 --framesize 40 --hard-cbr"),
    (1, "--speech --bitrate 18 --framesize 20 --expect-loss 20"),
    (1, "--speech --bitrate 10 --framesize 20 --set-ctl-int 4016=1"),
    (1, "--speech --bitrate 24 --framesize 10"),
    (1, "--music --bitrate 64 --framesize 2.5"),
    (2, "--music --bitrate 96 --framesize 5 --hard-cbr"),
    (2, "--music --bitrate 96 --framesize 10 --cvbr"),
    (2, "--bitrate 32 --framesize 20 --expect-loss 20"),
    (2, "--bitrate 24 --framesize 40 --vbr"),
    (6, "--bitrate 160 --framesize 20"),
    (8, "--bitrate 128 --framesize 60 --hard-cbr"),
];

#[test]
fn reads_from_every_packet_of_opusenc_files_equal_the_full_decode() {
    if Command::new("opusenc").arg("-V").output().is_err() {
        return say_skipped("nothing was encoded with opusenc: no opus-tools");
    }
    let (_store, speech) = store_of(MONO);
    let speech = all::<i16>(&speech);
    let mut modes = BTreeSet::new();
    for (channels, options) in FILES {
        let folder = fast_folder();
        let file = folder.path().join("it.opus");
        encode(&speech, channels, options, &file);
        let store = folder.path().join("store");
        let recording = import_with(file, store, "it", &exact()).unwrap().into_first();
        assert_eq!(usize::from(recording.info().channels), channels);
        modes.extend(modes_of(&recording));
        check::<i16>(&recording, options);
        check::<f32>(&recording, options);
    }
    assert_eq!(modes, ["Celt", "Hybrid", "Silk", "pause"].map(str::to_owned).into());
}

/// Encodes four seconds, the third of them silent. Each channel is a different part of the speech.
fn encode(speech: &[i16], channels: usize, options: &str, file: &Path) {
    let speech = |at: usize| match at {
        96_000..144_000 => vec![0; channels],
        _ => (0..channels).map(|channel| speech[(144_000 * channel + at) % speech.len()]).collect(),
    };
    let interleaved = (0..192_000).flat_map(speech);
    let raw = file.with_extension("raw");
    fs::write(&raw, interleaved.flat_map(i16::to_le_bytes).collect::<Vec<u8>>()).unwrap();
    let output = Command::new("opusenc")
        .args(["--quiet", "--raw", "--raw-chan", &channels.to_string()])
        .args(options.split(' '))
        .args([&raw, file])
        .output()
        .unwrap();
    assert!(output.status.success(), "{options}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The coding modes of the packets, or of the first of several streams.
fn modes_of(recording: &Recording) -> BTreeSet<String> {
    let mut reader = OggOpusReader::strict(recording.ogg_opus()).unwrap();
    let mut modes = BTreeSet::new();
    while let Some(packet) = reader.next_located().unwrap() {
        modes.insert(match packet.data {
            [_] => "pause".to_owned(),
            [toc, ..] => format!("{:?}", Toc::new(*toc).mode()),
            [] => unreachable!("a packet has a byte"),
        });
    }
    modes
}

fn check<S: Sample + PartialEq + Debug>(recording: &Recording, what: &str) {
    let full = Full::<S>::of(recording, what);
    full.check_from(&packet_starts(recording));
    full.check_in_pieces();
}
