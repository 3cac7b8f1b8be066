use std::{cell::RefCell, ops::Range};

use ogg_opus_demux::{Buffered, OggOpusReader};
use opus_packet::CodedPos;
use opus_packet_index::{IndexBuilder, IndexRead, IndexRow, Span};
use opus_zarr_store::{BlobReader, RecordingReader};

/// The index in which the packets of a recording are looked up.
pub(crate) enum Index<'a> {
    Stored(&'a RecordingReader),
    /// Stands in for an unusable index: finds packets by walking the blob.
    Walked(Box<RefCell<Walk<'a>>>),
}

/// Why packets cannot be looked up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IndexError {
    #[error(transparent)]
    Stored(opus_zarr_store::Error),
    #[error("no usable index, and the Ogg stream cannot be read")]
    Blob(#[source] ogg_opus_demux::Error),
    #[error("no usable index, and the packet at coded sample {position} crosses a page")]
    Divided { position: CodedPos },
    #[error("no usable index, and the packets of the Ogg stream form none")]
    Rows(#[source] opus_packet_index::Error),
}

/// A walk over the packets of a blob.
pub(crate) struct Walk<'a> {
    reader: &'a RecordingReader,
    /// The stream at its present position. None before the first packet.
    stream: Option<OggOpusReader<Buffered<BlobReader<'a>>>>,
    builder: IndexBuilder,
    /// The previous packet, which the next lookup may need again.
    last: Option<IndexRow>,
}

impl<'a> Index<'a> {
    pub(crate) fn walked(reader: &'a RecordingReader) -> Self {
        Self::Walked(Box::new(RefCell::new(Walk::new(reader))))
    }
}

impl IndexRead for Index<'_> {
    type Error = IndexError;

    fn span(&self, samples: Range<CodedPos>) -> Result<Span, IndexError> {
        match self {
            Self::Stored(reader) => reader.span(samples).map_err(IndexError::Stored),
            Self::Walked(walk) => walk.borrow_mut().span(samples),
        }
    }
}

impl<'a> Walk<'a> {
    fn new(reader: &'a RecordingReader) -> Self {
        Self { reader, stream: None, builder: IndexBuilder::default(), last: None }
    }

    fn span(&mut self, samples: Range<CodedPos>) -> Result<Span, IndexError> {
        let (start, end) = (samples.start.get(), samples.end.get());
        if start < self.last.map_or(self.builder.coded_length(), |row| row.first) {
            *self = Self::new(self.reader);
        }
        let mut rows: Vec<_> = self.last.filter(|row| start <= row.last).into_iter().collect();
        while self.builder.coded_length() < end {
            let Some(row) = self.next_row()? else { break };
            if start <= row.last {
                rows.push(row);
            }
        }
        let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let number = self.builder.packets().saturating_sub(count);
        let first = CodedPos::new(rows.first().map_or(0, |row| row.first));
        Span::parse(number, first, rows, self.reader.info().blob_bytes).map_err(IndexError::Rows)
    }

    fn next_row(&mut self) -> Result<Option<IndexRow>, IndexError> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => {
                let stream = OggOpusReader::strict(self.reader.blob_reader());
                self.stream.insert(stream.map_err(IndexError::Blob)?)
            }
        };
        let Some(packet) = stream.next_located().map_err(IndexError::Blob)? else {
            return Ok(None);
        };
        let offset = packet.offset.ok_or(IndexError::Divided { position: packet.position })?;
        let length = u64::try_from(packet.data.len()).unwrap_or(u64::MAX);
        let row = self.builder.push(offset, length, packet.duration).map_err(IndexError::Rows)?;
        self.last = Some(row);
        Ok(Some(row))
    }
}
