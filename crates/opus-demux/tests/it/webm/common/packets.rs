//! Random packets and files.

use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;

/// A valid packet of any mode and duration: one frame.
pub(crate) fn packet() -> impl Strategy<Value = Vec<u8>> {
    (any::<u8>(), vec(any::<u8>(), 0..700)).prop_map(|(toc, mut packet)| {
        packet.insert(0, toc & !3);
        packet
    })
}

pub(crate) fn lacing() -> impl Strategy<Value = Lacing> {
    proptest::sample::select(vec![Lacing::None, Lacing::Xiph, Lacing::Ebml, Lacing::Fixed])
}

/// How packets are divided into blocks, and blocks into clusters.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// Packets of each block and its lacing.
    blocks: Vec<(usize, Lacing)>,
    in_groups: Vec<bool>,
    blocks_per_cluster: usize,
    unknown_clusters: bool,
    unknown_segment: bool,
    /// Positions of other elements.
    other: Vec<Index>,
    scale: u64,
}

pub(crate) fn layout() -> impl Strategy<Value = Layout> {
    (
        vec((1usize..9, lacing()), 1..20),
        vec(any::<bool>(), 1..9),
        1usize..6,
        any::<(bool, bool)>(),
        vec(any::<Index>(), 0..4),
        proptest::sample::select(vec![1_000_000, 20_833, 22_674, 62_499, 500_000]),
    )
        .prop_map(|(blocks, in_groups, blocks_per_cluster, unknown, other, scale)| Layout {
            blocks,
            in_groups,
            blocks_per_cluster,
            unknown_clusters: unknown.0,
            unknown_segment: unknown.1,
            other,
            scale,
        })
}

impl Layout {
    pub(crate) fn sizes_are_known(&self) -> bool {
        !self.unknown_clusters
    }

    /// The file, and for each cluster its bytes in the file and its number of packets.
    pub(crate) fn write(
        &self,
        packets: &[Vec<u8>],
    ) -> (Vec<u8>, Vec<(std::ops::Range<usize>, usize)>) {
        let mut clusters = vec![];
        let (mut left, mut position) = (packets, 0_u64);
        let mut blocks = self.blocks.iter().cycle();
        while !left.is_empty() {
            let first = position;
            let (mut body, mut count) = (vec![], 0);
            for number in 0..self.blocks_per_cluster {
                let Some(&(len, lacing)) = blocks.next().filter(|_| !left.is_empty()) else {
                    break;
                };
                let (now, after) = left.split_at(len.min(left.len()));
                let (now, after) =
                    if lacing == Lacing::None { left.split_at(1) } else { (now, after) };
                let relative = self.ticks(position) - self.ticks(first);
                // A time beyond the range of a block begins another cluster.
                let Ok(relative) = i16::try_from(relative) else { break };
                body.extend(self.other_element(number));
                body.extend(self.block(relative, lacing, now));
                position += now
                    .iter()
                    .map(|one| u64::from(opus_packet::duration(one).unwrap()))
                    .sum::<u64>();
                count += now.len();
                left = after;
            }
            clusters.push((self.cluster(self.ticks(first), &body), count));
        }
        self.file(clusters)
    }

    fn ticks(&self, samples: u64) -> u64 {
        samples * 62_500 / 3 / self.scale + 77
    }

    fn block(&self, relative: i16, lacing: Lacing, frames: &[Vec<u8>]) -> Vec<u8> {
        let unequal = frames.iter().any(|one| one.len() != frames[0].len());
        let lacing = if lacing == Lacing::Fixed && unequal { Lacing::Xiph } else { lacing };
        let data = block(2, relative, lacing, frames);
        let is_group = self.in_groups[frames.len() % self.in_groups.len()];
        let video = element(0xa3, &block(1, relative, Lacing::None, &[vec![0x5a; 3000]]));
        [video, if is_group { block_group(&data, None) } else { element(0xa3, &data) }].concat()
    }

    /// Elements that a reader skips.
    fn other_element(&self, number: usize) -> Vec<u8> {
        match self.other.get(number).map(|other| other.index(4)) {
            None => vec![],
            Some(0) => element(VOID, &[0; 40]),
            Some(1) => element(0xbf, &[1, 2, 3, 4]),
            Some(2) => element(0x7abc, b"unknown"),
            Some(_) => uint(0xab, 4711),
        }
    }

    fn cluster(&self, timestamp: u64, body: &[u8]) -> Vec<u8> {
        let body = [uint(0xe7, timestamp), body.to_vec()].concat();
        if self.unknown_clusters { unknown_size(CLUSTER, &body) } else { element(CLUSTER, &body) }
    }

    fn file(
        &self,
        clusters: Vec<(Vec<u8>, usize)>,
    ) -> (Vec<u8>, Vec<(std::ops::Range<usize>, usize)>) {
        let tracks = element(TRACKS, &[video_track(1), opus_track(2)].concat());
        let start = [element(VOID, &[9; 20]), info(self.scale), tracks].concat();
        let cues = element(0x1c53_bb6b, &[0x11; 30]);
        let all: Vec<u8> = clusters.iter().flat_map(|(cluster, _)| cluster.clone()).collect();
        let body = [start.clone(), all.clone(), cues].concat();
        let segment = if self.unknown_segment {
            unknown_size(SEGMENT, &body)
        } else {
            element(SEGMENT, &body)
        };
        let file = [ebml_header("matroska"), segment].concat();
        let mut at = file.len() - body.len() + start.len();
        let places = clusters.iter().map(|(cluster, count)| {
            at += cluster.len();
            (at - cluster.len()..at, *count)
        });
        let places = places.collect();
        (file, places)
    }
}
