//! Indexes three packets and finds a range of samples in them.

use std::{fmt, ops::Range};

use opus_packet_index::{CodedPos, IndexBuilder, IndexRead, Span};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut builder = IndexBuilder::default();
    let rows = (0..3).map(|i| builder.push(i * 100, 100, 960)).collect::<Result<_, _>>()?;
    let index = InMemory(Span::parse(0, CodedPos::new(0), rows, 300)?);
    let span = index.span(CodedPos::new(1000)..CodedPos::new(2000))?;
    println!("packets {:?} in bytes {:?}", span.packets(), span.bytes());
    Ok(())
}

struct InMemory(Span);

impl IndexRead for InMemory {
    type Error = NotCovered;

    fn span(&self, samples: Range<CodedPos>) -> Result<Span, NotCovered> {
        self.0.narrow(&samples).ok_or(NotCovered)
    }
}

#[derive(Debug)]
struct NotCovered;

impl fmt::Display for NotCovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("range outside the index")
    }
}

impl std::error::Error for NotCovered {}
