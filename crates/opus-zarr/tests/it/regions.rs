//! Tables of regions, in every layout and form.

mod matching;

use std::{fs, path::Path};

use opus_zarr::{
    ImportOptions, Recording, Region, RegionSource, RegionTable, Store, import, unwatched,
};
use opus_zarr_testkit::tables::{CALLS, Call, Form, Written, tables_of};
use tempfile::TempDir;

/// Imports so much silence from a file of this name.
fn silence(store: &Store, folder: &Path, file: &str, name: &str, milliseconds: u32) -> Recording {
    let path = folder.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(&path, spec).unwrap();
    (0..8 * milliseconds).for_each(|_| writer.write_sample(0i16).unwrap());
    writer.finalize().unwrap();
    import(path, store, name, &ImportOptions::default(), unwatched).unwrap().into_first()
}

fn recording() -> (TempDir, Recording) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_or_create(folder.path().join("store")).unwrap();
    let recording = silence(&store, folder.path(), "a.wav", "a", 30_000);
    (folder, recording)
}

fn regions(text: &str) -> Vec<Region> {
    let table = RegionTable::parse(text.as_bytes()).unwrap();
    table.rows.into_iter().map(Result::unwrap).collect()
}

#[track_caller]
fn check(region: &Region, call: &Call, table: &Written, recording: &Recording) {
    let range = recording.select(&region.selection).unwrap();
    assert_eq!(range, 48 * call.start_ms..48 * call.end_ms);
    assert_eq!(region.label.as_deref(), Some(call.scientific));
    let score = table.has_score.then(|| format!("{}.{:02}", call.score / 100, call.score % 100));
    assert_eq!(region.score, score.map(|score| score.parse().unwrap()));
    let frequencies = [call.low_hz, call.high_hz].map(|hz| hz.to_string().parse().unwrap());
    let expected = if table.has_frequencies { frequencies.map(Some) } else { [None; 2] };
    assert_eq!([region.low_hz, region.high_hz], expected);
    assert!(region.channel.is_none_or(|channel| channel == 1));
    match &region.source {
        RegionSource::File(file) => {
            let path = format!("{}/{}", call.folder, call.file);
            assert!(file.replace('\\', "/").ends_with(&format!("data/{path}")), "{file}");
        }
        source => assert_eq!((source, table.has_file), (&RegionSource::Unnamed, false)),
    }
}

#[test]
fn the_same_calls_are_the_same_regions_in_every_layout_and_form() {
    let (_folder, recording) = recording();
    for written in tables_of(&CALLS) {
        for form in Form::all() {
            if !written.has_file && form.delimiter != '\t' {
                continue;
            }
            let table = RegionTable::parse(&written.bytes(form)).unwrap();
            assert_eq!(table.layout, Some(written.program), "{form:?}");
            assert_eq!(table.rows.len(), CALLS.len(), "{}: {form:?}", written.program);
            for (row, call) in table.rows.iter().zip(&CALLS) {
                check(row.as_ref().unwrap(), call, &written, &recording);
            }
        }
    }
}

#[test]
fn columns_may_be_renamed_and_in_any_order() {
    let [region] = &regions("AUTO.ID,in_file,Duration,INDIR,Offset\nPippip,a.wav,2,C:\\x,1\n")[..]
    else {
        panic!()
    };
    assert_eq!(region.source, RegionSource::File("C:\\x/a.wav".to_owned()));
    assert_eq!(
        (region.label.as_deref(), &*region.selection.to_string()),
        (Some("Pippip"), "1..+2")
    );
}

#[test]
fn a_selection_counts_once_however_many_views_list_it() {
    let names = "Selection\tView\tBegin Time (s)\tEnd Time (s)\tSpecies\n";
    let of = |rows: &str| {
        let table = RegionTable::parse(format!("{names}{rows}").as_bytes()).unwrap();
        let labels = table.rows.iter().map(|row| row.as_ref().unwrap().label.clone().unwrap());
        (labels.collect::<Vec<_>>().join(" "), table.repeats)
    };
    // Sorted by selection, or by view.
    assert_eq!(
        of("1\tW\t1\t2\ta\n1\tS\t1\t2\ta\n2\tW\t1\t2\tb\n2\tS\t1\t2\tb\n"),
        ("a b".into(), 2)
    );
    assert_eq!(
        of("1\tW\t1\t2\ta\n2\tW\t1\t2\tb\n1\tS\t1\t2\ta\n2\tS\t1\t2\tb\n"),
        ("a b".into(), 2)
    );
    // In one view only.
    assert_eq!(of("1\tS\t1\t2\ta\n2\tW\t1\t2\tb\n"), ("a b".into(), 0));
    // Joined tables count from 1 again.
    assert_eq!(of("1\tS\t1\t2\ta\n1\tS\t1\t2\tb\n"), ("a b".into(), 0));
    assert_eq!(
        of("1\tW\t1\t2\ta\n1\tS\t1\t2\ta\n1\tW\t1\t2\tb\n1\tS\t1\t2\tb\n"),
        ("a b".into(), 2)
    );
    // Rows that name no view are all different.
    assert_eq!(of("1\t\t1\t2\ta\n1\t\t1\t2\ta\n"), ("a a".into(), 0));
}

#[test]
fn detectors_that_found_nothing_list_no_region() {
    let (nothing, call) = (Call { scientific: "nocall", common: "nocall", ..CALLS[0] }, CALLS[1]);
    let calls = [nothing, call, nothing];
    for written in tables_of(&calls) {
        let has_form = |form: &Form| written.has_file || form.delimiter == '\t';
        for form in Form::all().into_iter().filter(has_form) {
            let table = RegionTable::parse(&written.bytes(form)).unwrap();
            let labels: Vec<_> =
                table.rows.iter().map(|row| row.as_ref().unwrap().label.clone().unwrap()).collect();
            // Without a score, people chose the label.
            let expected = if written.has_score { (1, 2) } else { (3, 0) };
            let found = (labels.len(), table.nocalls);
            assert_eq!(found, expected, "{}: {form:?}: {labels:?}", written.program);
            assert_eq!(
                labels.iter().filter(|label| label.starts_with("nocall")).count() + 1,
                expected.0
            );
        }
    }
    // A frequency line of a label that was left out changes no other label.
    let labels = "0\t3\tGrus grus\t0.9\n3\t6\tnocall, nocall\t1.0\n\\\t100\t200\n";
    assert_eq!(regions(labels)[0].low_hz, None);
}

#[test]
fn places_in_the_file_win_over_times_of_a_sequence() {
    let names = "Begin Time (s)\tEnd Time (s)\tBegin File\tFile Offset (s)\n";
    let of = |row: &str| regions(&format!("{names}{row}\n"))[0].selection.to_string();
    assert_eq!(of("61.5\t63.123456789\tb.wav\t1.5"), "1.5..+1.623456789");
    // Raven rounds the place to four digits.
    assert_eq!(of("6.709509878\t15.096397225\ta.wav\t6.7095"), "6.709509878..15.096397225");
    assert_eq!(of("6.709559878\t15.096397225\ta.wav\t6.7095"), "6.7095..+8.386837347");
    let missing = RegionTable::parse(format!("{names}1\t2\tb.wav\t\n").as_bytes()).unwrap();
    assert_eq!(missing.rows[0].as_ref().unwrap_err().reason, "File Offset (s) is missing");
}

#[test]
fn times_that_may_count_over_several_files_are_refused() {
    let names = "Begin Time (s)\tEnd Time (s)\tBegin File\n";
    let bad = |rows: &str| {
        let table = RegionTable::parse(format!("{names}{rows}").as_bytes()).unwrap();
        let reasons = table.rows.iter().filter_map(|row| row.as_ref().err());
        reasons.filter(|bad| bad.reason.contains("File Offset (s)")).count()
    };
    assert_eq!(bad("1\t2\ta.wav\n31\t32\tb.wav\n"), 2);
    assert_eq!(bad("31\t32\tb.wav\n1\t2\ta.wav\n"), 2);
    // In a sequence, files do not overlap.
    assert_eq!(bad("1\t9\ta.wav\n5\t6\tb.wav\n"), 0);
    assert_eq!(bad("1\t2\ta.wav\n31\t32\ta.wav\n"), 0);
}

#[test]
fn classes_become_labels() {
    let of = |rows: &str| {
        let text = format!("file,start_time,end_time,wren,robin\na.wav,0,3,{rows}\n");
        let region = regions(&text).remove(0);
        (region.label.unwrap_or_default(), region.score.map(|score| score.to_string()))
    };
    assert_eq!(of("0.25,1.5"), ("robin".into(), Some("1.5".into())));
    assert_eq!(of("-0.25,-1.5"), ("wren".into(), Some("-0.25".into())));
    assert_eq!(of("1,1"), ("wren+robin".into(), Some("1".into())));
    assert_eq!(of("False,True"), ("robin".into(), Some("1".into())));
    assert_eq!(of("0,0"), (String::new(), None));
    assert_eq!(of(",nan"), (String::new(), None));
}

#[test]
fn labels_of_audacity_may_lack_parts() {
    let table = "1.5\t1.5\n2,25\t4,5\ta \"b\n\\\t-1.000000\t6334.5\n\"x\"\ty\n3\n";
    let table = RegionTable::parse(table.as_bytes()).unwrap();
    let [Ok(point), Ok(region), Err(bad), Err(short)] = &table.rows[..] else {
        panic!("{table:?}")
    };
    assert_eq!((point.selection.to_string(), &point.label), ("1.5..1.5".to_owned(), &None));
    assert_eq!((region.line, region.selection.to_string()), (2, "2.25..4.5".to_owned()));
    assert_eq!(region.label.as_deref(), Some("a \"b"));
    assert_eq!((region.low_hz, region.high_hz), (None, Some(6334.5)));
    assert_eq!((bad.line, short.line), (4, 5));
}

#[test]
fn quotes_cost_no_row_in_silence() {
    // Between tabs a label may begin with a quote, as Raven writes it.
    let raven = "Begin Time (s)\tEnd Time (s)\tSpecies\n1\t2\t\"x\n2\t3\t\"y \"\"z\"\"\"\n";
    let labels: Vec<_> = regions(raven).into_iter().map(|region| region.label.unwrap()).collect();
    assert_eq!(labels, ["\"x", "y \"z\""]);
    let open = "start,end,label\n1,2,a\n2,3,\"b\n3,4,c\n";
    let table = RegionTable::parse(open.as_bytes()).unwrap();
    let [Ok(_), Err(bad)] = &table.rows[..] else { panic!("{table:?}") };
    assert_eq!((bad.line, bad.reason.contains("never closed")), (3, true), "{bad}");
    // Several lines in a cell are no fault.
    let lines = "start,end,comment\n1,2,\"a\nb\"\n3,4,\"c\nd\"\n";
    assert_eq!(regions(lines).iter().map(|region| region.line).collect::<Vec<_>>(), [2, 4]);
}

#[test]
fn text_of_spreadsheets_is_read() {
    // Windows-1252, and a line that is UTF-8 all the same.
    let text = b"Start (s);End (s);Common name\n0,5;1,5;Wei\xdfstorch\n1;2;Gr\xc3\xbcnfink\n";
    let table = RegionTable::parse(text).unwrap();
    let labels = table.rows.iter().map(|row| row.as_ref().unwrap().label.as_deref().unwrap());
    assert_eq!(labels.collect::<Vec<_>>(), ["Weißstorch", "Grünfink"]);
    // A row after a NUL is not lost.
    let nul = RegionTable::parse(b"start,end,label\n1,2,\xff\0b\n3,4,c\n").unwrap();
    assert_eq!(nul.rows.len(), 2);
}

#[test]
fn empty_tables_have_no_rows() {
    for text in ["", "\n", "\u{feff}", " \r\n\r\n"] {
        assert_eq!(
            RegionTable::parse(text.as_bytes()).unwrap(),
            RegionTable::default(),
            "{text:?}"
        );
    }
    assert_eq!(RegionTable::parse(b"\xff\xfe").unwrap(), RegionTable::default());
    for written in tables_of(&[]).iter().filter(|written| written.has_file) {
        let table = RegionTable::parse(&written.bytes(Form::PLAIN)).unwrap();
        assert_eq!((table.layout, table.rows.len()), (Some(written.program), 0));
    }
}

#[test]
fn unknown_columns_are_listed() {
    for text in ["from,to\n1,2\n", "from;to\n", "from\tto\n1\t2\n"] {
        let message = RegionTable::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(message.contains("found columns \"from, to\""), "{message}");
        assert!(message.contains("Raven (Begin Time (s), End Time (s))"), "{message}");
        assert_eq!(message.lines().count(), 1);
    }
    let wide = RegionTable::parse(&[b"x,".repeat(9999), b"\n".to_vec()].concat()).unwrap_err();
    assert!(wide.to_string().len() < 1500, "{wide}");
}
