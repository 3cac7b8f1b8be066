//! Lists recordings.

mod row;
mod sorted;

use std::{ops::ControlFlow, path::PathBuf};

use opus_zarr::{Catalogue, Recording, RecordingFilter};

use self::{
    row::{Header, Row, Style, Totals},
    sorted::Sorted,
};
use crate::{
    catalogue::read_catalogue,
    failure::Failure,
    matching::{Conditions, Selected, pattern, select},
    output::Output,
    place::StorePlace,
    several::{for_each, unless_foreign},
};

/// List the recordings of a store: length, channels, size, bit rate, read mode, start, name
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Store, or STORE/PATTERN for recordings whose names match, such as `archive.zarr/weiher_*`
    #[arg(value_name = "STORE[/PATTERN]", required_unless_present = "catalogue")]
    places: Vec<StorePlace>,
    /// List what this catalogue says, without opening the store
    #[arg(long, value_name = "FILE")]
    catalogue: Option<PathBuf>,
    #[command(flatten)]
    conditions: Conditions,
    /// Only recordings whose reads are not exact
    #[arg(long)]
    not_exact: bool,
    /// Only recordings with findings about their source or its start, or with lost audio
    #[arg(long)]
    with_findings: bool,
    /// Order, lowest first [default: name]
    #[arg(long, value_name = "WHAT", value_enum)]
    sort: Option<Sort>,
    /// Also show the end, the certainty of the start, the source, findings and notes
    #[arg(long)]
    long: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Sort {
    /// Earliest first; recordings without a known start last
    Start,
    /// Shortest first
    Length,
    /// By name
    Name,
    /// Smallest first
    Size,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let catalogue = args.catalogue.as_deref().map(read_catalogue).transpose()?;
    let stores = if catalogue.is_some() { Vec::new() } else { select(&args.places) };
    let style = Style { is_long: args.long, has_end: output.is_terminal() };
    let mut listing =
        Listing { args, style, sorted: Sorted::new(args.sort), totals: Totals::default() };
    let is_framed =
        output.is_terminal() && (catalogue.is_some() || stores.iter().any(Result::is_ok));
    if is_framed {
        output.plain(Header(style))?;
    }
    let listed = match (&catalogue, stores.as_slice()) {
        (Some(catalogue), _) => listing.catalogue(catalogue, output),
        (None, [only]) => listing.store(only, output),
        // What a shell makes of STORE/* includes the groups of other programs.
        (None, several) => for_each(several, output, |one, output| {
            let listed = listing.store(one, output);
            unless_foreign(listed, output)
        }),
    };
    for row in std::mem::take(&mut listing.sorted).into_rows() {
        output.data(&row)?;
    }
    if is_framed {
        output.plain(&listing.totals)?;
    }
    listed
}

/// The list so far.
struct Listing<'a> {
    args: &'a Args,
    style: Style,
    /// Rows that wait for others, if they are sorted.
    sorted: Sorted,
    totals: Totals,
}

impl Listing<'_> {
    fn store(
        &mut self,
        of: &Result<Selected, Failure>,
        output: &mut Output,
    ) -> Result<(), Failure> {
        let of = of.as_ref().map_err(Failure::clone)?;
        let filter = self.args.conditions.add_to(of.filter.clone());
        let (mut failed, mut told) = (None::<Failure>, Ok(()));
        Recording::open_matching(&of.store, &filter, |name, opened| {
            match opened {
                Ok(recording) => told = self.recording(&recording, output),
                Err(error) => {
                    let failure = Failure::from(error);
                    output.messages().warn(format!("{name}: {}", failure.message));
                    Failure::decide(&mut failed, failure);
                }
            }
            if told.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        told?;
        failed.map_or(Ok(()), Err)
    }

    /// Lists what a catalogue says, without its store.
    fn catalogue(&mut self, catalogue: &Catalogue, output: &mut Output) -> Result<(), Failure> {
        let patterns = self.args.places.iter().map(pattern);
        let patterns: Vec<_> = patterns.collect::<Result<_, _>>()?;
        // A store that is named as a whole selects every name.
        let patterns = patterns.into_iter().collect::<Option<Vec<_>>>().unwrap_or_default();
        let filter = patterns.into_iter().fold(RecordingFilter::default(), RecordingFilter::names);
        let filter = self.args.conditions.add_to(filter);
        for row in catalogue.rows().iter().filter(|row| filter.matches_row(row)) {
            self.row(Row::of_catalogue(row, self.style), output)?;
        }
        Ok(())
    }

    fn recording(&mut self, recording: &Recording, output: &mut Output) -> Result<(), Failure> {
        self.row(Row::of(recording, self.style), output)
    }

    fn row(&mut self, row: Row, output: &mut Output) -> Result<(), Failure> {
        if (self.args.not_exact && row.is_exact) || (self.args.with_findings && !row.has_findings())
        {
            return Ok(());
        }
        self.totals.add(&row);
        match self.sorted.keep(row) {
            None => Ok(()),
            Some(row) => output.data(&row),
        }
    }
}
