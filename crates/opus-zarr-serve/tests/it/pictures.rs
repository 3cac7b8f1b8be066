//! Tiles.

use opus_zarr::{ImportOptions, Store, import, unwatched};
use opus_zarr_serve::Options;
use opus_zarr_testkit::{files::fast_folder, wave::wave};

use crate::support::Serving;

struct Picture {
    width: usize,
    height: usize,
    /// Bytes of a pixel.
    depth: usize,
    bytes: Vec<u8>,
}

impl Picture {
    fn get(serving: &Serving, target: &str) -> Self {
        let answer = serving.get(target);
        assert_eq!(answer.status, 200, "{target}: {}", String::from_utf8_lossy(&answer.body));
        assert_eq!(answer.field("content-type"), Some("image/png"));
        let mut decoder = png::Decoder::new(&answer.body[..]);
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size()];
        let info = reader.next_frame(&mut bytes).unwrap();
        let (width, height) =
            (usize::try_from(info.width).unwrap(), usize::try_from(info.height).unwrap());
        Self { width, height, depth: bytes.len() / width / height, bytes }
    }

    fn pixel(&self, x: usize, y: usize) -> &[u8] {
        let at = (y * self.width + x) * self.depth;
        &self.bytes[at..at + self.depth]
    }

    /// The row of the brightest pixel of a column.
    fn brightest(&self, x: usize) -> usize {
        let bright = |y: &usize| -> u32 { self.pixel(x, *y).iter().map(|it| u32::from(*it)).sum() };
        (0..self.height).rev().max_by_key(bright).unwrap()
    }
}

/// Ten seconds: a second of silence, then 6 kHz at half of full scale; the other channel is silent.
fn serving() -> (tempfile::TempDir, Serving) {
    let folder = fast_folder();
    let samples: Vec<i16> = (0..480_000_u32)
        .flat_map(|n| {
            let phase = f64::from(n % 8) / 8.0 * std::f64::consts::TAU;
            let sample = if n < 48_000 { 0.0 } else { phase.sin() * 16_384.0 };
            #[allow(clippy::as_conversions, clippy::cast_possible_truncation, reason = "in range")]
            [sample as i16, 0]
        })
        .collect();
    let file = folder.path().join("tone.wav");
    std::fs::write(&file, wave(48_000, 2, &samples)).unwrap();
    let store = Store::open_or_create(folder.path().join("a.zarr")).unwrap();
    import(file, &store, "tone", &ImportOptions::default(), unwatched).unwrap();
    let serving = Serving::of(vec![("a".to_owned(), store)], Options::default());
    (folder, serving)
}

#[test]
fn a_tone_lights_its_row_at_every_zoom() {
    let (_folder, serving) = serving();
    for (zoom, column) in [(0, 0), (8, 255), (11, 200), (12, 100), (13, 40), (14, 20), (18, 1)] {
        let tile = if zoom == 0 { 1000 } else { 0 };
        let target = format!(
            "/tiles/tone/spectrogram/{zoom}/{tile}.png?channel=1&colours=grey&height=240&min=-106&max=0"
        );
        let picture = Picture::get(&serving, &target);
        assert_eq!(picture.height, 240);
        // 6 of 24 kHz.
        assert!(
            picture.brightest(column).abs_diff(180) <= 1,
            "zoom {zoom}: {}",
            picture.brightest(column)
        );
        let narrow = Picture::get(&serving, &format!("{target}&low=5000&high=7000"));
        assert!(
            narrow.brightest(column).abs_diff(120) <= 3,
            "zoom {zoom}: {}",
            narrow.brightest(column)
        );
    }
    // Silence before it, and in the other channel.
    let first = Picture::get(&serving, "/tiles/tone/spectrogram/8/0.png?colours=grey");
    assert!((0..256).all(|y| first.pixel(10, y) == [0; 3]));
    let other = Picture::get(&serving, "/tiles/tone/spectrogram/12/0.png?colours=grey&channel=2");
    assert!((0..256).all(|y| other.pixel(60, y) == [0; 3]));
}

/// -9 dB of a tone at half of full scale in one of two channels; the level does not depend on the zoom.
#[test]
fn levels_are_decibels_of_full_scale() {
    let (_folder, serving) = serving();
    for zoom in [8, 12, 14] {
        let target =
            format!("/tiles/tone/spectrogram/{zoom}/0.png?channel=1&colours=grey&min=-106&max=0");
        let picture = Picture::get(&serving, &target);
        let column = if zoom == 8 { 255 } else { 20 };
        let level =
            f64::from(picture.pixel(column, picture.brightest(column))[0]) / 255.0 * 106.0 - 106.0;
        assert!((level + 6.0).abs() < 1.0, "zoom {zoom}: {level} dB");
    }
}

#[test]
fn tiles_end_with_the_recording() {
    let (_folder, serving) = serving();
    for (zoom, tile, width) in [(10, 0, 256), (10, 1, 213), (18, 0, 2), (36, 0, 1), (0, 1874, 256)]
    {
        for kind in ["spectrogram", "waveform"] {
            let picture = Picture::get(&serving, &format!("/tiles/tone/{kind}/{zoom}/{tile}.png"));
            assert_eq!(picture.width, width, "{kind} {zoom} {tile}");
        }
    }
    for (zoom, tile) in [("10", "2"), ("0", "1875"), ("36", "1"), ("36", "18446744073709551615")] {
        let answer = serving.get(&format!("/tiles/tone/spectrogram/{zoom}/{tile}.png"));
        assert_eq!(answer.status, 404, "{zoom} {tile}");
    }
    for query in ["low=25000", "low=5000&high=5000", "high=24001", "channel=3"] {
        let answer = serving.get(&format!("/tiles/tone/spectrogram/10/0.png?{query}"));
        assert_eq!(answer.status, 400, "{query}");
    }
}

#[test]
fn a_waveform_is_as_high_as_its_samples() {
    let (_folder, serving) = serving();
    let picture = Picture::get(&serving, "/tiles/tone/waveform/12/0.png?channel=1&height=200");
    let filled = |x: usize| (0..picture.height).filter(|y| picture.pixel(x, *y)[3] == 255).count();
    assert!(filled(60).abs_diff(100) <= 3, "{}", filled(60));
    assert!(filled(3) <= 1, "{}", filled(3));
}

#[test]
fn a_tile_is_drawn_once() {
    let (_folder, serving) = serving();
    let target = "/tiles/tone/spectrogram/12/0.png";
    let first = serving.get(target);
    assert_eq!(serving.get(target).body, first.body);
    let tag = format!("If-None-Match: {}", first.field("etag").unwrap());
    assert_eq!(serving.ask("GET", target, &[&tag]).status, 304);
    let metrics = String::from_utf8(serving.get("/metrics").body).unwrap();
    for line in [
        "opus_zarr_made_total 1",
        "opus_zarr_kept_total 1",
        "opus_zarr_requests_total{route=\"tile\",status=\"304\"} 1",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line}:\n{metrics}");
    }
}
