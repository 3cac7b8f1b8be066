//! Stores at a URL with settings from the environment, in a child process with a given environment.

use std::{
    env,
    process::{Command, Output},
};

use crate::support::{MONO, all, import, names, s3::store};
use opus_zarr::{Recording, Store};
use opus_zarr_object_store::open_url;
use opus_zarr_testkit::moto::Moto;

const URL: &str = "s3://environment/a/b";

/// Runs the ignored test in a process with only these variables.
fn child(variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([
        "--exact",
        "environment::imports_and_reads_at_the_url",
        "--ignored",
        "--nocapture",
    ]);
    command.env_clear().envs(variables.iter().copied()).output().unwrap()
}

#[test]
#[ignore = "runs in a child process"]
fn imports_and_reads_at_the_url() {
    let store = Store::open_or_create_in(open_url(URL).unwrap()).unwrap();
    let name = env::var("NAME").unwrap();
    let samples = all(&import(&store, MONO, &name).unwrap().into_first());
    assert!(all(&Recording::open(&store, &name).unwrap()) == samples);
}

#[test]
fn the_aws_variables_lead_to_the_server() {
    let Some(moto) = Moto::shared() else { return };
    moto.make_bucket("environment");
    let endpoint = format!("http://127.0.0.1:{}", moto.port);
    let both = ["AWS_ENDPOINT", "AWS_ENDPOINT_URL"];
    for name in both {
        let output = child(&[
            (name, &endpoint),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("NAME", name),
            // These belong to other programs, though a client has settings of these names.
            ("TIMEOUT", "soon"),
            ("REGION", "nowhere"),
            ("ENDPOINT", "http://127.0.0.1:9"),
            ("BUCKET", "another"),
        ]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(names(&store(moto.port, "environment")), both);
}

#[test]
fn plain_http_must_be_allowed() {
    let output = child(&[
        ("AWS_ENDPOINT", "http://127.0.0.1:9"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("URL scheme is not allowed"), "{said}");
}
