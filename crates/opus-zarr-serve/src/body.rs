//! The bytes of a response.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::sync::mpsc::Receiver;

/// The body of a response, of known length: in memory, or made while it is sent.
#[derive(Debug)]
pub struct Body(Kind);

#[derive(Debug)]
enum Kind {
    Whole(Bytes),
    /// A response to HEAD, which has the length but no bytes.
    Head(u64),
    Pieces {
        pieces: Receiver<io::Result<Bytes>>,
        left: u64,
    },
}

impl Body {
    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self(Kind::Whole(bytes.into()))
    }

    pub(crate) fn head(length: u64) -> Self {
        Self(Kind::Head(length))
    }

    pub(crate) fn pieces(pieces: Receiver<io::Result<Bytes>>, length: u64) -> Self {
        Self(Kind::Pieces { pieces, left: length })
    }

    /// The number of bytes that are still to come.
    pub(crate) fn length(&self) -> u64 {
        match &self.0 {
            Kind::Whole(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Kind::Head(length) => *length,
            Kind::Pieces { left, .. } => *left,
        }
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut self.0 {
            Kind::Whole(bytes) if !bytes.is_empty() => {
                Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes)))))
            }
            Kind::Whole(_) | Kind::Head(_) | Kind::Pieces { left: 0, .. } => Poll::Ready(None),
            Kind::Pieces { pieces, left } => pieces.poll_recv(context).map(|piece| {
                // A sender that goes away has not sent everything.
                let piece = piece.unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()));
                Some(piece.map(|bytes| {
                    *left = left.saturating_sub(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
                    Frame::data(bytes)
                }))
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Head(_) => true,
            _ => self.length() == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length())
    }
}
