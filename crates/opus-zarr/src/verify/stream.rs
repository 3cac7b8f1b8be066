use ogg_opus_demux::{Buffered, Error as OggError, OggOpusReader};
use opus_packet::{InvalidTimeline, LocatedPacket, OpusHead};
use opus_packet_index::{IndexRow, Span};
use opus_zarr_store::{ArrayKind, BlobReader, RecordingReader, Tags};

use super::{FaultKind, Verification};
use crate::{
    Error,
    error::{Reason, store_error_in},
    progress::Watch,
};

type Stream<'a> = OggOpusReader<Buffered<BlobReader<'a>>>;

/// Demuxes the blob strictly and compares it with the index and the attributes.
pub(super) fn check(
    reader: &RecordingReader,
    found: &mut Verification,
    watch: &mut Watch<'_>,
) -> Result<(), Error> {
    let (rows, gaps) = (Rows::new(reader), Gaps::new(reader));
    let mut checker = Checker { reader, found, rows, gaps, watch };
    if let Err(error) = checker.stream() {
        checker.stream_error(&error);
    }
    if let Some(error) = &checker.rows.error {
        // Others are among the faults of the store.
        checker.found.note_unreadable(ArrayKind::Index, reader, error);
    }
    if checker.watch.is_cancelled() { Err(Error::from(Reason::Cancelled)) } else { Ok(()) }
}

struct Checker<'a, 'w> {
    reader: &'a RecordingReader,
    found: &'a mut Verification,
    rows: Rows<'a>,
    gaps: Gaps,
    watch: &'a mut Watch<'w>,
}

impl Checker<'_, '_> {
    fn stream(&mut self) -> Result<(), OggError> {
        let mut stream = OggOpusReader::strict(self.reader.blob_reader())?;
        self.headers(&stream);
        let (mut number, mut end) = (0, 0);
        while let Some(packet) = stream.next_located()? {
            self.packet(number, &packet);
            if self.watch.packet(packet.data.len(), packet.duration).is_err() {
                return Ok(());
            }
            end = packet.position.get() + u64::from(packet.duration);
            number += 1;
        }
        self.gaps.pass(end);
        self.gaps.finish(self.reader, self.found);
        let expected = self.reader.info().packet_count;
        if number != expected {
            self.fault(None, FaultKind::PacketCount { found: number, expected });
        }
        self.timeline(&stream, end);
        if stream.next_link()? {
            self.fault(None, FaultKind::SecondStream);
        }
        Ok(())
    }

    fn headers(&mut self, stream: &Stream<'_>) {
        if !same(stream.head(), self.reader.head()) {
            self.fault(None, FaultKind::Head);
        }
        if Tags::of(stream.tags()) != self.reader.info().tags {
            self.fault(None, FaultKind::Tags);
        }
    }

    fn packet(&mut self, number: u64, packet: &LocatedPacket<'_>) {
        self.gaps.pass(packet.position.get());
        let Some(offset) = packet.offset else {
            self.rows.next();
            return self.fault(Some(number), FaultKind::CrossesPage);
        };
        let length = u64::try_from(packet.data.len()).unwrap_or(u64::MAX);
        let duration = packet.duration;
        let Some(row) = self.rows.next() else { return };
        let indexed = row.map(|row| (row.offset, row.length, row.duration));
        if indexed != Some((offset, length, u64::from(duration))) {
            self.fault(Some(number), FaultKind::Row { offset, length, duration, indexed });
        }
    }

    fn timeline(&mut self, stream: &Stream<'_>, coded_length: u64) {
        let expected = self.reader.timeline();
        match stream.timeline() {
            Some(found) if found == expected => {}
            Some(found) => self.fault(
                None,
                FaultKind::Length {
                    found: found.play_length(),
                    found_coded: found.coded_length(),
                    expected: expected.play_length(),
                    expected_coded: expected.coded_length(),
                },
            ),
            None => {
                let (pre_skip, end_trim) = (stream.head().pre_skip(), 0);
                let reason = InvalidTimeline::new(pre_skip, coded_length, end_trim);
                self.fault(None, FaultKind::Timeline(reason));
            }
        }
    }

    fn fault(&mut self, packet: Option<u64>, kind: FaultKind) {
        self.found.fault(self.reader, packet, kind);
    }

    /// Adds the error that ends the stream, unless it is an unreadable chunk of the blob: the store
    /// has reported that.
    fn stream_error(&mut self, error: &OggError) {
        if self.found.note_unreadable(ArrayKind::Blob, self.reader, error) {
            return;
        }
        let is_known = store_error_in(error).is_some();
        if !is_known || self.found.faults.is_empty() {
            self.fault(None, FaultKind::Stream { reason: format!("{error:?}") });
        }
    }
}

/// Whether two heads are equal, except for the version, which the attributes lack.
fn same(stream: &OpusHead, attributes: &OpusHead) -> bool {
    let fields = |head: &OpusHead| {
        (head.pre_skip(), head.input_sample_rate(), head.output_gain(), head.mapping().clone())
    };
    fields(stream) == fields(attributes)
}

type Chunks<'a> = Box<dyn Iterator<Item = Result<Span, opus_zarr_store::Error>> + 'a>;

/// The rows of the index, in order.
struct Rows<'a> {
    chunks: Option<Chunks<'a>>,
    chunk: Option<Span>,
    next: usize,
    /// Why the rest cannot be read.
    error: Option<opus_zarr_store::Error>,
}

impl<'a> Rows<'a> {
    fn new(reader: &'a RecordingReader) -> Self {
        let chunks = reader.index_chunks().ok().map(|chunks| {
            let chunks: Chunks<'a> = Box::new(chunks);
            chunks
        });
        Self { chunks, chunk: None, next: 0, error: None }
    }

    /// Returns the next row, or `Some(None)` after the last one. None if the index cannot be read,
    /// which the store has reported.
    fn next(&mut self) -> Option<Option<IndexRow>> {
        loop {
            let row = self.chunk.as_ref().and_then(|chunk| chunk.rows().get(self.next));
            if let Some(row) = row {
                self.next += 1;
                return Some(Some(*row));
            }
            match self.chunks.as_mut()?.next() {
                None => return Some(None),
                Some(Ok(chunk)) => (self.chunk, self.next) = (Some(chunk), 0),
                Some(Err(error)) => (self.chunks, self.error) = (None, Some(error)),
            }
        }
    }
}

/// The gaps in the attributes. Each must begin and end where a packet does.
struct Gaps {
    /// The positions where gaps begin and end, each with the number of its gap. The next one is last.
    borders: Vec<(u64, usize)>,
    wrong: Vec<usize>,
}

impl Gaps {
    fn new(reader: &RecordingReader) -> Self {
        let mut gaps = Self { borders: Vec::new(), wrong: Vec::new() };
        let mut end = 0;
        for (number, gap) in reader.info().gaps.iter().enumerate() {
            match gap.position.checked_add(gap.samples) {
                Some(next) if gap.position >= end && gap.samples > 0 => {
                    gaps.borders.extend([(gap.position, number), (next, number)]);
                    end = next;
                }
                _ => gaps.wrong.push(number),
            }
        }
        gaps.borders.reverse();
        gaps
    }

    /// Passes a position where a packet begins or the last one ends.
    fn pass(&mut self, position: u64) {
        while let Some(&(border, gap)) = self.borders.last().filter(|(at, _)| *at <= position) {
            self.borders.pop();
            if border != position {
                self.wrong.push(gap);
            }
        }
    }

    fn finish(&mut self, reader: &RecordingReader, found: &mut Verification) {
        self.wrong.extend(self.borders.drain(..).map(|(_, gap)| gap));
        self.wrong.sort_unstable();
        self.wrong.dedup();
        for gap in self.wrong.iter().filter_map(|&number| reader.info().gaps.get(number)) {
            let (position, samples) = (gap.position, gap.samples);
            found.fault(reader, None, FaultKind::Gap { position, samples });
        }
    }
}
