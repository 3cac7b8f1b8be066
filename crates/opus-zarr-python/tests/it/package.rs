use std::{
    env::consts::{DLL_PREFIX, DLL_SUFFIX},
    fs,
    os::unix::fs::symlink,
    path::Path,
    process::Command,
};

use opus_zarr_testkit::{
    moto::Moto,
    python::{neighbours, run},
};

use crate::real::write_real;

/// The package as it would be installed.
#[test]
fn its_tests_pass() {
    let Some(python) = neighbours("the Python package") else { return };
    let package = tempfile::tempdir().unwrap();
    install(package.path());
    write_real(package.path());
    let s3 = Moto::shared().unwrap();
    run(Command::new(python)
        .args(["-m", "pytest", "-q", "-p", "no:cacheprovider"])
        .current_dir(root())
        .env("PYTHONPATH", package.path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("OPUS_ZARR_REAL", package.path())
        .env("OPUS_ZARR_S3", format!("http://127.0.0.1:{}", s3.port)));
}

/// All annotations hold, and the stub of the native module describes it.
#[test]
fn its_types_are_checked() {
    let Some(python) = neighbours("the Python package") else { return };
    run(Command::new(&python)
        .args(["-m", "mypy", "--strict", "--cache-dir", "/dev/null", "python"])
        .current_dir(root()));
    let package = tempfile::tempdir().unwrap();
    install(package.path());
    run(Command::new(python)
        .args(["-m", "mypy.stubtest", "--ignore-disjoint-bases", "opus_zarr._opus_zarr"])
        .env("PYTHONPATH", package.path())
        .env("MYPYPATH", package.path())
        .current_dir(package.path()));
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn install(folder: &Path) {
    let package = folder.join("opus_zarr");
    fs::create_dir(&package).unwrap();
    for entry in fs::read_dir(root().join("python/opus_zarr")).unwrap() {
        let path = entry.unwrap().path();
        symlink(&path, package.join(path.file_name().unwrap())).unwrap();
    }
    let module = package.join("_opus_zarr.abi3.so");
    let _ = fs::remove_file(&module);
    describe(folder);
    let tests = std::env::current_exe().unwrap();
    let built = format!("{DLL_PREFIX}_opus_zarr{DLL_SUFFIX}");
    symlink(tests.with_file_name(built), module).unwrap();
}

/// Writes what an installation adds: by it, xarray finds its engine.
fn describe(folder: &Path) {
    let project = fs::read_to_string(root().join("pyproject.toml")).unwrap();
    let (_, rest) = project.split_once("[project.entry-points.\"xarray.backends\"]\n").unwrap();
    let engine = rest.lines().next().unwrap().replace('"', "");
    let metadata = folder.join("opus_zarr-0.1.0.dist-info");
    fs::create_dir(&metadata).unwrap();
    fs::write(
        metadata.join("METADATA"),
        "Metadata-Version: 2.1\nName: opus-zarr\nVersion: 0.1.0\n",
    )
    .unwrap();
    fs::write(metadata.join("entry_points.txt"), format!("[xarray.backends]\n{engine}\n")).unwrap();
}
