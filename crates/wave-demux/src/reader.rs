use std::{
    io::{Read, Seek},
    ops::Range,
};

use crate::{
    ByteOrder, Chunk, Error, Finding, FindingKind, Form, Format,
    aiff::Common,
    convert::convert,
    finding::Findings,
    input::Input,
    walk::{Contents, walk},
};

/// Reads the samples of a WAVE or AIFF file in constant memory, however long it is.
#[derive(Debug)]
pub struct WaveReader<R> {
    input: Input<R>,
    format: Format,
    chunks: Vec<Chunk>,
    findings: Vec<Finding>,
    data: Range<u64>,
    frames: u64,
    /// The first frame that is not in the buffer yet.
    next: u64,
    buffer: Vec<u8>,
    /// Bytes of the buffer that were not given out.
    unread: Range<usize>,
}

impl<R: Read + Seek> WaveReader<R> {
    /// Reads all but the samples. There is no need to wrap `inner` in a `BufReader`.
    pub fn new(inner: R) -> Result<Self, Error> {
        let mut input = Input::new(inner)?;
        let mut findings = Findings::default();
        let start = after_tag(&mut input, &mut findings)?;
        let (form, first) = Form::read(&mut input, start)?;
        let contents = walk(&mut input, form, first, &mut findings)?;
        let missing = |name| Error::NoChunk { offset: input.len(), name };
        let Contents { format, data, chunks } = contents;
        let said = format.ok_or(missing(form.format_id()))?;
        let data = data.ok_or(missing(form.data_id()))?;
        let (format, stated) = if form.is_aiff() {
            let common = Common::read(&mut input, said.clone(), form)?;
            (common.format, Some(common.frames))
        } else {
            (Format::read(&mut input, said.clone(), form, &mut findings)?, None)
        };
        let frames = whole_frames(&data, &format, &mut findings);
        if let Some(claimed) = stated.filter(|stated| u64::from(*stated) != frames) {
            findings.report(said.start, FindingKind::FrameCount { claimed, found: frames });
        }
        let findings = findings.into_vec();
        let (buffer, unread) = (Vec::new(), 0..0);
        Ok(Self { input, format, chunks, findings, data, frames, next: 0, buffer, unread })
    }

    /// What the samples are.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Samples per channel that are really there.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// All chunks but the samples, in the order of the file.
    pub fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// What is wrong with the file, and what was made of it: at most 1,000, and how many
    /// more.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The bytes of the file that are the samples.
    pub fn data(&self) -> Range<u64> {
        self.data.clone()
    }

    /// Fills `samples` with whole frames from the front, interleaved, full scale -1 to 1;
    /// gives how many frames. Fewer than have room only at the end, and then for ever 0.
    /// Samples that are floats are given as they are, be they beyond full scale or NaN.
    pub fn read(&mut self, samples: &mut [f32]) -> Result<usize, Error> {
        let channels = usize::from(self.format.channels);
        let (stride, frame_len) = (self.format.stride(), channels * self.format.stride());
        let (mut rest, mut frames) = (samples, 0);
        while rest.len() >= channels {
            if self.unread.is_empty() && !self.fill()? {
                break;
            }
            let unread = self.buffer.get(self.unread.clone()).unwrap_or_default();
            let taken = (unread.len() / frame_len).min(rest.len() / channels);
            let (now, later) = rest.split_at_mut(taken * channels);
            convert(unread, self.format.encoding, stride, now);
            self.unread.start += taken * frame_len;
            (rest, frames) = (later, frames + taken);
        }
        Ok(frames)
    }

    /// Makes `frame` the one that is read next; the end, if there are not so many.
    pub fn seek(&mut self, frame: u64) {
        self.next = frame.min(self.frames);
        self.unread = 0..0;
    }

    /// False at the end.
    fn fill(&mut self) -> Result<bool, Error> {
        let align = u64::from(self.format.block_align);
        let frames = (BUFFER / align).max(1).min(self.frames.saturating_sub(self.next));
        // Within the data, and not more than the buffer or a frame.
        let len = usize::try_from(frames.saturating_mul(align)).unwrap_or_default();
        let offset = self.data.start.saturating_add(self.next.saturating_mul(align));
        self.buffer.resize(len, 0);
        self.input.read_at(offset, &mut self.buffer)?;
        if self.format.byte_order == ByteOrder::Big {
            self.buffer.chunks_exact_mut(self.format.stride()).for_each(<[u8]>::reverse);
        }
        self.next = self.next.saturating_add(frames);
        self.unread = 0..len;
        Ok(len > 0)
    }
}

/// Where the file begins: after the ID3 tag that some music programs put before any file.
fn after_tag<R: Read + Seek>(input: &mut Input<R>, findings: &mut Findings) -> Result<u64, Error> {
    let Some([b'I', b'D', b'3', _, _, flags, size @ ..]) = input.array::<10>(0)? else {
        return Ok(0);
    };
    // Seven bits a byte, without the header, and without the footer that looks like it.
    let size = size.iter().fold(0, |size, byte| size << 7 | u64::from(byte & 0x7f));
    let bytes = size + if flags & 0x10 == 0 { 10 } else { 20 };
    findings.report(0, FindingKind::TagBefore { bytes });
    Ok(bytes)
}

fn whole_frames(data: &Range<u64>, format: &Format, findings: &mut Findings) -> u64 {
    let block_align = format.block_align;
    let len = data.end.saturating_sub(data.start);
    let bytes = len % u64::from(block_align);
    if bytes > 0 {
        let offset = data.end.saturating_sub(bytes);
        findings.report(offset, FindingKind::PartialFrame { bytes, block_align });
    }
    len / u64::from(block_align)
}

/// Bytes read at once.
const BUFFER: u64 = 256 * 1024;
