//! Any bytes: a packet of 2.5 to 120 ms, or an error.

#![no_main]

use libfuzzer_sys::fuzz_target;
use opus_packet::{MAX_PACKET_DURATION, Toc, duration};

fuzz_target!(|bytes: &[u8]| {
    let Some(toc) = bytes.first().map(|&byte| Toc::new(byte)) else { return };
    assert!(matches!(toc.frame_duration(), 120 | 240 | 480 | 960 | 1920 | 2880));
    assert!(!format!("{toc:?}").is_empty());
    match duration(bytes) {
        Ok(samples) => {
            assert_eq!(samples % 120, 0);
            assert!((120..=MAX_PACKET_DURATION).contains(&samples));
            assert_eq!(samples % toc.frame_duration(), 0, "whole frames");
            assert!(samples / toc.frame_duration() <= 48);
        }
        Err(error) => assert_eq!(error.to_string().lines().count(), 1),
    }
});
