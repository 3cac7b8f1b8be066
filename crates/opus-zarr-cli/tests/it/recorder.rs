//! What recorders wrote into files, before and after an import.

use std::fs;

use opus_zarr_testkit::wave::wave;
use serde_json::json;
use tempfile::TempDir;

use crate::{
    import::import,
    support::{NOTES, folder_with, run_in, testdata},
};

/// Adds chunks to a WAVE file, before its samples.
pub(crate) fn with_chunks(mut file: Vec<u8>, chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut added = Vec::new();
    for (id, content) in chunks {
        added.extend(*id);
        added.extend(u32::try_from(content.len()).unwrap().to_le_bytes());
        added.extend(*content);
        added.resize(added.len().next_multiple_of(2), 0);
    }
    file.splice(36..36, added);
    let size = u32::try_from(file.len() - 8).unwrap();
    file[4..8].copy_from_slice(&size.to_le_bytes());
    file
}

pub(crate) fn info_list(texts: &[(&[u8; 4], &str)]) -> Vec<u8> {
    let mut list = b"INFO".to_vec();
    for (id, text) in texts {
        list.extend(*id);
        list.extend(u32::try_from(text.len() + 1).unwrap().to_le_bytes());
        list.extend(text.as_bytes());
        list.push(0);
        list.resize(list.len().next_multiple_of(2), 0);
    }
    list
}

pub(crate) fn bext(description: &str, date: &str, time: &str, time_reference: u64) -> Vec<u8> {
    let mut chunk = vec![0; 602];
    chunk[..description.len()].copy_from_slice(description.as_bytes());
    chunk[320..330].copy_from_slice(date.as_bytes());
    chunk[330..338].copy_from_slice(time.as_bytes());
    chunk[338..346].copy_from_slice(&time_reference.to_le_bytes());
    chunk
}

pub(crate) const GUANO: &str = "GUANO|Version: 1.0\nMake: Titley\nModel: Chorus\nLoc Position: -46.5 7.25\n\
     Temperature Int: 14.5\nNote: x\u{1b}[31mred\n";
const AUDIOMOTH: &str = "Recorded at 19:30:00 12/11/2021 (UTC+1) by AudioMoth 248D9B045EC9EE79 at \
     medium gain while battery was 4.1V and temperature was 14.0C.";

/// A folder with a file of a second of silence that holds all kinds of metadata.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let list = info_list(&[(b"IART", "Ann"), (b"ICMT", AUDIOMOTH)]);
    let bext = bext("Marsh", "2021-11-12", "19:30:00", 0);
    let ixml = b"<BWFXML><SCENE>dawn</SCENE></BWFXML>";
    let chunks: [(&[u8; 4], &[u8]); 4] =
        [(b"guan", GUANO.as_bytes()), (b"LIST", &list), (b"bext", &bext), (b"iXML", ixml)];
    let file = with_chunks(wave(48_000, 1, &[0; 48_000]), &chunks);
    fs::write(folder.path().join("a.wav"), file).unwrap();
    folder
}

fn field(part: &str, name: &str, value: &str) -> serde_json::Value {
    json!({ "part": part, "name": name, "value": value })
}

#[test]
fn recorders_are_described_before_and_after_an_import() {
    let folder = folder();
    import(folder.path(), &["a.wav", "a.zarr"]).exits(0);
    let json = |args: &[&str]| run_in(folder.path(), args).exits(0);
    let inspected = json(&["inspect", "a.wav", "--json"]).lines("recorder").remove(0);
    let recorder =
        json(&["info", "a.zarr/a", "--json"]).lines("info").remove(0)["recorder"].clone();
    for found in [&inspected, &recorder] {
        assert_eq!(found["device"], "Titley Chorus");
        assert_eq!((&found["latitude"], &found["longitude"]), (&json!(-46.5), &json!(7.25)));
        assert_eq!(found["battery_volts"], 4.1);
        assert_eq!(found["temperature_celsius"], 14.5);
        assert_eq!(found["serial"], "248D9B045EC9EE79");
        let fields = found["fields"].as_array().unwrap();
        for expected in [
            field("guano", "Loc Position", "-46.5 7.25"),
            field("bext", "description", "Marsh"),
            field("ixml", "SCENE", "dawn"),
            field("audiomoth", "gain", "medium"),
            field("audiomoth", "temperature", "14.0 °C"),
        ] {
            assert!(fields.contains(&expected), "{expected}: {fields:?}");
        }
    }
    assert_eq!(inspected["fields"], recorder["fields"]);

    let text = json(&["info", "a.zarr/a"]).stdout;
    for line in [
        "recorder  Titley Chorus, serial 248D9B045EC9EE79",
        "position  46.5° S, 7.25° E",
        "battery   4.1 V",
        "temp      14.5 °C",
        "guano     Note = x [31mred",
        "tag       ARTIST=Ann",
        "bext      description = Marsh",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    let text = json(&["inspect", "a.wav"]).stdout;
    for line in ["  position 46.5° S, 7.25° E", "  tag ARTIST = Ann", "  bext description = Marsh"]
    {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn several_are_described_and_a_bad_one_stops_no_other() {
    let folder = folder_with(&[(NOTES, "a"), (NOTES, "b")]);
    let run = |args: &[&str], code| run_in(folder.path(), args).exits(code);
    let lines = run(&["info", "a.zarr/a", "a.zarr/none", "a.zarr/b", "--json"], 3).lines("info");
    assert_eq!((lines.len(), &lines[1]["name"]), (2, &json!("b")));
    let both = run(&["info", "a.zarr/a", "a.zarr/b"], 0).stdout;
    let one = run(&["info", "a.zarr/a"], 0).stdout;
    assert!(both.starts_with(&format!("{one}\nname      b\n")), "{both}");
    let fields = run(&["info", "a.zarr/a", "a.zarr/b", "--field", "channels"], 0);
    assert_eq!(fields.stdout, "1\n1\n");
    run(&["info", "a.zarr/a", "a.zarr/b", "--packets"], 2);

    let at = |file: &str| testdata(file).to_str().unwrap().to_owned();
    let (notes, broken, wave) = (at(NOTES), at("README.md"), at("wave/whole.wav"));
    let text = run(&["inspect", &notes, &broken, &wave], 3);
    let alone = run(&["inspect", &notes], 0).stdout;
    assert!(text.stdout.starts_with(&format!("{notes}:\n{alone}")), "{}", text.stdout);
    assert!(text.stdout.contains(&format!("{wave}:\npcm_")), "{}", text.stdout);
    assert!(text.stderr.ends_with("1 of 3 failed\n"), "{}", text.stderr);
    assert!(!alone.contains(&notes), "{alone}");
}

/// A detector that plays ten times slower than it records.
#[test]
fn time_expanded_files_have_their_true_length() {
    let folder = tempfile::tempdir().unwrap();
    let file =
        with_chunks(wave(38_400, 1, &[0; 76_800]), &[(b"guan", b"GUANO|Version: 1.0\nTE: 10\n")]);
    fs::write(folder.path().join("a.wav"), file).unwrap();
    let run = |args: &[&str]| run_in(folder.path(), args).exits(0);
    let audio = run(&["inspect", "a.wav", "--json"]).lines("audio").remove(0);
    let found = (&audio["rate"], &audio["samples"], &audio["seconds"], &audio["time_expansion"]);
    assert_eq!(found, (&json!(38_400), &json!(76_800), &json!(0.2), &json!(10)));
    let text = run(&["inspect", "a.wav"]).stdout;
    let expected = "0:00.200: 76800 samples, read by ";
    assert!(
        text.contains(expected)
            && text.contains(", plays 10 times slower than it was sampled, at 384000 Hz"),
        "{text}"
    );
    import(folder.path(), &["a.wav", "a.zarr"]).exits(0);
    let info = run(&["info", "a.zarr/a"]).stdout;
    assert!(
        info.contains("length    0:00.200, 96000 samples\nrate      480000 samples per"),
        "{info}"
    );
}

#[test]
fn lost_ultrasound_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("card")).unwrap();
    for (name, rate) in [("a", 96_000), ("b", 48_000), ("c", 250_000)] {
        fs::write(at(&format!("card/{name}.wav")), wave(rate, 1, &[0; 9600])).unwrap();
    }
    let import = |args: &[&str]| import(folder.path(), args).exits(0);
    let line = "\ndownsampled    2   lost frequencies above 20 kHz; import with --ultrasonic keep";
    let all = import(&["-r", "card", "a.zarr"]);
    assert!(all.stdout.contains(line), "{}", all.stdout);
    let all = import(&["-r", "card", "b.zarr", "--json"]);
    assert_eq!(all.lines("summary")[0]["downsampled"], 2);
    let lost = |line: &serde_json::Value| line["is_downsampled"] == true;
    assert_eq!(all.lines("file").iter().filter(|line| lost(line)).count(), 2);
    let kept = import(&["-r", "card", "c.zarr", "--ultrasonic", "keep"]);
    assert!(!kept.stdout.contains("downsampled"), "{}", kept.stdout);
    let one = import(&["card/a.wav", "d.zarr"]);
    assert!(one.stderr.contains("--ultrasonic keep"), "{}", one.stderr);
    let info = run_in(folder.path(), ["info", "c.zarr/c"]).exits(0).stdout;
    assert!(
        info.contains("9600 samples\nrate      250000 samples") && !info.contains("at 48 kHz"),
        "{info}"
    );
    assert!(info.contains("by libopus 1.3.1, "), "{info}");
}
