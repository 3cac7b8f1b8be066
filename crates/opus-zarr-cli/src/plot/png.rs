use super::canvas::Canvas;
use crate::failure::{Exit, Failure};

/// Encodes the picture as a PNG file.
pub(crate) fn encode(canvas: &Canvas) -> Result<Vec<u8>, Failure> {
    written(canvas)
        .map_err(|error| Failure::new(Exit::Error, format!("cannot encode PNG: {error}")))
}

fn written(canvas: &Canvas) -> Result<Vec<u8>, png::EncodingError> {
    let (width, height) = canvas.size();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(&canvas.to_bytes())?;
    Ok(bytes)
}
