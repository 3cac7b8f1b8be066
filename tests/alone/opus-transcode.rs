//! Transcodes an audio file to Opus packets.

use std::env;

use opus_transcode::{
    AudioFile, Bitrate, Channels, Error, ErrorKind, Packet, ReadOptions, TranscodeOptions,
    Transcoder,
};

fn main() -> Result<(), Error> {
    let Some(path) = env::args().nth(1) else { return Ok(()) };
    let file = match AudioFile::open(path, &ReadOptions::default()) {
        Err(error) if error.kind() == ErrorKind::UnknownFormat => return Ok(println!("{error}")),
        file => file?,
    };
    println!("{:?}, by default {:?}", file.format(), Bitrate::default_for(Channels::MONO));
    let mut transcoder = Transcoder::new(file, &TranscodeOptions::default())?;
    while let Some(Packet { data, duration, .. }) = transcoder.next_packet()? {
        println!("{} bytes, {duration} samples", data.len());
    }
    println!("{:?}", transcoder.timeline());
    Ok(())
}
