//! What the benches of decoding have in common.

use std::{fs::File, hint::black_box, path::Path};

use ogg_opus_demux::{OggOpusReader, OggOpusWriter};
use opus_packet::{OpusHead, OpusTags};
use opus_segment_decode::{LibopusDecoder, PacketDecoder};
use opus_zarr::Recording;
use opus_zarr_testkit::{long::write_hours, tones};

/// Writes an hour of speech and twenty minutes of CELT, mono and stereo, and returns their names.
pub(crate) fn write_all(folder: &Path) -> [&'static str; 3] {
    let names = ["speech", "CELT-mono", "CELT-stereo"];
    let [speech, mono, stereo] = names.map(|name| File::create(folder.join(name)).unwrap());
    write_hours(1, speech);
    write_tones(mono, 1);
    write_tones(stereo, 2);
    names
}

fn write_tones(file: File, channels: u8) {
    let head = OpusHead::new(channels, 312, 48_000).unwrap();
    let tags = OpusTags::new("bench", Vec::<&str>::new());
    let mut writer = OggOpusWriter::new(file, 1, &head, &tags).unwrap();
    for packet in tones::packets(channels, 20 * 60 * 50) {
        writer.write(&packet).unwrap();
    }
    writer.finish(0).unwrap();
}

pub(crate) fn packets(recording: &Recording) -> (OpusHead, Vec<Vec<u8>>) {
    let mut reader = OggOpusReader::strict(recording.ogg_opus()).unwrap();
    let (head, mut packets) = (reader.head().clone(), Vec::new());
    while let Some(packet) = reader.next_located().unwrap() {
        packets.push(packet.data.to_vec());
    }
    (head, packets)
}

pub(crate) fn decode(head: &OpusHead, packets: &[Vec<u8>]) {
    let mut decoder = LibopusDecoder::new(head).unwrap();
    let mut pcm = vec![0f32; 5760 * usize::from(head.channels())];
    for packet in packets {
        black_box(decoder.decode(packet, &mut pcm).unwrap());
    }
}
