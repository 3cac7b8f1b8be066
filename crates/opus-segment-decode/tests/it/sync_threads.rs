//! Failures while a sync map is measured on several threads: the result is the same as on one
//! thread, and nothing waits forever.

use std::{
    num::{NonZeroU8, NonZeroUsize},
    panic::{AssertUnwindSafe, catch_unwind},
};

use opus_packet::{CodedPos, Packet, PacketSource};
use opus_packet_index::{SYNC_SPACING, SyncEntry};
use opus_segment_decode::{
    DecoderLayout, Error, ErrorKind, OutputRate, PacketDecoder, build_sync_map,
};

const THREADS: [usize; 4] = [1, 2, 3, 7];

/// The packets at which something fails.
#[derive(Clone, Copy, Default)]
struct Story {
    source_fails: Option<u16>,
    sequential_fails: Option<u16>,
    racers_fail: Option<u16>,
    racers_panic: Option<u16>,
    sequential_panics: Option<u16>,
    /// How many packets a decoder remembers.
    memory: u16,
}

/// 12 seconds of 20 ms packets that hold their own number.
struct Numbered {
    next: u16,
    data: Vec<u8>,
    fails: Option<u16>,
}

const PACKETS: u16 = 600;

#[derive(Debug, thiserror::Error)]
#[error("broken")]
struct Broken;

impl PacketSource for Numbered {
    type Error = Broken;

    fn next_packet(&mut self) -> Result<Option<Packet<'_>>, Broken> {
        if self.fails == Some(self.next) {
            return Err(Broken);
        }
        if self.next == PACKETS {
            return Ok(None);
        }
        // CELT, 20 ms, one frame.
        self.data = [&[31 << 3], self.next.to_be_bytes().as_slice()].concat();
        self.next += 1;
        Ok(Some(Packet { data: &self.data, duration: 960 }))
    }
}

/// Outputs how many packets it has decoded, up to its memory.
struct Counting {
    story: Story,
    is_racer: bool,
    heard: u16,
}

impl PacketDecoder<f32> for Counting {
    type Error = Broken;

    fn layout(&self) -> DecoderLayout {
        DecoderLayout { channels: 1, streams: NonZeroU8::MIN, rate: OutputRate::Hz48000 }
    }

    fn reset(&mut self) -> Result<(), Broken> {
        self.heard = 0;
        Ok(())
    }

    fn decode(&mut self, packet: &[u8], pcm: &mut [f32]) -> Result<usize, Broken> {
        let number = Some(u16::from_be_bytes([packet[1], packet[2]]));
        let (fails, panics) = if self.is_racer {
            (self.story.racers_fail, self.story.racers_panic)
        } else {
            (self.story.sequential_fails, self.story.sequential_panics)
        };
        assert!(panics != number, "planned");
        if fails == number {
            return Err(Broken);
        }
        pcm[..960].fill(f32::from(self.heard.min(self.story.memory)) / 1000.0);
        self.heard += 1;
        Ok(960)
    }
}

fn sync_map(story: Story, threads: usize) -> Result<Vec<SyncEntry>, Error> {
    let source = Numbered { next: 0, data: Vec::new(), fails: story.source_fails };
    let mut is_racer = false;
    build_sync_map(source, NonZeroUsize::new(threads).unwrap(), || {
        let decoder = Counting { story, is_racer, heard: 0 };
        is_racer = true;
        Ok::<_, Broken>(decoder)
    })
}

#[test]
fn a_start_is_exact_once_its_decoder_has_forgotten_where_it_began() {
    for threads in THREADS {
        let sync = sync_map(Story { memory: 30, ..Story::default() }, threads).unwrap();
        assert_eq!(sync.len(), 30);
        for (number, entry) in (0..).zip(&sync).skip(1) {
            let from = number * SYNC_SPACING + 30 * 960;
            let exact = SyncEntry::new(number, CodedPos::new(from), None);
            // Half a second later, two more frames settle the memory.
            let settled = exact.settled(number, CodedPos::new(from + 24_000 + 2 * 960));
            let expected = match number {
                // The recording ends before the last ones are exact, or settled.
                29 => SyncEntry::NONE,
                28 => exact,
                _ => settled,
            };
            assert_eq!(*entry, expected, "{number}");
        }
    }
}

/// The sequential decoder and the source run ahead of the racers, so they fail earlier in time.
#[test]
fn the_error_of_the_earliest_packet_wins() {
    let all = Story {
        source_fails: Some(420),
        sequential_fails: Some(410),
        racers_fail: Some(380),
        memory: 1000,
        ..Story::default()
    };
    let stories = [
        ("cannot decode packet 380: broken", all),
        ("cannot decode packet 410: broken", Story { racers_fail: None, ..all }),
        ("cannot decode packet 410: broken", Story { racers_fail: Some(415), ..all }),
        (
            "cannot read packet 420: broken",
            Story { racers_fail: None, sequential_fails: None, ..all },
        ),
        ("cannot read packet 0: broken", Story { source_fails: Some(0), ..all }),
        ("cannot decode packet 0: broken", Story { sequential_fails: Some(0), ..all }),
    ];
    for (expected, story) in stories {
        for threads in THREADS {
            let error = sync_map(story, threads).unwrap_err();
            assert_eq!(format!("{error:?}"), expected, "{threads} threads");
        }
    }
}

#[test]
fn a_decoder_that_cannot_be_created_is_an_error() {
    for threads in THREADS {
        let source = Numbered { next: 0, data: Vec::new(), fails: None };
        let mut made = 0;
        let error = build_sync_map(source, NonZeroUsize::new(threads).unwrap(), || {
            made += 1;
            let decoder = Counting { story: Story::default(), is_racer: false, heard: 0 };
            if made > 1 { Err(Broken) } else { Ok(decoder) }
        });
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decoder);
        assert_eq!(format!("{error:?}"), "cannot create a decoder: broken");
    }
}

#[test]
fn a_panic_in_a_thread_reaches_the_caller() {
    let stories = [
        Story { racers_panic: Some(300), ..Story::default() },
        Story { sequential_panics: Some(300), ..Story::default() },
    ];
    for story in stories {
        for threads in THREADS {
            let panic = catch_unwind(AssertUnwindSafe(|| sync_map(story, threads))).unwrap_err();
            assert_eq!(panic.downcast_ref(), Some(&"planned"), "{threads} threads");
        }
    }
}
