use opus_zarr_render::{Pixels, encode_png};

use super::canvas::Canvas;
use crate::failure::{Exit, Failure};

/// Encodes the picture as a PNG file.
pub(crate) fn encode(canvas: &Canvas) -> Result<Vec<u8>, Failure> {
    encode_png(canvas.size(), Pixels::Rgb(&canvas.to_bytes()))
        .map_err(|error| Failure::new(Exit::Error, format!("cannot encode PNG: {error}")))
}
