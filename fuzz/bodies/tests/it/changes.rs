//! Changes of an input, as a fuzzer makes them.

/// Returns endless changes of an input: cut off, flipped, overwritten, removed, repeated. The same
/// seed gives the same changes.
pub(crate) fn changed(input: &[u8], seed: u64) -> impl Iterator<Item = Vec<u8>> {
    let mut random = Random(seed);
    (0..).map(move |count: u64| {
        let mut changed = input.to_vec();
        for _ in 0..=random.below(3) {
            change(&mut changed, count % 5, &mut random);
        }
        changed
    })
}

fn change(bytes: &mut Vec<u8>, kind: u64, random: &mut Random) {
    if bytes.is_empty() {
        return bytes.push(random.byte());
    }
    let at = random.index(bytes.len());
    let end = (at + 1 + random.index(64)).min(bytes.len());
    match kind {
        0 => bytes.truncate(at),
        1 => bytes[at] ^= 1 << random.below(8),
        2 => bytes[at] = [0, 1, 127, 128, 254, 255, random.byte()][random.index(7)],
        3 => drop(bytes.drain(at..end)),
        _ => {
            let part = bytes[at..end].to_vec();
            let to = random.index(bytes.len());
            bytes.splice(to..to, part);
        }
    }
}

/// Reproducible random numbers (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    fn index(&mut self, end: usize) -> usize {
        usize::try_from(self.below(u64::try_from(end).unwrap())).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.below(256).to_le_bytes()[0]
    }
}
