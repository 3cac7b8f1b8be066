//! Safe types over the C functions of the libopus encoder. The only module with `unsafe`.

#![allow(unsafe_code, reason = "libopus is C")]

use std::{
    ffi::{CStr, c_char, c_int},
    ptr::NonNull,
};

use opusic_sys as sys;

use crate::{Application, Channels, CodingRate, Error, error::Reason};

/// The libopus encoder for one or more Opus streams.
#[derive(Debug)]
pub(crate) struct Libopus {
    state: NonNull<sys::OpusMSEncoder>,
    channels: usize,
}

/// How channels become Opus streams, as stated in OpusHead (RFC 7845 section 5.1.1).
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) streams: u8,
    pub(crate) coupled: u8,
    pub(crate) mapping: Vec<u8>,
}

/// A setting. Each request takes one `opus_int32`, on which [`Libopus::set`] relies.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Setting {
    /// Bits per second, for all streams together.
    Bitrate,
    Vbr,
    VbrConstraint,
    Complexity,
    Signal,
    ForceMode,
    PredictionDisabled,
    /// Expected loss of packets in percent.
    PacketLoss,
    /// Bits of a sample, 8 to 24.
    LsbDepth,
}

/// Makes libopus treat the signal as music.
pub(crate) const SIGNAL_MUSIC: c_int = sys::OPUS_SIGNAL_MUSIC;
/// Modes from the header `opus_private.h`, which opusic-sys does not bind. They date from libopus
/// 1.0, and its own surround encoder uses them.
pub(crate) const MODE_AUTOMATIC: c_int = sys::OPUS_AUTO;
/// SILK, or hybrid for audio of higher bandwidth.
pub(crate) const MODE_SILK: c_int = 1000;
pub(crate) const MODE_CELT: c_int = 1002;
const SET_FORCE_MODE_REQUEST: c_int = 11002;

impl Libopus {
    /// Creates an encoder. libopus chooses how the channels become streams.
    pub(crate) fn new(
        rate: CodingRate,
        channels: Channels,
        application: Application,
    ) -> Result<(Self, Layout), Error> {
        let (mut streams, mut coupled, mut error): (c_int, c_int, c_int) = (0, 0, 0);
        let mut mapping = vec![0; usize::from(channels.count())];
        let hz = sys::opus_int32::try_from(rate.hz()).map_err(|_| refusal(sys::OPUS_BAD_ARG))?;
        // SAFETY: the three integers are valid for writes, and so are as many bytes of
        // `mapping` as there are channels, which is how many libopus writes.
        let state = unsafe {
            sys::opus_multistream_surround_encoder_create(
                hz,
                c_int::from(channels.count()),
                c_int::from(channels.family()),
                &raw mut streams,
                &raw mut coupled,
                mapping.as_mut_ptr(),
                request_of(application),
                &raw mut error,
            )
        };
        check(error)?;
        // Null only together with an error.
        let state = NonNull::new(state).ok_or_else(|| refusal(sys::OPUS_ALLOC_FAIL))?;
        let encoder = Self { state, channels: mapping.len() };
        let byte = |number| u8::try_from(number).map_err(|_| refusal(sys::OPUS_INTERNAL_ERROR));
        let layout = Layout { streams: byte(streams)?, coupled: byte(coupled)?, mapping };
        Ok((encoder, layout))
    }

    pub(crate) fn set(&mut self, setting: Setting, value: c_int) -> Result<(), Error> {
        // SAFETY: the state is alive and exclusively borrowed. All requests of `Setting` read one
        // `opus_int32`, the type of `value`, and keep no pointer.
        let code = unsafe {
            sys::opus_multistream_encoder_ctl(self.state.as_ptr(), setting.request(), value)
        };
        check(code).map(drop)
    }

    /// Returns the delay of the decoded audio in samples per channel at the coding rate.
    pub(crate) fn lookahead(&mut self) -> Result<usize, Error> {
        let mut lookahead: sys::opus_int32 = 0;
        // SAFETY: the state is alive and exclusively borrowed. The request takes a pointer to one
        // `opus_int32` and writes there during the call only.
        let code = unsafe {
            sys::opus_multistream_encoder_ctl(
                self.state.as_ptr(),
                sys::OPUS_GET_LOOKAHEAD_REQUEST,
                &raw mut lookahead,
            )
        };
        check(code)?;
        check(lookahead)
    }

    /// Encodes a frame of all channels into `packet` and returns its length in bytes.
    pub(crate) fn encode(&mut self, frame: &[f32], packet: &mut [u8]) -> Result<usize, Error> {
        let frame_len = frame.len() / self.channels;
        let frame_len = c_int::try_from(frame_len).map_err(|_| refusal(sys::OPUS_BAD_ARG))?;
        // A packet is far smaller than the largest `c_int`.
        let room = c_int::try_from(packet.len()).unwrap_or(c_int::MAX);
        // SAFETY: the state is alive and exclusively borrowed. libopus reads `frame_len` samples of
        // each of its channels, all of which `frame` holds, and rejects a `frame_len` that is not
        // an Opus duration. It writes at most `room` bytes, which `packet` holds.
        let code = unsafe {
            sys::opus_multistream_encode_float(
                self.state.as_ptr(),
                frame.as_ptr(),
                frame_len,
                packet.as_mut_ptr(),
                room,
            )
        };
        check(code)
    }
}

impl Drop for Libopus {
    fn drop(&mut self) {
        // SAFETY: the state came from libopus' create function and is destroyed once, here.
        unsafe { sys::opus_multistream_encoder_destroy(self.state.as_ptr()) }
    }
}

// SAFETY: libopus allocated the state for this encoder only. It points to constant tables and,
// during a call, to memory of that call. Nothing in it is bound to a thread.
unsafe impl Send for Libopus {}

impl Setting {
    fn request(self) -> c_int {
        match self {
            Self::Bitrate => sys::OPUS_SET_BITRATE_REQUEST,
            Self::Vbr => sys::OPUS_SET_VBR_REQUEST,
            Self::VbrConstraint => sys::OPUS_SET_VBR_CONSTRAINT_REQUEST,
            Self::Complexity => sys::OPUS_SET_COMPLEXITY_REQUEST,
            Self::Signal => sys::OPUS_SET_SIGNAL_REQUEST,
            Self::ForceMode => SET_FORCE_MODE_REQUEST,
            Self::PredictionDisabled => sys::OPUS_SET_PREDICTION_DISABLED_REQUEST,
            Self::PacketLoss => sys::OPUS_SET_PACKET_LOSS_PERC_REQUEST,
            Self::LsbDepth => sys::OPUS_SET_LSB_DEPTH_REQUEST,
        }
    }
}

fn request_of(application: Application) -> c_int {
    match application {
        Application::Audio => sys::OPUS_APPLICATION_AUDIO,
        Application::Voip => sys::OPUS_APPLICATION_VOIP,
        Application::LowDelay => sys::OPUS_APPLICATION_RESTRICTED_LOWDELAY,
    }
}

/// Returns the vendor string for OpusTags, which names the libopus version and this crate.
pub fn vendor() -> String {
    // SAFETY: the function takes no argument and returns a constant.
    let libopus = match constant_text(unsafe { sys::opus_get_version_string() }) {
        AS_BUILT => VERSION,
        // Linked instead of the one that is built.
        other => other,
    };
    format!("{libopus}, {} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
}

/// What the libopus of `opusic-sys` 0.3 calls itself: its sources lack the file that states the version.
const AS_BUILT: &str = "libopus unknown";
/// Which one that is.
const VERSION: &str = "libopus 1.3.1";

/// Returns the count that libopus returned, or the error if it is negative.
fn check(code: c_int) -> Result<usize, Error> {
    usize::try_from(code).map_err(|_| refusal(code))
}

fn refusal(code: c_int) -> Error {
    // SAFETY: the function accepts every integer and returns a constant.
    let message = constant_text(unsafe { sys::opus_strerror(code) });
    Reason::Libopus { code, message }.into()
}

fn constant_text(text: *const c_char) -> &'static str {
    if text.is_null() {
        return "libopus";
    }
    // SAFETY: not null. Both callers pass a string literal of libopus, which ends with a zero and
    // is never freed.
    unsafe { CStr::from_ptr(text) }.to_str().unwrap_or("libopus")
}
