//! Encoded audio decodes to the same samples at the same place.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_lossless,
    clippy::cast_sign_loss,
    reason = "tests may panic"
)]

mod audio;
mod lag;
mod length;
mod parallel;
mod peers;
mod sync;

use std::num::NonZeroUsize;

use audio::Samples;
use opus_encode::{EncodedStream, Options, OpusHead, SyncPoint, Timeline};
use opus_segment_decode::{LibopusDecoder, PacketDecoder};

/// A whole encoded stream.
struct Encoded {
    head: OpusHead,
    packets: Vec<Vec<u8>>,
    timeline: Timeline,
    sync_points: Vec<SyncPoint>,
}

fn encode(samples: &[f32], options: &Options, threads: usize) -> Encoded {
    let source = Samples::new(samples, options);
    let threads = NonZeroUsize::new(threads).unwrap();
    let mut stream = EncodedStream::new(source, options, threads).unwrap();
    let head = stream.head(44_100).unwrap();
    let (mut packets, mut coded, mut sync_points) = (Vec::new(), 0, Vec::new());
    while let Some(packet) = stream.next_packet().unwrap() {
        assert_eq!(head.packet_duration(packet.data), Ok(packet.duration));
        coded += u64::from(packet.duration);
        packets.push(packet.data.to_vec());
        sync_points.extend(stream.drain_sync_points());
        assert!(sync_points.last().is_none_or(|point| point.exact_from.get() <= coded));
        assert!(packets.len() > 1 || stream.timeline().is_none());
    }
    assert!(stream.next_packet().unwrap().is_none());
    let timeline = stream.timeline().unwrap();
    assert_eq!(timeline.coded_length(), coded);
    sync_points.extend(stream.drain_sync_points());
    Encoded { head, packets, timeline, sync_points }
}

impl Encoded {
    /// Returns the samples that play, at 48 kHz.
    fn decode(&self) -> Vec<f32> {
        let channels = usize::from(self.head.channels());
        let mut decoder = LibopusDecoder::new(&self.head).unwrap();
        let (mut all, mut pcm) = (Vec::new(), vec![0f32; 5760 * channels]);
        for packet in &self.packets {
            let samples = decoder.decode(packet, &mut pcm).unwrap();
            all.extend_from_slice(&pcm[..samples * channels]);
        }
        let start = self.timeline.pre_skip() as usize * channels;
        let len = self.timeline.play_length() as usize * channels;
        all[start..start + len].to_vec()
    }
}
