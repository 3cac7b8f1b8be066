//! Chooses a track and reads everything before its packets.

use std::io::{Read, Seek};

use opus_packet::{InvalidHead, OpusHead};

use crate::{
    Error, ErrorKind,
    finding::convert,
    input::Seekable,
    mp4::{
        Finding, FindingKind, clock::Clock, edits::Edit, finding::Findings, fragments::Fragments,
        movie::Movie, sample_entry::Descriptions, sample_table::SampleTable, samples::Samples,
        track::TrackBoxes,
    },
};

/// What a reader needs of its track.
pub(crate) struct OpenTrack {
    pub(crate) descriptions: Descriptions,
    pub(crate) head: OpusHead,
    pub(crate) edit: Option<Edit>,
    /// The first sample that plays, if a pre-skip cannot reach it.
    pub(crate) late_start: Option<u64>,
    pub(crate) samples: Samples,
    pub(crate) clock: Clock,
}

pub(crate) fn open_track<R: Read + Seek>(
    movie: &Movie,
    chosen: &Chosen<'_>,
    is_edited: bool,
    input: &mut Seekable<R>,
    findings: &mut Findings,
) -> Result<OpenTrack, Error> {
    let boxes = chosen.boxes;
    let descriptions = descriptions(boxes, input, findings)?.ok_or_else(|| movie.no_opus())?;
    if boxes.timescale == 0 {
        findings.report(boxes.at.start, FindingKind::NoTimescale)?;
    }
    let edit = match boxes.edits.as_ref().filter(|_| is_edited) {
        Some(list) => Edit::read(list, movie.timescale, boxes.timescale, input, findings)?,
        None => None,
    };
    let (head, late_start) = apply_start(&descriptions, edit, findings)?;
    let table = SampleTable::new(boxes, input, findings)?;
    let track = boxes.track.id;
    let defaults = movie.defaults(track, input, findings)?;
    let samples = Samples::new(table, Fragments::new(movie.what_follows(input), track, defaults));
    let clock = Clock::new(boxes.timescale);
    Ok(OpenTrack { descriptions, head, edit, late_start, samples, clock })
}

/// The Opus track to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// The one with this number.
    Number(u32),
    /// This one of those with a usable head, counted from 0.
    Nth(usize),
}

pub(crate) struct Chosen<'a> {
    boxes: &'a TrackBoxes,
    /// The number of Opus tracks with a usable head.
    pub(crate) usable: usize,
}

/// Chooses a track. Reports those with an unusable head, if another one can be read.
pub(crate) fn choose<'a, R: Read + Seek>(
    movie: &'a Movie,
    which: Which,
    input: &mut Seekable<R>,
    findings: &mut Findings,
) -> Result<Chosen<'a>, Error> {
    let place = match which {
        Which::Number(track) => return Ok(Chosen { boxes: movie.numbered(track)?, usable: 1 }),
        Which::Nth(place) => place,
    };
    let (mut usable, mut unusable) = (Vec::new(), Vec::new());
    let mut others: Vec<&TrackBoxes> = movie.other_audio().collect();
    for boxes in movie.candidates() {
        match descriptions(boxes, input, &mut Findings::new(false)) {
            Ok(Some(_)) => usable.push(boxes),
            Ok(None) => others.push(boxes),
            Err(error) if error.kind() == ErrorKind::Io => return Err(error),
            Err(error) => unusable.push((boxes, error)),
        }
    }
    let skipped: Vec<_> =
        unusable.iter().map(|(boxes, error)| skipped_track(boxes, error)).collect();
    let Some(&boxes) = usable.get(place) else {
        let error = unusable.into_iter().next().map(|(_, error)| error);
        let error = error.unwrap_or_else(|| movie.no_opus());
        return Err(error.with_unusable(skipped.into_iter().map(convert).collect()));
    };
    // The reader of the first track reports for all.
    let others = others
        .iter()
        .map(|other| Finding::new(other.at.start, FindingKind::OtherTrack { track: other.track }));
    for Finding { offset, kind, .. } in skipped.into_iter().chain(others).filter(|_| place == 0) {
        findings.report(offset, kind)?;
    }
    Ok(Chosen { boxes, usable: usable.len() })
}

fn skipped_track(boxes: &TrackBoxes, error: &Error) -> Finding {
    let (id, reason) = (boxes.track.id, error.reason().to_owned());
    let offset = error.offset().unwrap_or(boxes.at.start);
    Finding::new(offset, FindingKind::TrackSkipped { id, reason })
}

/// The sample entries of a track; `None` if it holds no Opus.
fn descriptions<R: Read + Seek>(
    boxes: &TrackBoxes,
    input: &mut Seekable<R>,
    findings: &mut Findings,
) -> Result<Option<Descriptions>, Error> {
    match &boxes.descriptions {
        Some(descriptions) => Descriptions::read(descriptions, input, findings),
        None => Ok(None),
    }
}

/// The head with the pre-skip of the edit list, and where the edit begins if that is later than a
/// pre-skip can be.
fn apply_start(
    descriptions: &Descriptions,
    edit: Option<Edit>,
    findings: &mut Findings,
) -> Result<(OpusHead, Option<u64>), Error> {
    let (head, offset) = (&descriptions.head, descriptions.offset);
    let pre_skip = head.pre_skip();
    let edit = edit.map_or(u64::from(pre_skip), |edit| edit.first(pre_skip));
    let Ok(start) = u16::try_from(edit) else { return Ok((head.clone(), Some(edit))) };
    if start == pre_skip {
        return Ok((head.clone(), None));
    }
    findings.report(offset, FindingKind::PreSkip { edit, pre_skip })?;
    Ok((with_pre_skip(head, start).map_err(|reason| Error::at(offset, reason))?, None))
}

/// The head with another pre-skip.
pub(crate) fn with_pre_skip(head: &OpusHead, pre_skip: u16) -> Result<OpusHead, InvalidHead> {
    let applied = OpusHead::new(1, pre_skip, head.input_sample_rate())?;
    Ok(applied.with_mapping(head.mapping().clone()).with_output_gain(head.output_gain()))
}
