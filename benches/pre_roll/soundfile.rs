use std::{
    io::Read,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use opus_zarr_testkit::{python::python, root, stream::flush};

use crate::{SECOND, results::Reads, streams::Stream};

/// The Python package `soundfile`, with the libsndfile and libopus that it brings.
pub(crate) struct Soundfile(PathBuf);

impl Soundfile {
    /// Installs it where Python exists.
    pub(crate) fn install() -> Option<Self> {
        let requirements = root().join("benches/pre_roll/requirements.txt");
        python("soundfile", &requirements, "soundfile").map(Self)
    }

    /// Compares a second at each place with what soundfile itself decodes from the beginning,
    /// since its libopus is another.
    pub(crate) fn reads(&self, file: &Path, stream: &Stream, len: u64, places: &[u64]) -> Reads {
        let mut child = Command::new(&self.0)
            .arg(root().join("benches/pre_roll/soundfile_reads.py"))
            .arg(file)
            .args(places.iter().map(ToString::to_string))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut bytes = Vec::new();
        child.stdout.take().unwrap().read_to_end(&mut bytes).unwrap();
        assert!(child.wait().unwrap().success());
        let mut values = bytes.chunks_exact(4).map(|it| f32::from_le_bytes(it.try_into().unwrap()));
        let mut samples = |count: u64| {
            let count = usize::try_from(count).unwrap() * usize::from(stream.channels);
            let mut samples: Vec<f32> = values.by_ref().take(count).collect();
            assert_eq!(samples.len(), count, "{}", stream.name);
            flush(&mut samples);
            samples
        };
        let full = samples(len);
        let mut reads = Reads::new("soundfile".to_owned());
        for &place in places {
            reads.compare(&samples(SECOND), &full, place, stream.channels.into());
        }
        reads.cost = values.map(f64::from).collect();
        assert_eq!(reads.cost.len(), places.len());
        reads
    }
}
