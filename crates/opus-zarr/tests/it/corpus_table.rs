//! The outcome of importing every real file with Opus in any container, as a table in the
//! repository: `testdata/corpus.tsv`. After an intended change,
//! `OPUS_ZARR_WRITE_TABLE=1 cargo test -p opus-zarr corpus_table` rewrites it.

use std::{collections::BTreeMap, env, fmt::Write, fs};

use opus_zarr::Recording;
use opus_zarr_testkit::{
    stored::{Stored, StoredFinding, every_stored_file},
    testdata,
};

const COLUMNS: &str = "file\tstream\tcontainer\tchannels\tmapping_family\tpackets\tcoded\tpre_skip\tend_trim\tplays\tlost\tstored\tfindings";

#[test]
fn every_import_matches_the_table() {
    let Some(files) = every_stored_file() else { return };
    let mut table = format!("{COLUMNS}\n");
    for file in &files {
        rows(file).iter().for_each(|row| writeln!(table, "{row}").unwrap());
    }
    let path = testdata("corpus.tsv");
    if env::var_os("OPUS_ZARR_WRITE_TABLE").is_some() {
        fs::write(&path, &table).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap();
    let differences: Vec<_> =
        expected.lines().zip(table.lines()).filter(|(expected, found)| expected != found).collect();
    assert!(differences.is_empty(), "left expected, right found: {differences:#?}");
    assert_eq!(expected.lines().count(), table.lines().count());
}

/// A row for each recording of the file.
fn rows(stored: &Stored) -> Vec<String> {
    let file = &stored.file;
    match &stored.outcome {
        Err(error) => {
            let text = error.replace(&format!("cannot import {:?}: ", file.path), "");
            vec![format!("{}\trefused: {text}", file.relative)]
        }
        Ok(imported) => {
            let row = |recording| row(&file.relative, recording, &imported.findings);
            imported.recordings.iter().map(row).collect()
        }
    }
}

fn row(file: &str, recording: &Recording, findings: &[StoredFinding]) -> String {
    let info = recording.info();
    let source = &info.source;
    let end_trim = info.coded_length - u64::from(info.pre_skip) - info.play_length;
    let lost: u64 = info.gaps.iter().map(|gap| gap.samples).sum();
    let stored = format!("{:?}", source.stored).to_lowercase();
    let mut fields = vec![file.to_owned(), source.stream.to_string(), source.container.clone()];
    fields.extend([info.channels, info.mapping_family].map(|number| number.to_string()));
    fields.extend([info.packet_count, info.coded_length].map(|number| number.to_string()));
    fields.extend([u64::from(info.pre_skip), end_trim].map(|number| number.to_string()));
    fields.extend([info.play_length, lost].map(|number| number.to_string()));
    fields.extend([stored, summary(findings, source.stream)]);
    fields.join("\t")
}

/// The findings of a stream. Those that differ only in their offset are counted together.
fn summary(findings: &[StoredFinding], stream: u64) -> String {
    let mut count = BTreeMap::new();
    for finding in findings.iter().filter(|finding| finding.stream == stream) {
        let text = finding.message.split_once(": ").map_or("", |(_, text)| text);
        *count.entry(text.to_owned()).or_insert(0) += 1;
    }
    let lines = count.into_iter().map(|(text, count)| match count {
        1 => text,
        count => format!("{count} x {text}"),
    });
    lines.collect::<Vec<_>>().join("; ")
}
