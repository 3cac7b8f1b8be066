//! Imports of files with several streams, with damage, or without a container.

use std::{fs, ops::ControlFlow, path::PathBuf};

use ogg_opus_demux::{OggOpusReader, PageReader};
use opus_packet::{OpusHead, write_self_delimited};
use opus_zarr::{
    ErrorKind, ImportOptions, Imported, RawFormat, RawStream, Recording, Stage, Store, StoredAs,
    VerifyLevel, VerifyOptions, import, unwatched,
};
use opus_zarr_testkit::{
    errors::chain,
    fast_folder,
    recordings::{BOTH, MONO, STEREO, all, bytes_of, import_with, open_at, store_of},
    tree::{Tree, visible},
};
use tempfile::TempDir;

/// A file and a store beside it.
struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new(bytes: &[u8]) -> Self {
        let folder = fast_folder();
        fs::write(folder.path().join("file"), bytes).unwrap();
        Self { folder }
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("file")
    }

    fn import_with(&self, options: &ImportOptions) -> Result<Imported, opus_zarr::Error> {
        import_with(self.file(), self.store(), "it", options)
    }

    fn import(&self) -> Imported {
        self.import_with(&ImportOptions::default()).unwrap()
    }
}

fn pages(file: &[u8]) -> Vec<&[u8]> {
    let mut pages = PageReader::from_slice(file);
    let mut found = vec![];
    while let Some((offset, page)) = pages.next_page().unwrap() {
        let start = usize::try_from(offset).unwrap();
        found.push(&file[start..start + page.len()]);
    }
    found
}

fn packets(file: &[u8]) -> Vec<Vec<u8>> {
    let mut reader = OggOpusReader::from_slice(file).unwrap();
    let mut packets = vec![];
    while let Some(packet) = reader.next_located().unwrap() {
        packets.push(packet.data.to_vec());
    }
    packets
}

fn assert_is(recording: &Recording, file: &str, name: &str) {
    let (_store, expected) = store_of(file);
    assert_eq!(recording.name(), name);
    assert_eq!(recording.info().tags, expected.info().tags);
    assert!(all::<f32>(recording) == all::<f32>(&expected), "{name} is {file}");
}

#[test]
fn every_link_of_a_chain_becomes_a_recording() {
    let chain = BOTH.map(bytes_of).concat();
    let bench = Bench::new(&chain);
    let imported = bench.import();
    assert_eq!(imported.recordings.len(), 2);
    assert_is(&imported.recordings[0], MONO, "it");
    assert_is(&imported.recordings[1], STEREO, "it.2");
    assert!(imported.findings.is_empty(), "chains are valid: {:?}", imported.findings);
    for (recording, number) in imported.recordings.iter().zip(1..) {
        let source = &recording.info().source;
        assert_eq!((source.stored, source.stream), (StoredAs::Remuxed, number));
    }
    assert_is(&open_at(bench.store(), "it.2").unwrap(), STEREO, "it.2");
}

#[test]
fn every_multiplexed_track_becomes_a_recording() {
    let [mono, stereo] = BOTH.map(bytes_of);
    let (mono, stereo) = (pages(&mono), pages(&stereo));
    let mut file = vec![];
    for number in 0..mono.len().max(stereo.len()) {
        for pages in [&mono, &stereo] {
            file.extend_from_slice(pages.get(number).copied().unwrap_or_default());
        }
    }
    let bench = Bench::new(&file);
    let imported = bench.import();
    assert_eq!(imported.recordings.len(), 2);
    assert_is(&imported.recordings[0], MONO, "it");
    assert_is(&imported.recordings[1], STEREO, "it.2");
    let found: Vec<_> = imported.findings.iter().map(ToString::to_string).collect();
    assert!(found[0].contains("another Opus stream begins here"), "{found:?}");
    assert!(!found.iter().any(|line| line.contains("ignored")), "{found:?}");
}

/// The name of a file says when its first links began, and no others.
#[test]
fn the_file_name_dates_no_later_link() {
    let file = BOTH.map(bytes_of).concat();
    let folder = fast_folder();
    for (name, reason) in [
        ("20200512_041500.opus", "the time in the file name was not used, because the stream"),
        ("pond.opus", ""),
    ] {
        let (path, store) = (folder.path().join(name), folder.path().join(format!("{name}.zarr")));
        fs::write(&path, &file).unwrap();
        let imported =
            import_with(path.clone(), store.clone(), "it", &ImportOptions::default()).unwrap();
        let start = |at: usize| imported.recordings[at].info().start.as_ref();
        assert_eq!((start(0).is_some(), start(1).is_some()), (!reason.is_empty(), false), "{name}");
        let found: Vec<_> = imported.findings.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), usize::from(!reason.is_empty()), "{found:?}");
        assert!(
            found.iter().all(|found| found.starts_with("stream 2: ") && found.contains(reason))
        );
        let again = import_with(path, store, "it", &ImportOptions::default()).unwrap();
        assert_eq!(again.earlier, 2, "{name}");
    }
}

#[test]
fn a_single_stream_can_be_imported() {
    let bench = Bench::new(&BOTH.map(bytes_of).concat());
    let pick = |stream| ImportOptions::default().stream(stream);
    for wrong in [0, 3] {
        let error = chain(&bench.import_with(&pick(wrong)).unwrap_err());
        assert!(error.contains(&format!("no stream {wrong}, expected 1 to 2")), "{error}");
    }
    let imported = bench.import_with(&pick(2)).unwrap();
    assert_eq!(imported.recordings.len(), 1);
    assert_is(&imported.recordings[0], STEREO, "it");
    assert_eq!(imported.recordings[0].info().source.stream, 2);
}

#[test]
fn nothing_is_imported_if_one_name_is_taken() {
    let bench = Bench::new(&bytes_of(MONO));
    import_with(bench.folder.path().join("file"), bench.store(), "it.2", &ImportOptions::default())
        .unwrap();
    fs::write(bench.folder.path().join("file"), BOTH.map(bytes_of).concat()).unwrap();
    let error = chain(&bench.import_with(&ImportOptions::default()).unwrap_err());
    assert!(error.contains("recording \"it.2\" already exists"), "{error}");
    assert!(open_at(bench.store(), "it").is_err());
}

#[test]
fn importing_again_completes_an_interrupted_import() {
    let links = [MONO, STEREO, MONO];
    let bench = Bench::new(&links.map(bytes_of).concat());
    let options = ImportOptions::default();
    let store = Store::open_or_create(bench.store()).unwrap();
    let mut begun = 0;
    let cut_short = import(bench.file(), &store, "it", &options, |progress| {
        begun += usize::from(progress.stage == Stage::Write && progress.bytes == 0);
        if begun == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(cut_short.is_err_and(|error| error.kind() == ErrorKind::Cancelled));
    assert_eq!(visible(&bench.store()), ["it.2", "it.3"], "the first recording is written last");
    let before = Tree::of(&bench.store().join("it.2"));

    let imported = bench.import();
    assert_eq!(imported.earlier, 2);
    for ((recording, file), name) in
        imported.recordings.iter().zip(links).zip(["it", "it.2", "it.3"])
    {
        assert_is(recording, file, name);
    }
    before.assert_same(&Tree::of(&bench.store().join("it.2")), "it.2");
    let again = bench.import_with(&ImportOptions::default().exact(true)).unwrap();
    assert_eq!(again.earlier, 3);
    assert!(again.recordings.iter().all(|recording| recording.exactness().is_ok()));
}

/// A lost second in the middle shifts nothing.
#[test]
fn lost_audio_is_concealed_and_listed() {
    let (_store, whole) = store_of(MONO);
    let file = bytes_of(MONO);
    let mut pages = pages(&file);
    let lost = pages.remove(12);
    let bench = Bench::new(&pages.concat());
    let strict = ImportOptions::default().strict(true);
    assert!(chain(&bench.import_with(&strict).unwrap_err()).contains("pages are lost"));

    let imported = bench.import();
    let info = imported.recordings[0].info();
    assert_eq!(info.play_length, whole.info().play_length);
    let [gap] = info.gaps[..] else { panic!("one gap: {:?}", info.gaps) };
    assert_eq!((gap.samples, gap.is_inferred), (48_000, false));
    assert!(info.source.findings[0].contains("pages are lost"), "{:?}", info.source.findings);
    assert!(imported.findings.iter().any(|finding| finding.message.contains("concealed")));

    let mut concealed = OggOpusReader::strict(imported.recordings[0].ogg_opus()).unwrap();
    let mut originals = OggOpusReader::from_slice(&file).unwrap();
    while let Some(original) = originals.next_located().unwrap() {
        let position = original.position.get();
        if (gap.position..gap.position + gap.samples).contains(&position) {
            assert!(lost.windows(original.data.len()).any(|bytes| bytes == original.data));
            continue;
        }
        let packet = loop {
            let packet = concealed.next_located().unwrap().unwrap();
            if packet.position >= original.position {
                break (packet.position, packet.data.to_vec());
            }
        };
        assert!(packet == (original.position, original.data.to_vec()), "{position}");
    }
    let start = gap.position - u64::from(info.pre_skip);
    let before = |recording: &Recording| recording.read::<i16>(0..start).unwrap();
    assert!(before(&imported.recordings[0]) == before(&whole), "other samples before the loss");
    let rest: Vec<i16> = imported.recordings[0].read(start..info.play_length).unwrap();
    assert_eq!(u64::try_from(rest.len()), Ok(info.play_length - start));
}

#[test]
fn a_raw_stream_is_read_as_the_caller_says() {
    let head = OpusHead::new(1, 312, 48_000).unwrap();
    let (mut self_delimited, mut opus_demo) = (vec![], vec![]);
    for packet in packets(&bytes_of(MONO)) {
        write_self_delimited(&packet, &mut self_delimited).unwrap();
        opus_demo.extend(u32::try_from(packet.len()).unwrap().to_be_bytes());
        opus_demo.extend([0; 4]);
        opus_demo.extend(packet);
    }
    let (_store, original) = store_of(MONO);
    let pre_skip = original.info().pre_skip;
    assert_eq!(pre_skip, head.pre_skip());
    for (bytes, format) in
        [(&self_delimited, RawFormat::SelfDelimited), (&opus_demo, RawFormat::OpusDemo)]
    {
        let bench = Bench::new(bytes);
        let error = chain(&bench.import_with(&ImportOptions::default()).unwrap_err());
        assert!(error.contains("expected Opus in Ogg"), "raw streams must not be guessed: {error}");
        let raw = RawStream::new(format).head(head.clone());
        let options = ImportOptions::default().raw(raw).strict(true);
        let recording = bench.import_with(&options).unwrap().into_first();
        let expected: Vec<i16> = all(&original);
        let found: Vec<i16> = recording.read(0..original.info().play_length).unwrap();
        assert!(found == expected, "{format:?}");
    }
}

#[test]
fn surround_is_stored_and_read() {
    let Some(files) = opus_zarr_testkit::ogg_opus_files() else { return };
    let file = files.iter().find(|file| file.path.ends_with("test-6-5.1.opus")).unwrap();
    let store = fast_folder();
    let options = ImportOptions::default();
    let recording = import_with(&file.path, store.path(), "it", &options).unwrap().into_first();
    let info = recording.info();
    assert_eq!((info.channels, info.mapping_family), (6, 1));
    assert_eq!(Some(info.play_length), file.opusfile_samples);
    let again = open_at(store.path(), "it").unwrap();
    let decode = VerifyOptions::default().level(VerifyLevel::Decode);
    let found = again.verify(&decode, unwatched).unwrap();
    assert_eq!((found.faults.listed(), found.decoded), (&[][..], info.packet_count));
    let samples = again.read::<i16>(0..info.play_length).unwrap();
    assert_eq!(u64::try_from(samples.len()).unwrap(), 6 * info.play_length);
    // A range after a pre-roll nearly equals the full read.
    let range = again.read::<i16>(200_000..240_000).unwrap();
    let error = |(one, other): (&i16, &i16)| f64::from(one.abs_diff(*other)).powi(2);
    let whole = &samples[6 * 200_000..6 * 240_000];
    let noise: f64 = range.iter().zip(whole).map(error).sum();
    let signal: f64 = whole.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    assert!(signal > 0.0 && noise < signal / 50.0, "{noise} in {signal}");
}
