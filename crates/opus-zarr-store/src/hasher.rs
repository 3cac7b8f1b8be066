use std::{
    io,
    sync::mpsc::{SyncSender, sync_channel},
    thread::{self, JoinHandle},
};

use sha2::{Digest, Sha256};

/// SHA-256 of what is written, computed beside the writing where there are threads: it is
/// what an import would wait for most.
pub(crate) enum Hasher {
    Thread(SyncSender<Vec<u8>>, JoinHandle<Sha256>),
    Here(Box<Sha256>),
}

impl Hasher {
    pub(crate) fn new() -> Self {
        Self::spawn().unwrap_or_else(|_| Self::Here(Box::default()))
    }

    fn spawn() -> io::Result<Self> {
        let (sender, pieces) = sync_channel::<Vec<u8>>(PIECES);
        let hash = move || {
            let mut sha256 = Sha256::new();
            pieces.iter().for_each(|piece| sha256.update(piece));
            sha256
        };
        Ok(Self::Thread(sender, thread::Builder::new().spawn(hash)?))
    }

    pub(crate) fn update(&mut self, piece: &[u8]) {
        match self {
            // If the thread has died, that is found at the end.
            Self::Thread(sender, _) => drop(sender.send(piece.to_vec())),
            Self::Here(sha256) => sha256.update(piece),
        }
    }

    /// The hash in hexadecimal; none if the thread that computed it has died.
    pub(crate) fn finish(self) -> Option<String> {
        let sha256 = match self {
            Self::Thread(sender, thread) => {
                drop(sender);
                thread.join().ok()?
            }
            Self::Here(sha256) => *sha256,
        };
        Some(sha256.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// How many pieces, of a chunk each, may wait.
const PIECES: usize = 16;
