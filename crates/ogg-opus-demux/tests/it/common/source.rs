//! Valid streams of every kind: chains, multiplexing, divided packets, live starts.

use std::fmt;

use proptest::{collection::vec, option, prelude::*, sample::Index};

use super::{NO_GRANULE, RawPage, packets::FRAME_DURATIONS, packets::Packet, paginate};

/// A valid stream and its content.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) pages: Vec<RawPage>,
    pub(crate) links: Vec<SourceLink>,
}

#[derive(Clone, Debug)]
pub(crate) struct SourceLink {
    pub(crate) serial: u32,
    pub(crate) packets: Vec<SourcePacket>,
    /// Whether all packets last 20 ms. Only then is the length of a loss before the last page
    /// exact.
    pub(crate) is_constant: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct SourcePacket {
    pub(crate) data: Vec<u8>,
    pub(crate) position: u64,
    /// Sequence numbers of its first and last page.
    pub(crate) pages: (u32, u32),
}

/// Lists pages and packets without their bytes.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for page in &self.pages {
            let RawPage { flags, granule, serial, sequence, lacing, .. } = page;
            let granule = granule.cast_signed();
            writeln!(f, "\n{serial} {sequence} flags {flags} granule {granule} {lacing:?}")?;
        }
        for link in &self.links {
            let packet = |packet: &SourcePacket| (packet.data.len(), packet.position, packet.pages);
            writeln!(f, "\n{:?}", link.packets.iter().map(packet).collect::<Vec<_>>())?;
        }
        Ok(())
    }
}

impl Source {
    pub(crate) fn link(&self, serial: u32) -> Option<&SourceLink> {
        self.links.iter().find(|link| link.serial == serial)
    }

    pub(crate) fn to_pages(&self) -> Vec<Vec<u8>> {
        self.pages.iter().map(RawPage::to_bytes).collect()
    }
}

impl SourceLink {
    /// Finds a packet by the number in its data.
    pub(crate) fn find(&self, data: &[u8]) -> Option<&SourcePacket> {
        let body = if data.first()? & 3 == 3 { data.get(2..4)? } else { data.get(1..3)? };
        let number = u16::from_be_bytes(body.try_into().ok()?);
        self.packets.get(usize::from(number)).filter(|packet| packet.data == data)
    }
}

/// The shape of a packet: configuration, number of frames, bytes per frame.
type Shape = (u8, u8, usize);

fn packet(number: usize, (config, frames, len): Shape, constant: bool) -> Packet {
    let number = u16::try_from(number).expect("few packets");
    let frame_duration = FRAME_DURATIONS[usize::from(config)];
    let frames = frames.min(u8::try_from(5760 / frame_duration).expect("at most 48"));
    let (mut bytes, duration) = match (constant, frames) {
        (true, _) => (vec![0x78], 960),
        (false, 1) => (vec![config << 3], frame_duration),
        (false, _) => (vec![config << 3 | 3, frames], u32::from(frames) * frame_duration),
    };
    let count = if constant { 1 } else { usize::from(frames) };
    let body = number.to_be_bytes().into_iter().chain(0..=255).chain((0..=255).cycle());
    bytes.extend(body.take(count * (2 + len.min(1200 / count))));
    (bytes, duration)
}

/// A link and its multiplexing.
#[derive(Clone, Debug)]
struct Plan {
    shapes: Vec<Shape>,
    is_constant: bool,
    page_segments: Vec<usize>,
    start: u64,
    trim: u64,
    sequence: u32,
    has_last: bool,
    /// Positions of the pages of another stream.
    others: Option<Vec<Index>>,
}

fn plans() -> impl Strategy<Value = Plan> {
    let shape = (0u8..32, 1u8..=8, prop_oneof![4 => 0usize..200, 1 => 200usize..1200]);
    let start = prop_oneof![2 => Just(0), 1 => 1u64..1 << 40];
    let sequence = prop_oneof![2 => Just(0), 1 => u32::MAX - 20..=u32::MAX];
    (
        vec(shape, 1..40),
        any::<bool>(),
        vec(1usize..=12, 1..9),
        start,
        prop_oneof![Just(0), 0u64..960],
        sequence,
        prop::bool::weighted(0.9),
        option::of(vec(any::<Index>(), 0..6)),
    )
        .prop_map(
            |(shapes, is_constant, page_segments, start, trim, sequence, has_last, others)| Plan {
                shapes,
                is_constant,
                page_segments,
                start,
                trim,
                sequence,
                has_last,
                others,
            },
        )
}

impl Plan {
    fn link(&self, serial: u32) -> (Vec<RawPage>, SourceLink) {
        let shapes = self.shapes.iter().enumerate();
        let packets: Vec<_> =
            shapes.map(|(number, &shape)| packet(number, shape, self.is_constant)).collect();
        let mut pages = paginate(&packets, &self.page_segments);
        let places = places(&pages, packets.len());
        for page in &mut pages {
            page.serial = serial;
            page.sequence = page.sequence.wrapping_add(self.sequence);
        }
        for page in pages.iter_mut().skip(2).filter(|page| page.granule != NO_GRANULE) {
            page.granule += self.start;
        }
        let last = pages.last_mut().expect("there are headers");
        let trim = self.trim.min(u64::from(packets.last().map_or(0, |packet| packet.1)) - 1);
        if !self.has_last {
            last.flags &= !4;
        } else if self.is_constant || trim < 120 {
            last.granule -= trim;
        }
        let mut position = 0;
        let packets = packets.into_iter().zip(places).map(|((data, duration), (from, to))| {
            let start = position;
            position += u64::from(duration);
            let pages = (from.wrapping_add(self.sequence), to.wrapping_add(self.sequence));
            SourcePacket { data, position: start, pages }
        });
        let packets = packets.collect();
        (
            self.multiplexed(pages, !serial),
            SourceLink { serial, packets, is_constant: self.is_constant },
        )
    }

    /// Adds the pages of another stream.
    fn multiplexed(&self, mut pages: Vec<RawPage>, serial: u32) -> Vec<RawPage> {
        let Some(others) = &self.others else { return pages };
        for (sequence, place) in others.iter().enumerate().rev() {
            let sequence = u32::try_from(sequence + 1).expect("few pages");
            let other = RawPage::new(sequence, 99).serial(serial).packet(&[3; 50]);
            pages.insert(1 + place.index(pages.len()), other);
        }
        let first = RawPage::new(0, 0).first().serial(serial).packet(b"\x80theora and so on");
        pages.insert(1, first);
        pages
    }
}

/// The first and last page of each packet, by the lacing values.
fn places(pages: &[RawPage], count: usize) -> Vec<(u32, u32)> {
    let (mut places, mut begun) = (vec![], None);
    for page in &pages[2..] {
        for &value in &page.lacing {
            let from = *begun.get_or_insert(page.sequence);
            if value < 255 {
                places.push((from, page.sequence));
                begun = None;
            }
        }
    }
    assert_eq!(places.len(), count);
    places
}

/// One link or several.
pub(crate) fn sources() -> impl Strategy<Value = Source> {
    vec(plans(), 1..4).prop_map(|plans| {
        let links = plans.iter().enumerate();
        let links = links.map(|(i, plan)| plan.link(77 + u32::try_from(i).expect("few links")));
        let (pages, links): (Vec<_>, _) = links.unzip();
        Source { pages: pages.concat(), links }
    })
}
