//! PNG files.

use std::{error::Error, fmt};

/// Pixels of a picture, row by row from the top.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Pixels<'a> {
    /// Red, green, blue.
    Rgb(&'a [u8]),
    /// Red, green, blue, opacity.
    Rgba(&'a [u8]),
    /// Numbers of colours.
    Indexed(&'a [[u8; 3]; 256], &'a [u8]),
}

/// Why pixels do not form a picture.
#[derive(Debug)]
pub struct InvalidPicture(png::EncodingError);

/// Encodes a picture.
///
/// # Errors
///
/// The number of bytes is not that of width times height pixels.
pub fn encode_png(
    (width, height): (u32, u32),
    pixels: Pixels<'_>,
) -> Result<Vec<u8>, InvalidPicture> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_depth(png::BitDepth::Eight);
    let bytes = match pixels {
        Pixels::Rgb(bytes) => {
            encoder.set_color(png::ColorType::Rgb);
            bytes
        }
        Pixels::Rgba(bytes) => {
            encoder.set_color(png::ColorType::Rgba);
            bytes
        }
        Pixels::Indexed(colours, bytes) => {
            encoder.set_color(png::ColorType::Indexed);
            encoder.set_palette(colours.concat());
            encoder.set_compression(png::Compression::Fast);
            bytes
        }
    };
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(bytes));
    written.map(|()| file).map_err(InvalidPicture)
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
    use crate::Palette;

    fn read(file: &[u8]) -> (u32, u32, Vec<u8>) {
        let mut decoder = png::Decoder::new(file);
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut found = vec![0; reader.output_buffer_size()];
        let info = reader.next_frame(&mut found).unwrap();
        (info.width, info.height, found)
    }

    #[test]
    fn pictures_are_read_back() {
        let bytes: Vec<u8> = (0..32).collect();
        let rgb = encode_png((4, 2), Pixels::Rgb(&bytes[..24])).unwrap();
        assert_eq!(read(&rgb), (4, 2, bytes[..24].to_vec()));
        let rgba = encode_png((4, 2), Pixels::Rgba(&bytes)).unwrap();
        assert_eq!(read(&rgba), (4, 2, bytes.clone()));
        let colours = Palette::Inferno.colours();
        let indexed = encode_png((4, 8), Pixels::Indexed(&colours, &bytes)).unwrap();
        let expected: Vec<u8> = bytes.iter().flat_map(|it| colours[usize::from(*it)]).collect();
        assert_eq!(read(&indexed), (4, 8, expected));
        assert!(encode_png((4, 2), Pixels::Rgb(&bytes)).is_err());
    }
}
