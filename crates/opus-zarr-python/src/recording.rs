use std::{
    io::Read,
    ops::{ControlFlow, Range},
    time::Duration,
};

use opus_zarr::{ChannelSelection, Exactness, NotExact, Output, ReadLimits, RecordingInfo, Sample};
use pyo3::{exceptions::PyValueError, prelude::*, types::PyBytes};

use crate::{
    error::{OpusZarrError, raised},
    forked::Forked,
    samples::{Array, Fill, Watch, fill_from},
    times::{invalid, parse_times},
};

/// A recording that is open. Its frames are those of its output, from the first that plays.
#[pyclass(frozen, module = "opus_zarr._opus_zarr")]
pub(crate) struct Recording(Forked<opus_zarr::Recording>);

impl Recording {
    pub(crate) fn new(recording: opus_zarr::Recording) -> Self {
        Self(Forked::new(recording))
    }

    fn open(&self) -> PyResult<&opus_zarr::Recording> {
        self.0.get().ok_or_else(of_other_process)
    }

    /// The number of frames before a play sample.
    fn frames_before(&self, play: u64) -> PyResult<u64> {
        let recording = self.open()?;
        let length = recording.info().play_length;
        match play.min(length) {
            0 => Ok(0),
            // Beyond the end, frames go on as samples do.
            _ if play > length => Ok(play.div_ceil(recording.output().rate.divisor().into())),
            play => recording.sample_count(0..play).map_err(raised),
        }
    }

    /// The play samples of which a read returns these frames.
    fn play(&self, frames: Range<u64>) -> PyResult<Range<u64>> {
        Ok(self.open()?.play_samples(frames))
    }
}

#[pymethods]
impl Recording {
    #[getter]
    fn name(&self) -> PyResult<&str> {
        Ok(self.open()?.name())
    }

    #[getter]
    fn channels(&self) -> PyResult<usize> {
        let recording = self.open()?;
        Ok(recording.output().channels.count(recording.info().channels))
    }

    #[getter]
    fn sample_rate(&self) -> PyResult<u32> {
        Ok(self.open()?.output().rate.hz())
    }

    /// Number of frames that a read of everything returns.
    #[getter]
    fn frames(&self) -> PyResult<u64> {
        let recording = self.open()?;
        recording.sample_count(0..recording.info().play_length).map_err(raised)
    }

    /// Frames per second of real time, as a fraction: frames at 16 kHz are a third of those at 48 kHz.
    #[getter]
    fn real_rate(&self) -> PyResult<(u32, u32)> {
        let recording = self.open()?;
        Ok((recording.info().real_rate.get(), recording.output().rate.divisor()))
    }

    /// What the store knows about the recording, as JSON: the attributes without checksums.
    fn info(&self) -> PyResult<String> {
        let recording = self.open()?;
        described(recording.info())
    }

    /// What makes reads exact. None if some are not.
    #[getter]
    fn exactness(&self) -> PyResult<Option<&'static str>> {
        Ok(self.open()?.exactness().ok().map(name_of))
    }

    /// Why some reads are not exact.
    #[getter]
    fn not_exact(&self) -> PyResult<Option<String>> {
        Ok(self.open()?.exactness().err().map(|reason| why(&reason)))
    }

    /// Checks that a read of these frames is exact.
    fn check_exact(&self, py: Python<'_>, start: u64, stop: u64) -> PyResult<()> {
        let (recording, range) = (self.open()?, self.play(start..stop)?);
        py.detach(|| recording.exactness_of(recording.read_mode(), range)).map_err(raised)?;
        Ok(())
    }

    /// When a frame was recorded, in nanoseconds since 1970. None if the start is unknown.
    fn utc_of(&self, frame: u64) -> PyResult<Option<i128>> {
        let recording = self.open()?;
        let play = recording.play_samples(frame..frame);
        Ok(recording.utc_of(play.start).map(|time| time.as_nanosecond()))
    }

    /// The first frame recorded at a time since the start, in nanoseconds, or after it.
    fn frame_at(&self, nanos: u64) -> PyResult<u64> {
        let recording = self.open()?;
        let time = Duration::from_nanos(nanos);
        self.frames_before(recording.samples_of(time..time).start)
    }

    /// The frames that a range of the time of day means.
    fn select(&self, range: &str, on: Option<&str>, zone: Option<&str>) -> PyResult<(u64, u64)> {
        let recording = self.open()?;
        let play = recording.select(&parse_times(range, on, zone)?).map_err(raised)?;
        Ok((self.frames_before(play.start)?, self.frames_before(play.end)?))
    }

    /// The same recording with another output.
    fn with_output(
        &self,
        py: Python<'_>,
        store: &crate::store::Store,
        rate: u32,
        channels: Channels,
    ) -> PyResult<Self> {
        let rate = rate.try_into().map_err(|it: opus_zarr::InvalidRate| invalid(&it))?;
        let output = Output::default().rate(rate).channels(channels.selection()?);
        let (name, store) = (self.open()?.name(), store.open()?);
        let opened = py.detach(|| {
            let mut recording = opus_zarr::Recording::open(store, name)?;
            recording.set_output(output).map(|()| recording)
        });
        Ok(Self::new(opened.map_err(raised)?))
    }

    /// Reads frames into an array of the shape (frames, channels).
    fn read_into(&self, py: Python<'_>, start: u64, stop: u64, mut out: Array<'_>) -> PyResult<()> {
        let (recording, play) = (self.open()?, self.play(start..stop)?);
        out.fill_with(py, Frames { recording, play })
    }

    /// Reads ranges of frames into an array: each is a start, an end, and the number of its first sample
    /// in the array. Returns what went wrong, by the number of the range.
    fn read_ranges(
        &self,
        py: Python<'_>,
        ranges: Vec<(u64, u64, usize)>,
        mut out: Array<'_>,
    ) -> PyResult<Vec<(usize, Py<PyAny>)>> {
        let (mut play, mut places) = (Vec::new(), Vec::new());
        let (recording, channels) = (self.open()?, self.channels()?);
        for (start, stop, place) in ranges {
            play.push(self.play(start..stop)?);
            let frames = usize::try_from(stop.saturating_sub(start)).unwrap_or(usize::MAX);
            places.push(place..place.saturating_add(frames.saturating_mul(channels)));
        }
        let mut failed = Vec::new();
        out.fill_with(py, Ranges { recording, play, places, failed: &mut failed })?;
        let value = |error: PyErr| error.into_value(py).into_any();
        Ok(failed.into_iter().map(|(number, error)| (number, value(error))).collect())
    }

    /// The stored Ogg Opus stream, which is a playable file.
    fn ogg_opus<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let recording = self.open()?;
        let read = py.detach(|| {
            let mut read = Vec::new();
            recording.ogg_opus().read_to_end(&mut read).map(|_| read)
        });
        Ok(PyBytes::new(py, &read?))
    }
}

/// Which channels to read.
#[derive(FromPyObject)]
pub(crate) enum Channels {
    Named(String),
    Only(Vec<u8>),
}

impl Channels {
    pub(crate) fn selection(self) -> PyResult<ChannelSelection> {
        match self {
            Self::Named(name) if name == "all" => Ok(ChannelSelection::All),
            Self::Named(name) if name == "mono" => Ok(ChannelSelection::Mono),
            Self::Named(name) => Err(PyValueError::new_err(format!(
                "unknown channels {name:?}: expected \"all\", \"mono\" or a list of numbers"
            ))),
            Self::Only(only) => Ok(ChannelSelection::Only(only)),
        }
    }
}

/// A range to read into a buffer.
struct Frames<'a> {
    recording: &'a opus_zarr::Recording,
    play: Range<u64>,
}

impl Fill for Frames<'_> {
    fn fill<S: Sample + Send>(self, out: &mut [S], watch: &mut Watch) -> PyResult<()> {
        if self.play.end - self.play.start <= SHORT {
            return self.recording.read_into(self.play, out).map_err(raised);
        }
        let mut stream = self.recording.stream::<S>(self.play).map_err(raised)?;
        fill_from(out, watch, |room| stream.read(room))
    }
}

/// Ranges to read into places of a buffer.
struct Ranges<'a> {
    recording: &'a opus_zarr::Recording,
    play: Vec<Range<u64>>,
    places: Vec<Range<usize>>,
    failed: &'a mut Vec<(usize, PyErr)>,
}

impl Fill for Ranges<'_> {
    fn fill<S: Sample + Send>(self, out: &mut [S], watch: &mut Watch) -> PyResult<()> {
        let mut looked = Ok(());
        self.recording.read_each::<S>(&self.play, ReadLimits::default(), |number, read| {
            let place = self.places.get(number).and_then(|place| out.get_mut(place.clone()));
            match (read, place) {
                (Err(error), _) => self.failed.push((number, raised(error))),
                (Ok(samples), Some(room)) if room.len() == samples.len() => {
                    room.copy_from_slice(&samples);
                }
                (Ok(_), _) => self.failed.push((number, PyValueError::new_err(OTHER_LENGTH))),
            }
            looked = watch.look();
            if looked.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        looked
    }
}

/// The attributes of a recording as JSON, without what only a reader of chunks needs.
fn described(info: &RecordingInfo) -> PyResult<String> {
    let mut value = serde_json::to_value(info).map_err(|it| invalid(&it))?;
    if let Some(members) = value.as_object_mut() {
        for internal in ["blob_checksums", "index_checkpoints", "index_ranges", "index_checksums"] {
            members.remove(internal);
        }
    }
    Ok(value.to_string())
}

fn name_of(exactness: Exactness) -> &'static str {
    match exactness {
        Exactness::Construction => "construction",
        Exactness::Map => "map",
        Exactness::SettledMap => "settled-map",
        Exactness::Agreement => "agreement",
        _ => "beginning",
    }
}

/// The reason in the words of Python, which has no `build_sync`.
pub(crate) fn why(reason: &NotExact) -> String {
    match reason {
        NotExact::NoSyncMap => format!("no sync map; {MEASURE}"),
        NotExact::NoAgreement => format!("no sync map, and decoders do not agree there; {MEASURE}"),
        NotExact::OtherRule { .. } => format!("its sync map follows an old rule; {MEASURE}"),
        other => other.to_string(),
    }
}

const MEASURE: &str = "import the file with exact=True, or run `opus-zarr sync`";

pub(crate) fn of_other_process() -> PyErr {
    OpusZarrError::new_err(("opened by another process, before it forked", None::<String>))
}

const OTHER_LENGTH: &str = "the range does not fit its place in the array";

/// Play samples that are read at once, without looking for Ctrl-C: about 20 ms of work.
const SHORT: u64 = 10 * 48_000;
