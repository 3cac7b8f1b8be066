#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| opus_zarr_fuzz_bodies::tables(data));
