//! Movie fragments (ISO/IEC 14496-12 section 8.8).

use std::{
    collections::VecDeque,
    io::{Read, Seek},
};

use crate::{
    Error,
    input::Seekable,
    mp4::{
        FindingKind,
        boxes::{BoxAt, Boxes},
        finding::Findings,
        samples::{Next, Sample, how_many_fit},
        table::Table,
    },
};

/// Properties of samples that a fragment does not state: boxes "trex" and "tfhd".
#[derive(Clone, Copy, Debug)]
pub(crate) struct Defaults {
    pub(crate) description: u32,
    pub(crate) duration: u32,
    pub(crate) size: u32,
}

/// Returns the samples of one track in all fragments. Keeps the runs of one fragment.
#[derive(Debug)]
pub(crate) struct Fragments {
    boxes: Boxes,
    track: u32,
    defaults: Defaults,
    runs: VecDeque<Run>,
    /// Position of the next sample, if its run does not state it.
    at: u64,
    time: u64,
}

/// A run of samples: box "trun".
#[derive(Debug)]
struct Run {
    offset: u64,
    /// Start of its data; `None` if it follows the run before.
    at: Option<u64>,
    time: Option<u64>,
    entries: Table,
    flags: u32,
    left: u32,
    defaults: Defaults,
}

/// The header of a track fragment: box "tfhd".
#[derive(Clone, Copy)]
struct TrackFragment {
    track: u32,
    /// Start of its data.
    base: u64,
    defaults: Defaults,
}

impl Fragments {
    /// The fragments after the movie.
    pub(crate) fn new(boxes: Boxes, track: u32, defaults: Defaults) -> Self {
        Self { boxes, track, defaults, runs: VecDeque::new(), at: 0, time: 0 }
    }

    /// Sets the time of the first sample, which a fragment may override.
    pub(crate) fn begin_at(&mut self, time: u64) {
        self.time = time;
    }

    pub(crate) fn next<R: Read + Seek>(
        &mut self,
        input: &mut Seekable<R>,
        findings: &mut Findings,
    ) -> Result<Next, Error> {
        loop {
            match self.runs.front() {
                Some(run) if run.left > 0 => return self.next_of_run(input),
                Some(_) => {
                    self.runs.pop_front();
                    self.begin_run();
                }
                None => {
                    let Some(next) = self.boxes.next(input, findings)? else {
                        return Ok(Next::End);
                    };
                    if next.is(b"moof") {
                        self.read_fragment(&next, input, findings)?;
                    } else if next.is(b"moov") {
                        findings.report(next.start, FindingKind::SecondMovie)?;
                    }
                }
            }
        }
    }

    fn begin_run(&mut self) {
        if let Some(run) = self.runs.front() {
            self.at = run.at.unwrap_or(self.at);
            self.time = run.time.unwrap_or(self.time);
        }
    }

    fn next_of_run<R: Read + Seek>(&mut self, input: &mut Seekable<R>) -> Result<Next, Error> {
        let Some(run) = self.runs.front_mut() else { return Ok(Next::End) };
        let (offset, time) = (self.at, self.time);
        // A small file can claim billions of them, so they are skipped together.
        if run.flags & (HAS_SIZE | HAS_DURATION) == 0 {
            let size = run.defaults.size;
            let is_outside = how_many_fit(offset, input.len(), size, 1) == 0;
            if is_outside || size == 0 {
                let count = u64::from(run.left);
                run.left = 0;
                let duration = u64::from(run.defaults.duration).saturating_mul(count);
                self.time = time.saturating_add(duration);
                let offset = if is_outside { offset } else { run.offset };
                return Ok(if is_outside {
                    Next::Outside { offset, count }
                } else {
                    Next::NoBytes { offset, count }
                });
            }
        }
        run.left -= 1;
        let (duration, size) = run.next_entry(input)?;
        self.at = offset.saturating_add(u64::from(size));
        self.time = time.saturating_add(u64::from(duration));
        if how_many_fit(offset, input.len(), size, 1) == 0 {
            return Ok(Next::Outside { offset, count: 1 });
        }
        let (description, duration) = (run.defaults.description, u64::from(duration));
        Ok(Next::Sample(Sample { offset, size, time: Some(time), duration, description }))
    }

    fn read_fragment<R: Read + Seek>(
        &mut self,
        fragment: &BoxAt,
        input: &mut Seekable<R>,
        findings: &mut Findings,
    ) -> Result<(), Error> {
        let mut children = Boxes::of(fragment, 0);
        let mut before: Option<(BoxAt, TrackFragment)> = None;
        let mut track_fragments = 0;
        while let Some(child) = children.next(input, findings)? {
            if !child.is(b"traf") {
                continue;
            }
            track_fragments += 1;
            let Some(header) = Boxes::of(&child, 0).find(b"tfhd", input, findings)? else {
                continue;
            };
            let header = self.read_header(&header, fragment, before, input, findings)?;
            before = header.map(|header| (child, header));
            let Some(header) = header.filter(|header| header.track == self.track) else { continue };
            let runs = read_runs(&child, &header, input, findings)?;
            let room = MAX_RUNS.saturating_sub(self.runs.len());
            if runs.len() > room {
                findings.report(child.start, FindingKind::TooManyRuns { limit: MAX_RUNS })?;
            }
            self.runs.extend(runs.into_iter().take(room));
        }
        self.mend(fragment, track_fragments == 1, input, findings)?;
        self.begin_run();
        Ok(())
    }

    /// Data cannot begin inside the fragment's own box. It appears to where a program has moved
    /// the boxes of a file without changing the absolute offsets in them. If there is only one
    /// track, its data begins where the next data box does. Otherwise it is lost.
    fn mend<R: Read + Seek>(
        &mut self,
        fragment: &BoxAt,
        is_alone: bool,
        input: &mut Seekable<R>,
        findings: &mut Findings,
    ) -> Result<(), Error> {
        let start = self.runs.front().and_then(|run| run.at);
        let Some(start) = start.filter(|start| (fragment.start..fragment.end).contains(start))
        else {
            return Ok(());
        };
        // Problems of the next box are reported when it is read.
        let next = { self.boxes }.next(input, &mut Findings::new(false))?;
        let data = next.filter(|next| is_alone && next.is(b"mdat")).map(|data| data.body);
        findings.report(fragment.start, FindingKind::DataInFragment { start, mended: data })?;
        let Some(data) = data else {
            self.runs.clear();
            return Ok(());
        };
        for run in &mut self.runs {
            run.at = run.at.map(|at| at.saturating_add(data.saturating_sub(start)));
        }
        Ok(())
    }

    fn read_header<R: Read + Seek>(
        &self,
        header: &BoxAt,
        fragment: &BoxAt,
        before: Option<(BoxAt, TrackFragment)>,
        input: &mut Seekable<R>,
        findings: &mut Findings,
    ) -> Result<Option<TrackFragment>, Error> {
        let Some(fields) = header.fields::<8, R>(input, findings, 0)? else { return Ok(None) };
        let [_, f0, f1, f2, t0, t1, t2, t3] = fields;
        let flags = u32::from_be_bytes([0, f0, f1, f2]);
        let mut defaults = self.defaults;
        let mut skip = 8;
        let mut base = fragment.start;
        if flags & HAS_BASE != 0 {
            base = header.fields(input, findings, skip)?.map_or(base, u64::from_be_bytes);
            skip += 8;
        } else if flags & BASE_IS_FRAGMENT == 0 {
            // The data follows that of the track fragment before (section 8.8.7).
            if let Some((before, header)) = before {
                base = data_end(&before, &header, input)?;
            }
        }
        let fields = [&mut defaults.description, &mut defaults.duration, &mut defaults.size];
        for (field, flag) in
            fields.into_iter().zip([HAS_DESCRIPTION, HAS_DURATION_OF_ALL, HAS_SIZE_OF_ALL])
        {
            if flags & flag != 0 {
                *field = header.fields(input, findings, skip)?.map_or(*field, u32::from_be_bytes);
                skip += 4;
            }
        }
        Ok(Some(TrackFragment { track: u32::from_be_bytes([t0, t1, t2, t3]), base, defaults }))
    }
}

impl Run {
    /// The duration and size of the next sample.
    fn next_entry<R: Read + Seek>(&mut self, input: &mut Seekable<R>) -> Result<(u32, u32), Error> {
        let [first, second, ..] = self.entries.next(input)?.unwrap_or_default();
        let Defaults { duration, size, .. } = self.defaults;
        Ok(match (self.flags & HAS_DURATION != 0, self.flags & HAS_SIZE != 0) {
            (true, true) => (first, second),
            (true, false) => (first, size),
            (false, true) => (duration, first),
            (false, false) => (duration, size),
        })
    }

    fn read<R: Read + Seek>(
        at: &BoxAt,
        header: &TrackFragment,
        input: &mut Seekable<R>,
        findings: &mut Findings,
    ) -> Result<Option<Self>, Error> {
        let Some(fields) = at.fields::<8, R>(input, findings, 0)? else { return Ok(None) };
        let [_, f0, f1, f2, c0, c1, c2, c3] = fields;
        let flags = u32::from_be_bytes([0, f0, f1, f2]);
        let mut skip = 8;
        let mut data_at = None;
        if flags & HAS_DATA_OFFSET != 0 {
            let offset = at.fields(input, findings, skip)?.map_or(0, i32::from_be_bytes);
            data_at = Some(header.base.saturating_add_signed(i64::from(offset)));
            skip += 4;
        }
        skip += if flags & HAS_FIRST_FLAGS != 0 { 4 } else { 0 };
        let words = [HAS_DURATION, HAS_SIZE, HAS_FLAGS, HAS_COMPOSITION_OFFSET]
            .into_iter()
            .filter(|flag| flags & flag != 0)
            .count();
        let count = u32::from_be_bytes([c0, c1, c2, c3]);
        let entries = Table::new(at, skip, words, count, findings)?;
        let (offset, left, defaults) = (at.start, entries.left(), header.defaults);
        Ok(Some(Self { offset, at: data_at, time: None, entries, flags, left, defaults }))
    }
}

/// Reads the runs of a track fragment. The first one has the fragment's time, if stated, and
/// begins where its data does.
fn read_runs<R: Read + Seek>(
    parent: &BoxAt,
    header: &TrackFragment,
    input: &mut Seekable<R>,
    findings: &mut Findings,
) -> Result<Vec<Run>, Error> {
    let (mut runs, mut time) = (Vec::new(), None);
    let mut children = Boxes::of(parent, 0);
    while let Some(child) = children.next(input, findings)? {
        if child.is(b"tfdt") {
            time = read_time(&child, input, findings)?;
        } else if child.is(b"trun") && runs.len() <= MAX_RUNS {
            runs.extend(Run::read(&child, header, input, findings)?);
        }
    }
    if let Some(first) = runs.first_mut() {
        first.time = time;
        first.at = first.at.or(Some(header.base));
    }
    Ok(runs)
}

fn read_time<R: Read + Seek>(
    at: &BoxAt,
    input: &mut Seekable<R>,
    findings: &mut Findings,
) -> Result<Option<u64>, Error> {
    let Some([version]) = at.fields(input, findings, 0)? else { return Ok(None) };
    if version == 1 {
        return Ok(at.fields(input, findings, 4)?.map(u64::from_be_bytes));
    }
    Ok(at.fields(input, findings, 4)?.map(|time| u64::from(u32::from_be_bytes(time))))
}

/// The end of the data of a track fragment.
fn data_end<R: Read + Seek>(
    parent: &BoxAt,
    header: &TrackFragment,
    input: &mut Seekable<R>,
) -> Result<u64, Error> {
    let mut at = header.base;
    // Problems are reported when the fragment is read, if its track is.
    for mut run in read_runs(parent, header, input, &mut Findings::new(false))? {
        at = run.at.unwrap_or(at);
        if run.flags & HAS_SIZE == 0 {
            let bytes = u64::from(run.left).saturating_mul(u64::from(run.defaults.size));
            at = at.saturating_add(bytes);
            continue;
        }
        for _ in 0..run.left {
            let (_, size) = run.next_entry(input)?;
            at = at.saturating_add(u64::from(size));
        }
    }
    Ok(at)
}

/// No recording has more runs in one fragment.
const MAX_RUNS: usize = if cfg!(fuzzing) { 16 } else { 10_000 };

// Flags of "tfhd" (section 8.8.7).
const HAS_BASE: u32 = 0x1;
const HAS_DESCRIPTION: u32 = 0x2;
const HAS_DURATION_OF_ALL: u32 = 0x8;
const HAS_SIZE_OF_ALL: u32 = 0x10;
const BASE_IS_FRAGMENT: u32 = 0x2_0000;

// Flags of "trun" (section 8.8.8).
const HAS_DATA_OFFSET: u32 = 0x1;
const HAS_FIRST_FLAGS: u32 = 0x4;
const HAS_DURATION: u32 = 0x100;
const HAS_SIZE: u32 = 0x200;
const HAS_FLAGS: u32 = 0x400;
const HAS_COMPOSITION_OFFSET: u32 = 0x800;
