//! `--json` writes exactly what `docs/command.schema.json` and `docs/command.md` describe.

use opus_zarr_testkit::{recordings::import_to, web::Web};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{NOTES, folder_with, get, run_in, serve, testdata, verbs};

/// Commands, their exit codes, and the types of lines that they must produce.
const CASES: &[(&str, i32, &[&str])] = &[
    (
        "import notes.opus spoilt.opus call.wav no-audio.opus a.zarr --approximate",
        3,
        &["file", "summary"],
    ),
    ("import -r folder a.zarr", 0, &["note", "progress", "file"]),
    ("import call.wav a.zarr", 0, &["file"]),
    ("import --dry-run chirps.opus a.zarr", 0, &["file"]),
    ("list a.zarr", 0, &["recording"]),
    ("list none.zarr", 10, &["error"]),
    ("info a.zarr/notes", 0, &["info"]),
    ("info a.zarr/call", 0, &["info"]),
    ("info a.zarr/spoilt", 0, &["info"]),
    ("info hd.zarr/it", 0, &["info"]),
    ("info a.zarr/notes --field source.sha256", 0, &["field"]),
    ("info a.zarr/notes --packets", 0, &["indexed_packet"]),
    ("inspect notes.opus --packets", 0, &["stream", "packet", "packet_kind", "stream_end", "tag"]),
    ("inspect spoilt.opus", 0, &["finding"]),
    ("inspect spoilt.opus --pages", 0, &["page", "finding"]),
    ("inspect call.wav", 0, &["audio", "chunk", "recorder"]),
    ("inspect call.wav no-audio.opus notes.opus", 3, &["inspected", "audio", "stream", "error"]),
    ("inspect call.wav --track 2", 1, &["error"]),
    ("inspect 20260512_051500.opus", 0, &["start"]),
    ("extract a.zarr/notes --samples 480000..528000 -o second.wav", 0, &["note", "extracted"]),
    ("extract a.zarr/notes -o second.wav", 1, &["error"]),
    ("extract a.zarr/notes --batch regions.csv -o cuts", 3, &["extracted", "error"]),
    ("import 20260512_051500.opus a.zarr --tz UTC --approximate", 0, &["file"]),
    ("extract a.zarr/2026* --utc 2026-05-12T05:15:00Z..+1s -o window.wav", 0, &["extracted_time"]),
    ("export a.zarr/notes a.zarr/call -o exported", 0, &["exported"]),
    ("verify a.zarr", 0, &["verified", "verification"]),
    ("verify damaged.zarr", 4, &["fault", "error"]),
    ("verify WEB/hd.zarr/it", 5, &["unreadable", "verified", "error"]),
    ("reindex a.zarr/notes", 0, &["reindexed"]),
    ("sync a.zarr/notes a.zarr/call", 0, &["synced"]),
    ("sync a.zarr/notes --check", 0, &["sync_checked"]),
    ("sync a.zarr/none a.zarr/notes", 3, &["error", "synced"]),
    ("plot a.zarr/notes --kind bitrate -o notes.png", 0, &["plotted"]),
    ("plot a.zarr --kind availability -o when.png", 0, &["warning", "available", "plotted_time"]),
    ("copy a.zarr/notes b.zarr", 0, &["note", "copied"]),
    ("copy a.zarr/notes b.zarr", 1, &["error"]),
    ("copy --all a.zarr b.zarr", 0, &["copied"]),
    ("rename b.zarr/notes first", 0, &["renamed"]),
    ("rm b.zarr/first", 2, &["error"]),
    ("rm b.zarr/first --yes", 0, &["deleted"]),
    ("meta a.zarr/notes --set site=4 --unset none", 0, &["metadata", "warning"]),
    ("meta a.zarr/call a.zarr/notes --set n=5 --dry-run", 0, &["metadata"]),
    ("meta a.zarr/notes --start 2026-10-25T02:30[Europe/Zurich]", 0, &["clock", "warning"]),
    ("meta a.zarr/notes --shift +1h --dry-run", 0, &["clock"]),
    ("meta a.zarr/notes --shift -1h", 0, &["clock"]),
    ("meta a.zarr/* --tz UTC", 2, &["error"]),
    ("info a.zarr/call", 0, &["info"]),
    ("info a.zarr/notes", 0, &["info"]),
    ("catalogue a.zarr -o a.csv", 0, &["catalogue"]),
    ("bench a.zarr/notes --reads 2", 0, &["bench"]),
    ("completions bash", 0, &["completions"]),
    ("man", 0, &["manual"]),
    ("man -o pages", 0, &["written"]),
];

#[test]
fn every_line_of_every_verb_matches_the_schema() {
    let folder = inputs();
    let web = Web::start(folder.path(), true);
    web.refuse("opus_blob/c/0", "403 Forbidden");
    let address = format!("http://127.0.0.1:{}", web.port);
    let schema = Schema::new();
    let mut seen: BTreeMap<String, Value> = BTreeMap::new();
    for (command, exit, kinds) in CASES {
        let args = command.split(' ').chain(["--json"]);
        let args = args.map(|arg| arg.replace("WEB", &address));
        let outcome = run_in(folder.path(), args).exits(*exit);
        let mut found = BTreeSet::new();
        for line in outcome.stdout.lines().chain(outcome.stderr.lines()) {
            let object = schema.check(line, command);
            let kind = object["type"].as_str().unwrap().to_owned();
            found.insert(kind.clone());
            seen.insert(kind, object);
        }
        for kind in *kinds {
            assert!(found.contains(*kind), "{command}: no {kind} among {found:?}");
        }
    }
    let served = serve(folder.path(), &["a.zarr", "--json"], |address| {
        get(address, "/audio/notes.opus", "User-Agent: test\r\nReferer: here\r\n");
        get(address, "/none", "");
    });
    for line in served.exits(0).stdout.lines() {
        seen.insert("request".to_owned(), schema.check(line, "serve"));
    }
    let tried = CASES.iter().filter_map(|(command, ..)| command.split(' ').next());
    let tried: BTreeSet<&str> = tried.chain(["serve"]).collect();
    assert_eq!(verbs().iter().map(String::as_str).collect::<BTreeSet<_>>(), tried);
    assert_eq!(seen.keys().cloned().collect::<BTreeSet<_>>(), schema.kinds());
    seen.values().for_each(|object| schema.refuses_variants_of(object));
}

/// One row of the table describes each type and names all its fields.
#[test]
fn the_fields_of_every_type_are_described() {
    let described = fs::read_to_string(docs("command.md")).unwrap();
    let schema = Schema::new();
    for kind in schema.kinds() {
        let begin = format!("| `{kind}` |");
        let row = described.lines().find(|line| line.starts_with(&begin));
        let row = row.unwrap_or_else(|| panic!("docs/command.md does not describe {kind}"));
        let fields = schema.document["$defs"][&kind]["properties"].as_object().unwrap();
        for field in fields.keys().filter(|field| !["schema", "type"].contains(&field.as_str())) {
            // Those of paths that are not UTF-8 are described together.
            let field = field.strip_suffix("_hex").unwrap_or(field);
            assert!(row.contains(&format!("`{field}`")), "{kind}: {field} is not described");
        }
    }
    for verb in verbs() {
        assert!(described.contains(&format!("\n| `{verb} ")), "{verb} is not described");
    }
}

struct Schema {
    document: Value,
    compiled: Schemas,
    line: SchemaIndex,
}

impl Schema {
    fn new() -> Self {
        let read = |name| -> Value {
            serde_json::from_str(&fs::read_to_string(docs(name)).unwrap()).unwrap()
        };
        let (document, layout) = (read("command.schema.json"), read("recording.schema.json"));
        let (mut compiler, mut compiled) = (Compiler::new(), Schemas::new());
        for schema in [&layout, &document] {
            compiler.add_resource(schema["$id"].as_str().unwrap(), schema.clone()).unwrap();
        }
        let line = compiler.compile(document["$id"].as_str().unwrap(), &mut compiled).unwrap();
        Self { document, compiled, line }
    }

    /// Returns the types of lines.
    fn kinds(&self) -> BTreeSet<String> {
        let all = self.document["oneOf"].as_array().unwrap().iter();
        let names = all.map(|one| one["$ref"].as_str().unwrap().strip_prefix("#/$defs/").unwrap());
        names.map(str::to_owned).collect()
    }

    #[track_caller]
    fn check(&self, line: &str, command: &str) -> Value {
        let object = serde_json::from_str(line)
            .unwrap_or_else(|error| panic!("{command}: {error}: {line:?}"));
        if let Err(error) = self.compiled.validate(&object, self.line) {
            panic!("{command}: {line}\n{error:#}");
        }
        object
    }

    /// Asserts that the schema refuses a line with an extra field, or without a required one.
    fn refuses_variants_of(&self, object: &Value) {
        let assert_refused = |wrong: Value| {
            assert!(self.compiled.validate(&wrong, self.line).is_err(), "taken: {wrong}");
        };
        let mut more = object.clone();
        more["another"] = Value::from(1);
        assert_refused(more);
        let kind = object["type"].as_str().unwrap();
        for field in self.document["$defs"][kind]["required"].as_array().unwrap() {
            let mut less = object.clone();
            less.as_object_mut().unwrap().remove(field.as_str().unwrap());
            assert_refused(less);
        }
    }
}

/// Creates a folder with several kinds of files and a damaged store.
fn inputs() -> TempDir {
    let folder = folder_with(&[]);
    let path = |name: &str| folder.path().join(name);
    for (file, name) in [
        ("field-notes.opus", "notes.opus"),
        ("field-notes.opus", "20260512_051500.opus"),
        ("chirps-stereo.opus", "chirps.opus"),
        ("wave/no-size-guano.wav", "call.wav"),
    ] {
        fs::copy(testdata(file), path(name)).unwrap();
    }
    let mut spoilt = fs::read(testdata("field-notes.opus")).unwrap();
    let middle = spoilt.len() / 2;
    spoilt[middle] ^= 1;
    fs::write(path("spoilt.opus"), spoilt).unwrap();
    fs::write(path("no-audio.opus"), "no audio").unwrap();
    fs::create_dir(path("folder")).unwrap();
    fs::copy(testdata("pauses-dtx.opus"), path("folder/pauses.opus")).unwrap();
    fs::write(path("folder/letter.txt"), "dear").unwrap();
    fs::write(path("regions.csv"), "start,end\n0.1,0.2\n800,900\n").unwrap();
    fs::create_dir(path("exported")).unwrap();

    import_to(testdata("opus-hd.opus"), path("hd.zarr"), "it").unwrap();
    import_to(testdata(NOTES), path("damaged.zarr"), "it").unwrap();
    let blob = path("damaged.zarr/it/opus_blob/c/0");
    let mut bytes = fs::read(&blob).unwrap();
    bytes[1000] ^= 1;
    fs::write(blob, bytes).unwrap();
    folder
}

fn docs(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)
}
