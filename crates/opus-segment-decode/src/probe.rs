use opus_packet::{Mode, frame_flags};

/// Makes runs of packets that show what a decoder of one stream remembers after a packet of this
/// mode. Two decoders with the same memory return the same samples for each run, and two with
/// different memory hardly do, even where the packets of the recording would not show it for a
/// long time.
///
/// The packets hold random symbols. In CELT and hybrid, the runs are transient frames, which read
/// the energies kept for anti-collapse; the same after a frame that is not transient, which brings
/// the older of the two energies forth; and frames that predict energies. In SILK there are none:
/// its memory shows within two packets of any kind.
///
/// ```
/// use opus_segment_decode::{Mode, probes};
///
/// assert_eq!(probes(Mode::Celt).len(), 3);
/// ```
pub fn probes(mode: Mode) -> Vec<Vec<Vec<u8>>> {
    let toc = match mode {
        Mode::Celt => CELT,
        Mode::Hybrid => HYBRID,
        Mode::Silk => return Vec::new(),
    };
    let mut random = Random(SEED);
    let mut run =
        |count, flags| -> Vec<Vec<u8>> { (0..count).map(|_| random.packet(toc, flags)).collect() };
    let transient = run(12, Flags { is_transient: true, is_intra: true });
    let steady = run(1, Flags { is_transient: false, is_intra: true });
    let predicted = run(6, Flags { is_transient: false, is_intra: false });
    vec![[steady, transient.clone()].concat(), transient, predicted]
}

/// Full band, 20 ms, stereo, one frame. Decoders of one channel keep the energies of both.
const CELT: u8 = 0xfc;
const HYBRID: u8 = 0x7c;

/// What a frame must begin with.
#[derive(Clone, Copy, PartialEq)]
struct Flags {
    is_transient: bool,
    is_intra: bool,
}

struct Random(u64);

const SEED: u64 = 77;

impl Random {
    /// A random packet whose frame has these flags and no redundant frame.
    fn packet(&mut self, toc: u8, wanted: Flags) -> Vec<u8> {
        loop {
            let len = 40 + self.byte() / 2;
            let mut packet = vec![toc];
            packet.extend((0..len).map(|_| self.byte()));
            let frame = frame_flags(&packet).ok().and_then(|mut frames| frames.next());
            let celt =
                frame.filter(|frame| frame.redundancy.is_none()).and_then(|frame| frame.celt);
            let flags =
                celt.map(|celt| Flags { is_transient: celt.is_transient, is_intra: celt.is_intra });
            if flags == Some(wanted) {
                return packet;
            }
        }
    }

    fn byte(&mut self) -> u8 {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        let [byte, ..] = self.0.to_be_bytes();
        byte
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_begins_as_wanted() {
        for mode in [Mode::Celt, Mode::Hybrid] {
            let runs = probes(mode);
            let flags = |packet: &Vec<u8>| {
                let celt = frame_flags(packet).unwrap().next().unwrap().celt.unwrap();
                (celt.is_transient, celt.is_intra)
            };
            let [after, transient, predicted] = &runs[..] else { panic!() };
            assert_eq!(flags(&after[0]), (false, true));
            assert!(after[1..].iter().chain(transient).all(|packet| flags(packet) == (true, true)));
            assert!(predicted.iter().all(|packet| flags(packet) == (false, false)));
        }
        assert!(probes(Mode::Silk).is_empty());
    }
}
