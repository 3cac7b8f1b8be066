//! Files that are refused by name, what `inspect` and `import` say about others, and loud audio.

use std::{fs, path::Path, process::Command};

use opus_zarr_testkit::say_skipped;

use crate::support::{folder_with, run_in, testdata};

#[test]
fn formats_that_nobody_reads_are_refused_by_name() {
    let folder = folder_with(&[]);
    let sud = [&[1; 30][..], b"\x52\xa9\0\0\x03\0", &[0; 14], b"<x>\x52\xa9"].concat();
    let cases = [
        ("a.ac3", fs::read(testdata("formats/noise.ac3")).unwrap(), "AC-3 or E-AC-3; use ffmpeg"),
        ("a.spx", fs::read(testdata("formats/noise.spx")).unwrap(), "Speex in Ogg; use ffmpeg"),
        (
            "a.ts",
            [&[0x47][..], &[0; 187]].concat().repeat(5),
            "an MPEG transport stream; use ffmpeg",
        ),
        ("a.mpg", b"\0\0\x01\xba more".to_vec(), "an MPEG program stream; use ffmpeg"),
        ("a.nut", b"nut/multimedia container\0".to_vec(), "NUT; use ffmpeg"),
        (
            "a.wac",
            b"WAac\x04\0".to_vec(),
            "Wildlife Acoustics WAC; convert it to WAV with Kaleidoscope",
        ),
        ("a.sud", sud, "SoundTrap SUD; convert it to WAV with SoundTrap Host"),
    ];
    for (name, bytes, message) in cases {
        for tag in [&b""[..], b"ID3\x03\0\0\0\0\0\x02xy"] {
            let path = folder.path().join(name);
            fs::write(&path, [tag, &bytes].concat()).unwrap();
            let path = path.to_str().unwrap();
            for args in [&["inspect", path][..], &["import", path, "b.zarr"]] {
                let said = run_in(folder.path(), args).exits(1).stderr;
                assert!(said.contains(&format!("cannot decode {message}")), "{args:?}: {said}");
                let is_hinted = said.contains("--decoder ffmpeg");
                assert_eq!(is_hinted, message.ends_with("ffmpeg"), "{said}");
            }
        }
    }
    assert!(!folder.path().join("b.zarr").exists());
}

#[test]
fn nothing_to_play_is_a_failure() {
    let folder = folder_with(&[]);
    fs::write(folder.path().join("a.wav"), wave(1, 16, 8000, &[], &[])).unwrap();
    let said = run_in(folder.path(), ["inspect", "a.wav"]).exits(1).stderr;
    assert!(said.contains("nothing to play"), "{said}");
    run_in(folder.path(), ["import", "a.wav", "a.zarr"]).exits(1);
}

/// A mono file with a chunk before the samples.
fn wave(tag: u16, bits: u16, rate: u32, chunk: &[u8], data: &[u8]) -> Vec<u8> {
    let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0".to_vec();
    file.extend([tag, 1].map(u16::to_le_bytes).concat());
    file.extend([rate, rate * u32::from(bits / 8)].map(u32::to_le_bytes).concat());
    file.extend([bits / 8, bits].map(u16::to_le_bytes).concat());
    file.extend(chunk);
    file.extend([b"data", &u32::try_from(data.len()).unwrap().to_le_bytes()[..], data].concat());
    file
}

/// A sine of 200 Hz at 8 kHz, four times full scale.
fn loud(path: &Path) {
    let sample = |at: u16| 4.0 * (f32::from(at % 40) * std::f32::consts::TAU / 40.0).sin();
    let data: Vec<u8> = (0..8000).map(sample).flat_map(f32::to_le_bytes).collect();
    fs::write(path, wave(3, 32, 8000, &[], &data)).unwrap();
}

/// The table of an x.wav file: raw files of half a second, the second a minute after the first.
fn harp(rate: u32) -> Vec<u8> {
    let mut chunk = vec![0; 56 + 64];
    (chunk[0], chunk[36]) = (1, 2);
    for (number, minute) in [(0, 10), (1, 11)] {
        let entry = &mut chunk[56 + 32 * number..][..32];
        entry[..6].copy_from_slice(&[11, 1, 30, 4, minute, 0]);
        entry[12..16].copy_from_slice(&8000_u32.to_le_bytes());
        entry[20..24].copy_from_slice(&rate.to_le_bytes());
    }
    [b"harp", &120_u32.to_le_bytes()[..], &chunk].concat()
}

fn store_of(file: &str) -> String {
    format!("{file}.zarr")
}

#[test]
fn the_table_of_an_x_wav_file_states_its_start() {
    let folder = folder_with(&[]);
    let start = |name: &str, [year, month, day]: [u8; 3], options: &[&str]| {
        let mut table = harp(8000);
        table[8 + 56..8 + 59].copy_from_slice(&[year, month, day]);
        table[8 + 56 + 32..8 + 59 + 32].copy_from_slice(&[year, month, day]);
        let file = wave(1, 16, 8000, &table, &[1; 16_000]);
        fs::write(folder.path().join(name), file).unwrap();
        let import = ["import", name, "a.zarr", "--name", "a"];
        let said = run_in(folder.path(), [&import[..], options].concat()).exits(0).stderr;
        let info = run_in(folder.path(), ["info", "a.zarr/a", "--json"]).exits(0);
        fs::remove_dir_all(folder.path().join("a.zarr")).unwrap();
        let start = &info.lines("info")[0]["start"];
        let text = |field: &str| start[field].as_str().unwrap_or_default().to_owned();
        (text("utc"), text("source"), said)
    };
    let by_harp = ("2011-01-30T04:10:00Z".to_owned(), "harp".to_owned());
    for (name, options, is_other) in [
        ("site_110130_041000.x.wav", &[][..], false),
        ("site_110130_041000.x.wav", &["--tz", "+05:00"], false),
        ("20110130_041500.wav", &[], true),
        ("x.wav", &["--time-from", "harp"], false),
    ] {
        let (utc, source, said) = start(name, [11, 1, 30], options);
        assert_eq!((utc, source), by_harp, "{name}");
        assert_eq!(said.contains(" from file name differs by 300 s"), is_other, "{said}");
        assert!(!said.contains("may mean"), "{said}");
    }
    let name = "site_110130_041000.x.wav";
    let by_name = ["--time-from", "file-name", "--tz", "UTC"];
    assert_eq!(start(name, [12, 1, 30], &by_name).0, "2011-01-30T04:10:00Z");
    for (date, is_table) in [([0, 1, 1], true), ([160, 1, 1], true), ([0; 3], false)] {
        let (utc, source, said) = start(name, date, &["--tz", "UTC"]);
        assert_eq!((&*utc, &*source), ("2011-01-30T04:10:00Z", "file name"));
        assert_eq!(said.contains("in harp is not a time that can be used"), is_table, "{said}");
        assert_eq!(said.contains("the table of raw files is invalid"), !is_table, "{said}");
    }
}

/// The messages of `inspect` and of `import`.
fn findings(folder: &Path, file: &str) -> [Vec<String>; 2] {
    let inspected = run_in(folder, ["inspect", file, "--json"]).exits(0).lines("finding");
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let inspected = inspected
        .iter()
        .map(|line| format!("stream {}: {}", line["stream"], text(&line["message"])));
    let imported =
        run_in(folder, ["import", file, &store_of(file), "--json"]).exits(0).lines("file");
    let imported = imported[0]["findings"].as_array().cloned().unwrap_or_default();
    [inspected.collect(), imported.iter().map(text).collect()]
}

#[test]
fn inspect_and_import_report_the_same() {
    let folder = folder_with(&[]);
    loud(&folder.path().join("loud.wav"));
    let data = vec![1; 16_000];
    for (name, rate) in [("duty.x.wav", 8000), ("other-rate.x.wav", 16_000)] {
        fs::write(folder.path().join(name), wave(1, 16, 8000, &harp(rate), &data)).unwrap();
    }
    let fast = wave(1, 16, 96_000, &[], &data);
    fs::write(folder.path().join("2020-01-02_03-04-05_20210101_000000.wav"), fast).unwrap();
    for (name, count) in [
        ("loud.wav", 1),
        ("duty.x.wav", 1),
        ("other-rate.x.wav", 2),
        ("2020-01-02_03-04-05_20210101_000000.wav", 1),
    ] {
        let [inspected, imported] = findings(folder.path(), name);
        assert_eq!(inspected, imported, "{name}");
        assert!(inspected.len() >= count, "{name}: {inspected:?}");
        if name == "duty.x.wav" {
            let said = "not continuous: 1 gaps of 59.500 s in all between 2 raw files";
            assert!(inspected[0].contains(said), "{inspected:?}");
        }
    }
    for name in ["golden/trio.opus", "opus-hd.opus", "wave/no-size-guano.wav", "wave/cut-off.aifc"]
    {
        let copy = folder.path().join(format!("copy{}", name.len()));
        fs::copy(testdata(name), &copy).unwrap();
        let [inspected, imported] = findings(folder.path(), copy.to_str().unwrap());
        assert_eq!(inspected, imported, "{name}");
        assert!(!inspected.is_empty(), "{name}");
    }
}

#[test]
fn sixteen_bits_do_not_limit_silently() {
    let folder = folder_with(&[]);
    loud(&folder.path().join("a.wav"));
    run_in(folder.path(), ["import", "a.wav", "a.zarr"]).exits(0);
    for (args, is_limited) in [
        (&["extract", "a.zarr/a", "-o", "b.wav"][..], true),
        (&["extract", "a.zarr/a", "-o", "b.flac"], true),
        (&["export", "a.zarr/a", "-o", "c.wav"], true),
        (&["export", "a.zarr/a", "-o", "d.wav", "--bits", "float32"], false),
        (&["extract", "a.zarr/a", "-o", "e.wav", "--bits", "float32"], false),
    ] {
        let said = run_in(folder.path(), args).exits(0).stderr;
        let warning = "samples reach full scale, the first at sample ";
        assert_eq!(said.contains(warning), is_limited, "{args:?}: {said}");
        assert_eq!(said.contains("--bits float32 keeps it"), is_limited);
    }
    let float = fs::read(folder.path().join("d.wav")).unwrap();
    assert_eq!(float[20..22], [3, 0]);
    assert_eq!(float, fs::read(folder.path().join("e.wav")).unwrap());
}

/// Makes a file with two tracks, the first of two seconds and the second of one.
fn two_tracks(folder: &Path, name: &str, codecs: [&str; 2]) -> Vec<u8> {
    let path = folder.join(name);
    let noise = |seconds| format!("anoisesrc=r=48000:a=0.1:d={seconds}");
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", &noise(2), "-f", "lavfi", "-i", &noise(1)])
        .args(["-map", "0", "-map", "1", "-strict", "-2"])
        .args(["-c:a:0", codecs[0], "-c:a:1", codecs[1]])
        .arg(&path)
        .status()
        .unwrap();
    assert!(status.success());
    fs::read(path).unwrap()
}

/// Makes every head of Opus unusable.
fn spoil_heads(file: &[u8], is_mp4: bool) -> Vec<u8> {
    let mut file = file.to_vec();
    // No channels.
    let (magic, channels) = if is_mp4 { (&b"dOps"[..], 5) } else { (&b"OpusHead"[..], 9) };
    let heads = (0..file.len()).filter(|at| file[*at..].starts_with(magic)).collect::<Vec<_>>();
    assert!(!heads.is_empty());
    heads.into_iter().for_each(|at| file[at + channels] = 0);
    file
}

#[test]
fn other_audio_is_imported_if_no_opus_can_be() {
    if Command::new("ffmpeg").arg("-version").output().is_err() {
        return say_skipped("other audio beside Opus: ffmpeg is not installed");
    }
    let folder = folder_with(&[]);
    for (extension, codecs) in [
        ("ogg", &["libvorbis", "flac"][..]),
        ("mkv", &["libvorbis", "flac", "aac", "pcm_s16le"]),
        ("webm", &["libvorbis"]),
        ("mp4", &["aac", "flac", "alac"]),
    ] {
        for (codec, place) in codecs.iter().flat_map(|codec| [(codec, 0), (codec, 1)]) {
            let mut both = [*codec, "libopus"];
            both.rotate_left(place);
            let name = format!("{codec}{place}.{extension}");
            let good = two_tracks(folder.path(), &name, both);
            let [inspected, imported] = findings(folder.path(), &name);
            let other = |line: &String| line.contains("ignored") || line.contains("left out");
            assert!(imported.iter().any(other), "{name}: {imported:?}");
            assert_eq!(sorted(inspected), sorted(imported), "{name}");

            let mut bad = spoil_heads(&good, extension == "mp4");
            if extension == "ogg" {
                bad = with_checksums(&bad);
            }
            let name = format!("bad-{name}");
            fs::write(folder.path().join(&name), bad).unwrap();
            let [inspected, imported] = findings(folder.path(), &name);
            assert!(!imported.iter().any(other), "{name}: {imported:?}");
            let said = |line: &String| line.contains("does not allow 0 channels");
            assert_eq!(imported.iter().filter(|line| said(line)).count(), 1, "{imported:?}");
            assert_eq!(sorted(inspected), sorted(imported), "{name}");
            let seconds = run_in(folder.path(), ["list", &store_of(&name), "--json"]);
            let seconds = seconds.exits(0).lines("recording")[0]["seconds"].as_f64().unwrap();
            let expected = if place == 0 { 2.0 } else { 1.0 };
            assert!((seconds - expected).abs() < 0.1, "{name}: {seconds}");
        }
    }
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

/// Corrects the checksums of Ogg pages.
fn with_checksums(file: &[u8]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), file);
    while !rest.is_empty() {
        let lacing = &rest[27..27 + usize::from(rest[26])];
        let len = 27 + lacing.len() + lacing.iter().map(|one| usize::from(*one)).sum::<usize>();
        let mut page = rest[..len].to_vec();
        page[22..26].fill(0);
        let sum = page.iter().fold(0_u32, |sum, byte| {
            let shift = |sum: u32, _| sum << 1 ^ if sum >> 31 == 1 { 0x04c1_1db7 } else { 0 };
            (0..8).fold(sum ^ u32::from(*byte) << 24, shift)
        });
        page[22..26].copy_from_slice(&sum.to_le_bytes());
        out.extend(page);
        rest = &rest[len..];
    }
    out
}
