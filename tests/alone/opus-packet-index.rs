//! Indexes three packets and finds a range of samples in them.

use std::ops::Range;

use opus_packet_index::{CodedPos, Error, IndexBuilder, IndexRead, IndexRow, Span};

fn main() -> Result<(), Error> {
    let mut builder = IndexBuilder::default();
    let rows: Vec<IndexRow> =
        (0..3).map(|i| builder.push(i * 100, 100, 960)).collect::<Result<_, _>>()?;
    let index = Whole(rows);
    let span = index.span(CodedPos::new(1000)..CodedPos::new(2000))?;
    println!("packets {:?} in bytes {:?}", span.packets(), span.bytes());
    Ok(())
}

/// An index in memory, as a crate without ours would keep it.
struct Whole(Vec<IndexRow>);

impl IndexRead for Whole {
    type Error = Error;

    fn span(&self, samples: Range<CodedPos>) -> Result<Span, Error> {
        Span::parse(0, CodedPos::new(0), self.0.clone(), 300)?.narrow(&samples)
    }
}
