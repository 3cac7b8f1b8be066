//! Stereo speech whose right channel trails the left: nearly all frames are transient, and what a
//! decoder remembers stays hidden for longer than in anything else that we have found.

use std::path::Path;

use opus_encode::{Bitrate, Channels, EncodedStream, Options, SliceSource};
use opus_zarr::{Exactness, ImportOptions, Recording};
use opus_zarr_testkit::{
    fast_folder,
    recordings::{MONO, import_to, import_with, store_of},
};
use std::num::NonZeroUsize;

use super::full::Full;

/// 118 reads of six seconds, as `f32` and `i16`.
fn check(recording: &Recording, what: &str) {
    let (floats, integers) = (Full::<f32>::of(recording, what), Full::<i16>::of(recording, what));
    let last = recording.info().play_length - SIX_SECONDS;
    for number in 0..READS {
        let start = last * number / (READS - 1);
        floats.check(start..start + SIX_SECONDS);
        integers.check(start..start + SIX_SECONDS);
    }
}

const SIX_SECONDS: u64 = 6 * 48_000;
const READS: u64 = 118;

#[test]
fn reads_of_our_own_encoding_are_exact() {
    let folder = fast_folder();
    let file = folder.path().join("delayed.wav");
    write_wave(&file, &delayed());
    for bits in [64_000, 96_000, 128_000] {
        let mut options = ImportOptions::default();
        options.transcode.bitrate = Some(Bitrate::bits_per_second(bits));
        let store = folder.path().join(format!("{bits}.zarr"));
        let recording = import_with(&file, &store, "it", &options).unwrap().into_first();
        assert_eq!(recording.exactness(), Ok(Exactness::Construction));
        check(&recording, &format!("encoded at {bits} b/s"));
    }
}

/// Without sync points, as other encoders write it.
#[test]
fn reads_with_a_measured_map_are_exact() {
    let folder = fast_folder();
    let samples = delayed();
    for bits in [64_000, 96_000] {
        let file = folder.path().join(format!("{bits}.opus"));
        let options = Options::new(Channels::STEREO)
            .bitrate(Bitrate::bits_per_second(bits))
            .sync_interval(None);
        let source = SliceSource::new(&samples, 2, 48_000);
        let mut stream = EncodedStream::new(source, &options, NonZeroUsize::MIN).unwrap();
        write_opus(&file, &mut stream);
        let store = folder.path().join(format!("{bits}.zarr"));
        let mut recording = import_to(&file, &store, "it").unwrap().into_first();
        recording.build_sync(opus_zarr::unwatched).unwrap();
        assert_eq!(recording.exactness(), Ok(Exactness::Map));
        check(&recording, &format!("measured at {bits} b/s"));
    }
}

/// The speech of `field-notes.opus` on the left, and 0.2 s later on the right.
fn delayed() -> Vec<f32> {
    let (_store, recording) = store_of(MONO);
    let left: Vec<f32> = recording.read(0..recording.info().play_length).unwrap();
    let right = std::iter::repeat_n(0.0, 9_600).chain(left.iter().copied());
    left.iter().copied().zip(right).flat_map(|(left, right)| [left, right]).collect()
}

fn write_opus(path: &Path, stream: &mut EncodedStream<SliceSource<'_>>) {
    let tags = opus_packet::OpusTags::new("test", Vec::<&str>::new());
    let head = stream.head(48_000).unwrap();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ogg_opus_demux::OggOpusWriter::new(file, 1, &head, &tags).unwrap();
    while let Some(packet) = stream.next_packet().unwrap() {
        writer.write(packet.data).unwrap();
    }
    writer.finish(stream.timeline().unwrap().end_trim()).unwrap();
}

/// Writes 16-bit stereo at 48 kHz.
fn write_wave(path: &Path, samples: &[f32]) {
    #[allow(clippy::as_conversions, clippy::cast_possible_truncation, reason = "scaled to 16 bits")]
    let data: Vec<u8> =
        samples.iter().flat_map(|sample| ((sample * 32_000.0) as i16).to_le_bytes()).collect();
    let len = u32::try_from(data.len()).unwrap();
    let mut file = Vec::new();
    file.extend(*b"RIFF");
    file.extend((36 + len).to_le_bytes());
    file.extend(*b"WAVEfmt \x10\0\0\0\x01\0\x02\0");
    file.extend(48_000u32.to_le_bytes());
    file.extend(192_000u32.to_le_bytes());
    file.extend(*b"\x04\0\x10\0data");
    file.extend(len.to_le_bytes());
    file.extend(data);
    std::fs::write(path, file).unwrap();
}
