//! Writes a recording into a store in memory, reads bytes of it, and verifies it.

use std::{io::Write, sync::Arc};

use opus_zarr_store::{
    BlobRead, CodedPos, Description, ErrorKind, IndexRead, MemoryStorage, OpusHead, OpusTags,
    RecordingName, Source, Store, StoredAs, Timeline,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = Store::open_or_create_in(Arc::new(MemoryStorage::default()))?;
    let name: RecordingName = "station-4".parse()?;
    let writer = store.create_recording(&name)?;
    let (mut blob, mut index) = (writer.blob()?, writer.index()?);
    for i in 0..100 {
        blob.write_all(&[0x78; 50])?;
        index.push(i * 50, 50, 960)?;
    }
    let description = Description::new(
        OpusHead::new(1, 312, 48_000)?,
        OpusTags::new("me", []),
        Timeline::new(312, 96_000, 0)?,
        Source::new("station-4.opus", StoredAs::Remuxed).format("ogg", "opus"),
    );
    writer.commit(description, &blob.finish()?, &index.finish()?)?;

    let recording = store.open_recording(&name)?;
    let span = recording.span(CodedPos::new(48_000)..CodedPos::new(49_000))?;
    let mut bytes = Vec::new();
    recording.read(span.bytes(), &mut bytes)?;
    println!("{} bytes of {}", bytes.len(), recording.info().blob_bytes);

    let missing = store.open_recording(&"station-5".parse()?).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NoSuchRecording);
    println!("{missing}");
    Ok(())
}
