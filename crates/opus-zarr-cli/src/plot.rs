mod availability;
mod axis;
mod bitrate;
mod canvas;
mod columns;
mod figure;
mod number;
mod parts;
mod png;
mod scene;
mod spectrogram;
mod view;
mod waveform;

use std::{
    fmt,
    num::{NonZeroU8, NonZeroUsize},
    ops::Range,
    path::{Path, PathBuf},
    str::FromStr,
};

use opus_zarr::{ChannelSelection, Gaps, ReadLimits, Timestamp};
use serde::Serialize;

use self::{
    availability::Availability,
    figure::Figure,
    scene::{OnClock, Scene, resampled_from_in},
    view::View,
};
use crate::{
    deployed,
    failure::Failure,
    matching::{Notes, Selected},
    output::{Line, Messages, Output},
    path::PathField,
    place::{RecordingPlace, StorePlace},
    range::RangeArgs,
    target::{STDOUT, Target},
    text::at_least_one,
    threads::Threads,
};

/// Draw the spectrogram, waveform or bit rate of a recording, or when recordings were made
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Recording, such as archive.zarr/station-4. With --utc or --kind availability also a store, or a
    /// pattern for names in it
    #[arg(value_name = "STORE/NAME")]
    recording: StorePlace,
    /// PNG file to write (`-` for standard output)
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// What to draw
    #[arg(long, value_enum, default_value_t)]
    kind: Kind,
    #[command(flatten)]
    range: RangeArgs,
    #[command(flatten)]
    notes: Notes,
    /// Find the recordings of a store in its catalogue, without opening the others
    #[arg(long, value_name = "FILE")]
    catalogue: Option<PathBuf>,
    /// Draw availability as a line per value of this note, such as site, instead of days over hours. For device,
    /// what the recorder says stands for a missing note
    #[arg(long, value_name = "NOTE")]
    by: Option<String>,
    /// Channel to draw, counting from 1 [default: a mix of all for a spectrogram, one lane each for a
    /// waveform]
    #[arg(long, value_name = "N", value_parser = at_least_one::<NonZeroU8>)]
    channel: Option<NonZeroU8>,
    /// Width and height in pixels
    #[arg(long, value_name = "WxH", default_value = "1600x600")]
    size: Size,
    #[command(flatten)]
    view: View,
    /// Overwrite an existing file
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    threads: Threads,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// Frequencies over time
    #[default]
    Spectrogram,
    /// Samples over time
    Waveform,
    /// Kilobits per second over time
    Bitrate,
    /// When something was recorded: days over hours, or with --by a line per station
    Availability,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    args.check()?;
    let Size { width, height } = args.size;
    let messages = output.messages().clone();
    if args.kind == Kind::Availability {
        return args.plot_availability(output);
    }
    if args.by.is_some() {
        return Err(Failure::usage("--by is for --kind availability"));
    }
    if let Some(selected) =
        deployed::select(&args.recording, &args.notes, args.catalogue.as_deref())?
    {
        return args.plot_time(&selected, output);
    }
    if args.notes.is_any() || args.catalogue.is_some() {
        let message = format!(
            "--where and --catalogue are for stores, and {} is one recording",
            args.recording
        );
        return Err(Failure::usage(message));
    }
    let place = args.recording.as_recording().map_err(Failure::usage)?;
    let scene = args.scene(&place, &messages)?;
    let mut target = Target::create(&args.output, args.force, output)?;
    let mut figure = Figure::new(width, height, args.kind == Kind::Spectrogram);
    let columns = match args.kind {
        Kind::Spectrogram => spectrogram::draw(&scene, &args.view, &mut figure, messages.bars())?,
        Kind::Waveform => waveform::draw(&scene, &mut figure, messages.bars())?,
        Kind::Bitrate => bitrate::draw(&scene, &place.open_reader()?, &mut figure)?,
        Kind::Availability => 0,
    };
    target.write(&png::encode(&figure.canvas)?)?;
    let bytes = target.finish()?;
    let plotted = Plotted {
        recording: place.field("recording"),
        output: PathField::new("output", &args.output),
        kind: args.kind,
        start_sample: scene.range.start,
        end_sample: scene.range.end,
        columns,
        width,
        height,
        bytes,
    };
    if args.output == Path::new(STDOUT) {
        // Standard output holds only the picture.
        messages.json(&plotted);
        Ok(())
    } else {
        output.data(&plotted)
    }
}

impl Args {
    /// Refuses options that do not go together.
    fn check(&self) -> Result<(), Failure> {
        let path = &self.output;
        let is_png = path.extension().is_some_and(|found| found.eq_ignore_ascii_case("png"));
        if !is_png && path != Path::new(STDOUT) {
            let message = format!("{path:?} does not end in .png; only PNG files can be written");
            return Err(Failure::usage(message));
        }
        if self.view.is_any() && self.kind != Kind::Spectrogram {
            return Err(Failure::usage(
                "--frequencies, --levels and --window are for --kind spectrogram",
            ));
        }
        Ok(())
    }

    /// Draws a range of the time of day over the recordings of a store.
    fn plot_time(&self, selected: &Selected, output: &mut Output) -> Result<(), Failure> {
        let messages = output.messages().clone();
        if self.kind == Kind::Bitrate || !self.range.is_utc() {
            return Err(Failure::usage(format!("{} is not one recording", selected.place))
                .with_hint(
                    "--utc selects the time to draw from several, as spectrogram or waveform",
                ));
        }
        let mut deployment = deployed::open(selected, self.catalogue.as_deref(), &messages)?;
        let range = deployed::range(&self.range, &deployment, &messages)?;
        let zone = self.range.zone();
        deployed::warn_of_overlaps(&deployment, &range, &zone, &messages);
        let pieces = deployment.pieces(range.clone(), Gaps::Silence);
        let mut pieces = pieces.map_err(|error| self.range.failure(error))?;
        let Some(piece) = pieces.pop() else { return Err(deployed::no_sample(&range, &zone)) };
        let channels = self.channels(piece.channels, &selected.place.to_string())?;
        deployment.set_output(opus_zarr::Output::default().channels(channels.clone()));
        // The parts of a picture are read in several threads, each in one.
        deployment.set_threads(NonZeroUsize::MIN);
        let place = selected.place.to_string();
        let resampled_from = resampled_from_in(&selected.store, &piece)?;
        let it = OnClock { deployment, piece, place, zone, resampled_from, channels };
        let scene =
            Scene::of_piece(it, self.threads.number.unwrap_or(ReadLimits::default().workers));
        let Size { width, height } = self.size;
        let mut figure = Figure::new(width, height, self.kind == Kind::Spectrogram);
        match self.kind {
            Kind::Waveform => waveform::draw(&scene, &mut figure, messages.bars())?,
            _ => spectrogram::draw(&scene, &self.view, &mut figure, messages.bars())?,
        };
        let plotted = self.write_time(&figure, selected, &range, output)?;
        match self.output == Path::new(STDOUT) {
            true => messages.json(&plotted),
            false => output.data(&plotted)?,
        }
        Ok(())
    }

    fn write_time(
        &self,
        figure: &Figure,
        selected: &Selected,
        range: &Range<Timestamp>,
        output: &mut Output,
    ) -> Result<PlottedTime, Failure> {
        let mut target = Target::create(&self.output, self.force, output)?;
        target.write(&png::encode(&figure.canvas)?)?;
        let bytes = target.finish()?;
        let Size { width, height } = self.size;
        Ok(PlottedTime {
            store: selected.place.field("store"),
            output: PathField::new("output", &self.output),
            kind: self.kind,
            start: range.start.to_string(),
            end: range.end.to_string(),
            width,
            height,
            bytes,
        })
    }

    fn plot_availability(&self, output: &mut Output) -> Result<(), Failure> {
        let messages = output.messages().clone();
        let selected = deployed::select(&self.recording, &self.notes, self.catalogue.as_deref())?
            .ok_or_else(|| {
            Failure::usage(format!("{} is one recording", self.recording))
                .with_hint("--kind availability draws the recordings of a store")
        })?;
        let selection = self.range.selection(&messages)?;
        let zone = self.range.zone();
        let zone = (zone.clone(), zone.to_string());
        let it = Availability::new(
            &selected,
            self.catalogue.as_deref(),
            self.by.as_deref(),
            zone,
            &selection,
            &messages,
        )?;
        let Size { width, height } = self.size;
        let mut figure = Figure::new(width, height, false);
        it.draw(&mut figure);
        let plotted = self.write_time(&figure, &selected, it.range(), output)?;
        if self.output == Path::new(STDOUT) {
            messages.json(&plotted);
            return Ok(());
        }
        it.tell(output)?;
        output.data(&plotted)
    }

    fn scene(&self, place: &RecordingPlace, messages: &Messages) -> Result<Scene, Failure> {
        let mut recording = place.open()?;
        let range = self.range.resolve(&recording, messages)?;
        if range.is_empty() {
            return Err(Failure::usage(format!("{} has no samples to draw", self.recording)));
        }
        let what = format!("recording \"{}\"", recording.name());
        let channels = self.channels(recording.info().channels, &what)?;
        recording.set_output(opus_zarr::Output::default().channels(channels))?;
        // The parts of a picture are read in several threads, each in one.
        self.threads.apply(&mut recording);
        let threads = recording.threads();
        recording.set_threads(NonZeroUsize::MIN);
        Ok(Scene::of_recording(recording, range, threads))
    }

    fn channels(&self, all: u8, what: &str) -> Result<ChannelSelection, Failure> {
        match (self.channel.map(NonZeroU8::get), self.kind) {
            (Some(_), Kind::Bitrate) => Err(Failure::usage(
                "--channel does not apply to --kind bitrate: packets hold all channels",
            )),
            (Some(number), _) if number > all => {
                Err(Failure::usage(format!("{what} has no channel {number}, only {all}")))
            }
            (Some(number), _) => Ok(ChannelSelection::Only(vec![number - 1])),
            (None, Kind::Waveform) => {
                Ok(ChannelSelection::Only((0..all.min(waveform::LANES)).collect()))
            }
            (None, _) => Ok(ChannelSelection::Mono),
        }
    }
}

/// The size of a picture in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Size {
    width: u32,
    height: u32,
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once(['x', 'X']).and_then(|(width, height)| {
            Some(Self { width: width.trim().parse().ok()?, height: height.trim().parse().ok()? })
        });
        let size = parsed.ok_or("expected width and height in pixels, such as 1600x600")?;
        let Self { width, height } = size;
        if width < 320 || height < 200 {
            return Err("expected at least 320x200".to_owned());
        }
        let pixels = u64::from(width) * u64::from(height);
        if pixels > MOST || width > WIDEST || height > WIDEST {
            return Err(format!("expected at most {WIDEST} per side and {MOST} pixels in all"));
        }
        Ok(size)
    }
}

/// Keeps memory below half a gigabyte.
const MOST: u64 = 32_000_000;
const WIDEST: u32 = 16_384;

/// The line about a picture.
#[derive(Serialize)]
struct Plotted {
    #[serde(flatten)]
    recording: PathField,
    #[serde(flatten)]
    output: PathField,
    kind: Kind,
    start_sample: u64,
    end_sample: u64,
    columns: usize,
    width: u32,
    height: u32,
    bytes: u64,
}

/// The line about a picture of a range of time.
#[derive(Serialize)]
struct PlottedTime {
    #[serde(flatten)]
    store: PathField,
    #[serde(flatten)]
    output: PathField,
    kind: Kind,
    start: String,
    end: String,
    width: u32,
    height: u32,
    bytes: u64,
}

impl Line for PlottedTime {
    const TYPE: &'static str = "plotted_time";
}

impl fmt::Display for PlottedTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { output, width, height, bytes, .. } = self;
        write!(f, "{output}: {width} x {height} pixels, {}", indicatif::HumanBytes(*bytes))
    }
}

impl Line for Plotted {
    const TYPE: &'static str = "plotted";
}

impl fmt::Display for Plotted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { output, width, height, bytes, .. } = self;
        let size = indicatif::HumanBytes(*bytes);
        write!(f, "{output}: {width} x {height} pixels, {size}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_checked() {
        assert_eq!("1600x600".parse(), Ok(Size { width: 1600, height: 600 }));
        assert_eq!("320X200".parse(), Ok(Size { width: 320, height: 200 }));
        for text in ["", "1600", "1600x", "x600", "-1x600", "1.5x6", "100x100", "9000x9000"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
        assert!("16385x320".parse::<Size>().is_err());
    }
}
