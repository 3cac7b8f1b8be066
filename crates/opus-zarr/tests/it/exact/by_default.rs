//! Which imports build a sync map if the options do not say.

use std::{fs, ops::ControlFlow, path::Path};

use opus_packet::OpusHead;
use opus_zarr::{
    ErrorKind, ImportEvent, ImportManyOptions, ImportOptions, ImportOutcome, ImportPlan, RawFormat,
    RawStream, Stage, Store, import, import_many, unwatched,
};
use opus_zarr_testkit::{
    damage::edit_document,
    fast_folder,
    recordings::{DTX, MONO, STEREO, import_with, open_at},
    testdata,
    tree::visible,
};

fn has_map(folder: &Path, name: &str) -> bool {
    open_at(folder.join("store"), name).unwrap().exactness().is_ok()
}

#[test]
fn opus_gets_a_sync_map_if_a_packet_is_silk_or_hybrid() {
    let folder = fast_folder();
    for (file, expected) in [(MONO, true), (DTX, true), (STEREO, false)] {
        let store = folder.path().join("store");
        for (name, exact) in [("default", None), ("no", Some(false)), ("yes", Some(true))] {
            let mut options = ImportOptions::default();
            options.exact = exact;
            let name = format!("{file}.{name}");
            import_with(testdata(file), &store, &name, &options).unwrap();
            assert_eq!(has_map(folder.path(), &name), exact.unwrap_or(expected), "{name}");
        }
    }
}

/// Two streams to a packet: CELT, and CELT or SILK.
#[test]
fn every_stream_of_a_packet_counts() {
    let folder = fast_folder();
    for (second, expected) in [(0xf8, false), (0x08, true)] {
        // Frames of 20 ms.
        let packet = [0xf8, 3, 0xff, 0xfe, 0, second, 0xff, 0xfe, 0];
        let (length, no_range) = (u32::try_from(packet.len()).unwrap().to_be_bytes(), [0; 4]);
        let one = [&length[..], &no_range, &packet].concat();
        let file = folder.path().join("file");
        fs::write(&file, one.repeat(20)).unwrap();
        let mut head = b"OpusHead\x01\x02\0\0\x80\xbb\0\0\0\0".to_vec();
        head.extend([255, 2, 0, 0, 1]);
        let raw = RawStream::new(RawFormat::OpusDemo).head(OpusHead::parse(&head).unwrap());
        let options = ImportOptions::default().raw(raw);
        let name = format!("toc-{second}");
        import_with(&file, folder.path().join("store"), &name, &options).unwrap();
        assert_eq!(has_map(folder.path(), &name), expected, "{name}");
    }
}

#[test]
fn importing_again_adds_the_maps_that_are_missing_or_of_another_rule() {
    let folder = fast_folder();
    let card = folder.path().join("card");
    fs::create_dir(&card).unwrap();
    for (file, name) in [("golden/notes.opus", "silk.opus"), (STEREO, "celt.opus")] {
        fs::copy(testdata(file), card.join(name)).unwrap();
    }
    fs::copy(testdata("wave/no-size-guano.wav"), card.join("wave.wav")).unwrap();
    let names = ["celt", "silk", "wave"];
    let again = |import: ImportOptions, is_dry| {
        let store = Store::open_or_create(folder.path().join("store")).unwrap();
        let plan = ImportPlan::of([&card]).unwrap();
        let mut done = Vec::new();
        let options = ImportManyOptions::new(import).dry_run(is_dry);
        import_many(&store, &plan, &options, |event| {
            if let ImportEvent::File(file) = event {
                let is_synced =
                    matches!(file.outcome, ImportOutcome::Present { is_synced: true, .. });
                done.push((file.file.name.to_string(), is_synced));
            }
            ControlFlow::Continue(())
        })
        .unwrap();
        done.sort();
        done.into_iter().map(|(_, is_synced)| is_synced).collect::<Vec<_>>()
    };
    let maps = || names.map(|name| has_map(folder.path(), name));
    again(ImportOptions::default().exact(false), false);
    assert_eq!(maps(), [false; 3]);
    assert_eq!(again(ImportOptions::default(), true), [false; 3], "a dry run");
    assert_eq!(again(ImportOptions::default().exact(false), false), [false; 3]);
    assert_eq!(maps(), [false; 3]);
    assert_eq!(again(ImportOptions::default(), false), [false, true, true]);
    assert_eq!(maps(), [false, true, true]);
    assert_eq!(again(ImportOptions::default(), false), [false; 3]);

    let recording = folder.path().join("store/silk");
    let age = || {
        edit_document(&recording, |document| {
            document["attributes"]["opus_zarr"]["sync"]["rule"] = 3.into();
        });
    };
    age();
    assert!(!has_map(folder.path(), "silk"));
    assert_eq!(again(ImportOptions::default(), false), [false, true, false]);
    assert!(has_map(folder.path(), "silk"));
    // So does the import of a single file.
    age();
    import_with(
        card.join("silk.opus"),
        folder.path().join("store"),
        "silk",
        &ImportOptions::default(),
    )
    .unwrap();
    assert!(has_map(folder.path(), "silk"));
}

#[test]
fn measuring_by_default_is_watched_and_can_be_cancelled() {
    let folder = fast_folder();
    let file = testdata("golden/notes.opus");
    let store = Store::open_or_create(folder.path().join("store")).unwrap();
    let mut measured = 0;
    import(&file, &store, "whole", &ImportOptions::default(), |progress| {
        measured += usize::from(progress.stage == Stage::Sync);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(measured > 1, "{measured}");
    for stop in 1..=measured {
        let mut count = 0;
        let cut_short = import(&file, &store, "cut", &ImportOptions::default(), |progress| {
            count += usize::from(progress.stage == Stage::Sync);
            if count == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert!(cut_short.is_err_and(|error| error.kind() == ErrorKind::Cancelled), "{stop}");
        assert_eq!(visible(&folder.path().join("store")), ["whole"]);
    }
    import(&file, &store, "cut", &ImportOptions::default(), unwatched).unwrap();
}
