//! Ogg Opus that states when it was recorded.

use std::{borrow::Cow, io::Write};

use ogg_opus_demux::{OggOpusReader, OggOpusWriter};
use opus_packet::OpusTags;

use crate::{Error, Recording, error::Reason, import::SERIAL};

impl Recording {
    /// Writes the recording as an Ogg Opus file whose tag `DATE` is its [start](Self::utc_of), if that is
    /// known. Every packet and its time stays as it is, and so do the other tags.
    /// [`ogg_opus`](Self::ogg_opus) is the stream as it is stored.
    ///
    /// # Errors
    ///
    /// The recording cannot be read, or `sink` fails.
    pub fn write_dated_ogg_opus(&self, sink: impl Write) -> Result<(), Error> {
        let recording = || self.reader().name().clone();
        let fault = |source| Error::from(Reason::Blob { recording: recording(), source });
        let mut packets = OggOpusReader::strict(self.ogg_opus()).map_err(fault)?;
        let tags = self.dated(packets.tags());
        let head = self.reader().head();
        let mut writer = OggOpusWriter::new(sink, SERIAL, head, &tags).map_err(fault)?;
        while let Some(packet) = packets.next_located().map_err(fault)? {
            writer.write(packet.data).map_err(fault)?;
        }
        writer.finish(self.reader().timeline().end_trim()).map_err(fault)?;
        Ok(())
    }

    fn dated(&self, tags: &OpusTags) -> OpusTags {
        let Some(start) = self.utc_of(0) else { return tags.clone() };
        let is_date = |comment: &str| {
            comment.split_once('=').is_some_and(|(name, _)| name.eq_ignore_ascii_case("DATE"))
        };
        let others: Vec<Cow<'_, str>> =
            tags.comments().filter(|comment| !is_date(comment)).collect();
        let date = format!("DATE={start}");
        let comments = others.iter().map(Cow::as_ref).chain([date.as_str()]);
        OpusTags::new(&tags.vendor(), comments)
    }
}
