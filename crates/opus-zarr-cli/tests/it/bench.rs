use opus_zarr_testkit::recordings::open_at;
use serde_json::Value;

use crate::support::{folder_with, run_in};

const CHIRPS: &str = "chirps-stereo.opus";

#[test]
fn the_same_seed_reads_the_same_ranges() {
    let folder = folder_with(&[(CHIRPS, "chirps")]);
    let bench = |seed: &str| {
        let args = ["bench", "a.zarr/chirps", "--reads", "30", "--length", "100ms", "--json"];
        let outcome = run_in(folder.path(), args.iter().chain(&["--seed", seed])).exits(0);
        assert_eq!(outcome.stderr, "");
        outcome.lines("bench").remove(0)
    };
    let [first, again, other] = ["1", "1", "2"].map(bench);
    assert_eq!(first["read"]["bytes"], again["read"]["bytes"]);
    assert_ne!(first["read"]["bytes"], other["read"]["bytes"]);
    assert_eq!((&first["read"]["count"], &first["read"]["samples"]), (&30.into(), &4800.into()));
    assert_eq!((&first["open"]["count"], &first["open"]["requests"]), (&30.into(), &30.into()));
    assert_eq!(first["decode"]["samples"], 576_000);
    let all = |name: &str| first["read"][name].as_f64().unwrap();
    assert!(0.0 < all("p50_seconds") && all("p50_seconds") <= all("p90_seconds"));
    assert!(all("p90_seconds") <= all("p99_seconds"));
    assert!((all("times_real_time") - 3.0 / all("elapsed_seconds")).abs() < 1e-6);
}

#[test]
fn the_kind_of_reads_is_reported() {
    let folder = folder_with(&[(CHIRPS, "chirps")]);
    let reads = || -> Value {
        let args = ["bench", "a.zarr/chirps", "--reads", "1", "--json"];
        run_in(folder.path(), args).exits(0).lines("bench").remove(0)["reads"].take()
    };
    assert_eq!(reads(), "agreed");
    open_at(folder.path().join("a.zarr"), "chirps")
        .unwrap()
        .build_sync(opus_zarr::unwatched)
        .unwrap();
    assert_eq!(reads(), "exact");
}

#[test]
fn a_shorter_recording_is_read_whole() {
    let folder = folder_with(&[(CHIRPS, "chirps")]);
    let args = ["bench", "a.zarr/chirps", "--reads", "2", "--length", "1h"];
    let outcome = run_in(folder.path(), args).exits(0);
    assert!(outcome.stdout.contains("\n12 s, 2 times "), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("\n12 s in one go "), "{}", outcome.stdout);
    let args = ["bench", "a.zarr/chirps", "--length", "0"];
    assert!(run_in(folder.path(), args).exits(1).stderr.contains("0 s is shorter than one sample"));
    run_in(folder.path(), ["bench", "a.zarr/none"]).exits(10);
    run_in(folder.path(), ["bench", "a.zarr/chirps", "--reads", "0"]).exits(2);
}
