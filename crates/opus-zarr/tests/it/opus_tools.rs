//! opus-tools read the stored stream of every real file: opusinfo has no complaint about it, and
//! opusdec decodes the samples of the source.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use opus_zarr::{Recording, StoredAs};
use opus_zarr_testkit::{
    CorpusFile, fast_folder, say_skipped,
    stored::{StoredRecordings, every_stored_file},
};

#[test]
fn opusinfo_complains_only_about_what_it_complains_about_in_the_source() {
    let Some(files) = readable() else { return };
    let folder = fast_folder();
    let (mut verbatim, mut remuxed) = (0, 0);
    for (file, imported) in files {
        for recording in &imported.recordings {
            let found = complaints(&kept(recording, folder.path()));
            let expected = match recording.info().source.stored {
                StoredAs::Verbatim => complaints(&file.path),
                _ => complaints_about_headers(recording),
            };
            assert_eq!(found, expected, "{} as {}", file.relative, recording.name());
            match recording.info().source.stored {
                StoredAs::Verbatim => verbatim += 1,
                _ => remuxed += 1,
            }
        }
    }
    assert!(verbatim >= 45 && remuxed >= 65, "{verbatim} verbatim, {remuxed} remuxed");
}

#[test]
fn opusdec_decodes_every_play_sample() {
    let Some(files) = readable() else { return };
    let folder = fast_folder();
    let (mut counted, mut refused) = (0, 0);
    for (file, imported) in files {
        for recording in &imported.recordings {
            let (info, name) = (recording.info(), &file.relative);
            let decoded = decode(&kept(recording, folder.path()));
            // opusfile, and so opusdec, knows no other families (OP_EIMPL).
            if info.mapping_family > 1 {
                println!("{name}: opusdec does not read mapping family {}", info.mapping_family);
                assert_eq!(decoded, None, "{name}");
                refused += 1;
                continue;
            }
            let bytes = info.play_length * u64::from(info.channels) * BYTES_PER_SAMPLE;
            assert_eq!(decoded.map(|pcm| wide(pcm.len())), Some(bytes), "{name}");
            counted += 1;
        }
    }
    assert!(counted >= 110 && refused == 7, "{counted} counted, {refused} refused");
}

/// opusdec decodes the links of a chain one after the other, so their recordings together equal the
/// chain.
#[test]
fn opusdec_decodes_the_stored_stream_as_it_decodes_the_source() {
    let Some(files) = readable() else { return };
    let folder = fast_folder();
    let mut count = 0;
    for (file, imported) in files.filter(|(file, _)| file.container == "ogg") {
        let name = &file.relative;
        if let Some(fault) = imported.findings.iter().find(|finding| finding.is_violation) {
            println!("{name}: not compared with the source, which is damaged: {}", fault.message);
            continue;
        }
        let Some(expected) = decode(&file.path) else {
            let family = imported.recordings[0].info().mapping_family;
            assert!(family > 1, "{name}: opusdec does not read the source");
            println!("{name}: opusdec does not read mapping family {family}");
            continue;
        };
        let decoded = imported.recordings.iter().map(|one| decode(&kept(one, folder.path())));
        let decoded = decoded.map(Option::unwrap).collect::<Vec<_>>().concat();
        assert!(decoded == expected, "{name}: other samples");
        count += 1;
    }
    assert!(count >= 45, "{count} files");
}

/// Every file that imports. `None` without opus-tools or without the corpus.
fn readable() -> Option<impl Iterator<Item = (CorpusFile, StoredRecordings)>> {
    if Command::new("opusinfo").arg("-h").output().is_err() {
        say_skipped("nothing was read with opusinfo and opusdec: no opus-tools");
        return None;
    }
    let files = every_stored_file()?.into_iter();
    Some(files.filter_map(|stored| Some((stored.file, stored.outcome.ok()?))))
}

/// Writes the stored Ogg Opus stream of a recording to a file.
fn kept(recording: &Recording, folder: &Path) -> PathBuf {
    let path = folder.join(recording.name()).with_extension("opus");
    io::copy(&mut recording.ogg_opus(), &mut fs::File::create(&path).unwrap()).unwrap();
    path
}

/// The lines in which opusinfo reports a warning or an error.
fn complaints(file: &Path) -> Vec<String> {
    let output = Command::new("opusinfo").arg(file).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(
        said.contains("Total data length"),
        "opusinfo did not read {file:?} to its end: {said}"
    );
    let is_complaint = |line: &&str| line.starts_with("WARNING") || line.starts_with("ERROR");
    said.lines().filter(is_complaint).map(str::to_owned).collect()
}

/// The complaints of opusinfo about headers, which are stored as they are in the source.
fn complaints_about_headers(recording: &Recording) -> Vec<String> {
    let is_low = recording.info().pre_skip < 120;
    let complaint =
        is_low.then(|| "WARNING: Implausibly low preskip in Opus stream (1)".to_owned());
    complaint.into_iter().collect()
}

/// Every sample that opusdec decodes, as bytes. `None` if it does not open the file.
fn decode(file: &Path) -> Option<Vec<u8>> {
    let output = Command::new("opusdec")
        .args(["--quiet", "--rate", "48000", "--no-dither", "--float"])
        .args([file, Path::new("-")])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() || said.contains("Failed to open"), "{file:?}: {said}");
    output.status.success().then_some(output.stdout)
}

/// With `--float`.
const BYTES_PER_SAMPLE: u64 = 4;

fn wide(number: usize) -> u64 {
    number.try_into().unwrap()
}
