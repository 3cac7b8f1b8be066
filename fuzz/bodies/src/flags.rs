//! The flags of frames.

use opus_packet::{FrameFlags, Mode, Toc, duration, frame_flags};

/// Reads the flags of arbitrary bytes: some for every frame, which fit its mode, or an error.
pub fn flags(bytes: &[u8]) {
    let frames = match (frame_flags(bytes), duration(bytes)) {
        (Ok(frames), Ok(_)) => frames,
        (frames, duration) => return assert_eq!(frames.err(), duration.err()),
    };
    let toc = Toc::new(bytes[0]);
    assert_eq!(frames.len() as u32, duration(bytes).unwrap() / toc.frame_duration());
    for frame in frames {
        check(toc, frame, bytes.len());
    }
}

fn check(toc: Toc, frame: FrameFlags, packet_len: usize) {
    let has_celt = toc.mode() != Mode::Silk && !frame.is_concealed;
    assert_eq!(frame.celt.is_some(), has_celt, "{toc:?} {frame:?}");
    if let Some(redundancy) = frame.redundancy {
        assert_ne!(toc.mode(), Mode::Celt);
        assert!((2..packet_len).contains(&redundancy.len));
    }
    let redundant = frame.redundancy.map(|redundancy| redundancy.celt);
    for celt in frame.celt.into_iter().chain(redundant) {
        let has_others = celt.is_transient || celt.is_intra || celt.post_filter.is_some();
        assert!(!(celt.is_silence && has_others));
        if let Some(filter) = celt.post_filter {
            assert!((15..=1022).contains(&filter.period), "{filter:?}");
            assert!((1..=8).contains(&filter.gain) && filter.tapset <= 2, "{filter:?}");
        }
    }
    if toc.frame_duration() == 120 {
        assert!(!frame.celt.is_some_and(|celt| celt.is_transient));
    }
}
