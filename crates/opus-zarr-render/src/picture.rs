//! PNG files.

use std::{error::Error, fmt};

/// Why pixels are no picture.
#[derive(Debug)]
pub struct InvalidPicture(png::EncodingError);

/// Encodes pixels, row by row from the top: red, green, blue.
///
/// # Errors
///
/// The number of bytes is not three times width times height.
pub fn encode_png((width, height): (u32, u32), pixels: &[u8]) -> Result<Vec<u8>, InvalidPicture> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(pixels));
    written.map(|()| bytes).map_err(InvalidPicture)
}

impl fmt::Display for InvalidPicture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for InvalidPicture {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_read_back() {
        let pixels: Vec<u8> = (0..24).collect();
        let file = encode_png((4, 2), &pixels).unwrap();
        let mut reader = png::Decoder::new(&file[..]).read_info().unwrap();
        let mut found = vec![0; reader.output_buffer_size()];
        let info = reader.next_frame(&mut found).unwrap();
        assert_eq!(((info.width, info.height), found), ((4, 2), pixels));
        assert!(encode_png((4, 2), &[0; 23]).is_err());
    }
}
