//! Imports of audio that is not Opus, and of the metadata that its recorder wrote.

#![allow(clippy::as_conversions, clippy::cast_possible_truncation, reason = "tones are rounded")]

use std::{
    f32::consts::TAU, fs, ops::ControlFlow, path::PathBuf, process::Command, time::Duration,
};

use opus_zarr::{
    Certainty, Error, ErrorKind, ImportOptions, Imported, ReadMode, Stage, Store, StoredAs,
    Ultrasound, import,
};
use opus_zarr_testkit::{
    errors::chain,
    fast_folder,
    recordings::{MONO, import_with},
    testdata,
    tree::visible,
};
use serde_json::Value;
use tempfile::TempDir;

#[test]
fn flac_starts_when_the_wave_file_it_was_made_from_did() {
    let file =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../opus-transcode/testdata/guano-foreign.flac");
    let world = World::new();
    let recording =
        world.import(&PathBuf::from(file), &ImportOptions::default()).unwrap().into_first();
    let info = recording.info();
    let start = info.start.as_ref().unwrap();
    assert_eq!(start.utc.as_deref(), Some("2019-04-30T20:02:44Z"));
    assert_eq!((start.source.as_str(), start.certainty), ("GUANO", Certainty::Certain));
    assert_eq!((info.play_length, info.source.metadata.len()), (144_000, 1));
}

#[test]
fn silence_that_audiomoth_only_counts_is_filled_in() {
    let comment = |trigger: &str| {
        let text = format!(
            "Recorded at 19:30:00 12/11/2021 (UTC) by AudioMoth 248D9B045EC9EE79 at medium gain \
             while battery was 4.1V and temperature was 14.0C.{trigger}"
        );
        let mut list = b"INFO".to_vec();
        push_chunk(&mut list, "ICMT", text.as_bytes());
        list
    };
    let mut count: Vec<i16> =
        (0..32).map(|bit| if 1000 >> bit & 1 == 1 { 1 } else { -1 }).collect();
    count.resize(256, 0);
    let count: Vec<u8> = count.into_iter().flat_map(i16::to_le_bytes).collect();
    for (trigger, play_length) in
        [(" Amplitude threshold was 512.", 4800 + 256_000), ("", 4800 + 256)]
    {
        let world = World::new();
        let file = world.wave(48_000, 1, 4800, &[("LIST", &comment(trigger))]);
        let mut bytes = fs::read(&file).unwrap();
        bytes.extend(&count);
        let at = bytes.len() - 9600 - 512 - 4;
        bytes[at..at + 4].copy_from_slice(&10_112_u32.to_le_bytes());
        fs::write(&file, bytes).unwrap();
        let imported = world.import(&file, &ImportOptions::default()).unwrap();
        assert_eq!(imported.findings.len(), usize::from(!trigger.is_empty()));
        assert_eq!(imported.into_first().info().play_length, play_length);
    }
}

#[test]
fn floats_that_are_no_numbers_do_not_spread() {
    let world = World::new();
    let file = world.wave(44_100, 1, 88_200, &[]);
    let mut bytes = fs::read(&file).unwrap();
    let (at, mut data) = (bytes.len() - 176_400, vec![0.25_f32; 44_100]);
    (data[100], data[30_000], data[40_000]) = (f32::NAN, f32::INFINITY, 4.0);
    bytes[20] = 3;
    bytes[32..36].copy_from_slice(&[4, 0, 32, 0]);
    bytes[at..].copy_from_slice(&data.into_iter().flat_map(f32::to_le_bytes).collect::<Vec<u8>>());
    fs::write(&file, bytes).unwrap();
    let imported = world.import(&file, &ImportOptions::default()).unwrap();
    assert_eq!(imported.findings.len(), 3, "{:?}", imported.findings);
    let samples: Vec<f32> = imported.into_first().read(0..48_000).unwrap();
    assert!(samples.iter().all(|sample| sample.is_finite() && sample.abs() < 8.0));
}

#[test]
fn metadata_of_the_recorder_is_stored() {
    let guano =
        "GUANO|Version: 1.0\nTimestamp: 2026-05-12T04:15:00.5+02:00\nLoc Position: 47.4 8.5\n";
    let world = World::new();
    let file =
        world.wave(44_100, 1, 22_050, &[("guan", guano.as_bytes()), ("note", b"kept\0as it is")]);
    let recording = world.import(&file, &ImportOptions::default()).unwrap().into_first();
    let info = recording.info();
    assert_eq!(info.source.stored, StoredAs::Transcoded);
    assert_eq!((info.source.container.as_str(), info.source.codec.as_str()), ("wav", "pcm_s16le"));
    assert_eq!(info.play_length, 24_000);

    let start = info.start.as_ref().unwrap();
    assert_eq!(start.utc.as_deref(), Some("2026-05-12T02:15:00.5Z"));
    assert_eq!(start.local, "2026-05-12T04:15:00.5");
    assert_eq!((start.source.as_str(), start.certainty), ("GUANO", Certainty::Certain));
    assert_eq!(recording.utc_of(12_000).unwrap().to_string(), "2026-05-12T02:15:00.75Z");
    let time = |text: &str| text.parse().unwrap();
    let quarter = time("2026-05-12T02:15:00.5Z")..time("2026-05-12T02:15:00.75Z");
    assert_eq!(recording.samples_of_utc(quarter).unwrap(), 0..12_000);
    let before = time("2026-05-12T02:14:00Z")..time("2026-05-12T02:15:01Z");
    assert!(
        recording.samples_of_utc(before).is_err_and(|error| error.kind() == ErrorKind::BeforeStart)
    );

    // Unchanged, in the document that other programs read.
    let stored = fs::read(world.store().join("it/zarr.json")).unwrap();
    let stored: Value = serde_json::from_slice(&stored).unwrap();
    let metadata = &stored["attributes"]["opus_zarr"]["source"]["metadata"];
    assert_eq!(metadata[0]["id"], "guan");
    assert_eq!(metadata[0]["text"], guano);
    assert_eq!(metadata[1]["hex"], "6b657074006173206974206973");
    let transcoding = info.source.transcoding.as_ref().unwrap();
    assert_eq!((transcoding.rate, transcoding.samples), (44_100, 22_050));
    assert_eq!((transcoding.settings.bitrate, transcoding.encoded_rate), (96_000, 48_000));
}

#[test]
fn a_file_name_gives_a_start_in_the_callers_time_zone() {
    let world = World::new();
    let file = world.folder.path().join("S4A01234_20260112_041500.wav");
    fs::rename(world.wave(48_000, 1, 4_800, &[]), &file).unwrap();
    let start = |zone: Option<&str>, name: &str| {
        let mut options = ImportOptions::default();
        options.zone = zone.map(|zone| zone.parse().unwrap());
        let imported = import_with(&file, world.store(), name, &options).unwrap();
        imported.into_first().info().start.clone().unwrap()
    };
    let unknown = start(None, "unknown");
    assert_eq!((unknown.utc, unknown.certainty), (None, Certainty::LocalOnly));
    let zurich = start(Some("Europe/Zurich"), "zurich");
    assert_eq!(zurich.utc.as_deref(), Some("2026-01-12T03:15:00Z"));
    assert_eq!(zurich.certainty, Certainty::ZoneAssumed);
    assert_eq!(zurich.source, "file name");
    let zone = "Europe/Paris".parse().unwrap();
    let moved = import_with(&file, world.store(), "zurich", &ImportOptions::default().zone(zone));
    assert!(moved.is_ok_and(|moved| moved.earlier == 1), "not the same start");
    let kept = import_with(&file, world.store(), "zurich", &ImportOptions::default()).unwrap();
    assert_eq!((kept.earlier, kept.starts.len()), (1, 0));
    assert_eq!(
        kept.into_first().info().start.as_ref().unwrap().zone.as_deref(),
        Some("Europe/Zurich")
    );
    let utc = ImportOptions::default().zone("UTC".parse().unwrap());
    let changed = import_with(&file, world.store(), "zurich", &utc).unwrap();
    assert_eq!((changed.earlier, changed.starts.len()), (1, 1));
    assert_eq!(changed.into_first().utc_of(0).unwrap().to_string(), "2026-01-12T04:15:00Z");
}

#[test]
fn the_name_of_an_opus_file_gives_a_start_too() {
    let world = World::new();
    let file = world.folder.path().join("20260112_041500.opus");
    fs::copy(testdata(MONO), &file).unwrap();
    let recording = world.import(&file, &ImportOptions::default()).unwrap().into_first();
    assert_eq!(recording.info().source.stored, StoredAs::Verbatim);
    assert_eq!(recording.info().start.as_ref().unwrap().local, "2026-01-12T04:15:00");
}

#[test]
fn encoded_audio_is_exact_by_default() {
    let world = World::new();
    let file = world.wave(48_000, 2, 150_000, &[]);
    let recording = world.import(&file, &ImportOptions::default()).unwrap().into_first();
    assert_eq!(recording.read_mode(), ReadMode::Exact);
    let whole: Vec<f32> = recording.read(0..150_000).unwrap();
    for start in [1, 47_999, 48_001, 90_000, 149_000] {
        let range =
            usize::try_from(2 * start).unwrap()..usize::try_from(2 * start + 2_000).unwrap();
        assert_eq!(recording.read::<f32>(start..start + 1_000).unwrap(), whole[range], "{start}");
    }
    let options = ImportOptions::default().exact(false);
    let other = import_with(&file, world.store(), "approximate", &options).unwrap().into_first();
    assert_ne!(other.read_mode(), ReadMode::Exact);
    // Nothing else depends on this option, or on the number of threads.
    let mut alone = ImportOptions::default();
    alone.transcode.threads = std::num::NonZeroUsize::MIN;
    let alone = import_with(&file, world.store(), "alone", &alone).unwrap().into_first();
    for one in [&other, &alone] {
        assert_eq!(one.info().blob_sha256, recording.info().blob_sha256);
    }
}

#[test]
fn audio_of_every_rate_keeps_its_position() {
    for rate in [8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000, 250_000] {
        let world = World::new();
        let file = world.wave(rate, 1, rate / 2 + 7, &[]);
        let recording = world.import(&file, &ImportOptions::default()).unwrap().into_first();
        let expected = (u64::from(rate / 2 + 7) * 48_000).div_ceil(rate.into());
        assert_eq!(recording.info().play_length, expected, "{rate} Hz");
        let samples: Vec<f32> = recording.read(0..expected).unwrap();
        let ideal = |k: usize| tone(0, u32::try_from(k).unwrap(), 48_000);
        let middle = 4_000..20_000;
        let error: f32 = middle.clone().map(|k| (samples[k] - ideal(k)).powi(2)).sum();
        let power: f32 = middle.map(|k| ideal(k).powi(2)).sum();
        let snr = 10.0 * (power / error).log10();
        assert!(snr > 20.0, "{rate} Hz: {snr} dB");
    }
}

/// WAVE and Opus order channels differently: front left, front right, front centre, LFE, back left,
/// back right in WAVE; left, centre, right, back left, back right, LFE in Opus.
#[test]
fn surround_channels_are_reordered() {
    let world = World::new();
    let file = world.wave(48_000, 6, 24_000, &[]);
    let recording = world.import(&file, &ImportOptions::default()).unwrap().into_first();
    assert_eq!(recording.info().mapping_family, 1);
    let samples: Vec<f32> = recording.read(0..24_000).unwrap();
    for (channel, source) in [0, 2, 1, 4, 5, 3].into_iter().enumerate() {
        // The LFE channel keeps only low frequencies.
        if source == 3 {
            continue;
        }
        let frames = || (6_000..18_000).zip(samples.chunks(6).skip(6_000));
        let likeness =
            |of: u8| frames().map(|(k, frame)| tone(of, k, 48_000) * frame[channel]).sum::<f32>();
        let loudest = (0..6).max_by(|one, other| likeness(*one).total_cmp(&likeness(*other)));
        assert_eq!(loudest, Some(source), "channel {channel}");
    }
}

#[test]
fn ultrasound_is_lost_with_a_warning_or_kept_or_rejected() {
    let world = World::new();
    let file = world.wave(250_000, 1, 125_000, &[]);
    let with = |ultrasound: Ultrasound, name: &str| {
        let mut options = ImportOptions::default();
        options.transcode.ultrasound = ultrasound;
        import_with(&file, world.store(), name, &options)
    };
    let lost = with(Ultrasound::Downsample, "lost").unwrap();
    let warning = &lost.findings[0];
    assert!(warning.message.contains("losing everything between 24 and 125 kHz"), "{warning}");
    assert_eq!(lost.into_first().info().real_rate.get(), 48_000);

    let kept = with(Ultrasound::Keep, "kept").unwrap();
    let message = &kept.findings[0].message;
    assert!(message.contains("above 104.16"), "{message}");
    let kept = kept.into_first();
    assert_eq!((kept.info().play_length, kept.info().real_rate.get()), (125_000, 250_000));
    let millis = Duration::from_millis;
    assert_eq!(kept.samples_of(millis(100)..millis(200)), 25_000..50_000);
    assert_eq!(kept.time_of(25_000), millis(100));

    let refused = chain(&with(Ultrasound::Reject, "refused").unwrap_err());
    assert!(refused.contains("found 250000 Hz"), "{refused}");
}

#[test]
fn time_expansion_is_undone() {
    let world = World::new();
    let file = world.wave(44_100, 1, 44_100, &[("guan", b"GUANO|Version: 1.0\nTE: 10\n")]);
    let recording = world.import(&file, &ImportOptions::default()).unwrap().into_first();
    assert_eq!((recording.info().play_length, recording.info().real_rate.get()), (48_000, 480_000));
    assert_eq!(recording.time_of(48_000), Duration::from_millis(100));
    let mut options = ImportOptions::default();
    options.transcode.ultrasound = Ultrasound::Reject;
    let refused = chain(&import_with(&file, world.store(), "no", &options).unwrap_err());
    assert!(refused.contains("441000 Hz"), "{refused}");
}

#[test]
fn audiomoth_comments_and_tags_are_read() {
    let comment = "Recorded at 19:30:00 12/11/2021 (UTC+1) by AudioMoth 248D9B045EC9EE79 at medium gain while battery was 4.1V and temperature was 14.0C.";
    let mut list = b"INFOICMT".to_vec();
    list.extend(u32::try_from(comment.len()).unwrap().to_le_bytes());
    list.extend(comment.as_bytes());
    list.extend(vec![0; comment.len() % 2]);
    list.extend(b"IART\x06\0\0\0nobody");
    let world = World::new();
    let file = world.wave(48_000, 1, 4_800, &[("LIST", &list)]);
    let recording = world.import(&file, &ImportOptions::default()).unwrap().into_first();
    let info = recording.info();
    let start = info.start.as_ref().unwrap();
    assert_eq!(start.utc.as_deref(), Some("2021-11-12T18:30:00Z"));
    assert_eq!(start.source, "AudioMoth comment");
    assert_eq!(info.tags.comments, [format!("COMMENT={comment}"), "ARTIST=nobody".to_owned()]);
}

#[test]
fn ffmpeg_decodes_other_formats_on_request() {
    let world = World::new();
    let (source, file) = (world.wave(44_100, 2, 44_100, &[]), world.folder.path().join("a.wma"));
    let encode =
        Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(&source).arg(&file).status();
    if !encode.is_ok_and(|status| status.success()) {
        return opus_zarr_testkit::say_skipped("import through ffmpeg: no ffmpeg");
    }
    let refused = chain(&world.import(&file, &ImportOptions::default()).unwrap_err());
    assert!(refused.ends_with("cannot decode Windows Media (ASF); use ffmpeg"), "{refused}");

    let options = ImportOptions::default().ffmpeg("ffmpeg");
    let recording = world.import(&file, &options).unwrap().into_first();
    let transcoding = recording.info().source.transcoding.as_ref().unwrap();
    assert!(transcoding.decoder.starts_with("ffmpeg version"), "{transcoding:?}");
    assert_eq!((transcoding.rate, recording.info().channels), (44_100, 2));
    let expected = (transcoding.samples * 48_000).div_ceil(44_100);
    assert_eq!(recording.info().play_length, expected);

    let options = ImportOptions::default().ffmpeg("no-such-ffmpeg");
    let error = chain(&import_with(&file, world.store(), "no", &options).unwrap_err());
    assert!(error.contains("no-such-ffmpeg"), "{error}");
}

#[test]
fn importing_again_completes_an_interrupted_import_with_the_same_settings() {
    let world = World::new();
    let (source, file) = (world.wave(48_000, 1, 96_000, &[]), world.folder.path().join("two.mka"));
    let mut encode = Command::new("ffmpeg");
    encode
        .args(["-v", "error", "-i"])
        .arg(&source)
        .args(["-map", "0", "-map", "0", "-c:a", "flac"]);
    if !encode.arg(&file).status().is_ok_and(|status| status.success()) {
        return opus_zarr_testkit::say_skipped("an interrupted import of two tracks: no ffmpeg");
    }
    let (store, options) =
        (Store::open_or_create(world.store()).unwrap(), ImportOptions::default());
    let mut begun = 0;
    let cut_short = import(&file, &store, "it", &options, |progress| {
        begun += usize::from(progress.stage == Stage::Write && progress.bytes == 0);
        if begun == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(cut_short.is_err_and(|error| error.kind() == ErrorKind::Cancelled));
    assert_eq!(visible(&world.store()), ["it.2"], "the first recording is written last");

    let mut other = options.clone();
    other.transcode.sync_interval = None;
    let refused = chain(&world.import(&file, &other).unwrap_err());
    assert!(refused.ends_with("sync interval 19200 samples instead of none"), "{refused}");
    for earlier in [1, 2] {
        let imported = world.import(&file, &options).unwrap();
        assert_eq!(imported.earlier, earlier);
        let streams = imported
            .recordings
            .iter()
            .map(|recording| (recording.name(), recording.info().source.stream));
        assert_eq!(streams.collect::<Vec<_>>(), [("it", 1), ("it.2", 2)]);
    }
    let refused = world.import(&file, &options.stream(2)).unwrap_err();
    assert!(refused.to_string().ends_with("stream 1 instead of 2"), "{refused}");
}

/// A folder for a file and a store.
struct World {
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        Self { folder: fast_folder() }
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    fn import(&self, file: &PathBuf, options: &ImportOptions) -> Result<Imported, Error> {
        import_with(file, self.store(), "it", options)
    }

    /// Writes a WAV file with a tone in each channel, after these chunks.
    fn wave(&self, rate: u32, channels: u16, frames: u32, chunks: &[(&str, &[u8])]) -> PathBuf {
        let mut bytes = b"RIFF\0\0\0\0WAVE".to_vec();
        let mut format = vec![1, 0];
        format.extend(channels.to_le_bytes());
        format.extend(rate.to_le_bytes());
        format.extend((rate * u32::from(channels) * 2).to_le_bytes());
        format.extend((channels * 2).to_le_bytes());
        format.extend([16, 0]);
        push_chunk(&mut bytes, "fmt ", &format);
        for (id, contents) in chunks {
            push_chunk(&mut bytes, id, contents);
        }
        let channels = u8::try_from(channels).unwrap();
        let frame = |k| (0..channels).flat_map(move |channel| pcm(tone(channel, k, rate)));
        push_chunk(&mut bytes, "data", &(0..frames).flat_map(frame).collect::<Vec<u8>>());
        let len = u32::try_from(bytes.len() - 8).unwrap();
        bytes[4..8].copy_from_slice(&len.to_le_bytes());
        let path = self.folder.path().join("source.wav");
        fs::write(&path, bytes).unwrap();
        path
    }
}

fn push_chunk(bytes: &mut Vec<u8>, id: &str, contents: &[u8]) {
    bytes.extend(id.as_bytes());
    bytes.extend(u32::try_from(contents.len()).unwrap().to_le_bytes());
    bytes.extend(contents);
    bytes.extend(vec![0; contents.len() % 2]);
}

fn pcm(sample: f32) -> [u8; 2] {
    ((sample * 32_767.0).round() as i16).to_le_bytes()
}

/// A different one in each channel.
fn tone(channel: u8, k: u32, rate: u32) -> f32 {
    let turns = hz(channel) * f64::from(k) / f64::from(rate);
    0.4 * (TAU * turns.fract() as f32).sin()
}

fn hz(channel: u8) -> f64 {
    500.0 + 300.0 * f64::from(channel)
}
