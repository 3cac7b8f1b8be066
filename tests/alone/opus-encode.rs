//! Encodes a second of a tone.

use std::num::NonZeroUsize;

use opus_encode::{
    Channels, EncodedStream, Error, Options, OpusHead, Packet, SliceSource, Timeline,
};

fn main() -> Result<(), Error> {
    let tone: Vec<f32> = (0_u16..48_000).map(|n| (f32::from(n) * 0.05).sin() * 0.5).collect();
    let source = SliceSource::new(&tone, 1, 48_000);
    let options = Options::new(Channels::MONO);
    let mut stream = EncodedStream::new(source, &options, NonZeroUsize::MIN)?;
    let head: OpusHead = stream.head(48_000)?;
    println!("pre-skip {}", head.pre_skip());
    while let Some(Packet { data, duration, .. }) = stream.next_packet()? {
        println!("{} bytes, {duration} samples", data.len());
    }
    let timeline: Option<Timeline> = stream.timeline();
    println!("{timeline:?}");
    Ok(())
}
