//! MP4 files made by hand, valid or not, without the crate under test.

#![allow(dead_code, reason = "no test uses all of it")]

pub(crate) mod outcome;

/// The parts of a file. `bytes` writes it.
#[derive(Clone, Debug)]
pub(crate) struct Mp4 {
    pub(crate) packets: Vec<Vec<u8>>,
    /// In ticks of the media.
    pub(crate) durations: Vec<u32>,
    /// Numbers of packets of chunks or runs, repeated.
    pub(crate) division: Vec<usize>,
    pub(crate) layout: Layout,
    pub(crate) timescale: u32,
    pub(crate) movie_timescale: u32,
    /// Duration, start, speed.
    pub(crate) edits: Vec<(u64, i64, u32)>,
    pub(crate) sample_entry: Vec<u8>,
    /// A track of another kind, whose chunks lie between ours.
    pub(crate) has_video: bool,
    /// The sample entry of an audio track without samples before ours.
    pub(crate) other_entry: Option<Vec<u8>>,
    pub(crate) is_long: bool,
    /// The contents of "udta".
    pub(crate) metadata: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    MovieFirst,
    MovieLast,
    /// Sizes in "stz2" of this many bits.
    Compact(u8),
    /// One for each chunk, with offsets from the fragment or absolute ones.
    Fragments {
        absolute: bool,
    },
    /// One fragment with one run for each chunk. Only the first states where its data begins,
    /// and all share a duration.
    Runs,
}

impl Mp4 {
    /// Packets of 20 ms at 48 kHz.
    pub(crate) fn new(packets: Vec<Vec<u8>>) -> Self {
        Self {
            durations: vec![960; packets.len()],
            packets,
            division: vec![3],
            layout: Layout::MovieLast,
            timescale: 48_000,
            movie_timescale: 1000,
            edits: vec![],
            sample_entry: opus_entry(&dops(1, 312)),
            has_video: false,
            other_entry: None,
            is_long: false,
            metadata: vec![],
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let start = boxed(b"ftyp", &[b"iso6\0\0\0\0iso6"]);
        match self.layout {
            Layout::MovieLast | Layout::Compact(_) => {
                let (data, offsets) = self.data(start.len() + 8);
                [start, boxed(b"mdat", &[&data]), self.movie(&offsets)].concat()
            }
            Layout::MovieFirst => {
                let (_, offsets) = self.data(0);
                let movie_len = self.movie(&offsets).len();
                let (data, offsets) = self.data(start.len() + movie_len + 8);
                [start, self.movie(&offsets), boxed(b"mdat", &[&data])].concat()
            }
            _ => {
                let mut file = [start, self.movie(&[])].concat();
                self.push_fragments(&mut file);
                file
            }
        }
    }

    /// The number of packets in each chunk.
    pub(crate) fn chunks(&self) -> Vec<usize> {
        let (mut left, mut chunks) = (self.packets.len(), vec![]);
        for count in self.division.iter().cycle() {
            if left == 0 {
                break;
            }
            chunks.push((*count).min(left));
            left -= (*count).min(left);
        }
        chunks
    }

    /// The contents of "mdat", which begin at `at`, and the offsets of the chunks.
    fn data(&self, at: usize) -> (Vec<u8>, Vec<usize>) {
        let (mut data, mut offsets, mut next) = (vec![], vec![], 0);
        for count in self.chunks() {
            if self.has_video {
                data.extend_from_slice(b"picture");
            }
            offsets.push(at + data.len());
            data.extend(self.packets[next..next + count].concat());
            next += count;
        }
        (data, offsets)
    }

    fn movie(&self, offsets: &[usize]) -> Vec<u8> {
        let header = [&[0; 12], &word(self.movie_timescale)[..], &[0; 84]].concat();
        let mut children = boxed(b"mvhd", &[&header]);
        if self.has_video {
            let entry = boxed(b"avc1", &[&[0; 78]]);
            children.extend(track(1, b"vide", 90_000, &[], &entry, &[]));
        }
        if let Some(entry) = &self.other_entry {
            children.extend(track(2, b"soun", 48_000, &[], entry, &empty_tables()));
        }
        children.extend(self.track(offsets));
        if offsets.is_empty() {
            let defaults = [0, 7, 1, 0, 0, 0].map(u32::to_be_bytes);
            children.extend(boxed(b"mvex", &[&boxed(b"trex", &[defaults.as_flattened()])]));
        }
        children.extend(boxed(b"udta", &[&self.metadata]));
        boxed(b"moov", &[&children])
    }

    fn track(&self, offsets: &[usize]) -> Vec<u8> {
        let mut edits = vec![];
        if !self.edits.is_empty() {
            let entries = self.edits.iter().flat_map(|(duration, start, speed)| {
                let speed = speed.to_be_bytes();
                if self.is_long {
                    [&duration.to_be_bytes()[..], &start.to_be_bytes(), &speed].concat()
                } else {
                    [&low(*duration)[..], &start.to_be_bytes()[4..], &speed].concat()
                }
            });
            let entries: Vec<u8> = entries.collect();
            let version = [u8::from(self.is_long), 0, 0, 0];
            let list = boxed(b"elst", &[&version, &count(self.edits.len()), &entries]);
            edits = boxed(b"edts", &[&list]);
        }
        let tables = if offsets.is_empty() { empty_tables() } else { self.tables(offsets) };
        track(7, b"soun", self.timescale, &edits, &self.sample_entry, &tables)
    }

    fn tables(&self, offsets: &[usize]) -> Vec<u8> {
        let times: Vec<u8> =
            self.durations.iter().flat_map(|one| [word(1), word(*one)].concat()).collect();
        let chunks = self.chunks();
        let runs: Vec<u8> = (1..)
            .zip(&chunks)
            .flat_map(|(number, len)| [word(number), count(*len), word(1)].concat())
            .collect();
        let name = if self.is_long { b"co64" } else { b"stco" };
        let places: Vec<u8> = offsets
            .iter()
            .map(|at| u64::try_from(*at).unwrap())
            .flat_map(|at| if self.is_long { at.to_be_bytes().to_vec() } else { low(at).to_vec() })
            .collect();
        [
            boxed(b"stts", &[&[0; 4], &count(self.durations.len()), &times]),
            boxed(b"stsc", &[&[0; 4], &count(chunks.len()), &runs]),
            self.sizes(),
            boxed(name, &[&[0; 4], &count(offsets.len()), &places]),
        ]
        .concat()
    }

    fn sizes(&self) -> Vec<u8> {
        let sizes = self.packets.iter().map(Vec::len);
        let all = count(self.packets.len());
        let Layout::Compact(bits) = self.layout else {
            let sizes: Vec<u8> = sizes.flat_map(count).collect();
            return boxed(b"stsz", &[&[0; 8], &all, &sizes]);
        };
        let sizes: Vec<u16> = sizes.map(|size| u16::try_from(size).unwrap()).collect();
        let packed: Vec<u8> = match bits {
            16 => sizes.iter().flat_map(|size| size.to_be_bytes()).collect(),
            8 => sizes.iter().map(|size| u8::try_from(*size).unwrap()).collect(),
            _ => sizes
                .chunks(2)
                .map(|two| u8::try_from(two[0] << 4 | two.get(1).unwrap_or(&0)).unwrap())
                .collect(),
        };
        boxed(b"stz2", &[&[0; 7], &[bits], &all, &packed])
    }

    fn push_fragments(&self, file: &mut Vec<u8>) {
        let chunks = self.chunks();
        if self.layout == Layout::Runs {
            self.push_fragment(file, 0, 0, &chunks);
            return;
        }
        let (mut next, mut time) = (0, 0);
        for len in chunks {
            self.push_fragment(file, next, time, &[len]);
            time += self.durations[next..next + len].iter().map(|one| u64::from(*one)).sum::<u64>();
            next += len;
        }
    }

    /// A fragment with runs of these numbers of packets, starting with packet `first`.
    fn push_fragment(&self, file: &mut Vec<u8>, first: usize, time: u64, runs: &[usize]) {
        let last = first + runs.iter().sum::<usize>();
        let data = boxed(b"mdat", &[&self.packets[first..last].concat()]);
        // Once for its length, and once with the offset.
        let len = self.fragment(file.len(), 0, first, time, runs).len();
        let fragment = self.fragment(file.len(), len + 8, first, time, runs);
        file.extend(fragment);
        file.extend(data);
    }

    fn fragment(&self, at: usize, data: usize, first: usize, time: u64, runs: &[usize]) -> Vec<u8> {
        let absolute = self.layout == Layout::Fragments { absolute: true };
        let base = u64::try_from(at + data).unwrap();
        let header = match self.layout {
            Layout::Runs => [&word(0x2_0008)[..], &word(7), &word(self.durations[0])].concat(),
            _ if absolute => [&word(1)[..], &word(7), &base.to_be_bytes()].concat(),
            _ => [&word(0)[..], &word(7)].concat(),
        };
        let mut parts = boxed(b"tfhd", &[&header]);
        parts.extend(boxed(b"tfdt", &[&word(0x0100_0000), &time.to_be_bytes()]));
        let mut next = first;
        for (number, len) in runs.iter().enumerate() {
            let has_offset = !absolute && number == 0;
            let has_durations = self.layout != Layout::Runs;
            let flags = 0x200 | u32::from(has_offset) | if has_durations { 0x100 } else { 0 };
            let mut run = [word(flags), count(*len)].concat();
            run.extend(has_offset.then(|| count(data)).iter().flatten());
            for packet in next..next + len {
                run.extend(has_durations.then(|| word(self.durations[packet])).iter().flatten());
                run.extend(count(self.packets[packet].len()));
            }
            parts.extend(boxed(b"trun", &[&run]));
            next += len;
        }
        boxed(b"moof", &[&boxed(b"mfhd", &[&[0; 8]]), &boxed(b"traf", &[&parts])])
    }
}

pub(crate) fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let contents = parts.concat();
    [&count(contents.len() + 8)[..], kind, &contents].concat()
}

/// The box "dOps" of family 0.
pub(crate) fn dops(channels: u8, pre_skip: u16) -> Vec<u8> {
    let [p0, p1] = pre_skip.to_be_bytes();
    boxed(b"dOps", &[&[0, channels, p0, p1, 0, 0, 0xbb, 0x80, 0, 0, 0]])
}

pub(crate) fn opus_entry(children: &[u8]) -> Vec<u8> {
    boxed(b"Opus", &[&[0, 0, 0, 0, 0, 0, 0, 1], &[0; 20], children])
}

fn track(
    id: u32,
    handler: &[u8; 4],
    timescale: u32,
    edits: &[u8],
    entry: &[u8],
    tables: &[u8],
) -> Vec<u8> {
    let header = boxed(b"tkhd", &[&[0; 12], &word(id), &[0; 68]]);
    let media = boxed(b"mdhd", &[&[0; 12], &word(timescale), &[0; 8]]);
    let handler = boxed(b"hdlr", &[&[0; 8], handler, &[0; 13]]);
    let entries = boxed(b"stsd", &[&[0; 4], &word(1), entry]);
    let table = boxed(b"minf", &[&boxed(b"stbl", &[&entries, tables])]);
    boxed(b"trak", &[&header, edits, &boxed(b"mdia", &[&media, &handler, &table])])
}

fn empty_tables() -> Vec<u8> {
    let empty = |name| boxed(name, &[&[0; 8]]);
    [empty(b"stts"), empty(b"stsc"), boxed(b"stsz", &[&[0; 12]]), empty(b"stco")].concat()
}

fn word(value: u32) -> [u8; 4] {
    value.to_be_bytes()
}

pub(crate) fn count(len: usize) -> [u8; 4] {
    word(u32::try_from(len).unwrap())
}

/// The low half.
fn low(value: u64) -> [u8; 4] {
    *value.to_be_bytes().last_chunk().unwrap()
}
