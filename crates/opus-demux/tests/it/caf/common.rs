//! CAF files made by hand, valid or not.

#![allow(dead_code, reason = "no test uses all of it")]

/// The parts of a file. `bytes` writes it.
#[derive(Clone, Debug)]
pub(crate) struct Caf {
    pub(crate) rate: f64,
    pub(crate) bytes_per_packet: u32,
    pub(crate) frames_per_packet: u32,
    pub(crate) channels: u32,
    pub(crate) packets: Vec<Vec<u8>>,
    /// Frames of each packet, if `frames_per_packet` is 0.
    pub(crate) frames: Vec<u32>,
    pub(crate) valid: i64,
    pub(crate) priming: i32,
    pub(crate) remainder: i32,
    pub(crate) others: Vec<(&'static [u8; 4], Vec<u8>)>,
    pub(crate) table_first: bool,
    /// Whether the data chunk states a length of -1.
    pub(crate) open_end: bool,
}

impl Caf {
    pub(crate) fn new(packets: Vec<Vec<u8>>) -> Self {
        Self {
            rate: 48_000.0,
            bytes_per_packet: 0,
            frames_per_packet: 960,
            channels: 2,
            valid: 0,
            priming: 0,
            remainder: 0,
            packets,
            frames: vec![],
            others: vec![],
            table_first: false,
            open_end: false,
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut file = b"caff\0\x01\0\0".to_vec();
        push_chunk(&mut file, b"desc", &self.description());
        push_chunk(&mut file, b"chan", &[0; 12]);
        for (name, contents) in &self.others {
            push_chunk(&mut file, name, contents);
        }
        if self.table_first {
            push_chunk(&mut file, b"pakt", &self.table());
        }
        let data = [&[0; 4], self.packets.concat().as_slice()].concat();
        let at = file.len() + 4;
        push_chunk(&mut file, b"data", &data);
        if self.open_end {
            file.splice(at..at + 8, [0xff; 8]);
        }
        if !self.table_first {
            push_chunk(&mut file, b"pakt", &self.table());
        }
        file
    }

    fn description(&self) -> Vec<u8> {
        let mut chunk = self.rate.to_be_bytes().to_vec();
        chunk.extend_from_slice(b"opus");
        for field in [0, self.bytes_per_packet, self.frames_per_packet, self.channels, 0] {
            chunk.extend(field.to_be_bytes());
        }
        chunk
    }

    fn table(&self) -> Vec<u8> {
        let mut chunk = u64::try_from(self.packets.len()).unwrap().to_be_bytes().to_vec();
        chunk.extend(self.valid.to_be_bytes());
        chunk.extend(self.priming.to_be_bytes());
        chunk.extend(self.remainder.to_be_bytes());
        for (at, packet) in self.packets.iter().enumerate() {
            if self.bytes_per_packet == 0 {
                push_number(&mut chunk, u32::try_from(packet.len()).unwrap());
            }
            if self.frames_per_packet == 0 {
                push_number(&mut chunk, self.frames[at]);
            }
        }
        chunk
    }
}

pub(crate) fn push_chunk(file: &mut Vec<u8>, name: &[u8; 4], contents: &[u8]) {
    file.extend_from_slice(name);
    file.extend(u64::try_from(contents.len()).unwrap().to_be_bytes());
    file.extend_from_slice(contents);
}

fn push_number(out: &mut Vec<u8>, value: u32) {
    for shift in (1..5).rev().map(|byte| byte * 7).filter(|shift| value >> shift > 0) {
        out.push(u8::try_from(value >> shift & 0x7f).unwrap() | 0x80);
    }
    out.push(u8::try_from(value & 0x7f).unwrap());
}
