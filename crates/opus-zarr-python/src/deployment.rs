use std::ops::{ControlFlow, Range};

use opus_zarr::{Gaps, Sample, Segment, Timestamp};
use pyo3::{exceptions::PyValueError, prelude::*};

use crate::{
    error::{raised, with_causes},
    forked::Forked,
    recording::{of_other_process, why},
    samples::{Array, Fill, Watch},
    times::{invalid, parse_times},
};

/// Recordings on one clock.
#[pyclass(frozen, module = "opus_zarr._opus_zarr")]
pub(crate) struct Deployment(Forked<opus_zarr::Deployment>);

/// What a read of a range of time returns, before it is read.
#[pyclass(frozen, module = "opus_zarr._opus_zarr")]
pub(crate) struct Piece(opus_zarr::Piece);

/// A part of a range: a recording with its samples, or a gap; and its time.
type Part = (Option<String>, u64, u64, i128, i128);

/// A recording of known time: its name, start, end, channels and samples per second.
type Member = (String, i128, i128, u8, u32);

impl Deployment {
    pub(crate) fn new(deployment: opus_zarr::Deployment) -> Self {
        Self(Forked::new(deployment))
    }

    fn open(&self) -> PyResult<&opus_zarr::Deployment> {
        self.0.get().ok_or_else(of_other_process)
    }
}

#[pymethods]
impl Deployment {
    fn recordings(&self) -> PyResult<Vec<Member>> {
        let described = |member: &opus_zarr::Member| {
            let Range { start, end } = nanos(&member.time());
            (member.name.to_string(), start, end, member.channels, member.real_rate.get())
        };
        Ok(self.open()?.recordings().iter().map(described).collect())
    }

    fn undated(&self) -> PyResult<Vec<String>> {
        Ok(self.open()?.undated().iter().map(ToString::to_string).collect())
    }

    fn unopened(&self) -> PyResult<Vec<(String, String)>> {
        let unopened = self.open()?.unopened().iter();
        Ok(unopened.map(|(name, error)| (name.to_string(), with_causes(error))).collect())
    }

    /// Recordings of the same time: the one that is used, the other, and the time.
    fn overlaps(&self) -> PyResult<Vec<(String, String, i128, i128)>> {
        let described = |overlap: &opus_zarr::Overlap| {
            let Range { start, end } = nanos(&overlap.time);
            (overlap.used.to_string(), overlap.ignored.to_string(), start, end)
        };
        Ok(self.open()?.overlaps().iter().map(described).collect())
    }

    fn select(&self, range: &str, on: Option<&str>, zone: Option<&str>) -> PyResult<(i128, i128)> {
        let selection = parse_times(range, on, zone)?;
        let Range { start, end } = nanos(&self.open()?.select(&selection).map_err(raised)?);
        Ok((start, end))
    }

    fn segments(&self, start: i128, stop: i128) -> PyResult<Vec<Part>> {
        let segments = self.open()?.segments(times(start, stop)?);
        Ok(segments.iter().filter_map(part_of).collect())
    }

    /// Seconds that were recorded, and the gaps.
    fn coverage(&self, start: i128, stop: i128) -> PyResult<(f64, Vec<(i128, i128)>)> {
        let coverage = self.open()?.coverage(times(start, stop)?);
        let gap = |gap: &Range<Timestamp>| (gap.start.as_nanosecond(), gap.end.as_nanosecond());
        Ok((coverage.recorded.as_secs_f64(), coverage.gaps.iter().map(gap).collect()))
    }

    fn pieces(&self, start: i128, stop: i128, gaps: &str) -> PyResult<Vec<Piece>> {
        let pieces = self.open()?.pieces(times(start, stop)?, gaps_of(gaps)?).map_err(raised)?;
        Ok(pieces.into_iter().map(Piece).collect())
    }

    /// Reads a piece into an array of the shape (frames, channels). Returns the recordings whose samples
    /// may not be exact, and why.
    fn read_piece(
        &self,
        py: Python<'_>,
        piece: &Piece,
        mut out: Array<'_>,
    ) -> PyResult<Vec<(String, String)>> {
        let (deployment, mut inexact) = (self.open()?, Vec::new());
        out.fill_with(py, Read { deployment, piece: &piece.0, inexact: &mut inexact })?;
        Ok(inexact)
    }
}

#[pymethods]
impl Piece {
    #[getter]
    fn start(&self) -> i128 {
        self.0.start.as_nanosecond()
    }

    #[getter]
    fn frames(&self) -> u64 {
        self.0.samples()
    }

    #[getter]
    fn channels(&self) -> u8 {
        self.0.channels
    }

    #[getter]
    fn real_rate(&self) -> u32 {
        self.0.real_rate.get()
    }

    /// Frames that are silent because nothing was recorded.
    fn silences(&self) -> Vec<(u64, u64)> {
        self.0.silences().map(|silence| (silence.start, silence.end)).collect()
    }

    fn segments(&self) -> Vec<Part> {
        self.0.segments.iter().filter_map(part_of).collect()
    }
}

/// A piece to read into a buffer.
struct Read<'a> {
    deployment: &'a opus_zarr::Deployment,
    piece: &'a opus_zarr::Piece,
    inexact: &'a mut Vec<(String, String)>,
}

impl Fill for Read<'_> {
    fn fill<S: Sample + Send>(self, out: &mut [S], watch: &mut Watch) -> PyResult<()> {
        let (mut filled, mut looked, expected) = (0, Ok(()), out.len());
        let inexact = self.deployment.stream_piece::<S>(self.piece, |block| {
            looked = watch.look();
            match out.get_mut(filled..filled + block.len()) {
                Some(room) if looked.is_ok() => room.copy_from_slice(block),
                _ => return ControlFlow::Break(()),
            }
            filled += block.len();
            ControlFlow::Continue(())
        });
        looked?;
        let inexact = inexact.map_err(raised)?;
        if filled != expected {
            return Err(PyValueError::new_err(format!(
                "array of {expected} samples does not fit the piece"
            )));
        }
        self.inexact
            .extend(inexact.iter().map(|part| (part.recording.to_string(), why(&part.reason))));
        Ok(())
    }
}

fn part_of(segment: &Segment) -> Option<Part> {
    let Range { start, end } = nanos(segment.time());
    match segment {
        Segment::Recorded { recording, samples, .. } => {
            Some((Some(recording.to_string()), samples.start, samples.end, start, end))
        }
        Segment::Gap { .. } => Some((None, 0, 0, start, end)),
        _ => None,
    }
}

fn gaps_of(text: &str) -> PyResult<Gaps> {
    match text {
        "error" => Ok(Gaps::Error),
        "silence" => Ok(Gaps::Silence),
        "split" => Ok(Gaps::Split),
        _ => Err(PyValueError::new_err(format!(
            "unknown gaps {text:?}: expected \"error\", \"silence\" or \"split\""
        ))),
    }
}

fn nanos(time: &Range<Timestamp>) -> Range<i128> {
    time.start.as_nanosecond()..time.end.as_nanosecond()
}

fn times(start: i128, stop: i128) -> PyResult<Range<Timestamp>> {
    let time = |nanos| Timestamp::from_nanosecond(nanos).map_err(|it| invalid(&it));
    Ok(time(start)?..time(stop)?)
}
