//! opusfile with the libopus it links (Debian: libopusfile-dev).

#![allow(unsafe_code, reason = "a binding to C: see each block")]

use std::{
    ffi::{CStr, CString, c_char, c_int, c_void},
    ptr,
};

use opus_zarr_peers::{SECOND, serve};

#[link(name = "opusfile")]
unsafe extern "C" {
    fn op_open_file(path: *const c_char, error: *mut c_int) -> *mut c_void;
    fn op_channel_count(file: *const c_void, link: c_int) -> c_int;
    fn op_pcm_seek(file: *mut c_void, at: i64) -> c_int;
    fn op_read_float(file: *mut c_void, pcm: *mut f32, len: c_int, link: *mut c_int) -> c_int;
}

// The full name, because the linker's path may hold another peer's static libopus.
#[link(name = "libopus.so", modifiers = "+verbatim")]
unsafe extern "C" {
    fn opus_get_version_string() -> *const c_char;
}

fn main() {
    let path = CString::new(std::env::args().nth(1).unwrap()).unwrap();
    // SAFETY: returns a static string of the library.
    let version = unsafe { CStr::from_ptr(opus_get_version_string()) };
    let what = format!("opusfile with {}", version.to_string_lossy());
    serve(&what, || {
        let mut error = 0;
        // SAFETY: both arguments outlive the call. The file stays open until the program ends.
        let file = unsafe { op_open_file(path.as_ptr(), &mut error) };
        assert!(!file.is_null(), "op_open_file: {error}");
        move |at| second(file, at)
    });
}

fn second(file: *mut c_void, at: u64) -> Vec<f32> {
    // SAFETY: `file` is open, and only this thread uses it.
    let (channels, sought) =
        unsafe { (op_channel_count(file, -1), op_pcm_seek(file, at.try_into().unwrap())) };
    assert_eq!(sought, 0);
    let channels = usize::try_from(channels).unwrap();
    let mut pcm = vec![0.0; usize::try_from(SECOND).unwrap() * channels];
    let mut filled = 0;
    while let rest = &mut pcm[filled..]
        && !rest.is_empty()
    {
        let len = rest.len().try_into().unwrap();
        // SAFETY: writes at most `len` samples to `rest`, and no link, because its pointer is null.
        let read = unsafe { op_read_float(file, rest.as_mut_ptr(), len, ptr::null_mut()) };
        assert!(read > 0, "op_read_float: {read}");
        filled += usize::try_from(read).unwrap() * channels;
    }
    pcm
}
