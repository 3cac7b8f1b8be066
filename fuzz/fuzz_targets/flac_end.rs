#![no_main]

libfuzzer_sys::fuzz_target!(
    init: opus_zarr_fuzz_bodies::allow_panics_of_symphonia(),
    |data: &[u8]| opus_zarr_fuzz_bodies::flac_end(data)
);
