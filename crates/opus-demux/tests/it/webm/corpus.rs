//! Real files: all are read, with the packets and samples that ffprobe and a second walk over
//! their elements count.

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::common::{self, check, read_all};
use opus_demux::{
    ErrorKind,
    webm::{Options, WebmOpusReader},
};

/// The end of the path, packets, coded samples, pre-skip, end trim, findings.
const EXPECTED: [(&str, usize, u64, u64, u64, usize); 16] = [
    // mkvmerge: Xiph and EBML lacing, odd TimestampScale.
    ("matroska/02_-_Poxfil_-_Solid_Ground_(5_sec).opus.webm", 251, 240_960, 312, 648, 0),
    ("matroska/My_Baby_Boy.webm", 26, 24_960, 312, 648, 0),
    ("dom/media/test/vp9cake.webm", 374, 359_040, 312, 308, 0),
    ("test/media/detodos.webm", 146, 140_160, 312, 0, 0),
    // A browser's recorder: unknown sizes, times that jitter by a tick.
    ("matroska/no-duration.webm", 425, 1_224_000, 0, 0, 0),
    // ffmpeg.
    ("mka/bear-opus.mka", 137, 131_520, 312, 8, 0),
    ("mka/opus-5.1.mka", 138, 132_480, 312, 953, 0),
    ("dom/media/test/opus-mapping2.webm", 500, 480_000, 312, 0, 0),
    ("dom/media/test/sync.webm", 1251, 1_200_960, 312, 29, 0),
    // Block times off by a quarter of a packet, which is not a gap.
    ("mixed-content/tentative/resources/test.webm", 51, 48_960, 312, 648, 0),
    // ffmpeg: a CodecDelay for another sample rate.
    ("testing/web-platform/tests/media/movie_5.webm", 251, 240_960, 312, 636, 1),
    // ffmpeg 5.1 plays 792 samples: it forgets the pre-skip where a packet is trimmed.
    ("mimesniff/media/resources/webm.webm", 1, 960, 312, 168, 0),
    // Cut.
    ("dom/media/test/no-container-codec-delay.webm", 88, 84_480, 312, 0, 2),
    ("test/media/bug2020502.webm", 16, 15_360, 312, 0, 1),
    // No CodecPrivate; DiscardPadding everywhere, the last negative.
    ("testdata/accurate_cluster_duration_two_tracks.webm", 8, 3840, 0, 0, 1),
    ("testdata/discard_padding.webm", 3, 1440, 0, 0, 5),
];

#[test]
fn known_files_have_the_known_packets_and_lengths() {
    let Some(files) = corpus() else { return };
    for (name, count, coded_length, pre_skip, end_trim, findings) in EXPECTED {
        let path = files.iter().find(|path| path.ends_with(name));
        let path = path.unwrap_or_else(|| panic!("no {name}"));
        let file = fs::read(path).unwrap();
        let (reader, packets, found) = common::read(&file);
        check(&packets, &file, reader.head());
        let timeline = reader.timeline().unwrap();
        assert_eq!((packets.len(), timeline.coded_length()), (count, coded_length), "{name}");
        assert_eq!((timeline.pre_skip(), timeline.end_trim()), (pre_skip, end_trim), "{name}");
        assert_eq!(found.len(), findings, "{name}: {found:#?}");
    }
}

#[test]
fn every_file_is_read_to_its_end_without_a_gap_or_refused_for_its_codec() {
    let Some(files) = corpus() else { return };
    for path in files {
        let file = fs::read(&path).unwrap();
        let mut reader = match WebmOpusReader::new(file.as_slice()) {
            Ok(reader) => reader,
            Err(error) => {
                let is_expected =
                    matches!(error.kind(), ErrorKind::NoOpus | ErrorKind::Unsupported);
                assert!(is_expected, "{}: {error}", path.display());
                continue;
            }
        };
        let (packets, error) = read_all(&mut reader);
        assert!(error.is_none(), "{}: {error:?}", path.display());
        check(&packets, &file, reader.head());
        assert!(packets.iter().all(|packet| packet.offset.is_some()), "{}", path.display());
        let has_violation = reader.findings().any(|finding| finding.is_violation());
        let options = Options::default().strict(true);
        let strict = WebmOpusReader::with_options(file.as_slice(), options);
        let strict = strict.and_then(|mut reader| read_all(&mut reader).1.map_or(Ok(()), Err));
        assert_eq!(strict.is_err(), has_violation, "{}: {strict:?}", path.display());
    }
}

/// The Matroska files of the corpus of real recordings, which is at `OPUS_ZARR_CORPUS` or at
/// `shared/corpus` next to the workspace. `None` if it is missing.
fn corpus() -> Option<Vec<PathBuf>> {
    let root = match env::var_os("OPUS_ZARR_CORPUS") {
        Some(root) => PathBuf::from(root),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"),
    };
    let Ok(manifest) = fs::read_to_string(root.join("MANIFEST.tsv")) else {
        assert!(env::var_os("OPUS_ZARR_CORPUS").is_none(), "no MANIFEST.tsv in OPUS_ZARR_CORPUS");
        // Not with `eprintln!`, which the test harness hides when a test passes.
        let _ = writeln!(io::stderr(), "SKIPPED: no corpus of real recordings");
        return None;
    };
    let rows = manifest.lines().filter_map(|row| match row.split('\t').collect::<Vec<_>>()[..] {
        [path, "matroska,webm", ..] => Some(root.join(path)),
        _ => None,
    });
    Some(rows.collect())
}
