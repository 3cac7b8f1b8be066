use std::{path::Path, sync::OnceLock};

use ogg_opus_demux::OggOpusReader;
use opus_packet::OpusHead;
use opus_segment_decode::{APPROXIMATE_PRE_ROLL, LibopusDecoder, PacketDecoder};
use opus_zarr::{ReadMode, Recording};
use opus_zarr_peers::{SECOND, serve};

use crate::files::open;

/// Runs one of our own peers. Threads share the recording.
pub(crate) fn serve_ours(name: &str, store: &Path) {
    let opened = OnceLock::new();
    let recording = || opened.get_or_init(|| open(store));
    let serve_mode = |mode| {
        serve(name, || {
            let recording = recording();
            move |at| recording.read_as(mode, at..at + SECOND).unwrap()
        });
    };
    match name {
        "ours, exact" => serve_mode(ReadMode::Exact),
        "ours, agreed" => serve_mode(ReadMode::Agreed),
        "ours, approximate" => {
            serve_mode(ReadMode::Approximate { pre_roll: APPROXIMATE_PRE_ROLL });
        }
        _ => {
            let loaded = OnceLock::new();
            serve(name, || {
                let packets = loaded.get_or_init(|| Packets::of(recording()));
                let mut decoder = packets.decoder();
                move |at| packets.second(at, &mut decoder)
            });
        }
    }
}

/// The packets of a recording in memory, each of 20 ms.
pub(crate) struct Packets {
    head: OpusHead,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Packets {
    pub(crate) fn of(recording: &Recording) -> Self {
        let mut reader = OggOpusReader::new(recording.ogg_opus()).unwrap();
        let head = reader.head().clone();
        let (mut bytes, mut ends) = (Vec::new(), vec![0]);
        while let Some(packet) = reader.next_located().unwrap() {
            assert_eq!(packet.duration, 960);
            bytes.extend_from_slice(packet.data);
            ends.push(bytes.len());
        }
        Self { head, bytes, ends }
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len() - 1
    }

    pub(crate) fn get(&self, number: usize) -> &[u8] {
        &self.bytes[self.ends[number]..self.ends[number + 1]]
    }

    pub(crate) fn decoder(&self) -> LibopusDecoder {
        LibopusDecoder::new(&self.head).unwrap()
    }

    pub(crate) fn pre_skip(&self) -> u64 {
        u64::from(self.head.pre_skip())
    }

    /// Decodes the same packets as an approximate read, and keeps nothing.
    fn second(&self, at: u64, decoder: &mut LibopusDecoder) -> Vec<f32> {
        let start = at + self.pre_skip();
        let pre_roll = u64::from(APPROXIMATE_PRE_ROLL);
        let first = if at <= pre_roll { 0 } else { (start - pre_roll) / 960 };
        let last = (start + SECOND).div_ceil(960);
        let mut pcm = [0f32; 960 * 2];
        PacketDecoder::<f32>::reset(decoder).unwrap();
        for number in first..last {
            let packet = self.get(usize::try_from(number).unwrap());
            decoder.decode(std::hint::black_box(packet), &mut pcm).unwrap();
        }
        vec![]
    }
}
