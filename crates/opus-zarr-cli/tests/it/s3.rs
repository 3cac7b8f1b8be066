//! Stores in S3, configured only by the environment.

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use opus_zarr_testkit::{
    moto::Moto,
    python::{answer_of, neighbours},
};
use serde_json::Value;

use crate::support::{Outcome, command_in, folder_with, outcome, testdata};

const URL: &str = "s3://command/deep/a.zarr";
const FILES: [&str; 2] = ["field-notes.opus", "wave/no-size-guano.wav"];
const NAMES: [&str; 2] = ["field-notes", "no-size-guano"];

/// The command, configured for this server only.
fn at(port: u16, folder: &Path) -> Command {
    let mut command = command_in(folder);
    for (name, _) in std::env::vars_os().filter(|(name, _)| {
        name.to_str().is_some_and(|name| name.starts_with("AWS_") || name.ends_with("_proxy"))
    }) {
        command.env_remove(name);
    }
    command
        .env("AWS_ENDPOINT", format!("http://127.0.0.1:{port}"))
        .env("AWS_ALLOW_HTTP", "true")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test");
    command
}

fn run(port: u16, folder: &Path, args: &[&str]) -> Outcome {
    outcome(at(port, folder).args(args).arg("--json"))
}

#[test]
fn a_store_in_s3_behaves_like_one_on_disk() {
    let Some(moto) = Moto::shared() else { return };
    moto.make_bucket("command");
    let folder = folder_with(&[]);
    let run = |args: &[&str], code| run(moto.port, folder.path(), args).exits(code);
    let place = |store: &str, name: &str| format!("{store}/{name}");
    let [notes, call] = FILES.map(|file| testdata(file).to_str().unwrap().to_owned());
    for store in ["a.zarr", URL] {
        let imported = run(&["import", &notes, &call, store], 0).lines("file");
        assert!(imported.iter().all(|file| file["status"] == "imported"), "{imported:?}");
    }
    let present = run(&["import", &notes, &call, URL], 0).lines("file");
    assert!(present.iter().all(|file| file["status"] == "present"), "{present:?}");

    let list = |store: &str| run(&["list", store], 0).lines("recording");
    assert_eq!(list(URL), list("a.zarr"));
    assert_eq!(names(&list(URL)), NAMES);
    let info = |store: &str, name| {
        let mut info = run(&["info", &place(store, name)], 0).lines("info").remove(0);
        info["store"].take();
        info
    };
    for name in NAMES {
        assert_eq!(info(URL, name), info("a.zarr", name));
    }
    let verified = run(&["verify", URL, "--level", "decode"], 0);
    assert_eq!(verified.lines("verification")[0]["recordings"], 2);

    let cut = |store: &str, file: &str| {
        let range = ["--samples", "30000..90000", "-o", file];
        let line = run(&[&["extract", &place(store, NAMES[0])], &range[..]].concat(), 0);
        assert_eq!(line.lines("extracted")[0]["samples"], 60_000);
        fs::read(folder.path().join(file)).unwrap()
    };
    assert!(cut(URL, "far.wav") == cut("a.zarr", "near.wav"));

    run(&["copy", &place(URL, NAMES[0]), "back.zarr"], 0);
    run(&["copy", &place("a.zarr", NAMES[1]), &place(URL, "there")], 0);
    assert_eq!(sha256(&info("back.zarr", NAMES[0])), sha256(&info(URL, NAMES[0])));
    assert_eq!(sha256(&info(URL, "there")), sha256(&info(URL, NAMES[1])));
    run(&["rename", &place(URL, "there"), "here"], 0);
    run(&["rm", "--yes", &place(URL, NAMES[0]), &place(URL, NAMES[1])], 0);
    assert_eq!(names(&list(URL)), ["here"]);
    run(&["info", &place(URL, NAMES[0])], 10);
}

/// Opens the store at `sys.argv[1]` with obstore, zarr-python, xarray and VirtualiZarr, and prints, for each
/// of them and each recording, the SHA-256 of the blob.
const READ: &str = r"
import hashlib, json, sys, xarray, zarr
from obspec_utils.registry import ObjectStoreRegistry
from obstore.store import S3Store
from virtualizarr.parsers import ZarrParser
from zarr.storage import ObjectStore
url, bucket, *names = sys.argv[1:]
options = {'client_options': {'allow_http': True}}
store = ObjectStore(S3Store.from_url(url, **options), read_only=True)
registry = ObjectStoreRegistry({bucket: S3Store.from_url(bucket, **options)})
tree = xarray.open_datatree(store, engine='zarr', consolidated=False)
group = zarr.open_group(store, mode='r')
assert sorted(group.group_keys()) == sorted(tree.children) == names
def sha256(blob):
    return hashlib.sha256(blob).hexdigest()
def hashes(name):
    virtual = zarr.open_group(ZarrParser()(f'{url}/{name}', registry), mode='r')
    return [sha256(tree[name].opus_blob.values), sha256(group[name]['opus_blob'][:]),
            sha256(virtual['opus_blob'][:])]
json.dump([hashes(name) for name in names], sys.stdout)
";

#[test]
fn python_reads_a_store_in_s3() {
    let Some(moto) = Moto::shared() else { return };
    let what = "nothing was read with obstore";
    let Some(python) = neighbours(what) else { return };
    moto.make_bucket("python");
    let (folder, url) = (folder_with(&[]), "s3://python/deep/a.zarr");
    let files = FILES.map(|file| testdata(file).to_str().unwrap().to_owned());
    run(moto.port, folder.path(), &["import", &files[0], &files[1], url]).exits(0);
    let command = at(moto.port, folder.path());
    let variables = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
    let mut reader = Command::new(python);
    reader.args(["-I", "-W", "error", "-c", READ, url, "s3://python"]).args(NAMES);
    let answers = answer_of(reader.envs(variables));
    for (number, name) in NAMES.into_iter().enumerate() {
        let place = format!("{url}/{name}");
        let info =
            run(moto.port, folder.path(), &["info", &place]).exits(0).lines("info").remove(0);
        let expected = serde_json::json!([sha256(&info), sha256(&info), sha256(&info)]);
        assert_eq!(answers[number], expected, "{name}");
    }
}

#[test]
fn missing_stores_and_buckets_are_reported() {
    let Some(moto) = Moto::shared() else { return };
    moto.make_bucket("empty");
    let folder = tempfile::tempdir().unwrap();
    for (url, name) in [("s3://empty/none.zarr", "no store"), ("s3://no-bucket/a", "no bucket")] {
        let missing = run(moto.port, folder.path(), &["list", url]).exits(10);
        assert!(missing.stderr.contains(url), "{name}: {}", missing.stderr);
    }
    let notes = testdata(FILES[0]);
    let notes = notes.to_str().unwrap();
    let refused = run(moto.port, folder.path(), &["import", notes, "s3://no-bucket/a"]).exits(1);
    assert!(refused.stderr.contains("bucket does not exist"), "{}", refused.stderr);
}

#[test]
fn an_unreachable_server_fails_soon() {
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    // Nothing listens on the discard port.
    let gone = run(9, folder.path(), &["list", "s3://command/a.zarr"]).exits(5);
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    says(&gone, &["GET http://127.0.0.1:9/", "refused", "AWS_ENDPOINT", "AWS_REGION"]);
}

#[test]
fn missing_credentials_name_their_variables() {
    let folder = tempfile::tempdir().unwrap();
    let both = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    let list = ["list", "s3://command/a.zarr", "--json"];
    // Replaces the metadata server of a cloud.
    let mut without = at(9, folder.path());
    without.env("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9").args(list);
    let refused = outcome(without.env_remove(both[0]).env_remove(both[1])).exits(5);
    says(&refused, &["no credentials found", both[0], both[1]]);
    let refused = outcome(at(9, folder.path()).env_remove(both[1]).args(list)).exits(2);
    says(&refused, &both);
}

#[test]
fn plain_http_names_its_variable() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = at(9, folder.path());
    let refused = outcome(command.env_remove("AWS_ALLOW_HTTP").args(["list", "s3://command/a"]));
    says(&refused.exits(5), &["URL scheme is not allowed", "AWS_ALLOW_HTTP=true for http"]);
}

fn says(outcome: &Outcome, what: &[&str]) {
    for text in what {
        assert!(outcome.stderr.contains(text), "no {text:?} in {}", outcome.stderr);
    }
}

fn names(recordings: &[Value]) -> Vec<&str> {
    recordings.iter().map(|recording| recording["name"].as_str().unwrap()).collect()
}

fn sha256(info: &Value) -> &str {
    info["blob_sha256"].as_str().unwrap()
}
