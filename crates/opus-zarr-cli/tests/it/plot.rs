use opus_zarr_testkit::{recordings::import_to, wave::wave};
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use crate::sound::write_tones;
use crate::support::{NOTES, folder_with, run_in, testdata};

const CHIRPS: &str = "chirps-stereo.opus";
const KINDS: [&str; 3] = ["spectrogram", "waveform", "bitrate"];

#[test]
fn all_kinds_are_pictures_of_the_requested_size() {
    let folder = folder_with(&[(CHIRPS, "chirps")]);
    let pictures = KINDS.map(|kind| {
        let file = format!("{kind}.png");
        let args = ["plot", "a.zarr/chirps", "-o", &file, "--kind", kind, "--size", "640x320"];
        let args = args.into_iter().chain(["--samples", "48000..432000", "--json"]);
        let outcome = run_in(folder.path(), args).exits(0);
        let line = &outcome.lines("plotted")[0];
        assert_eq!((&line["kind"], &line["recording"]), (&kind.into(), &"a.zarr/chirps".into()));
        assert_eq!((&line["start_sample"], &line["end_sample"]), (&48_000.into(), &432_000.into()));
        let bytes = fs::read(folder.path().join(&file)).unwrap();
        assert_eq!(line["bytes"], bytes.len());
        assert!(line["columns"].as_u64().unwrap() > 400);
        // The header of a PNG: its signature, and the size.
        assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x80\0\0\x01\x40"));
        decoded(&bytes)
    });
    assert!(pictures[0] != pictures[1] && pictures[1] != pictures[2]);
    assert_eq!(files(folder.path()), ["a.zarr", "bitrate.png", "spectrogram.png", "waveform.png"]);
}

#[test]
fn audio_lost_in_the_source_is_shaded() {
    let folder = folder_with(&[(NOTES, "whole")]);
    let mut damaged = fs::read(testdata("field-notes.opus")).unwrap();
    let tenth = damaged.windows(4).enumerate().filter(|(_, four)| four == b"OggS").nth(9).unwrap();
    let byte = tenth.0 + 60;
    damaged[byte] ^= 1;
    fs::write(folder.path().join("damaged.opus"), damaged).unwrap();
    let file = folder.path().join("damaged.opus");
    import_to(file, folder.path().join("a.zarr"), "lost").unwrap();
    for kind in KINDS {
        let reds = ["whole", "lost"].map(|name| {
            let place = format!("a.zarr/{name}");
            let args = ["plot", &place, "-o", "it.png", "--kind", kind, "--force"];
            run_in(folder.path(), args).exits(0);
            let pixels = decoded(&fs::read(folder.path().join("it.png")).unwrap());
            let is_red = |pixel: &&[u8]| {
                pixel[0] > 140 && pixel[0].saturating_sub(40) > pixel[1].max(pixel[2])
            };
            pixels.chunks(3).filter(is_red).count()
        });
        // A second of 33, in a picture of 1600 x 600.
        assert!(reds[1] > reds[0] + 10_000, "{kind}: {reds:?}");
    }
}

#[test]
fn standard_output_holds_only_the_picture() {
    let folder = folder_with(&[(NOTES, "notes")]);
    let args = ["plot", "a.zarr/notes", "--kind", "waveform", "-o"];
    run_in(folder.path(), args.iter().chain(&["it.png"])).exits(0);
    let mut command = Command::new(env!("CARGO_BIN_EXE_opus-zarr"));
    command.current_dir(folder.path()).args(args).args(["-", "--json"]).stdin(Stdio::null());
    let output = command.output().unwrap();
    assert!(output.stdout == fs::read(folder.path().join("it.png")).unwrap());
    assert!(String::from_utf8(output.stderr).unwrap().contains("\"type\":\"plotted\""));
}

#[test]
fn an_existing_file_is_kept_unless_forced() {
    let folder = folder_with(&[(NOTES, "notes")]);
    let file = folder.path().join("it.png");
    fs::write(&file, "mine").unwrap();
    let args = ["plot", "a.zarr/notes", "-o", "it.png"];
    let refused = run_in(folder.path(), args).exits(1);
    assert!(refused.stderr.contains("already exists"), "{}", refused.stderr);
    assert!(refused.stderr.contains("--force"), "{}", refused.stderr);
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    run_in(folder.path(), args.iter().chain(&["--force"])).exits(0);
    assert!(fs::read(&file).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn refused_pictures_leave_nothing() {
    let folder = folder_with(&[(NOTES, "notes")]);
    let refused = |place: &str, rest: &[&str], code: i32, says: &str| {
        let args = ["plot", place].into_iter().chain(rest.iter().copied());
        let outcome = run_in(folder.path(), args).exits(code);
        assert!(outcome.stderr.contains(says), "{rest:?}: {}", outcome.stderr);
    };
    refused("a.zarr/notes", &["-o", "it.jpg"], 2, "does not end in .png");
    refused("a.zarr/notes", &["-o", "it.png", "--size", "10x10"], 2, "320x200");
    refused("a.zarr/notes", &["-o", "it.png", "--channel", "2"], 2, "no channel 2");
    refused("a.zarr/notes", &["-o", "it.png", "--samples", "5..5"], 1, "no sample");
    refused("a.zarr/notes", &["-o", "it.png", "--samples", "5..100000000"], 1, "beyond the end");
    refused("a.zarr/notes", &["-o", "no/it.png"], 1, "cannot write \"no/it.png\"");
    refused("a.zarr/none", &["-o", "it.png"], 10, "\"none\"");
    let bitrate = ["-o", "it.png", "--kind", "bitrate", "--channel", "1"];
    refused("a.zarr/notes", &bitrate, 2, "--channel does not apply");
    assert_eq!(files(folder.path()), ["a.zarr"]);
}

/// Returns red, green and blue of all pixels.
fn decoded(bytes: &[u8]) -> Vec<u8> {
    let mut reader = png::Decoder::new(bytes).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size()];
    reader.next_frame(&mut pixels).unwrap();
    pixels
}

fn files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

/// A tone of 6 kHz is in the middle of the frequencies around it.
#[test]
fn a_spectrogram_shows_the_requested_frequencies() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_tones(&folder.join("tone.wav"), 48_000, 1, 96_000, 6000.0);
    run_in(folder, ["import", "tone.wav", "a.zarr"]).exits(0);
    let plot = |args: &str| {
        let args = format!("plot a.zarr/tone -o it.png --force --size 640x400 {args}");
        run_in(folder, args.split(' '))
    };
    // Where the picture is brightest, from the bottom of the plot to its top.
    let brightest = |args: &str| {
        plot(args).exits(0);
        let pixels = decoded(&fs::read(folder.join("it.png")).unwrap());
        let at = |x: usize, y: usize| &pixels[3 * (640 * y + x)..][..3];
        let light = |y: &usize| u32::from(at(300, *y)[0]) + u32::from(at(300, *y)[1]);
        // Within the frame of a picture of this size.
        let rows: Vec<usize> = (45..350).collect();
        let top = rows.iter().copied().max_by_key(light).unwrap();
        (350 - top) * 100 / 305
    };
    let whole = brightest("--levels -90..-20");
    let around = brightest("--frequencies 4000..8000 --levels -90..-20");
    let below = brightest("--frequencies 5500..9500 --levels -90..-20 --window 2048");
    assert!((20..32).contains(&whole), "{whole}");
    assert!((42..58).contains(&around), "{around}");
    assert!((5..20).contains(&below), "{below}");
    for (args, message) in [
        ("--frequencies 24000..30000", "only up to 24000 Hz"),
        ("--frequencies 8000..500", "such as 500..8000"),
        ("--levels -20", "expected two numbers"),
        ("--window 4", "16..=65536"),
        ("--kind waveform --window 512", "are for --kind spectrogram"),
    ] {
        let said = plot(args).exits(2).stderr;
        assert!(said.contains(message), "{args}: {said}");
    }
}

/// Two stations on two local days, with the hours recorded on each.
#[test]
fn availability_is_drawn_and_told_by_local_days() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (site, file, seconds) in [
        ("reed", "20260512_235930", 36),
        ("reed", "20260514_030000", 36),
        ("wood", "20260512_120000", 18),
    ] {
        let file = folder.join(format!("{file}.wav"));
        fs::write(&file, wave(8000, 1, &vec![0; 8000 * seconds])).unwrap();
        let note = format!("site={site}");
        let name = format!("{site}_{seconds}_{}", file.file_stem().unwrap().to_str().unwrap());
        let args = ["--tz", "Europe/Zurich", "--set", &note, "--name", &name, "--approximate"];
        let file = file.to_str().unwrap();
        run_in(folder, ["import", "--settle", "0", file, "a.zarr"].into_iter().chain(args))
            .exits(0);
    }
    let plot = |args: &str| {
        let args = format!("plot {args} --kind availability -o it.png --force --size 640x320");
        run_in(folder, args.split(' '))
    };
    let days = "a.zarr --where site=reed --tz Europe/Zurich";
    let told = plot(days).exits(0).stdout;
    let expected = "\
2026-05-12      30 s    0.03 %
2026-05-13       6 s    0.01 %
2026-05-14      36 s    0.04 %
it.png: 640 x 320 pixels, ";
    assert!(told.starts_with(expected), "{told}");
    let picture = |args: &str| {
        plot(args).exits(0);
        decoded(&fs::read(folder.join("it.png")).unwrap())
    };
    let blue = |pixels: &[u8]| {
        let is_blue = |pixel: &&[u8]| pixel[2].saturating_sub(40) > pixel[0];
        pixels.chunks(3).filter(is_blue).count()
    };
    let (by_days, by_site) = (picture(days), picture("a.zarr --by site"));
    assert!(by_days != by_site && blue(&by_days) > 100 && blue(&by_site) > 100);

    let lines = plot("a.zarr --by site --json").exits(0);
    let told: Vec<_> = lines
        .lines("available")
        .iter()
        .map(|line| {
            (line["value"].to_string(), line["date"].to_string(), line["seconds"].to_string())
        })
        .collect();
    assert_eq!(told.len(), 6, "{told:?}");
    assert!(
        told.contains(&("\"wood\"".into(), "\"2026-05-12\"".into(), "18.0".into())),
        "{told:?}"
    );
    assert_eq!(lines.lines("plotted_time")[0]["kind"], "availability");

    for (args, code, message) in [
        ("a.zarr/reed_36_20260514_030000", 2, "is one recording"),
        ("a.zarr --where site=lake", 10, "no recording of known start time"),
        ("a.zarr --utc 0001-01-01T00:00:00Z..", 2, "days cannot be drawn"),
        ("a.zarr --time 0..5", 1, "expected a time of day"),
    ] {
        let said = plot(args).exits(code).stderr;
        assert!(said.contains(message), "{args}: {said}");
    }
    let refused =
        run_in(folder, "plot a.zarr/reed_36_20260514_030000 --by site -o x.png".split(' '));
    assert!(refused.exits(2).stderr.contains("is for --kind availability"));
}

/// Two seconds with a tone, from one recording to the next, then nothing, then half a second of it.
#[test]
fn a_range_of_time_is_drawn_across_recordings() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (name, samples) in
        [("20260512_030000", 48_000), ("20260512_030001", 48_000), ("20260512_030003", 24_000)]
    {
        write_tones(&folder.join(format!("{name}.wav")), 48_000, 1, samples, 6000.0);
        let args = format!("import {name}.wav a.zarr --tz +02:00 --set site=reed");
        run_in(folder, args.split(' ')).exits(0);
    }
    run_in(folder, ["catalogue", "a.zarr", "-o", "c.csv"]).exits(0);
    let plot = |args: &str| {
        let args = format!("plot {args} -o it.png --force --size 640x400");
        run_in(folder, args.split(' '))
    };
    let picture = |args: &str| {
        let done = plot(&format!("{args} --json")).exits(0);
        let line = &done.lines("plotted_time")[0];
        assert_eq!(line["start"], "2026-05-12T01:00:00Z");
        assert_eq!(line["end"], "2026-05-12T01:00:04Z");
        decoded(&fs::read(folder.join("it.png")).unwrap())
    };
    let range = "--utc 03:00:00..03:00:04 --on 2026-05-12 --tz +02:00";
    // In the middle of the plot, where the tone is and where nothing was recorded.
    let at = |pixels: &[u8], tenths: usize| -> [u8; 3] {
        pixels[3 * (640 * 100 + 61 + tenths * 14)..][..3].try_into().unwrap()
    };
    let waveform = picture(&format!("a.zarr --kind waveform {range}"));
    for (tenths, is_recorded) in [
        (2, true),
        (9, true),
        (11, true),
        (19, true),
        (22, false),
        (28, false),
        (33, true),
        (37, false),
    ] {
        assert_eq!(at(&waveform, tenths) != [238; 3], is_recorded, "{tenths}");
    }
    let spectrogram = picture(&format!("a.zarr/2026* {range}"));
    assert!(spectrogram == picture(&format!("a.zarr --where site=reed --catalogue c.csv {range}")));
    assert!(spectrogram != picture(&format!("a.zarr {range} --frequencies 5000..7000")));
    for (args, message) in [
        (format!("a.zarr --kind bitrate {range}"), "is not one recording"),
        ("a.zarr".to_owned(), "is not one recording"),
        (format!("a.zarr --channel 2 {range}"), "a.zarr has no channel 2, only 1"),
        (format!("a.zarr/20260512_030000 --where site=reed {range}"), "is one recording"),
    ] {
        let said = plot(&args).exits(2).stderr;
        assert!(said.contains(message), "{args}: {said}");
    }
}

/// Sources of 16 kHz hold no sound above 8 kHz, so a tone of 6 kHz is high up in the picture; the one
/// with the highest rate decides.
#[test]
fn a_range_of_time_shows_the_frequencies_that_its_recordings_have() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (number, rate) in [16_000, 16_000, 32_000, 48_000].into_iter().enumerate() {
        let name = format!("20260512_03000{number}");
        write_tones(&folder.join(format!("{name}.wav")), rate, 1, rate, 6000.0);
        run_in(folder, format!("import {name}.wav a.zarr --tz UTC").split(' ')).exits(0);
    }
    for (seconds, share) in [(2, 75), (3, 37), (4, 25)] {
        let args = format!(
            "plot a.zarr --utc 2026-05-12T03:00:00Z..+{seconds} -o it.png --force --size 640x400 --levels -90..-20"
        );
        run_in(folder, args.split(' ')).exits(0);
        let pixels = decoded(&fs::read(folder.join("it.png")).unwrap());
        let light = |y: &usize| {
            let pixel = &pixels[3 * (640 * y + 120)..][..3];
            u32::from(pixel[0]) + u32::from(pixel[1])
        };
        let top = (45..350).max_by_key(light).unwrap();
        assert!(((350 - top) * 100 / 305).abs_diff(share) < 7, "{seconds}: {top}");
    }
}
