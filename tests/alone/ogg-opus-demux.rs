//! Lists the packets of an Ogg Opus file and remuxes them.

use std::{env, fs};

use ogg_opus_demux::{
    Error, ErrorKind, OggOpusReader, OggOpusWriter, OpusHead, OpusTags, Timeline,
};

fn main() -> Result<(), Error> {
    let Some(bytes) = env::args().nth(1).and_then(|path| fs::read(path).ok()) else {
        return Ok(());
    };
    let mut reader = match OggOpusReader::new(bytes.as_slice()) {
        Err(error) if error.kind() == ErrorKind::NoOpus => return Ok(println!("{error}")),
        reader => reader?,
    };
    let (head, tags): (OpusHead, OpusTags) = (reader.head().clone(), reader.tags().clone());
    let mut writer = OggOpusWriter::new(Vec::new(), 1, &head, &tags)?;
    while let Some(packet) = reader.next_located()? {
        println!("{:?}: {} bytes", packet.offset, packet.data.len());
        writer.write(packet.data)?;
    }
    reader.findings().for_each(|finding| println!("{finding}"));
    let timeline: Option<Timeline> = reader.timeline();
    let bytes = writer.finish(timeline.map_or(0, |timeline| timeline.end_trim()))?;
    println!("{} bytes", bytes.len());
    Ok(())
}
