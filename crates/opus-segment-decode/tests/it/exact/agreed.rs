//! Starts on which two decoders agree, held against one decoding of everything.

use opus_packet::CodedPos;
use opus_packet_index::{BlobRead, IndexRead, SyncDecoder};
use opus_segment_decode::{AgreedStart, Agreement, LibopusDecoder, PacketDecoder};

use super::{
    hidden::{Judge, is_full_run},
    recording::Recording,
    signal::{Kind, MUSIC, encode_signal},
    sounds::{SOUNDS, stereo},
};

/// Long enough that decoders that agree did not begin at the beginning.
#[test]
fn agreement_hides_nothing() {
    let seconds = if is_full_run() { 40 } else { 12 };
    let mut agreed = 0;
    for (name, sound) in SOUNDS {
        let signal = stereo(sound, seconds);
        for (kbps, packet) in [(64, 960), (128, 480), (96, 120)] {
            let recording = encode_signal(Kind { kbps, packet, ..MUSIC }, &signal);
            let what = format!("{name} at {kbps} kb/s in packets of {packet}");
            let here = judge(&recording, &Judge::of(&recording).output, &what);
            agreed += here;
        }
    }
    assert!(agreed > 100, "decoders agree on {agreed} starts only");
}

/// Looks for a start at every third tenth of a second, and checks what follows of each in the
/// recording, whose full decode is `output`, packet by packet. Returns how many did not begin with the
/// first packet.
pub(super) fn judge(recording: &Recording, output: &[Vec<f32>], what: &str) -> usize {
    let (index, blob) = (recording.index(), recording.packets.concat());
    let end = index.samples().end;
    let mut pair = [0, 1].map(|_| LibopusDecoder::unmixed(&recording.head).unwrap());
    let mut checked = Vec::new();
    for position in (0..end.get()).step_by(14_400).map(CodedPos::new) {
        for decoder in [SyncDecoder::Measuring, SyncDecoder::Any] {
            let mut agreement = Agreement::new(position..end, end, decoder);
            while let Some(samples) = agreement.need() {
                let (span, mut bytes) = (index.span(samples).unwrap(), Vec::new());
                blob.as_slice().read(span.bytes(), &mut bytes).unwrap();
                agreement.supply(span, bytes, &mut pair).unwrap();
            }
            let Some(found) = agreement.found().filter(|&found| found != AgreedStart::BEGINNING)
            else {
                continue;
            };
            if !checked.contains(&found) {
                check(recording, output, found, position, &mut pair[0], what);
                checked.push(found);
            }
        }
    }
    checked.len()
}

fn check(
    recording: &Recording,
    output: &[Vec<f32>],
    found: AgreedStart,
    position: CodedPos,
    decoder: &mut LibopusDecoder,
    what: &str,
) {
    // A start may count from later on than the position.
    let last = CodedPos::new(u64::MAX - 1);
    let start = [position, last].iter().find_map(|&at| found.start_at(at, SyncDecoder::Measuring));
    let Some(start) = start else { return };
    PacketDecoder::<f32>::reset(decoder).unwrap();
    let mut pcm = vec![0.0_f32; 5760 * PacketDecoder::<f32>::layout(decoder).channels];
    let index = recording.index();
    for ((row, packet), expected) in index.rows().iter().zip(&recording.packets).zip(output) {
        if row.first < start.start.get() || row.first >= start.until.get() {
            continue;
        }
        decoder.decode(packet, &mut pcm).unwrap();
        let is_equal =
            expected.iter().zip(&pcm).all(|(one, other)| one.to_bits() == other.to_bits());
        let is_claimed = start.exact_from.get() <= row.first;
        assert!(
            is_equal || !is_claimed,
            "{what}: {found:?} is wrong in the packet at {}",
            row.first
        );
    }
}
