use std::{
    fmt,
    io::{Read, Seek},
    ops::Range,
};

use crate::{
    ByteOrder, Chunk, Error, Finding, FindingKind, Form, Format,
    aiff::Common,
    au,
    convert::convert,
    error::Reason,
    finding::Findings,
    input::Input,
    walk::{Contents, walk},
};

/// Reads the samples of a WAVE, AIFF or AU file in constant memory, however long the file is.
///
/// ```
/// use wave_demux::{FindingKind, WaveReader};
///
/// // A recorder that lost power: two stereo frames of 16 bits, and a data size of 0.
/// let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x02\0".to_vec();
/// file.extend(48_000_u32.to_le_bytes());
/// file.extend(192_000_u32.to_le_bytes());
/// file.extend(b"\x04\0\x10\0data\0\0\0\0");
/// file.extend([0x4000_i16, -0x4000, 0, -0x8000].map(i16::to_le_bytes).as_flattened());
///
/// let mut reader = WaveReader::new(std::io::Cursor::new(file))?;
/// assert_eq!((reader.format().channels, reader.frames()), (2, 2));
/// assert_eq!(reader.findings()[0].kind, FindingKind::DataSizeUnknown { found: 8 });
/// let mut buffer = [0.0; 1024];
/// assert_eq!(reader.read_samples(&mut buffer)?, [0.5, -0.5, 0.0, -1.0]);
/// assert!(reader.read_samples(&mut buffer)?.is_empty());
/// # Ok::<(), wave_demux::Error>(())
/// ```
pub struct WaveReader<R> {
    input: Input<R>,
    format: Format,
    chunks: Vec<Chunk>,
    findings: Vec<Finding>,
    data: Range<u64>,
    frames: u64,
    /// The first frame that is not yet in the buffer.
    next: u64,
    buffer: Vec<u8>,
    /// Bytes of the buffer that were not returned yet.
    unread: Range<usize>,
}

impl<R: Read + Seek> WaveReader<R> {
    /// Reads everything except the samples. `inner` needs no `BufReader`.
    pub fn new(inner: R) -> Result<Self, Error> {
        let mut input = Input::new(inner)?;
        let mut findings = Findings::default();
        let start = after_tag(&mut input, &mut findings)?;
        let (form, first) = Form::read(&mut input, start)?;
        let (format, data, chunks) = if form == Form::Au {
            au::read(&mut input, start, &mut findings)?
        } else {
            chunked(&mut input, form, first, &mut findings)?
        };
        let frames = data.end.saturating_sub(data.start) / u64::from(format.block_align);
        let findings = findings.into_vec();
        let (buffer, unread) = (Vec::new(), 0..0);
        Ok(Self { input, format, chunks, findings, data, frames, next: 0, buffer, unread })
    }

    /// Returns how the samples are stored.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Returns how many frames (samples per channel) the file really holds.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Returns all chunks except the samples, in file order.
    pub fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// Returns the problems found in the file: at most 1,000, then a count of the others.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Returns the byte range of the samples in the file.
    pub fn data(&self) -> Range<u64> {
        self.data.clone()
    }

    /// Fills `buffer` from the front with whole frames and returns the samples it wrote:
    /// interleaved, full scale -1 to 1. Leaves room for a frame only at the end, and from then on
    /// returns an empty slice.
    ///
    /// Float samples are passed on unchanged, even beyond full scale or NaN.
    pub fn read_samples<'a>(&mut self, buffer: &'a mut [f32]) -> Result<&'a [f32], Error> {
        let channels = usize::from(self.format.channels);
        let (stride, frame_len) = (self.format.stride(), channels * self.format.stride());
        let mut filled = 0;
        loop {
            let rest = buffer.get_mut(filled..).unwrap_or_default();
            if rest.len() < channels || (self.unread.is_empty() && !self.fill()?) {
                break;
            }
            let unread = self.buffer.get(self.unread.clone()).unwrap_or_default();
            let taken = (unread.len() / frame_len).min(rest.len() / channels);
            let now = rest.get_mut(..taken * channels).unwrap_or_default();
            convert(unread, self.format.encoding, stride, now);
            self.unread.start += taken * frame_len;
            filled += taken * channels;
        }
        Ok(buffer.get(..filled).unwrap_or_default())
    }

    /// Moves to `frame`, or to the end if the file has fewer frames.
    pub fn seek(&mut self, frame: u64) {
        self.next = frame.min(self.frames);
        self.unread = 0..0;
    }

    /// Reads the next samples into the empty buffer. Returns `false` at the end.
    fn fill(&mut self) -> Result<bool, Error> {
        let align = u64::from(self.format.block_align);
        let frames = (BUFFER / align).max(1).min(self.frames.saturating_sub(self.next));
        // Fits: no more than the buffer or one frame.
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

impl<R> fmt::Debug for WaveReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaveReader")
            .field("format", &self.format)
            .field("frames", &self.frames)
            .field("chunks", &self.chunks)
            .field("findings", &self.findings)
            .finish_non_exhaustive()
    }
}

/// Reads everything but the samples of a file that consists of chunks.
fn chunked<R: Read + Seek>(
    input: &mut Input<R>,
    form: Form,
    first: u64,
    findings: &mut Findings,
) -> Result<(Format, Range<u64>, Vec<Chunk>), Error> {
    let Contents { format, data, chunks } = walk(input, form, first, findings)?;
    let missing = |name| Reason::NoChunk { offset: input.len(), name };
    let said = format.ok_or(missing(form.format_id()))?;
    let data = data.ok_or(missing(form.data_id()))?;
    if !form.is_aiff() {
        let format = Format::read(input, said, form, findings)?;
        whole_frames(&data, &format, findings);
        return Ok((format, data, chunks));
    }
    let Common { format, frames: claimed } = Common::read(input, said.clone(), form)?;
    let found = whole_frames(&data, &format, findings);
    if u64::from(claimed) != found {
        findings.report(said.start, FindingKind::FrameCount { claimed, found });
    }
    Ok((format, data, chunks))
}

/// Returns where the file begins: after the ID3 tag that some music programs put before it.
fn after_tag<R: Read + Seek>(input: &mut Input<R>, findings: &mut Findings) -> Result<u64, Error> {
    let Some([b'I', b'D', b'3', _, _, flags, size @ ..]) = input.array::<10>(0)? else {
        return Ok(0);
    };
    // Seven bits per byte, not counting the header of 10 bytes nor an equally long footer.
    let size = size.iter().fold(0, |size, byte| size << 7 | u64::from(byte & 0x7f));
    let bytes = size + if flags & 0x10 == 0 { 10 } else { 20 };
    findings.report(0, FindingKind::TagBefore { bytes });
    Ok(bytes)
}

/// Returns the number of whole frames, and reports a part of another.
pub(crate) fn whole_frames(data: &Range<u64>, format: &Format, findings: &mut Findings) -> u64 {
    let block_align = format.block_align;
    let len = data.end.saturating_sub(data.start);
    let bytes = len % u64::from(block_align);
    if bytes > 0 {
        let offset = data.end.saturating_sub(bytes);
        findings.report(offset, FindingKind::PartialFrame { bytes, block_align });
    }
    len / u64::from(block_align)
}

/// Bytes to read at a time.
const BUFFER: u64 = 256 * 1024;
