//! Packets that hold several Opus streams.

use opus_packet::{ChannelMapping, PlayPos};
use opus_segment_decode::{APPROXIMATE_PRE_ROLL, LibopusDecoder, PreRoll, SegmentReader};

use super::{
    recording::Recording,
    signal::{Kind, LOUD, MUSIC, SPEECH, encode, encode_voice},
};

/// Six channels, with a different coding for every stream.
fn surround(change: impl FnOnce(&mut [Recording; 4])) -> Recording {
    let [front, rear] = [96, 48].map(|kbps| encode(Kind { kbps, ..MUSIC }, 6));
    let [centre, bass] = [18, 12].map(|kbps| encode(Kind { kbps, ..SPEECH }, 6));
    let mut streams = [front, rear, centre, bass];
    change(&mut streams);
    Recording::of_streams(1, 6, &[0, 4, 1, 2, 3, 5], &streams)
}

#[test]
fn surround_is_exact() {
    let recording = surround(|_| ());
    let pre_roll = recording.check("surround");
    assert!(3 * pre_roll < recording.timeline().coded_length(), "{pre_roll}");
}

/// A long loss is concealed with noise learned in a much earlier pause. A decoder that began
/// after the pause gives equal output until then, whichever stream the loss is in.
#[test]
fn a_loss_in_any_stream_ends_what_is_known_of_a_start() {
    let celt = Kind { channels: 1, kbps: 48, ..MUSIC };
    let kinds = [celt, SPEECH, Kind { kbps: 18, ..SPEECH }];
    let streams = kinds.map(|kind| encode_voice(kind, 5));
    for lossy in 0..streams.len() {
        let mut streams = streams.clone();
        streams[lossy].lose(200..230);
        let recording = Recording::of_streams(255, 3, &[0, 1, 2], &streams);
        recording.check(&format!("a long loss in stream {lossy}"));
    }
}

#[test]
fn a_change_of_mode_in_one_stream_is_exact() {
    let celt = encode(Kind { channels: 1, ..MUSIC }, 6).packets;
    let recording = surround(|streams| streams[2].packets[150..].clone_from_slice(&celt[150..]));
    recording.check("mode switch");
}

/// The streams and tables of RFC 7845 section 5.1.1.2, coupled streams first; and discrete
/// channels with half a coupled stream, a silent channel and a repeated one.
#[test]
fn three_to_eight_channels_are_exact() {
    let coupled = [96, 64, 48].map(|kbps| encode(Kind { kbps, ..MUSIC }, 3));
    let mono = [18, 12].map(|kbps| encode(Kind { kbps, ..SPEECH }, 3));
    let tables: [(u8, [usize; 2], &[u8]); 7] = [
        (1, [1, 1], &[0, 2, 1]),
        (1, [2, 0], &[0, 1, 2, 3]),
        (1, [2, 1], &[0, 4, 1, 2, 3]),
        (1, [2, 2], &[0, 4, 1, 2, 3, 5]),
        (1, [3, 1], &[0, 4, 1, 2, 3, 5, 6]),
        (1, [3, 2], &[0, 6, 1, 2, 3, 4, 5, 7]),
        (255, [1, 2], &[3, 1, 255, 2, 3]),
    ];
    for (family, [pairs, singles], table) in tables {
        let streams = coupled[..pairs].iter().chain(&mono[..singles]).cloned();
        let streams: Vec<Recording> = streams.collect();
        let channels = u8::try_from(table.len()).unwrap();
        let recording = Recording::of_streams(family, channels, table, &streams);
        recording.check(&format!("{channels} channels, family {family}"));
    }
}

/// Streams beyond full scale, under a matrix that makes them quiet.
#[test]
fn ambisonics_with_a_demixing_matrix_are_exact() {
    let kinds = [MUSIC, MUSIC, SPEECH, SPEECH].map(|kind| Kind { volume: LOUD, ..kind });
    let streams = kinds.map(|kind| encode(kind, 6));
    let matrix: Vec<u8> = (0..24i16)
        .flat_map(|cell| (if cell % 5 == 0 { 3000 } else { 7 * cell }).to_le_bytes())
        .collect();
    Recording::of_streams(3, 4, &matrix, &streams).check("projection");
}

#[test]
fn the_index_of_other_streams_is_an_index_fault() {
    let recording = surround(|_| ());
    let (index, blob) = (recording.index(), recording.packets.concat());
    let reader = SegmentReader::new(index, blob.as_slice(), recording.timeline());
    let more = ChannelMapping::parse(255, 1, &[5, 0, 0]).unwrap();
    let pre_roll = PreRoll::new(APPROXIMATE_PRE_ROLL, &recording.timeline());
    let decoder = LibopusDecoder::new(&recording.head.with_mapping(more)).unwrap();
    let play = PlayPos::new(0)..PlayPos::new(48_000);
    let error = reader.read::<f32, _>(play, &pre_roll, decoder).err();
    assert!(error.is_some_and(|error| error.is_index_fault()));
}
