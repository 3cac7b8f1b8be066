//! Compares with what libopus reads from the same packets.

extern crate std;

use alloc::{format, string::String, vec, vec::Vec};
use core::fmt::Write;

use proptest::prelude::*;

use super::*;

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod libopus;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod sound;

/// The only frame of `packet`.
fn only(packet: &[u8]) -> FrameFlags {
    let mut frames = frame_flags(packet).unwrap();
    assert_eq!(frames.len(), 1);
    frames.next().unwrap()
}

#[test]
fn silence_and_concealment() {
    let silence = only(&[0xf8, 0xff, 0xfe]);
    assert!(silence.celt.unwrap().is_silence && !silence.is_concealed);
    for empty in [&[0xf8][..], &[0xf8, 0xff], &[0x78, 0xff], &[0x08, 0xff]] {
        assert_eq!(only(empty), FrameFlags { is_concealed: true, ..FrameFlags::default() });
    }
}

#[test]
fn every_frame_has_flags() {
    let several = frame_flags(&[0xfb, 0x83, 2, 1, 0xff, 0xfe, 9, 0, 0, 0]).unwrap();
    let several: Vec<FrameFlags> = several.collect();
    assert!(several[0].celt.unwrap().is_silence);
    assert!(several[1].is_concealed);
    assert!(!several[2].is_concealed && !several[2].celt.unwrap().is_silence);
    assert_eq!(several.len(), 3);
}

#[test]
fn a_frame_of_2_5_ms_is_never_transient() {
    for byte in 0..=255 {
        let flags = |toc: u8| only(&[toc, byte, 0, 0]).celt.unwrap();
        assert!(!flags(0xe0).is_transient);
    }
    assert!((0..=255).any(|byte| only(&[0xf8, byte, 0, 0]).celt.unwrap().is_transient));
}

proptest! {
    #[test]
    fn any_bytes_have_flags_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        match frame_flags(&bytes) {
            Ok(frames) => {
                let frames: Vec<FrameFlags> = frames.collect();
                let duration = usize::try_from(crate::duration(&bytes).unwrap()).unwrap();
                let frame = usize::try_from(Toc::new(bytes[0]).frame_duration()).unwrap();
                prop_assert_eq!(frames.len(), duration / frame);
            }
            Err(error) => prop_assert_eq!(crate::duration(&bytes).err(), Some(error)),
        }
    }
}

/// The words of `libopus/observer.c` for a packet with one frame.
#[cfg_attr(not(all(target_os = "linux", target_arch = "x86_64")), allow(dead_code))]
fn describe(packet: &[u8]) -> String {
    let (toc, mut frames) = frames(packet).unwrap();
    let (frame, flags) = (frames.next().unwrap(), only(packet));
    let (mut bits, mut range) = (0, 0);
    if frame.len() > 1 && toc.mode() != Mode::Celt {
        let mut decoder = RangeDecoder::new(frame);
        silk::skip(&mut decoder, toc);
        (bits, (range, ..)) = (decoder.tell(), decoder.state());
    }
    let main = match flags.celt {
        Some(celt) => describe_celt(celt),
        None if frame.len() > 1 && flags.is_concealed => String::from(" concealed"),
        None => String::new(),
    };
    let mut parts = vec![main];
    if let Some(Redundancy { change, len, celt }) = flags.redundancy {
        let is_first = change == ModeChange::CeltToSilk;
        let text = format!(" redundant {} {len}{}", u8::from(is_first), describe_celt(celt));
        parts.insert(if is_first { 0 } else { 1 }, text);
    }
    format!("silk {bits} {range}{}", parts.concat())
}

fn describe_celt(celt: CeltFlags) -> String {
    let CeltFlags { is_silence, is_transient, is_intra, post_filter } = celt;
    let [silence, transient, intra] = [is_silence, is_transient, is_intra].map(u8::from);
    let mut text = format!(" celt {silence} {transient} {intra}");
    if let Some(PostFilter { period, gain, tapset }) = post_filter {
        write!(text, " filter {period} {gain} {tapset}").unwrap();
    }
    text
}
