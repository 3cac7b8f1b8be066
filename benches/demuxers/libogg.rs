//! libogg, the reference C library, used as its manual describes: bytes into a sync state, pages
//! into a stream state, packets out.

#![allow(unsafe_code, reason = "a binding to C: see each block")]

use std::mem::MaybeUninit;

use ogg_next_sys::{
    ogg_packet, ogg_page, ogg_page_serialno, ogg_stream_clear, ogg_stream_init,
    ogg_stream_packetout, ogg_stream_pagein, ogg_stream_state, ogg_sync_buffer, ogg_sync_clear,
    ogg_sync_init, ogg_sync_pageout, ogg_sync_state, ogg_sync_wrote,
};

/// The number of packets of a single-stream file, and their total bytes.
pub fn packets(file: &[u8]) -> (u64, u64) {
    let (mut count, mut bytes) = (0, 0);
    let mut rest = file;
    let mut stream = None;
    let mut sync = MaybeUninit::<ogg_sync_state>::uninit();
    // SAFETY: ogg_sync_init makes the state valid, and never fails.
    let mut sync = unsafe {
        ogg_sync_init(sync.as_mut_ptr());
        sync.assume_init()
    };
    loop {
        let mut page = MaybeUninit::<ogg_page>::uninit();
        // SAFETY: both are valid for writing. The page is read only if the result is 1, which
        // means that it was written, and points into `sync`, which outlives it.
        if unsafe { ogg_sync_pageout(&mut sync, page.as_mut_ptr()) } == 1 {
            // SAFETY: see above.
            let mut page = unsafe { page.assume_init() };
            let state = stream.get_or_insert_with(|| new_stream(&page));
            // SAFETY: both are valid.
            unsafe { ogg_stream_pagein(state, &mut page) };
            drain(state, &mut count, &mut bytes);
        } else if rest.is_empty() {
            break;
        } else {
            let (piece, after) = rest.split_at(rest.len().min(PIECE));
            rest = after;
            fill(&mut sync, piece);
        }
    }
    // SAFETY: both are valid and not used again.
    unsafe {
        stream.iter_mut().for_each(|stream| {
            ogg_stream_clear(stream);
        });
        ogg_sync_clear(&mut sync);
    }
    (count, bytes)
}

fn new_stream(page: &ogg_page) -> ogg_stream_state {
    let mut stream = MaybeUninit::<ogg_stream_state>::uninit();
    // SAFETY: ogg_stream_init makes the state valid.
    unsafe {
        assert_eq!(ogg_stream_init(stream.as_mut_ptr(), ogg_page_serialno(page)), 0);
        stream.assume_init()
    }
}

fn drain(stream: &mut ogg_stream_state, count: &mut u64, bytes: &mut u64) {
    let mut packet = MaybeUninit::<ogg_packet>::uninit();
    // SAFETY: the state is valid. The packet is read only if the result is 1, which means that
    // it was written.
    while unsafe { ogg_stream_packetout(stream, packet.as_mut_ptr()) } == 1 {
        // SAFETY: see above.
        let packet = unsafe { packet.assume_init_ref() };
        *count += 1;
        *bytes += u64::try_from(packet.bytes).unwrap();
    }
}

fn fill(sync: &mut ogg_sync_state, piece: &[u8]) {
    let len = piece.len().try_into().unwrap();
    // SAFETY: libogg returns a buffer of the requested size.
    unsafe {
        let buffer = ogg_sync_buffer(sync, len);
        assert!(!buffer.is_null());
        std::ptr::copy_nonoverlapping(piece.as_ptr(), buffer.cast(), piece.len());
        ogg_sync_wrote(sync, len);
    }
}

const PIECE: usize = 64 * 1024;
