//! All MP4 files with Opus in the corpus of real recordings.

use std::{
    env,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use opus_demux::{
    Error,
    mp4::{Mp4OpusReader, is_mp4},
};

/// Packets, coded samples, pre-skip and end trim of each file, counted by hand and with another
/// reader.
const EXPECTED: [(&str, [u64; 4]); 12] = [
    ("sample_opus.mp4", [146, 70_080, 21_912, 0]),
    ("sample_opus_fragmented.mp4", [250, 120_000, 0, 0]),
    ("opus-mapping2.mp4", [500, 480_000, 0, 0]),
    ("opus-sample.mp4", [547, 525_120, 0, 960]),
    ("half-a-second-1ch-44100-libopus.mp4", [26, 24_960, 312, 648]),
    ("half-a-second-1ch-48000-libopus.mp4", [26, 24_960, 312, 648]),
    ("half-a-second-2ch-44100-libopus.mp4", [26, 24_960, 312, 648]),
    ("half-a-second-2ch-48000-libopus.mp4", [26, 24_960, 312, 648]),
    ("bear-av1-opus.mp4", [137, 131_520, 312, 0]),
    ("opus_audioinit.mp4", [547, 525_120, 156, 0]),
    ("opus_audioinit_two_desc.mp4", [547, 525_120, 156, 0]),
    ("opus.m4a", [51, 48_960, 312, 648]),
];

/// The MP4 files of the manifest; `None` without a corpus.
fn corpus() -> Option<Vec<PathBuf>> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let root = env::var_os("OPUS_ZARR_CORPUS").map_or(default, PathBuf::from);
    let Ok(manifest) = fs::read_to_string(root.join("MANIFEST.tsv")) else {
        assert!(env::var_os("OPUS_ZARR_CORPUS").is_none(), "no manifest in {}", root.display());
        let _ = writeln!(io::stderr(), "SKIPPED: no corpus of real recordings");
        return None;
    };
    let is_ours = |fields: &Vec<&str>| fields[1].contains("mp4") && fields[2] == "opus";
    let rows = manifest.lines().map(|row| row.split('\t').collect::<Vec<_>>());
    Some(rows.filter(is_ours).map(|fields| root.join(fields[0])).collect())
}

/// Reads a file to its end. Returns a row for people, and the numbers.
fn read(path: &Path) -> Result<(String, [u64; 4]), Error> {
    let bytes = fs::read(path).unwrap();
    assert!(is_mp4(&bytes));
    let mut reader = Mp4OpusReader::new(File::open(path).unwrap())?;
    let (mut packets, mut concealed, mut len) = (0, 0, 0);
    while let Some(packet) = reader.next_located()? {
        match packet.offset {
            Some(offset) => {
                let at = usize::try_from(offset).unwrap();
                assert!(bytes[at..].starts_with(packet.data));
                packets += 1;
                len += packet.data.len();
            }
            None => concealed += u64::from(packet.duration),
        }
    }
    let timeline = reader.timeline().unwrap();
    let (coded, skip, trim) = (timeline.coded_length(), timeline.pre_skip(), timeline.end_trim());
    let findings: Vec<_> = reader.findings().map(|finding| finding.to_string()).collect();
    let (play, findings) = (timeline.play_length(), findings.join(" | "));
    let row = format!("{packets}\t{len}\t{coded}\t{skip}\t{trim}\t{play}\t{concealed}\t{findings}");
    Ok((row, [packets, coded, skip, trim]))
}

#[test]
fn every_file_is_read_as_counted() {
    let mut found = 0;
    for path in corpus().unwrap_or_default() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        match read(&path) {
            Ok((row, numbers)) => {
                println!("{name}\t{row}");
                let expected = EXPECTED.iter().find(|(known, _)| *known == name);
                assert!(expected.is_none_or(|(_, expected)| *expected == numbers), "{name}: {row}");
                found += 1;
            }
            Err(error) => {
                println!("{name}\t{error}");
                let is_cenc = error.to_string().contains("encrypted (scheme \"cenc\")");
                assert!(name == "opus-sample-cenc.mp4" && is_cenc, "{name}: {error}");
            }
        }
    }
    assert!(found == 0 || found >= EXPECTED.len());
}
