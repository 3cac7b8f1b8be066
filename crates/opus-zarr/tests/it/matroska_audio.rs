//! Matroska files with PCM, one of whose tracks has a fault.

use std::fs;

use opus_zarr::{ErrorKind, ImportOptions, Imported, Recording, TranscodeOptions, Ultrasound};
use opus_zarr_testkit::{fast_folder, recordings::import_with};

/// An element with a size of 8 bytes.
fn element(id: u32, contents: &[u8]) -> Vec<u8> {
    let size = 1_u64 << 56 | u64::try_from(contents.len()).unwrap();
    let id = id.to_be_bytes();
    let start = id.iter().position(|byte| *byte != 0).unwrap();
    [&id[start..], &size.to_be_bytes(), contents].concat()
}

/// A track of 16-bit PCM.
struct Pcm {
    rate: f64,
    channels: u32,
    depth: u8,
    codec: &'static [u8],
}

const GOOD: Pcm = Pcm { rate: 48_000.0, channels: 1, depth: 16, codec: b"A_PCM/INT/LIT" };

impl Pcm {
    fn entry(&self, number: u8) -> Vec<u8> {
        let audio = [
            element(0xb5, &self.rate.to_be_bytes()),
            element(0x9f, &self.channels.to_be_bytes()),
            element(0x6264, &[self.depth]),
        ];
        let entry = [
            element(0xd7, &[number]),
            element(0x73c5, &[number]),
            element(0x83, &[2]),
            element(0x86, self.codec),
            element(0xe1, &audio.concat()),
        ];
        element(0xae, &entry.concat())
    }

    /// Ten blocks of a tenth of a second each.
    fn blocks(&self, number: u8) -> Vec<u8> {
        let count = if self.rate > 0.0 && self.rate < 1e6 { self.rate / 10.0 } else { 10.0 };
        let frames = (0..).take_while(|frame| f64::from(*frame) < count);
        let channels = self.channels;
        let samples = frames.flat_map(|frame| {
            (0..channels).flat_map(move |_| if frame % 40 < 20 { [0, 32] } else { [0, 224] })
        });
        let samples: Vec<u8> = samples.collect();
        let block = |time: i16| {
            let header = [&[0x80 | number], &time.to_be_bytes()[..], &[0x80]].concat();
            element(0xa3, &[header, samples.clone()].concat())
        };
        (0..10).flat_map(|tenth| block(tenth * 100)).collect()
    }
}

fn document(tracks: &[&Pcm]) -> Vec<u8> {
    let numbered = || tracks.iter().zip(1..);
    let entries: Vec<u8> = numbered().flat_map(|(track, number)| track.entry(number)).collect();
    let blocks: Vec<u8> = numbered().flat_map(|(track, number)| track.blocks(number)).collect();
    let info = [element(0x2ad7b1, &[15, 66, 64]), element(0x4d80, b"it"), element(0x5741, b"it")];
    let segment = [
        element(0x1549_a966, &info.concat()),
        element(0x1654_ae6b, &entries),
        element(0x1f43_b675, &[element(0xe7, &[0]), blocks].concat()),
    ];
    let header = element(0x4282, b"matroska");
    [element(0x1a45_dfa3, &header), element(0x1853_8067, &segment.concat())].concat()
}

fn import(file: &[u8], options: &ImportOptions) -> Result<Imported, opus_zarr::Error> {
    let folder = fast_folder();
    let path = folder.path().join("file.mka");
    fs::write(&path, file).unwrap();
    import_with(&path, folder.path().join("store"), "it", options)
}

/// The streams that were imported, and the findings about the others.
fn streams(imported: &Imported) -> (Vec<u64>, Vec<String>) {
    let streams = imported.recordings.iter().map(|one| one.info().source.stream).collect();
    (streams, imported.findings.iter().map(ToString::to_string).collect())
}

#[test]
fn a_track_that_cannot_be_encoded_costs_no_other() {
    let rejecting = ImportOptions::default()
        .transcode(TranscodeOptions::default().ultrasound(Ultrasound::Reject));
    for (bad, said, kind) in [
        (Pcm { rate: 96_000.0, ..GOOD }, "ultrasound is rejected", ErrorKind::Ultrasound),
        (Pcm { channels: 256, ..GOOD }, "1 to 255 channels", ErrorKind::Unsupported),
    ] {
        for (tracks, good) in [([&bad, &GOOD], 2), ([&GOOD, &bad], 1)] {
            let file = document(&tracks);
            let (imported, findings) = streams(&import(&file, &rejecting).unwrap());
            assert_eq!(imported, [good]);
            let other = 3 - good;
            assert_eq!(findings.len(), 1, "{findings:?}");
            assert!(findings[0].starts_with(&format!("stream {other}: ")), "{findings:?}");
            assert!(findings[0].contains(said), "{findings:?}");
            // A track that was asked for is an error.
            let error = import(&file, &rejecting.clone().stream(other)).unwrap_err();
            assert_eq!(error.kind(), kind);
            let asked = import(&file, &rejecting.clone().stream(good)).unwrap();
            assert_eq!(streams(&asked), (vec![good], vec![]));
        }
        let error = import(&document(&[&bad]), &rejecting).unwrap_err();
        assert_eq!(error.kind(), kind);
    }
}

#[test]
fn a_track_with_an_impossible_head_costs_no_other() {
    let of_rates = [0.0, -48_000.0, f64::NAN, f64::INFINITY].map(|rate| Pcm { rate, ..GOOD });
    let others = [
        Pcm { channels: 0, ..GOOD },
        Pcm { depth: 0, ..GOOD },
        Pcm { depth: 12, ..GOOD },
        Pcm { codec: b"A_QUACK", ..GOOD },
    ];
    for bad in of_rates.iter().chain(&others) {
        for (tracks, other) in [([bad, &GOOD], 1), ([&GOOD, bad], 2)] {
            let imported = import(&document(&tracks), &ImportOptions::default()).unwrap();
            let (rate, channels, depth) = (bad.rate, bad.channels, bad.depth);
            let what = format!("{rate} Hz, {channels} channels, {depth} bits");
            assert_eq!(imported.recordings[0].info().play_length, 48_000, "{what}");
            let said = format!("skipped track {other}, whose codec is unknown or head unusable");
            let (streams, findings) = streams(&imported);
            assert_eq!(streams, [1], "{what}");
            assert_eq!(findings, [format!("stream 1: {said}")], "{what}");
        }
        import(&document(&[bad]), &ImportOptions::default()).unwrap_err();
    }
}

#[test]
fn every_document_becomes_recordings() {
    let of_rate = |rate| Pcm { rate, ..GOOD };
    let [a, b, c] = [8000.0, 16_000.0, 24_000.0].map(of_rate);
    let (two, one, none) = (document(&[&a, &b]), document(&[&c]), document(&[]));
    let offset = two.len();
    let file = [two, none, one].concat();
    let imported = import(&file, &ImportOptions::default()).unwrap();
    let rate = |one: &Recording| one.info().source.transcoding.as_ref().unwrap().rate;
    let rates: Vec<_> = imported.recordings.iter().map(rate).collect();
    assert_eq!(rates, [8000, 24_000, 16_000]);
    assert!(imported.recordings.iter().all(|one| one.info().play_length == 48_000));
    let (streams, findings) = streams(&imported);
    let skipped = format!(
        "stream 1: byte {offset}: skipped a stream that begins here without readable audio"
    );
    assert_eq!((streams, findings), (vec![1, 2, 3], vec![skipped]));
}
