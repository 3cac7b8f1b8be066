use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, OutlinedGlyph, PxScale, ScaleFont, point};

use super::number::{length, pixels, position, share, single};

/// A picture, with methods to draw text and rectangles.
pub(crate) struct Canvas {
    width: u32,
    height: u32,
    /// Row by row from the top.
    pixels: Vec<Colour>,
}

/// Red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Colour(pub(crate) u8, pub(crate) u8, pub(crate) u8);

/// A rectangle of pixels, excluding its right and bottom edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) left: i32,
    pub(crate) top: i32,
    pub(crate) right: i32,
    pub(crate) bottom: i32,
}

impl Area {
    pub(crate) fn width(&self) -> usize {
        length(self.right - self.left)
    }

    pub(crate) fn height(&self) -> usize {
        length(self.bottom - self.top)
    }
}

/// How a text is placed relative to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Centre,
    Right,
    /// Upwards, to the left of the point.
    Upwards,
}

impl Canvas {
    pub(crate) fn new(width: u32, height: u32) -> Self {
        let count = usize::try_from(u64::from(width) * u64::from(height)).unwrap_or(usize::MAX);
        Self { width, height, pixels: vec![Colour(u8::MAX, u8::MAX, u8::MAX); count] }
    }

    pub(crate) fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// Returns red, green and blue of all pixels.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.pixels.iter().flat_map(|Colour(red, green, blue)| [*red, *green, *blue]).collect()
    }

    /// Measures the width of a text; `size` is the height of a line.
    pub(crate) fn text_width(text: &str, size: f64) -> i32 {
        glyphs(text, size).1
    }

    /// Cuts a text to the available room.
    pub(crate) fn cut_text(text: &str, size: f64, room: i32) -> String {
        if Self::text_width(text, size) <= room {
            return text.to_owned();
        }
        let ends = text.char_indices().rev().filter_map(|(at, _)| text.get(..at));
        let mut cut = ends.map(|start| format!("{}…", start.trim_end()));
        cut.find(|cut| Self::text_width(cut, size) <= room).unwrap_or_default()
    }

    /// Writes a text, vertically centred on the point.
    pub(crate) fn text(&mut self, text: &str, size: f64, at: (i32, i32), align: Align) {
        let (glyphs, width) = glyphs(text, size);
        let shift = match align {
            Align::Left => 0,
            Align::Centre | Align::Upwards => -width / 2,
            Align::Right => -width,
        };
        // Distance from the middle of capitals to their baseline.
        let foot = pixels(size * 0.31);
        for glyph in glyphs {
            let corner = glyph.px_bounds().min;
            let (left, top) = (pixels(corner.x.into()), pixels(corner.y.into()));
            glyph.draw(|x, y, covered| {
                let x = shift + left + i32::try_from(x).unwrap_or(0);
                let y = foot + top + i32::try_from(y).unwrap_or(0);
                let (x, y) = if align == Align::Upwards { (y, -x) } else { (x, y) };
                self.blend(at.0 + x, at.1 + y, INK, covered.into());
            });
        }
    }

    /// Fills an area with a colour; an opacity of 1 hides everything below.
    pub(crate) fn fill(&mut self, area: Area, colour: Colour, opacity: f64) {
        for y in area.top..area.bottom {
            (area.left..area.right).for_each(|x| self.blend(x, y, colour, opacity));
        }
    }

    /// Sets the pixels of an area, row by row from the top.
    pub(crate) fn paint(&mut self, area: Area, colours: &[Colour]) {
        for (y, row) in (area.top..area.bottom).zip(colours.chunks(area.width().max(1))) {
            (area.left..).zip(row).for_each(|(x, colour)| self.blend(x, y, *colour, 1.0));
        }
    }

    /// Divides an area into lanes of equal height with gaps between them.
    pub(crate) fn lanes(area: Area, count: usize, gap: i32) -> Vec<Area> {
        let count = position(count).max(1);
        let edge = |lane: i32| area.top + (area.bottom - area.top + gap) * lane / count;
        (0..count)
            .map(|lane| Area { top: edge(lane), bottom: edge(lane + 1) - gap, ..area })
            .collect()
    }

    fn blend(&mut self, x: i32, y: i32, colour: Colour, opacity: f64) {
        let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else { return };
        if x >= self.width {
            return;
        }
        let index = u64::from(y) * u64::from(self.width) + u64::from(x);
        let pixel = usize::try_from(index).ok().and_then(|index| self.pixels.get_mut(index));
        if let Some(pixel) = pixel {
            *pixel = pixel.towards(colour, opacity);
        }
    }
}

impl Colour {
    /// Mixes two colours.
    pub(crate) fn towards(self, other: Self, part: f64) -> Self {
        let mix = |from: u8, to: u8| share(f64::from(from) * (1.0 - part) + f64::from(to) * part);
        Self(mix(self.0, other.0), mix(self.1, other.1), mix(self.2, other.2))
    }
}

/// Lays out the letters of a text from (0, 0) on its baseline; also returns its width.
fn glyphs(text: &str, size: f64) -> (Vec<OutlinedGlyph>, i32) {
    let Some(font) = FONT.as_ref() else { return (Vec::new(), 0) };
    let scale = PxScale::from(single(size));
    let scaled = font.as_scaled(scale);
    let (mut glyphs, mut x, mut before) = (Vec::new(), 0.0, None);
    for letter in text.chars() {
        let id = font.glyph_id(letter);
        x += before.replace(id).map_or(0.0, |before| scaled.kern(before, id));
        glyphs.extend(font.outline_glyph(id.with_scale_and_position(scale, point(x, 0.0))));
        x += scaled.h_advance(id);
    }
    (glyphs, pixels(f64::from(x).ceil()))
}

/// DejaVu Sans, built in so that letters look the same on every machine.
static FONT: LazyLock<Option<FontRef<'static>>> =
    LazyLock::new(|| FontRef::try_from_slice(dejavu::sans::regular()).ok());
const INK: Colour = Colour(32, 32, 32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_to_fit() {
        let room = Canvas::text_width("a recording…", 16.0);
        assert!(room > 50);
        assert_eq!(Canvas::cut_text("a recording of birds", 16.0, room), "a recording…");
        assert_eq!(Canvas::cut_text("a recording…", 16.0, room), "a recording…");
        assert_eq!(Canvas::cut_text("é", 16.0, 0), "");
    }

    #[test]
    fn lanes_fill_the_area_with_gaps_between() {
        let area = Area { left: 1, top: 10, right: 5, bottom: 110 };
        assert_eq!(Canvas::lanes(area, 1, 7), [area]);
        let lanes = Canvas::lanes(area, 3, 7);
        assert_eq!((lanes[0].top, lanes[2].bottom), (10, 110));
        assert!(lanes.windows(2).all(|two| two[1].top - two[0].bottom == 7));
    }

    #[test]
    fn letters_are_aligned() {
        let inked = |align| {
            let mut canvas = Canvas::new(100, 100);
            canvas.text("HHH", 20.0, (50, 50), align);
            let is_inked = |(_, pixel): &(usize, &Colour)| pixel.0 < 128;
            let inked = canvas.pixels.iter().enumerate().filter(is_inked);
            let inked: Vec<_> = inked.map(|(index, _)| (index % 100, index / 100)).collect();
            let columns = inked.iter().map(|(x, _)| *x);
            let rows = inked.iter().map(|(_, y)| *y);
            (
                columns.clone().min().unwrap()..columns.max().unwrap() + 1,
                rows.clone().min().unwrap()..rows.max().unwrap() + 1,
            )
        };
        let (columns, rows) = inked(Align::Centre);
        assert!((columns.start + columns.end).abs_diff(100) < 4, "{columns:?}");
        assert!((rows.start + rows.end).abs_diff(100) < 3, "{rows:?}");
        assert!(inked(Align::Left).0.start >= 50 && inked(Align::Right).0.end <= 50);
        let (up_columns, up_rows) = inked(Align::Upwards);
        assert!(up_columns.len().abs_diff(rows.len()) < 2);
        assert!(up_rows.len().abs_diff(columns.len()) < 2);
    }

    #[test]
    fn colours_cover_by_their_opacity() {
        let mut canvas = Canvas::new(4, 2);
        let area = Area { left: 1, top: -5, right: 3, bottom: 1 };
        canvas.fill(area, Colour(0, 100, 200), 1.0);
        canvas.fill(Area { left: 2, right: 9, ..area }, Colour(200, 200, 200), 0.5);
        let white = Colour(255, 255, 255);
        let half = Colour(228, 228, 228);
        let expected = [white, Colour(0, 100, 200), Colour(100, 150, 200), half];
        assert_eq!(canvas.pixels, [expected, [white; 4]].concat());
    }
}
