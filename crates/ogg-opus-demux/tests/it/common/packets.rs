//! Valid packets of every framing (RFC 6716 section 3.2), with durations from a table instead of
//! the crates under test.

use proptest::{collection::vec, option, prelude::*};

/// A packet and its duration in samples at 48 kHz.
pub(crate) type Packet = (Vec<u8>, u32);

/// Valid packets of 2.5 to 120 ms; most of 1 to 3000 bytes, some up to 61,000.
pub(crate) fn packets(
    count: impl Into<proptest::collection::SizeRange>,
) -> impl Strategy<Value = Vec<Packet>> {
    vec(packet(), count)
}

fn packet() -> impl Strategy<Value = Packet> {
    let padding = prop_oneof![20 => 0usize..=600, 1 => 0usize..=58_000];
    let frame_lens = prop_oneof![
        6 => vec(0usize..=80, 48),
        2 => vec(0usize..=1275, 48),
        1 => vec(Just(255usize), 48),
    ];
    (0u8..32, any::<bool>(), 0u8..4, 1usize..=48, frame_lens, any::<bool>(), option::of(padding))
        .prop_map(|(config, stereo, code, count, lens, different, padding)| {
            let frame_duration = FRAME_DURATIONS[usize::from(config)];
            let toc = config << 3 | u8::from(stereo) << 2 | code;
            let (body, frames) = match code {
                0 => (fill(lens[0]), 1),
                1 => (fill(2 * lens[0]), 2),
                2 => ([frame_len(lens[0]), fill(lens[0] + lens[1])].concat(), 2),
                _ => signalled(count.min(longest(frame_duration)), &lens, different, padding),
            };
            ([vec![toc], body].concat(), frames * frame_duration)
        })
}

/// Code 3: any number of frames, of equal lengths or not, with or without padding.
fn signalled(
    count: usize,
    lens: &[usize],
    different: bool,
    padding: Option<usize>,
) -> (Vec<u8>, u32) {
    let most = 3000 / count;
    let lens: Vec<_> = lens[..count].iter().map(|&len| len.min(most)).collect();
    let frames = u8::try_from(count).expect("at most 48");
    let flags = u8::from(different) << 7 | u8::from(padding.is_some()) << 6;
    let mut body = vec![flags | frames];
    let mut rest = padding.unwrap_or_default();
    if padding.is_some() {
        while rest >= 255 {
            body.push(255);
            rest -= 254;
        }
        body.extend(u8::try_from(rest));
    }
    if different {
        lens[..count - 1].iter().for_each(|&len| body.extend(frame_len(len)));
        body.extend(fill(lens.iter().sum()));
    } else {
        body.extend(fill(count * lens[0]));
    }
    body.extend(std::iter::repeat_n(0, padding.unwrap_or_default()));
    (body, u32::from(frames))
}

/// A frame length in one byte or two (RFC 6716 section 3.2.1).
fn frame_len(len: usize) -> Vec<u8> {
    if len < 252 {
        return u8::try_from(len).into_iter().collect();
    }
    let first = 252 + len % 4;
    [first, (len - first) / 4].into_iter().flat_map(u8::try_from).collect()
}

fn fill(len: usize) -> Vec<u8> {
    (0..=u8::MAX).cycle().skip(len % 251).take(len).collect()
}

/// The number of frames in 120 ms.
fn longest(frame_duration: u32) -> usize {
    usize::try_from(5760 / frame_duration).expect("at most 48")
}

/// RFC 6716 table 2, in samples at 48 kHz.
pub(crate) const FRAME_DURATIONS: [u32; 32] = [
    480, 960, 1920, 2880, 480, 960, 1920, 2880, 480, 960, 1920, 2880, // SILK
    480, 960, 480, 960, // hybrid
    120, 240, 480, 960, 120, 240, 480, 960, 120, 240, 480, 960, 120, 240, 480, 960, // CELT
];
