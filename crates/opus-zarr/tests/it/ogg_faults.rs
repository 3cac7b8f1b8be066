//! Ogg files with one fault each (`testdata/ogg`): nothing that is intact is lost, and the fault is
//! reported.

use std::fs;

use opus_zarr::{ImportOptions, Imported, StoredAs};
use opus_zarr_testkit::{
    fast_folder,
    recordings::{import_to, import_with},
    testdata,
};

/// A file and what becomes of it.
struct Row {
    file: &'static str,
    /// The streams that become recordings, and their play lengths.
    streams: &'static [(u64, u64)],
    /// Whether the file becomes the blob.
    is_verbatim: bool,
    /// Findings, in order: a part of each.
    findings: &'static [&'static str],
}

const ROWS: &[Row] = &[
    Row {
        file: "chain-last-head-bad.opus",
        streams: &[(1, 1608)],
        is_verbatim: false,
        findings: &[
            "stream 1: byte 536: OpusHead of 8 bytes, expected at least 19; the stream is not read",
        ],
    },
    Row {
        file: "two-tracks-one-head-bad.opus",
        streams: &[(1, 1608)],
        is_verbatim: false,
        findings: &["stream 1: byte 47: OpusHead of version 16"],
    },
    Row {
        file: "two-tracks.ogg",
        streams: &[(1, 96_000), (2, 192_000)],
        is_verbatim: false,
        findings: &[
            "stream 1: byte 47: another Opus stream begins here",
            "stream 2: byte 0: another",
        ],
    },
    Row {
        file: "stray-head-page.opus",
        streams: &[(1, 95_688)],
        is_verbatim: false,
        findings: &["byte 8944: Opus stream 0x00001235 begins in the middle of another"],
    },
    Row {
        file: "granule-third-eos-fullpage.opus",
        streams: &[(1, 287_688)],
        is_verbatim: false,
        findings: &[
            "byte 106: first granule position 48000, expected at least the 144000 samples",
            "byte 7746: last granule position 96000, expected up to 192000",
        ],
    },
    Row {
        file: "granule-third-onepage.opus",
        streams: &[(1, 47_688)],
        is_verbatim: true,
        findings: &[
            "byte 106: the end trim of 96000 samples is longer than the last packet, of 2880",
        ],
    },
    Row {
        file: "granule-zero-onepage.opus",
        streams: &[(1, 47_688)],
        is_verbatim: false,
        findings: &["byte 106: last granule position 0, expected at least the pre-skip of 312"],
    },
    Row {
        file: "nil-eos-tells-loss.opus",
        streams: &[(1, 105_288)],
        is_verbatim: false,
        findings: &[
            "byte 10484: page number 5, expected 4",
            "48000 samples are lost before coded sample 57600",
        ],
    },
    Row {
        file: "head-extra-bytes.opus",
        streams: &[(1, 96_000)],
        is_verbatim: false,
        findings: &["byte 0: OpusHead has 3 bytes more than its version states"],
    },
    // Other audio, in the order of the file and not of the serial numbers.
    Row {
        file: "two-tracks-vorbis.ogg",
        streams: &[(1, 96_000), (2, 192_000)],
        is_verbatim: false,
        findings: &[],
    },
];

#[test]
fn nothing_intact_is_lost() {
    for row in ROWS {
        check(row, false);
        // The tag of another program in front changes neither samples nor findings.
        check(row, true);
    }
}

fn check(row: &Row, has_tag: bool) {
    let folder = fast_folder();
    let (file, store) = (folder.path().join("file"), folder.path().join("store"));
    let mut bytes = fs::read(testdata(&format!("ogg/{}", row.file))).unwrap();
    if has_tag {
        bytes.splice(0..0, *b"ID3\x04\0\0\0\0\0\x05tags!");
    }
    fs::write(&file, bytes).unwrap();
    let imported = import_to(&file, &store, "it").unwrap();
    let streams: Vec<_> = imported
        .recordings
        .iter()
        .map(|recording| {
            let info = recording.info();
            let samples: Vec<i16> = recording.read(0..info.play_length).unwrap();
            assert_eq!(
                samples.len() / usize::from(info.channels),
                usize::try_from(info.play_length).unwrap()
            );
            (info.source.stream, info.play_length)
        })
        .collect();
    assert_eq!(streams, row.streams, "{}", row.file);
    let stored = imported.recordings[0].info().source.stored;
    let is_verbatim = stored == StoredAs::Verbatim;
    assert_eq!(is_verbatim, row.is_verbatim && !has_tag, "{}", row.file);
    let found = lines(&imported);
    if !has_tag {
        assert_eq!(found.len(), row.findings.len(), "{}: {found:?}", row.file);
        for (found, expected) in found.iter().zip(row.findings) {
            assert!(found.contains(expected), "{}: {found}", row.file);
        }
    }
}

fn lines(imported: &Imported) -> Vec<String> {
    imported.findings.iter().map(ToString::to_string).collect()
}

/// End trims of several pages, in each link of a chain and behind a gap.
#[test]
fn long_trims_in_a_chain_are_imported() {
    let long = fs::read(testdata("ogg/granule-third-onepage.opus")).unwrap();
    let gap = fs::read(testdata("ogg/nil-eos-tells-loss.opus")).unwrap();
    let folder = fast_folder();
    let file = folder.path().join("file");
    fs::write(&file, [long.clone(), gap, long].concat()).unwrap();
    let imported = import_to(&file, folder.path().join("store"), "it").unwrap();
    let lengths: Vec<_> =
        imported.recordings.iter().map(|recording| recording.info().play_length).collect();
    assert_eq!(lengths, [47_688, 105_288, 47_688]);
    let trimmed = lines(&imported).iter().filter(|line| line.contains("end trim of 96000")).count();
    assert_eq!(trimmed, 2);
}

/// The file is cut off before the second track has any audio.
#[test]
fn a_track_without_samples_costs_no_other() {
    let folder = fast_folder();
    let (file, store) = (folder.path().join("file"), folder.path().join("store"));
    let whole = fs::read(testdata("ogg/two-tracks-vorbis.ogg")).unwrap();
    fs::write(&file, &whole[..17_203]).unwrap();
    let imported = import_to(&file, &store, "it").unwrap();
    let streams: Vec<_> =
        imported.recordings.iter().map(|recording| recording.info().source.stream).collect();
    assert_eq!(streams, [1]);
    let left_out = imported.findings.last().unwrap();
    assert_eq!(
        (left_out.stream, left_out.message.as_str()),
        (2, "nothing to play (no samples); not imported")
    );
}

/// The first two pages of a link hold the headers.
fn headers(file: &[u8]) -> Vec<u8> {
    let mut pages = ogg_opus_demux::PageReader::new(file);
    pages.next_page().unwrap();
    pages.next_page().unwrap();
    let (offset, _) = pages.next_page().unwrap().unwrap();
    file[..usize::try_from(offset).unwrap()].to_vec()
}

#[test]
fn opus_that_cannot_play_costs_no_other_audio() {
    let read = |name: &str| fs::read(testdata(name)).unwrap();
    let vorbis = read("ogg/two-tracks-vorbis.ogg");
    let unusable = read("ogg/chain-last-head-bad.opus")[536..].to_vec();
    let silent = headers(&read("chirps-stereo.opus"));
    let folder = fast_folder();
    let file = folder.path().join("file");
    for (number, (opus, said, is_violation)) in
        [(&unusable, "OpusHead of 8 bytes", true), (&silent, "nothing to play", false)]
            .into_iter()
            .enumerate()
    {
        for (order, parts) in [[opus, &vorbis], [&vorbis, opus]].into_iter().enumerate() {
            fs::write(&file, parts.map(Vec::as_slice).concat()).unwrap();
            let store = folder.path().join(format!("{number}{order}"));
            let imported = import_to(&file, &store, "it").unwrap();
            assert_eq!(imported.recordings.len(), 2, "{said}");
            let of_opus = imported.findings.iter().find(|one| one.message.contains(said)).unwrap();
            assert_eq!(of_opus.is_violation, is_violation, "{of_opus}");
            // Vorbis is imported.
            assert!(!lines(&imported).iter().any(|line| line.contains("ignored")));
            let strict = ImportOptions::default().strict(true);
            let refused = import_with(&file, folder.path().join("strict"), "it", &strict);
            assert!(refused.is_err(), "{said}");
        }
        // There is nothing else to import.
        fs::write(&file, opus).unwrap();
        let error = import_to(&file, folder.path().join("none"), "it").unwrap_err();
        assert!(error.to_string().contains(said) || format!("{error:?}").contains(said), "{error}");
    }
}
