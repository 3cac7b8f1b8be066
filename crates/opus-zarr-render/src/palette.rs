//! Colours of levels.

use std::str::FromStr;

use crate::number::{float, share, size};

/// The colours from the lowest to the highest level. The first three are perceptually uniform, also for
/// people with colour blindness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Palette {
    /// From violet over green to yellow.
    #[default]
    Viridis,
    /// From black over violet to light yellow.
    Magma,
    /// From black over red to light yellow.
    Inferno,
    /// From black to white.
    Grey,
    /// From white to black, as on paper.
    Paper,
}

/// A text that names no palette.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownPalette;

impl Palette {
    /// Returns 256 colours: red, green, blue.
    pub fn colours(self) -> [[u8; 3]; 256] {
        let anchors = self.anchors();
        let last = float(u64::try_from(anchors.len() - 1).unwrap_or(0));
        let mut next = 0.0;
        [(); 256].map(|()| {
            let at = next / 255.0 * last;
            next += 1.0;
            let anchor = |index: usize| anchors.get(index).or(anchors.last()).copied();
            let low = anchor(size(at)).unwrap_or_default();
            let high = anchor(size(at) + 1).unwrap_or_default();
            let mut part = low.iter().zip(high);
            low.map(|_| {
                let (from, to) = part.next().map_or((0, 0), |(from, to)| (*from, to));
                share(f64::from(from) * (1.0 - at.fract()) + f64::from(to) * at.fract())
            })
        })
    }

    fn anchors(self) -> &'static [[u8; 3]] {
        match self {
            Self::Viridis => &VIRIDIS,
            Self::Magma => &MAGMA,
            Self::Inferno => &INFERNO,
            Self::Grey => &[[0; 3], [255; 3]],
            Self::Paper => &[[255; 3], [0; 3]],
        }
    }
}

impl FromStr for Palette {
    type Err = UnknownPalette;

    fn from_str(text: &str) -> Result<Self, UnknownPalette> {
        match text {
            "viridis" => Ok(Self::Viridis),
            "magma" => Ok(Self::Magma),
            "inferno" => Ok(Self::Inferno),
            "grey" => Ok(Self::Grey),
            "paper" => Ok(Self::Paper),
            _ => Err(UnknownPalette),
        }
    }
}

impl std::fmt::Display for UnknownPalette {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("expected viridis, magma, inferno, grey or paper")
    }
}

impl std::error::Error for UnknownPalette {}

/// Nine colours of each, by Stéfan van der Walt and Nathaniel Smith for matplotlib (CC0); the others are
/// interpolated.
const VIRIDIS: [[u8; 3]; 9] = [
    [0x44, 0x01, 0x54],
    [0x47, 0x2d, 0x7b],
    [0x3b, 0x52, 0x8b],
    [0x2c, 0x72, 0x8e],
    [0x21, 0x90, 0x8c],
    [0x27, 0xad, 0x81],
    [0x5d, 0xc8, 0x63],
    [0xaa, 0xdc, 0x32],
    [0xfd, 0xe7, 0x25],
];
const MAGMA: [[u8; 3]; 9] = [
    [0x00, 0x00, 0x04],
    [0x1d, 0x11, 0x47],
    [0x51, 0x12, 0x7c],
    [0x82, 0x26, 0x81],
    [0xb6, 0x36, 0x79],
    [0xe6, 0x51, 0x64],
    [0xfb, 0x88, 0x61],
    [0xfe, 0xc2, 0x87],
    [0xfc, 0xfd, 0xbf],
];
const INFERNO: [[u8; 3]; 9] = [
    [0x00, 0x00, 0x04],
    [0x21, 0x0c, 0x4a],
    [0x56, 0x10, 0x6e],
    [0x89, 0x22, 0x6a],
    [0xbb, 0x37, 0x54],
    [0xe3, 0x59, 0x32],
    [0xf9, 0x8c, 0x0a],
    [0xf9, 0xc9, 0x32],
    [0xfc, 0xff, 0xa4],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn palettes_go_from_their_first_to_their_last_colour() {
        for name in ["viridis", "magma", "inferno", "grey", "paper"] {
            let palette: Palette = name.parse().unwrap();
            let colours = palette.colours();
            assert_eq!(Some(&colours[0]), palette.anchors().first(), "{name}");
            assert_eq!(Some(&colours[255]), palette.anchors().last(), "{name}");
            let light = |[red, green, blue]: [u8; 3]| {
                i32::from(red) * 3 + i32::from(green) * 6 + i32::from(blue)
            };
            let is_monotonic = colours.windows(2).all(|two| {
                let step = light(two[1]) - light(two[0]);
                if name == "paper" { step <= 0 } else { step >= -8 }
            });
            assert!(is_monotonic, "{name}");
        }
        assert_eq!(Palette::Grey.colours()[100], [100; 3]);
        assert!("rainbow".parse::<Palette>().is_err());
    }
}
