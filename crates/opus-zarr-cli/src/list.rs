//! Lists recordings.

mod row;
mod sorted;

use std::ops::ControlFlow;

use opus_zarr::Recording;

use self::{
    row::{Header, Row, Style, Totals},
    sorted::Sorted,
};
use crate::{
    failure::{Exit, Failure},
    matching::{Conditions, Selected, select},
    output::Output,
    place::StorePlace,
    several::for_each,
};

/// List the recordings of a store: length, channels, size, bit rate, read mode, start, name
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Store, or STORE/PATTERN for recordings whose names match, such as `archive.zarr/weiher_*`
    #[arg(value_name = "STORE[/PATTERN]", required = true)]
    places: Vec<StorePlace>,
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
    let stores = select(&args.places);
    let style = Style { is_long: args.long, has_end: output.is_terminal() };
    let mut listing =
        Listing { args, style, sorted: Sorted::new(args.sort), totals: Totals::default() };
    let is_framed = output.is_terminal() && stores.iter().any(Result::is_ok);
    if is_framed {
        output.plain(Header(style))?;
    }
    let listed = match stores.as_slice() {
        [only] => listing.store(only, output),
        several => for_each(several, output, |one, output| listing.store(one, output)),
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
                    let is_damaged = |failure: &Failure| failure.exit == Exit::Damaged;
                    failed = failed.take().filter(is_damaged).or(Some(failure));
                }
            }
            if told.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        told?;
        failed.map_or(Ok(()), Err)
    }

    fn recording(&mut self, recording: &Recording, output: &mut Output) -> Result<(), Failure> {
        let row = Row::of(recording, self.style);
        if (self.args.not_exact && row.is_exact) || (self.args.with_findings && !row.has_findings())
        {
            return Ok(());
        }
        self.totals.add(&row);
        match self.sorted.keep(recording, row) {
            None => Ok(()),
            Some(row) => output.data(&row),
        }
    }
}
