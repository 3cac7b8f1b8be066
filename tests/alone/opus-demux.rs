//! Lists the packets of every Opus stream of a file, whatever its container.

use std::env;

use opus_demux::{Error, ErrorKind, LocatedPacket, Options, Streams};

fn main() -> Result<(), Error> {
    let Some(path) = env::args().nth(1) else { return Ok(()) };
    let mut streams = match Streams::open(path, &Options::default()) {
        Err(error) if error.kind() == ErrorKind::Io => return Ok(println!("{error:?}")),
        streams => streams?,
    };
    while let Some(stream) = streams.next_stream()? {
        println!("{} channels", stream.head().channels());
        while let Some(packet) = stream.next_located()? {
            let LocatedPacket { data, duration, .. } = packet;
            println!("{} bytes, {duration} samples", data.len());
        }
        stream.findings().iter().for_each(|finding| println!("{finding}"));
        println!("{:?}", stream.timeline());
    }
    Ok(())
}
