//! What becomes of every real file with Opus, whatever its container, as a table that is
//! checked in: `testdata/corpus.tsv`. After a change that is meant,
//! `OPUS_ZARR_WRITE_TABLE=1 cargo test --test corpus_table` writes it anew.

use std::{collections::BTreeMap, env, fmt::Write, fs};

use opus_zarr::{Finding, Recording};
use opus_zarr_testkit::{CorpusFile, every_opus_file, recordings::import_to, testdata};

const COLUMNS: &str = "file\tstream\tcontainer\tchannels\tmapping_family\tpackets\tcoded\tpre_skip\tend_trim\tplays\tlost\tstored\tfindings";

#[test]
fn every_file_gives_what_the_table_says() {
    let Some(files) = every_opus_file() else { return };
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

/// A row for each recording that the file becomes.
fn rows(file: &CorpusFile) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    match import_to(&file.path, directory.path(), "it") {
        Err(error) => {
            let text = error.to_string().replace(&format!("{:?}: ", file.path), "");
            vec![format!("{}\trefused: {text}", file.relative)]
        }
        Ok(imported) => imported
            .recordings
            .iter()
            .map(|recording| row(file, recording, &imported.findings))
            .collect(),
    }
}

fn row(file: &CorpusFile, recording: &Recording, findings: &[Finding]) -> String {
    let info = recording.info();
    let source = &info.source;
    let end_trim = info.coded_length - u64::from(info.pre_skip) - info.play_length;
    let lost: u64 = info.gaps.iter().map(|gap| gap.samples).sum();
    let stored = format!("{:?}", source.stored).to_lowercase();
    let mut fields =
        vec![file.relative.clone(), source.stream.to_string(), source.container.clone()];
    fields.extend([info.channels, info.mapping_family].map(|number| number.to_string()));
    fields.extend([info.packet_count, info.coded_length].map(|number| number.to_string()));
    fields.extend([u64::from(info.pre_skip), end_trim].map(|number| number.to_string()));
    fields.extend([info.play_length, lost].map(|number| number.to_string()));
    fields.extend([stored, summary(findings, source.stream)]);
    fields.join("\t")
}

/// The findings of a stream, those of one text (but for its place) together.
fn summary(findings: &[Finding], stream: u64) -> String {
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
