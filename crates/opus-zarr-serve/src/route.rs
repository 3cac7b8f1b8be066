//! What a URL means. Pure, and the only place where bytes of a client become names.

use std::{ops::Range, str::FromStr};

use hyper::{Method, StatusCode};
use opus_zarr::{LocalSelection, RecordingFilter, RecordingName, Selection, Timestamp, Zone};
use opus_zarr_render::Palette;

use crate::{
    Form, Problem, ZarrKey, page,
    query::{Query, decode},
    tiles::MOST_ZOOM,
};

/// What a request asks for.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Route {
    /// A file of the page, by name.
    Page(&'static str),
    /// Whether the server is alive.
    Health,
    /// Counters for Prometheus.
    Metrics,
    /// The stores and their prefixes.
    Stores,
    /// Something of a store.
    Store(Place),
}

/// Something of a store.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The name of the store, if the path has one.
    pub store: Option<String>,
    /// What of it.
    pub wanted: Wanted,
}

/// What is wanted of a store.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Wanted {
    /// The catalogue, or some of its rows.
    Recordings(Box<RecordingFilter>),
    /// All about a recording.
    Info(RecordingName),
    /// The Ogg Opus stream as it is stored.
    Opus(RecordingName),
    /// A part as WAV.
    Wav(RecordingName, Box<Cut>),
    /// A picture of a part.
    Tile(RecordingName, Box<Tile>),
    /// A key of the virtual Zarr store.
    Zarr(Form, ZarrKey),
}

/// A part of a recording as a file.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Cut {
    /// Which part.
    pub selection: Selection,
    /// Bits of a sample: 16, 24, or 32, which are floating-point numbers.
    pub bits: u8,
    /// How fast the file plays; 0.1 makes ultrasound audible.
    pub speed: f64,
}

/// A picture of 256 columns.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Tile {
    /// What it shows.
    pub picture: Picture,
    /// A column stands for two to this power of play samples.
    pub zoom: u32,
    /// How many tiles come before it.
    pub number: u64,
    /// Rows.
    pub height: u32,
    /// Which channel, counted from 0; all are mixed if none is given.
    pub channel: Option<u8>,
}

/// What a tile shows.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Picture {
    /// Frequencies over time.
    #[non_exhaustive]
    Spectrogram {
        /// The lowest frequency in real Hz; 0 if none is given.
        low: Option<f64>,
        /// The highest frequency in real Hz; half the sample rate if none is given.
        high: Option<f64>,
        /// Levels of the first and the last colour in dB of full scale.
        levels: Range<f64>,
        /// Samples of a window.
        window: usize,
        /// Colours of the levels.
        colours: Palette,
    },
    /// Amplitude over time.
    Waveform,
}

impl Route {
    /// Finds what a request asks for.
    ///
    /// # Errors
    ///
    /// There is nothing at the path, a parameter is invalid or unknown, or the method is neither GET nor
    /// HEAD.
    pub fn parse(method: &Method, path: &str, query: Option<&str>) -> Result<Self, Problem> {
        if ![Method::GET, Method::HEAD].contains(method) {
            let detail = "this server is read-only: expected GET or HEAD";
            return Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail));
        }
        let path = path.strip_prefix('/').ok_or_else(nothing)?;
        let segments = path.split('/').map(decode).collect::<Result<Vec<_>, _>>()?;
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let mut query = Query::parse(query.unwrap_or_default())?;
        let route = match segments[..] {
            // What is in the URL of the page is for its scripts.
            [""] => return Ok(Self::Page(page::INDEX)),
            ["page", name] => Self::Page(page::name(name).ok_or_else(nothing)?),
            ["healthz"] => Self::Health,
            ["metrics"] => Self::Metrics,
            ["api", "stores"] => Self::Stores,
            ["s", store, ref rest @ ..] => {
                let store = Some(store.to_owned());
                Self::Store(Place { store, wanted: Wanted::parse(rest, &mut query)? })
            }
            ref rest => {
                let wanted = Wanted::parse(rest, &mut query)?;
                Self::Store(Place { store: None, wanted })
            }
        };
        query.finish()?;
        Ok(route)
    }

    /// A name for counters.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Page(_) => "page",
            Self::Health => "healthz",
            Self::Metrics => "metrics",
            Self::Stores => "stores",
            Self::Store(place) => match place.wanted {
                Wanted::Recordings(_) => "recordings",
                Wanted::Info(_) => "info",
                Wanted::Opus(_) => "opus",
                Wanted::Wav(..) => "wav",
                Wanted::Tile(..) => "tile",
                Wanted::Zarr(..) => "zarr",
            },
        }
    }
}

impl Wanted {
    fn parse(segments: &[&str], query: &mut Query) -> Result<Self, Problem> {
        match *segments {
            ["api", "recordings"] => Ok(Self::Recordings(Box::new(filter(query)?))),
            ["api", "recordings", recording] => Ok(Self::Info(name(recording)?)),
            ["audio", file] => match file.rsplit_once('.') {
                Some((recording, "opus")) => Ok(Self::Opus(name(recording)?)),
                Some((recording, "wav")) => {
                    Ok(Self::Wav(name(recording)?, Box::new(Cut::parse(query)?)))
                }
                _ => Err(Problem::missing("expected /audio/NAME.opus or /audio/NAME.wav")),
            },
            ["tiles", recording, kind, zoom, file] => {
                Ok(Self::Tile(name(recording)?, Box::new(Tile::parse(kind, zoom, file, query)?)))
            }
            ["zarr", ref key @ ..] => {
                let form = key.first().and_then(|form| form.parse::<Form>().ok());
                let rest = if form.is_some() { key.get(1..).unwrap_or_default() } else { key };
                Ok(Self::Zarr(form.unwrap_or_default(), ZarrKey::parse(rest)?))
            }
            _ => Err(nothing()),
        }
    }
}

impl Tile {
    fn parse(kind: &str, zoom: &str, file: &str, query: &mut Query) -> Result<Self, Problem> {
        let picture = match kind {
            "spectrogram" => Picture::spectrogram(query)?,
            "waveform" => Picture::Waveform,
            _ => return Err(nothing()),
        };
        let zoom = canonical(zoom).filter(|zoom| *zoom <= MOST_ZOOM).ok_or_else(nothing)?;
        let number = file.strip_suffix(".png").and_then(canonical).ok_or_else(nothing)?;
        let height = query.parsed("height", |text| {
            let height = text.parse().ok().filter(|height| (16..=1024).contains(height));
            height.ok_or("expected 16 to 1024")
        })?;
        let channel = query.parsed("channel", |text| {
            let channel = text.parse::<u8>().ok().and_then(|channel| channel.checked_sub(1));
            channel.ok_or("expected a number of a channel, counted from 1")
        })?;
        Ok(Self { picture, zoom, number, height: height.unwrap_or(256), channel })
    }
}

impl Picture {
    fn spectrogram(query: &mut Query) -> Result<Self, Problem> {
        let levels = query.number("min")?.unwrap_or(-100.0)..query.number("max")?.unwrap_or(-20.0);
        if levels.end - levels.start < 1.0 {
            return Err(Problem::bad("expected max to be at least 1 dB above min"));
        }
        let window = query.parsed("window", |text| {
            let window = text.parse().ok().filter(|it: &usize| it.is_power_of_two());
            window.filter(|it| (64..=8192).contains(it)).ok_or("expected a power of 2, 64 to 8192")
        })?;
        Ok(Self::Spectrogram {
            low: query.number("low")?,
            high: query.number("high")?,
            levels,
            window: window.unwrap_or(1024),
            colours: query.parsed("colours", str::parse)?.unwrap_or_default(),
        })
    }
}

impl Cut {
    fn parse(query: &mut Query) -> Result<Self, Problem> {
        let selection = selection(query)?;
        let bits = match query.take("bits").as_deref() {
            None | Some("16") => 16,
            Some("24") => 24,
            Some("32f") => 32,
            Some(other) => {
                return Err(Problem::bad(format!(
                    "invalid bits {other:?}: expected 16, 24 or 32f"
                )));
            }
        };
        let speed = query.number("speed")?.unwrap_or(1.0);
        if !(0.001..=1000.0).contains(&speed) {
            return Err(Problem::bad(format!("invalid speed {speed}: expected 0.001 to 1000")));
        }
        Ok(Self { selection, bits, speed })
    }
}

/// Takes one of three ways to name a part, or none for all.
fn selection(query: &mut Query) -> Result<Selection, Problem> {
    let invalid = |error: &dyn std::fmt::Display| Problem::bad(error.to_string());
    let mut span = |from, to| match (query.take(from), query.take(to)) {
        (None, None) => None,
        (from, to) => Some(format!("{}..{}", from.unwrap_or_default(), to.unwrap_or_default())),
    };
    let (samples, seconds) = (span("from", "to"), span("start", "end"));
    let utc = query.take("utc");
    let zone = query.parsed("tz", str::parse::<Zone>)?;
    if zone.is_some() && utc.is_none() {
        return Err(Problem::bad("tz is for utc"));
    }
    match (samples, seconds, utc) {
        (None, None, None) => Ok(Selection::ALL),
        (Some(samples), None, None) => {
            Selection::parse_samples(&samples).map_err(|error| invalid(&error))
        }
        (None, Some(seconds), None) => {
            Selection::parse_time(&seconds).map_err(|error| invalid(&error))
        }
        (None, None, Some(utc)) => {
            let local: LocalSelection =
                utc.parse().map_err(|error: opus_zarr::InvalidSelection| invalid(&error))?;
            let resolved = local.resolve(None, zone.as_ref());
            resolved.map(|(selection, _)| selection).map_err(|error| invalid(&error))
        }
        _ => Err(Problem::bad("expected only one of from and to, start and end, or utc")),
    }
}

fn filter(query: &mut Query) -> Result<RecordingFilter, Problem> {
    let mut filter = RecordingFilter::default();
    if let Some(glob) = query.parsed("names", str::parse)? {
        filter = filter.names(glob);
    }
    if let Some(time) = query.parsed("since", str::parse::<Timestamp>)? {
        filter = filter.since(time);
    }
    if let Some(time) = query.parsed("until", str::parse::<Timestamp>)? {
        filter = filter.until(time);
    }
    Ok(filter)
}

/// Parses a number that is written in only one way, so that a thing has only one URL.
pub(crate) fn canonical<T: FromStr + ToString>(text: &str) -> Option<T> {
    text.parse().ok().filter(|number: &T| number.to_string() == text)
}

fn name(text: &str) -> Result<RecordingName, Problem> {
    text.parse().map_err(|_| Problem::missing("no such recording"))
}

fn nothing() -> Problem {
    Problem::missing("nothing is here; docs/serve.md lists what is served")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(target: &str) -> Result<Route, u16> {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        Route::parse(&Method::GET, path, query).map_err(|problem| problem.status().as_u16())
    }

    fn wanted(target: &str) -> Wanted {
        match get(target) {
            Ok(Route::Store(Place { store: None, wanted })) => wanted,
            other => panic!("{target}: {other:?}"),
        }
    }

    #[test]
    fn paths_become_routes() {
        assert_eq!(get("/"), Ok(Route::Page("index.html")));
        assert_eq!(get("/?view=1,2"), Ok(Route::Page("index.html")));
        assert_eq!(get("/healthz"), Ok(Route::Health));
        let name = |text: &str| text.parse::<RecordingName>().unwrap();
        assert_eq!(wanted("/audio/a%20b.opus"), Wanted::Opus(name("a b")));
        assert_eq!(wanted("/audio/a.wav.opus"), Wanted::Opus(name("a.wav")));
        assert_eq!(wanted("/api/recordings/%C3%A9"), Wanted::Info(name("é")));
        let Ok(Route::Store(place)) = get("/s/x.zarr/api/recordings") else { panic!() };
        assert_eq!(place.store.as_deref(), Some("x.zarr"));
    }

    #[test]
    fn cuts_name_a_part_in_one_way() {
        let cut = |query: &str| match wanted(&format!("/audio/a.wav?{query}")) {
            Wanted::Wav(_, cut) => *cut,
            other => panic!("{other:?}"),
        };
        assert_eq!(cut("").selection, Selection::ALL);
        assert_eq!(cut("from=5&to=7").selection.to_string(), "5..7");
        assert_eq!(cut("start=1.5").selection.to_string(), "1.5..");
        let local = cut("utc=2026-05-12T03:00..%2B5s&tz=Europe/Zurich&bits=32f&speed=0.1");
        assert_eq!(local.selection.to_string(), "2026-05-12T01:00:00Z..+5s");
        assert_eq!((local.bits, local.speed), (32, 0.1));
        for query in [
            "from=1&start=2",
            "from=x",
            "tz=UTC",
            "utc=2026-05-12T03:00..",
            "bits=8",
            "speed=0",
            "speed=nan",
            "spede=1",
            "start=-1",
        ] {
            assert_eq!(get(&format!("/audio/a.wav?{query}")), Err(400), "{query}");
        }
    }

    #[test]
    fn tiles_and_keys_have_one_spelling() {
        let Wanted::Tile(_, tile) =
            wanted("/tiles/a/spectrogram/10/7.png?low=100&colours=magma&channel=2")
        else {
            panic!()
        };
        assert_eq!((tile.zoom, tile.number, tile.height, tile.channel), (10, 7, 256, Some(1)));
        for path in [
            "/tiles/a/spectrogram/010/7.png",
            "/tiles/a/spectrogram/37/7.png",
            "/tiles/a/spectrogram/1/-7.png",
            "/tiles/a/spectrogram/1/7",
            "/tiles/a/colours/1/7.png",
            "/zarr/a/zarr.jso",
            "/zarr",
        ] {
            assert_eq!(get(path), Err(404), "{path}");
        }
        for query in
            ["low=x", "min=5&max=5.5", "window=1000", "height=8", "channel=0", "colours=red"]
        {
            assert_eq!(get(&format!("/tiles/a/spectrogram/1/7.png?{query}")), Err(400), "{query}");
        }
        // The form comes first, so a recording of such a name needs one before it.
        let form = "int16-48000-1".parse().unwrap();
        assert_eq!(wanted("/zarr/int16-48000-1/zarr.json"), Wanted::Zarr(form, ZarrKey::Root));
        let group = ZarrKey::Group("int16-48000-1".parse().unwrap());
        assert_eq!(
            wanted("/zarr/int16-48000-1/int16-48000-1/zarr.json"),
            Wanted::Zarr(form, group)
        );
    }

    #[test]
    fn other_methods_are_refused() {
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::TRACE, Method::CONNECT] {
            let refused = Route::parse(&method, "/", None).unwrap_err();
            assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
        }
    }
}
