use std::fmt;

use serde::Serialize;

use crate::{
    failure::Failure,
    output::{Line, Output},
    place::StorePlace,
};

/// List the recordings of a store
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A directory or a URL
    store: StorePlace,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let store = args.store.open()?;
    let mut names = store.recordings()?.collect::<Result<Vec<_>, _>>()?;
    names.sort();
    for name in names {
        output.data(&Listed { name: name.to_string() })?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Listed {
    name: String,
}

impl Line for Listed {
    const TYPE: &'static str = "recording";
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}
