//! The options of `inspect` and `import` about what is read from a file.

use std::{fs, path::Path};

use opus_zarr::{PacketSource, Streams, demux::Options};
use serde_json::{Value, json};

use crate::support::{LONG_NOTES, NOTES, Outcome, folder_with, run_in, testdata};

/// Runs `inspect` or `import` with these options.
fn run(folder: &Path, verb: &str, file: &Path, options: &[&str]) -> Outcome {
    let file = file.to_str().unwrap();
    let args = match verb {
        "inspect" => vec![verb, file, "--json"],
        _ => vec![verb, file, "new.zarr", "--name", "it", "--json"],
    };
    run_in(folder, args.into_iter().chain(options.iter().copied()))
}

#[test]
fn strict_refuses_any_fault_and_nothing_else() {
    let folder = folder_with(&[(NOTES, "a")]);
    run_in(folder.path(), ["export", "a.zarr/a", "-o", "junk.flac"]).exits(0);
    let junk = folder.path().join("junk.flac");
    fs::write(&junk, [fs::read(&junk).unwrap(), vec![1; 99]].concat()).unwrap();
    let faulty = [
        "ogg/chain-last-head-bad.opus",
        "ogg/nil-eos-tells-loss.opus",
        "ogg/two-tracks-one-head-bad.opus",
        "golden/trio.opus",
        "wave/cut-off.wav",
        "wave/cut-off.aifc",
    ];
    for file in faulty.map(testdata).iter().chain([&junk]) {
        for verb in ["inspect", "import"] {
            let done = run(folder.path(), verb, file, &["--strict"]).exits(1);
            assert!(done.stderr.contains(r#""type":"error""#), "{file:?}: {done:?}");
        }
        assert!(!folder.path().join("new.zarr").exists(), "{file:?}: nothing may be written");
    }
    run(folder.path(), "inspect", &testdata(NOTES), &["--strict", "--pages"]).exits(2);
    for file in [NOTES, "wave/whole.wav", "opus-hd.opus"] {
        for verb in ["inspect", "import"] {
            run(folder.path(), verb, &testdata(file), &["--strict"]).exits(0);
        }
        fs::remove_dir_all(folder.path().join("new.zarr")).unwrap();
    }
}

#[test]
fn one_track_is_read() {
    let folder = folder_with(&[]);
    let chain = folder.path().join("chain.opus");
    let mut links = [NOTES, LONG_NOTES].map(|file| fs::read(testdata(file)).unwrap());
    let middle = links[0].len() / 2;
    links[0][middle] ^= 1; // a finding about the first link
    fs::write(&chain, links.concat()).unwrap();
    for (file, of_opus) in [
        (chain, true),
        (testdata("ogg/two-tracks.ogg"), true),
        (testdata("ogg/two-tracks-vorbis.ogg"), false),
    ] {
        for asked in ["1", "2"] {
            let number: Value = asked.parse::<u64>().unwrap().into();
            let seen = run(folder.path(), "inspect", &file, &["--track", asked]).exits(0);
            let (kind, field) = if of_opus { ("stream", "stream") } else { ("audio", "track") };
            let lines = seen.lines(kind);
            assert_eq!((lines.len(), &lines[0][field]), (1, &number), "{file:?} {asked}");
            let done = run(folder.path(), "import", &file, &["--track", asked]).exits(0);
            let line = &done.lines("file")[0];
            assert_eq!(line["recordings"], json!(["it"]));
            let found = seen.lines("finding").into_iter().map(|line| {
                json!(format!("stream {}: {}", line["stream"], line["message"].as_str().unwrap()))
            });
            let stored = line["findings"].as_array().cloned().unwrap_or_default();
            assert_eq!(found.collect::<Vec<_>>(), stored, "{file:?} {asked}");
            let info = run_in(folder.path(), ["info", "new.zarr/it", "--json"]).exits(0);
            let info = &info.lines("info")[0];
            assert_eq!(info["source"]["stream"], number);
            if of_opus {
                assert_eq!(info["play_samples"], seen.lines("stream_end")[0]["play_samples"]);
            }
            fs::remove_dir_all(folder.path().join("new.zarr")).unwrap();
        }
        for verb in ["inspect", "import"] {
            let done = run(folder.path(), verb, &file, &["--track", "3"]).exits(1);
            assert!(done.stderr.contains("no stream 3, expected 1 to 2"), "{done:?}");
            run(folder.path(), verb, &file, &["--track", "0"]).exits(2);
        }
    }
}

#[test]
fn raw_packets_are_read_if_their_form_is_named() {
    let folder = folder_with(&[]);
    let mut packets = Vec::new();
    let mut streams = Streams::open(testdata(LONG_NOTES), &Options::default()).unwrap();
    let stream = streams.next_stream().unwrap().unwrap();
    while let Some(packet) = stream.next_packet().unwrap() {
        packets.push(packet.data.to_vec());
    }
    let channels = stream.head().channels();
    let mut self_delimited = Vec::new();
    let mut opus_demo = Vec::new();
    for packet in &packets {
        opus_packet::write_self_delimited(packet, &mut self_delimited).unwrap();
        opus_demo.extend(u32::try_from(packet.len()).unwrap().to_be_bytes());
        opus_demo.extend([7; 4]);
        opus_demo.extend(packet);
    }
    for (form, bytes) in [("self-delimited", self_delimited), ("opus-demo", opus_demo)] {
        let file = folder.path().join(form);
        fs::write(&file, bytes).unwrap();
        for verb in ["inspect", "import"] {
            run(folder.path(), verb, &file, &[]).exits(1);
            let wave = testdata("wave/whole.wav");
            let done = run(folder.path(), verb, &wave, &["--raw", form]).exits(1);
            assert!(done.stderr.contains("without a container, found WAV"), "{done:?}");
        }
        let seen = run(folder.path(), "inspect", &file, &["--raw", form]).exits(0);
        let stream = &seen.lines("stream")[0];
        assert_eq!((&stream["channels"], &stream["pre_skip"]), (&json!(channels), &json!(0)));
        assert_eq!(seen.lines("stream_end")[0]["packets"], json!(packets.len()));
        run(folder.path(), "import", &file, &["--raw", form, "--strict"]).exits(0);
        run_in(folder.path(), ["export", "new.zarr/it", "-o", "it.opus", "--force"]).exits(0);
        let mut streams =
            Streams::open(folder.path().join("it.opus"), &Options::default()).unwrap();
        let stream = streams.next_stream().unwrap().unwrap();
        for packet in &packets {
            assert_eq!(stream.next_packet().unwrap().unwrap().data, packet, "{form}");
        }
        fs::remove_dir_all(folder.path().join("new.zarr")).unwrap();
    }
}

#[test]
fn inspect_shows_the_start_that_import_stores() {
    let folder = folder_with(&[]);
    let named = |name: &str, of: &str| {
        let file = folder.path().join(name);
        fs::copy(testdata(of), &file).unwrap();
        file
    };
    let files = [
        testdata("wave/no-size-guano.wav"),
        testdata(NOTES),
        named("SITE_20260512_051500.opus", NOTES),
        named("SITE_20260512_051500.wav", "wave/whole.wav"),
        named("12.05.2026 05h15.opus", NOTES),
    ];
    let options: [&[&str]; 4] = [
        &[],
        &["--tz", "Europe/Zurich"],
        &["--time-from", "file-name"],
        &["--name-time", "%d.%m.%Y %Hh%M"],
    ];
    let mut known = 0;
    for (file, options) in files.iter().flat_map(|file| options.map(|options| (file, options))) {
        let mut seen = run(folder.path(), "inspect", file, options).exits(0).lines("start");
        run(folder.path(), "import", file, options).exits(0);
        let info = run_in(folder.path(), ["info", "new.zarr/it", "--json"]).exits(0);
        let stored = info.lines("info")[0].get("start").cloned();
        let mut seen = seen.pop();
        if let Some(line) = seen.as_mut().and_then(Value::as_object_mut) {
            line.retain(|field, _| !["schema", "type", "stream"].contains(&field.as_str()));
            known += 1;
        }
        assert_eq!(seen, stored, "{file:?} {options:?}");
        fs::remove_dir_all(folder.path().join("new.zarr")).unwrap();
    }
    assert_eq!(known, 7);
}
