//! The metadata that recorders write.

use recorder_metadata::{
    AudioMothComment, Bext, Certainty, ClockReading, Guano, Harp, Info, Ixml, NamePattern, Source,
    StartTime, Wamd, Zone, decode_text, other_time_in_file_name, time_in_file_name,
};

/// Parses arbitrary bytes as each kind of metadata. No input is too odd to be read, and everything
/// read comes from the input.
pub fn metadata(bytes: &[u8]) {
    let text = decode_text(bytes);
    // A byte of Windows-1252 becomes up to three in UTF-8.
    let limit = 3 * bytes.len();
    assert!(text.len() <= limit);
    let mut found = Vec::new();
    found.extend(guano(bytes, limit).map(|start| (Source::Guano, start)));
    found.extend(wamd(bytes).map(|start| (Source::Wamd, start)));
    found.extend(audiomoth(&text).map(|start| (Source::AudioMothComment, start)));
    found.extend(harp(bytes).map(|start| (Source::Harp, start)));
    found.extend(bext(bytes, limit).map(|start| (Source::Bext, start)));
    found.extend(ixml(bytes).map(|start| (Source::Ixml, start)));
    found.extend(name(&text));
    found.extend(info(bytes, limit).map(|start| (Source::Tag, start)));
    found.extend(ClockReading::parse(&text).map(|start| (Source::Tag, start)));
    let zone = zone(&text);
    start(&found, None);
    start(&found, Some(&zone.unwrap_or_else(|| "Europe/Zurich".parse().unwrap())));
}

fn guano(bytes: &[u8], limit: usize) -> Option<ClockReading> {
    let guano = Guano::parse(bytes);
    let written: String = guano.fields().map(|(name, value)| format!("{name}:{value}\n")).collect();
    assert!(written.len() <= limit + 2 * guano.fields().count());
    assert!(
        Guano::parse(written.as_bytes()).fields().eq(guano.fields()),
        "changed by a round trip"
    );
    let factor = guano.time_expansion().get();
    assert_eq!(guano.true_rate(1), Some(factor));
    if let Some(at) = guano.position() {
        assert!(at.latitude.abs() <= 90.0 && at.longitude.abs() <= 180.0);
    }
    let lists = guano.species_auto().chain(guano.species_manual()).chain(guano.tags());
    assert!(lists.map(str::len).sum::<usize>() <= written.len());
    assert!(guano.note().is_none_or(|note| note.len() <= written.len()));
    guano.timestamp()
}

fn wamd(bytes: &[u8]) -> Option<ClockReading> {
    let wamd = Wamd::parse(bytes);
    let size: usize = wamd.fields().map(|(_, contents)| 6 + contents.len()).sum();
    assert!(size <= bytes.len() && bytes.len() - size < 6, "every byte is in a field");
    assert_eq!(wamd.true_rate(1), Some(wamd.time_expansion().get()));
    if let Some(at) = wamd.position() {
        assert!(at.latitude.abs() <= 90.0 && at.longitude.abs() <= 180.0);
    }
    wamd.timestamp()
}

fn ixml(bytes: &[u8]) -> Option<ClockReading> {
    let ixml = Ixml::parse(bytes);
    let start = ixml.start();
    assert!(start.is_none() || ixml.stated_start().is_some());
    start
}

fn audiomoth(text: &str) -> Option<ClockReading> {
    let comment = AudioMothComment::parse(text)?;
    assert!(AudioMothComment::is_like(text));
    assert!(text.contains(&comment.rest));
    assert!(comment.device.is_none() || comment.deployment.is_none());
    Some(comment.start)
}

fn bext(bytes: &[u8], limit: usize) -> Option<ClockReading> {
    let Ok(bext) = Bext::parse(bytes) else {
        assert!(bytes.len() < 338);
        return None;
    };
    let texts = [&bext.description, &bext.originator, &bext.date, &bext.coding_history];
    assert!(texts.iter().map(|text| text.len()).sum::<usize>() <= limit);
    for rate in [0, 1, 48_000, u32::MAX] {
        let (start, whole) = (bext.start(rate), bext.start(0));
        assert_eq!(start.is_some(), whole.is_some());
        if let (Some(start), Some(whole)) = (start, whole) {
            assert!(start.clock.duration_since(whole.clock).abs().as_secs_f64() < 1.0);
        }
    }
    bext.start(48_000)
}

fn harp(bytes: &[u8]) -> Option<ClockReading> {
    let found: Vec<Harp> = [1, 2].into_iter().filter_map(|it| Harp::parse(bytes, it)).collect();
    for harp in &found {
        assert!(harp.raw_files() > 0 && harp.raw_files() <= bytes.len() / 32);
        assert!(harp.gaps(0).len() < harp.raw_files());
        assert!(harp.start().is_none_or(|start| Some(start) == harp.stated_start()));
    }
    found.first()?.start()
}

fn info(bytes: &[u8], limit: usize) -> Option<ClockReading> {
    let info = match Info::parse(bytes) {
        Ok(info) => info,
        Err(error) => {
            assert_eq!(error.to_string().lines().count(), 1);
            assert!(!bytes.starts_with(b"INFO"));
            return None;
        }
    };
    assert!(info.texts().iter().map(|found| 8 + found.text.len()).sum::<usize>() <= limit);
    info.created()
}

fn name(text: &str) -> Option<(Source, ClockReading)> {
    // A file name as a pattern for itself, and a usual one.
    for pattern in [text, "%Y%m%d_%H%M%S"].into_iter().filter_map(|it| it.parse().ok()) {
        let pattern: NamePattern = pattern;
        let _: Option<ClockReading> = pattern.find(text);
    }
    let other = other_time_in_file_name(text);
    let Some((source, reading)) = time_in_file_name(text) else {
        assert_eq!(other, None);
        return None;
    };
    assert!(other.is_none_or(|other| other.clock != reading.clock));
    assert!((1900..2100).contains(&reading.clock.year()));
    if source == Source::HexFileName {
        assert!((2016..2036).contains(&reading.clock.year()));
        assert!(reading.instant().is_some());
    } else {
        let in_folder = format!("20010203_040506/{text}");
        assert_eq!(time_in_file_name(&in_folder), Some((source, reading)));
    }
    Some((source, reading))
}

fn zone(text: &str) -> Option<Zone> {
    match text.parse() {
        Ok(zone) => Some(zone),
        Err(error) => {
            assert_eq!(error.to_string().lines().count(), 1);
            None
        }
    }
}

fn start(found: &[(Source, ClockReading)], zone: Option<&Zone>) {
    let Some((start, findings)) = StartTime::choose(found, zone) else {
        return assert!(found.is_empty());
    };
    assert_eq!(Some(start.source), found.iter().map(|(source, _)| *source).min());
    assert!(found.contains(&(start.source, start_reading(found, &start))));
    assert!(findings.len() <= found.len());
    for finding in findings {
        assert_eq!(finding.to_string().lines().count(), 1);
    }
    match (start.certainty, zone) {
        (Certainty::ZoneAssumed { .. }, None) => panic!("a zone was assumed"),
        (Certainty::LocalOnly, _) => assert_eq!(start.instant(), None),
        _ => {
            let (instant, offset) = (start.instant().unwrap(), start.offset().unwrap());
            assert_eq!(offset.to_datetime(instant), start.clock);
        }
    }
}

/// Returns the first reading of the chosen source.
fn start_reading(found: &[(Source, ClockReading)], start: &StartTime) -> ClockReading {
    let mut of_source = found.iter().filter(|(source, _)| *source == start.source);
    let (_, reading) = of_source.next().unwrap();
    assert_eq!(reading.clock, start.clock);
    *reading
}
