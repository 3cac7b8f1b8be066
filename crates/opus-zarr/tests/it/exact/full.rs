//! The reference for reads: a full decode by libopus.

use std::{fmt::Debug, ops::Range};

use ogg_opus_demux::OggOpusReader;
use opus_segment_decode::{LibopusDecoder, PacketDecoder};
use opus_zarr::{Recording, Sample};
use opus_zarr_testkit::{Random, stream::interleaved};

/// A recording and its full decode.
pub(crate) struct Full<'a, S> {
    recording: &'a Recording,
    samples: Vec<S>,
    what: &'a str,
}

impl<'a, S: Sample + PartialEq + Debug> Full<'a, S> {
    /// Decodes a recording.
    pub(crate) fn of(recording: &'a Recording, what: &'a str) -> Self {
        let mut reader = OggOpusReader::strict(recording.ogg_opus()).unwrap();
        let (mut decoder, mut all) = (LibopusDecoder::new(reader.head()).unwrap(), Vec::new());
        let channels = usize::from(reader.head().channels());
        let mut pcm = vec![S::default(); 5760 * channels];
        while let Some(packet) = reader.next_located().unwrap() {
            let samples = decoder.decode(packet.data, &mut pcm).unwrap();
            all.extend_from_slice(&pcm[..samples * channels]);
        }
        let info = recording.info();
        let at = |samples| usize::try_from(samples).unwrap() * channels;
        all.drain(..at(u64::from(info.pre_skip)));
        all.truncate(at(info.play_length));
        Self { recording, samples: all, what }
    }

    /// Checks one read.
    pub(crate) fn check(&self, range: Range<u64>) {
        self.check_samples(range.clone(), &self.recording.read::<S>(range).unwrap());
    }

    /// Checks the samples of a range.
    pub(crate) fn check_samples(&self, range: Range<u64>, read: &[S]) {
        let samples = &self.samples[interleaved(&range, self.recording.info().channels)];
        assert!(read == samples, "{}: {range:?}", self.what);
    }

    /// Checks reads of up to 100 ms from each of these positions.
    pub(crate) fn check_from(&self, starts: &[u64]) {
        let (mut random, len) = (Random(5), self.recording.info().play_length);
        for &start in starts {
            self.check(start..(start + 1 + random.below(4800)).min(len));
        }
    }

    /// Checks the whole recording, read in pieces.
    pub(crate) fn check_in_pieces(&self) {
        let (mut random, len) = (Random(7), self.recording.info().play_length);
        let (mut pieces, mut start) = (Vec::new(), 0);
        while start < len {
            let end = (start + 1 + random.below(200_000)).min(len);
            pieces.extend(self.recording.read::<S>(start..end).unwrap());
            start = end;
        }
        assert!(pieces == self.samples, "{}: in pieces", self.what);
    }
}

/// Returns the play position of every packet.
pub(crate) fn packet_starts(recording: &Recording) -> Vec<u64> {
    let mut reader = OggOpusReader::strict(recording.ogg_opus()).unwrap();
    let (mut starts, info) = (Vec::new(), recording.info());
    while let Some(packet) = reader.next_located().unwrap() {
        let start = packet.position.get().saturating_sub(info.pre_skip.into());
        starts.push(start);
    }
    starts.dedup();
    starts.retain(|&start| start < info.play_length);
    starts
}
