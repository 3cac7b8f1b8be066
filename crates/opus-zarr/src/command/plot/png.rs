use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    process,
};

use super::canvas::Canvas;
use crate::{
    failure::{Exit, Failure},
    interrupt,
    output::Output,
};

/// Where a picture goes.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    Stdout,
    File(PathBuf),
}

impl Target {
    /// Refuses what is no place for a picture, before it is drawn.
    pub(crate) fn new(path: &Path, force: bool) -> Result<Self, Failure> {
        if path == Path::new("-") {
            return Ok(Self::Stdout);
        }
        let is_png = path.extension().is_some_and(|found| found.eq_ignore_ascii_case("png"));
        if !is_png {
            return Err(Failure::usage(format!(
                "{path:?} does not end in .png: pictures are PNG files"
            )));
        }
        if !force && fs::symlink_metadata(path).is_ok() {
            return Err(Failure::new(Exit::Error, format!("{path:?} exists already"))
                .with_hint("--force writes over it"));
        }
        Ok(Self::File(path.to_owned()))
    }

    /// Writes the picture, and gives its length in bytes.
    pub(crate) fn write(&self, canvas: &Canvas, output: &mut Output) -> Result<usize, Failure> {
        let png = encode(canvas)
            .map_err(|error| Failure::new(Exit::Error, format!("cannot make a PNG: {error}")))?;
        match self {
            Self::Stdout => output.bytes(&png)?,
            Self::File(path) => write_whole(path, &png)?,
        }
        Ok(png.len())
    }
}

fn encode(canvas: &Canvas) -> Result<Vec<u8>, png::EncodingError> {
    let (width, height) = canvas.size();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(&canvas.to_bytes())?;
    Ok(bytes)
}

/// Under its name there is all of it, or what was there before.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", process::id()));
    let temporary = path.with_file_name(name);
    interrupt::defer();
    let written = write_new(&temporary, bytes)
        .map_err(|error| Failure::io("write", path, &error))
        .and_then(|()| interrupt::check())
        .and_then(|()| {
            fs::rename(&temporary, path).map_err(|error| Failure::io("write", path, &error))
        });
    if written.is_err() {
        // Why it was not written is what there is to tell.
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
