//! Reads a range of samples from packets in memory.

use opus_segment_decode::{
    APPROXIMATE_PRE_ROLL, CodedPos, Error, ErrorKind, IndexBuilder, LibopusDecoder, OpusHead,
    PlayPos, PreRoll, SegmentReader, Span, Timeline,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let silence = [0xf8, 0xff, 0xfe];
    let (mut builder, mut rows) = (IndexBuilder::default(), Vec::new());
    for i in 0..50 {
        rows.push(builder.push(i * 3, 3, 960)?);
    }
    let blob = silence.repeat(50);
    let index = Span::parse(0, CodedPos::new(0), rows, 150)?;
    let timeline = Timeline::new(312, builder.coded_length(), 0)?;
    let reader = SegmentReader::new(&index, blob.as_slice(), timeline);
    let mut decoder = LibopusDecoder::new(&OpusHead::new(1, 312, 48_000)?)?;
    let starts = PreRoll::new(APPROXIMATE_PRE_ROLL, &timeline);
    let read: Result<Vec<f32>, Error> =
        reader.read(PlayPos::new(24_000)..PlayPos::new(24_480), &starts, &mut decoder);
    match read {
        Ok(samples) => println!("{} samples", samples.len()),
        Err(error) if error.kind() == ErrorKind::Range => println!("{error}"),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
