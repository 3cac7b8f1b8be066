//! Damaged streams: no panic, an end in any case, and nothing is given out that
//! was not in the stream.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{
    RawPage,
    packets::{Packet, packets},
    paginate, repair_checksums,
};
use ogg_opus_demux::{Error, OggOpusReader};
use proptest::{collection::vec, prelude::*, sample::Index};

proptest! {
    /// Without checksums to hide behind, damage can leave pages out at the end, or
    /// between the headers and the first audio page, where a listener may join.
    /// Everything else is found before a wrong packet is given out.
    #[test]
    fn packets_before_the_error_are_those_of_the_original(
        (packets, pages) in streams(), damages in vec(damage(), 1..4),
    ) {
        let stream = damaged(&pages, &damages).concat();
        let (read, _) = read(&stream)?;
        let packets: Vec<_> = packets.into_iter().map(|(data, _)| data).collect();
        if stream.starts_with(&pages[..3].concat()) {
            prop_assert!(packets.starts_with(&read), "not the first packets");
        }
        let in_a_row = packets.windows(read.len().max(1)).any(|row| row == read);
        prop_assert!(in_a_row || read.is_empty(), "not packets in a row");
    }

    #[test]
    fn damage_with_right_checksums_does_no_harm(
        (_, pages) in streams(), damages in vec(damage(), 1..6),
    ) {
        let mut stream = damaged(&pages, &damages).concat();
        repair_checksums(&mut stream);
        read(&stream)?;
    }

    #[test]
    fn an_undamaged_stream_is_read_to_its_end((packets, pages) in streams()) {
        let (read, error) = read(&pages.concat())?;
        let packets: Vec<_> = packets.into_iter().map(|(data, _)| data).collect();
        prop_assert_eq!(read, packets);
        let shorter_than_pre_skip = matches!(error, Some(Error::Timeline { .. }));
        prop_assert!(error.is_none() || shorter_than_pre_skip);
    }
}

/// Packets, and a valid stream of them, page by page.
fn streams() -> impl Strategy<Value = (Vec<Packet>, Vec<Vec<u8>>)> {
    (packets(1..30), vec(1usize..=60, 1..9)).prop_map(|(packets, page_segments)| {
        let pages = paginate(&packets, &page_segments);
        (packets, pages.iter().map(RawPage::to_bytes).collect())
    })
}

/// Reads until the end or the first error, and checks what holds for any stream.
fn read(stream: &[u8]) -> Result<(Vec<Vec<u8>>, Option<Error>), TestCaseError> {
    let mut reader = match OggOpusReader::new(stream) {
        Ok(reader) => reader,
        Err(error) => return Ok((vec![], Some(checked(error, stream)?))),
    };
    let (mut packets, mut position, mut bytes) = (vec![], 0, 0);
    loop {
        let packet = match reader.next_ogg_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => break,
            Err(error) => return Ok((packets, Some(checked(error, stream)?))),
        };
        prop_assert_eq!(opus_packet::duration(packet.data), Ok(packet.duration));
        prop_assert_eq!(packet.position.get(), position);
        if let Some(offset) = packet.offset {
            prop_assert!(stream[usize::try_from(offset).unwrap()..].starts_with(packet.data));
        }
        position += u64::from(packet.duration);
        bytes += packet.data.len();
        prop_assert!(bytes <= stream.len(), "no byte is given out twice");
        packets.push(packet.data.to_vec());
    }
    prop_assert!(reader.next_ogg_packet().unwrap().is_none(), "the end stays the end");
    prop_assert_eq!(reader.timeline().map(|timeline| timeline.coded_len()), Some(position));
    Ok((packets, None))
}

/// One line of text, and a place that is in the stream.
fn checked(error: Error, stream: &[u8]) -> Result<Error, TestCaseError> {
    prop_assert_eq!(error.to_string().lines().count(), 1);
    let offset = match &error {
        Error::Page { offset, .. }
        | Error::NotOpus { offset, .. }
        | Error::Head { offset, .. }
        | Error::Tags { offset, .. }
        | Error::Structure { offset, .. }
        | Error::Packet { offset, .. }
        | Error::Timeline { offset, .. } => *offset,
        Error::Empty => 0,
        other => return Err(TestCaseError::fail(other.to_string())),
    };
    prop_assert!(usize::try_from(offset).unwrap() <= stream.len());
    Ok(error)
}

#[derive(Clone, Debug)]
enum Damage {
    FlipBit {
        page: Index,
        bit: Index,
    },
    /// In the header of the page or soon after it.
    Overwrite {
        page: Index,
        at: usize,
        byte: u8,
    },
    Cut {
        page: Index,
        at: Index,
    },
    Drop {
        page: Index,
    },
    Repeat {
        page: Index,
        before: Index,
    },
    Swap {
        one: Index,
        other: Index,
    },
    Insert {
        before: Index,
        junk: Vec<u8>,
    },
    EndStream {
        page: Index,
    },
}

fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<Index>;
    prop_oneof![
        3 => (index(), index()).prop_map(|(page, bit)| Damage::FlipBit { page, bit }),
        3 => (index(), 0usize..60, any::<u8>())
            .prop_map(|(page, at, byte)| Damage::Overwrite { page, at, byte }),
        1 => (index(), index()).prop_map(|(page, at)| Damage::Cut { page, at }),
        1 => index().prop_map(|page| Damage::Drop { page }),
        1 => (index(), index()).prop_map(|(page, before)| Damage::Repeat { page, before }),
        1 => (index(), index()).prop_map(|(one, other)| Damage::Swap { one, other }),
        1 => (index(), junk()).prop_map(|(before, junk)| Damage::Insert { before, junk }),
        1 => index().prop_map(|page| Damage::EndStream { page }),
    ]
}

fn junk() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 0..40), Just(b"OggS".to_vec()), Just(vec![0; 70_000])]
}

fn damaged(pages: &[Vec<u8>], damages: &[Damage]) -> Vec<Vec<u8>> {
    let mut pages = pages.to_vec();
    for damage in damages {
        if !pages.is_empty() {
            damage.apply(&mut pages);
        }
    }
    pages
}

impl Damage {
    fn apply(&self, pages: &mut Vec<Vec<u8>>) {
        let count = pages.len();
        match self {
            Self::FlipBit { page, bit } => {
                let page: &mut Vec<u8> = page.get_mut(pages);
                flip(page, bit);
            }
            Self::Overwrite { page, at, byte } => {
                page.get_mut(pages).get_mut(*at).into_iter().for_each(|at| *at = *byte);
            }
            Self::Cut { page, at } => {
                let page = page.get_mut(pages);
                page.truncate(at.index(page.len() + 1));
            }
            Self::Drop { page } => drop(pages.remove(page.index(count))),
            Self::Repeat { page, before } => {
                pages.insert(before.index(count), page.get(pages).clone());
            }
            Self::Swap { one, other } => pages.swap(one.index(count), other.index(count)),
            Self::Insert { before, junk } => pages.insert(before.index(count), junk.clone()),
            Self::EndStream { page } => pages.truncate(page.index(count) + 1),
        }
    }
}

fn flip(page: &mut [u8], bit: &Index) {
    if !page.is_empty() {
        let bit = bit.index(page.len() * 8);
        page[bit / 8] ^= 1 << (bit % 8);
    }
}
