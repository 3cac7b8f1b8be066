//! Checks packets and converts between the sample clocks.

use opus_packet::{OpusHead, Packet, PacketSource, PlayPos, Timeline, Toc, duration};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut silence = Silence { left: 10 };
    let mut coded = 0;
    while let Some(packet) = silence.next_packet()? {
        println!("{:?}, {} samples", Toc::new(packet.data[0]).mode(), packet.duration);
        coded += u64::from(packet.duration);
    }
    let head = OpusHead::new(1, 312, 48_000)?;
    let timeline = Timeline::new(head.pre_skip(), coded, 0)?;
    println!("{:?}", timeline.coded(PlayPos::new(0)..PlayPos::new(480))?);
    Ok(())
}

struct Silence {
    left: u32,
}

impl PacketSource for Silence {
    type Error = opus_packet::InvalidPacket;

    fn next_packet(&mut self) -> Result<Option<Packet<'_>>, Self::Error> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let data = &[0xf8, 0xff, 0xfe];
        Ok(Some(Packet { data, duration: duration(data)? }))
    }
}
