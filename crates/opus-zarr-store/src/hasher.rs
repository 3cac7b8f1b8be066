use std::{
    io,
    sync::mpsc::{SyncSender, sync_channel},
    thread::{self, JoinHandle},
};

use sha2::{Digest, Sha256};

/// Computes SHA-256 in a thread while the data is written: hashing is the slowest part of an
/// import. Falls back to the caller's thread if none can be started.
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
            // Fails only if the thread has panicked, which `finish` reports.
            Self::Thread(sender, _) => drop(sender.send(piece.to_vec())),
            Self::Here(sha256) => sha256.update(piece),
        }
    }

    /// Returns the hash in hexadecimal, or `None` if the thread has panicked.
    pub(crate) fn finish(self) -> Option<String> {
        let sha256 = match self {
            Self::Thread(sender, thread) => {
                drop(sender);
                thread.join().ok()?
            }
            Self::Here(sha256) => *sha256,
        };
        Some(to_hex(&sha256.finalize()))
    }
}

/// Bytes in lower-case hexadecimal.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The most pieces, of one chunk each, that may wait.
const PIECES: usize = 16;
