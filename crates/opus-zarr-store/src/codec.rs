use std::{num::NonZeroU64, sync::OnceLock, thread};

use rayon::ThreadPoolBuilder;
use serde_json::Value;
use zarrs::{
    array::{ArrayBytes, ArrayToBytesCodecTraits, CodecChain, CodecOptions, FillValue, data_type},
    metadata::v3::MetadataV3,
};

use crate::{Error, error::Reason, layout};

/// The codecs for the inner chunks of one array, run by zarrs.
///
/// Chunks are passed as bytes in stored (little-endian) order. To zarrs they are arrays of
/// `uint8`, whatever the array is.
#[derive(Debug)]
pub(crate) struct ChunkCodec {
    chain: CodecChain,
    len: NonZeroU64,
    compressed: bool,
}

impl ChunkCodec {
    /// The codecs of each array are made once, because that takes as long as parsing a document.
    pub(crate) fn blob() -> Result<&'static Self, Error> {
        static CODEC: OnceLock<ChunkCodec> = OnceLock::new();
        Self::once(&CODEC, || Self::new(layout::blob_codecs(), layout::BLOB_CHUNK, false))
    }

    pub(crate) fn index() -> Result<&'static Self, Error> {
        static CODEC: OnceLock<ChunkCodec> = OnceLock::new();
        Self::once(&CODEC, || Self::new(layout::index_codecs(), layout::INDEX_CHUNK, true))
    }

    pub(crate) fn sync() -> Result<&'static Self, Error> {
        static CODEC: OnceLock<ChunkCodec> = OnceLock::new();
        Self::once(&CODEC, || Self::new(layout::sync_codecs(), layout::SYNC_CHUNK, true))
    }

    fn once(
        codec: &'static OnceLock<Self>,
        make: impl FnOnce() -> Result<Self, Error>,
    ) -> Result<&'static Self, Error> {
        match codec.get() {
            Some(codec) => Ok(codec),
            None => make().map(|made| codec.get_or_init(|| made)),
        }
    }

    fn new(codecs: Value, len: u64, compressed: bool) -> Result<Self, Error> {
        let metadata: Vec<MetadataV3> = serde_json::from_value(codecs).map_err(codec_error)?;
        let chain = CodecChain::from_metadata(&metadata).map_err(codec_error)?;
        let len = NonZeroU64::new(len).ok_or_else(|| codec_error("an empty chunk"))?;
        Ok(Self { chain, len, compressed })
    }

    /// Encodes a chunk of full length.
    pub(crate) fn encode(&self, chunk: Vec<u8>) -> Result<Vec<u8>, Error> {
        let (fill, options) = (FillValue::from(0u8), options());
        self.chain
            .encode(ArrayBytes::from(chunk), &[self.len], &data_type::uint8(), &fill, options)
            .map(std::borrow::Cow::into_owned)
            .map_err(codec_error)
    }

    /// Decodes and checks a chunk. The error tells what is wrong with it.
    pub(crate) fn decode(&self, encoded: &[u8]) -> Result<Vec<u8>, String> {
        if self.compressed {
            self.check_claimed_len(encoded)?;
        }
        let (fill, options) = (FillValue::from(0u8), options());
        self.chain
            .decode(encoded.into(), &[self.len], &data_type::uint8(), &fill, options)
            .and_then(|chunk| Ok(chunk.into_fixed()?.into_owned()))
            .map_err(|error| error.to_string())
    }

    /// Checks the length that the blosc header claims (bytes 4 to 7), which blosc would allocate.
    fn check_claimed_len(&self, encoded: &[u8]) -> Result<(), String> {
        let claimed = encoded.get(4..8).and_then(|len| len.first_chunk()).copied();
        match claimed.map(u32::from_le_bytes).map(u64::from) {
            Some(claimed) if claimed == self.len.get() => Ok(()),
            Some(claimed) => {
                Err(format!("compressed chunk claims {claimed} bytes, expected {}", self.len))
            }
            None => Err("truncated compressed chunk".to_owned()),
        }
    }
}

/// The most bytes that blosc and crc32c add to an incompressible chunk.
pub(crate) const MAX_OVERHEAD: u64 = 64;

/// The options of all codecs. Their default asks rayon for its number of threads, which starts a pool, and
/// panics if no thread can start. Our chunks take one thread, so rayon is asked from within a pool of
/// one, which consists of the thread that asks.
fn options() -> &'static CodecOptions {
    static OPTIONS: OnceLock<CodecOptions> = OnceLock::new();
    OPTIONS.get_or_init(|| {
        // A thread stays in its pool for good, so this is better done by a new one.
        let other = thread::Builder::new().spawn(options_of_one_thread).ok();
        other.and_then(|other| other.join().ok()).unwrap_or_else(options_of_one_thread)
    })
}

fn options_of_one_thread() -> CodecOptions {
    // Fails only in a thread that belongs to another pool, which can be asked as well.
    let pool = ThreadPoolBuilder::new().num_threads(1).use_current_thread().build();
    std::mem::forget(pool);
    CodecOptions::default()
}

fn codec_error(reason: impl ToString) -> Error {
    Reason::Codec { reason: reason.to_string() }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_round_trip_and_flipped_bits_are_found() {
        for codec in [ChunkCodec::blob(), ChunkCodec::index(), ChunkCodec::sync()] {
            let codec = codec.unwrap();
            let len = usize::try_from(codec.len.get()).unwrap();
            let chunk: Vec<u8> = (0..=255).cycle().take(len).collect();
            let encoded = codec.encode(chunk.clone()).unwrap();
            assert_eq!(codec.decode(&encoded), Ok(chunk));
            for bit in (0..encoded.len() * 8).step_by(encoded.len() / 50) {
                let mut damaged = encoded.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                assert!(codec.decode(&damaged).is_err(), "bit {bit}");
            }
            assert!(codec.decode(&encoded[..encoded.len() - 1]).is_err());
            assert!(codec.decode(&[]).is_err());
        }
    }

    #[test]
    fn a_blob_chunk_is_its_bytes_and_a_checksum() {
        let encoded = ChunkCodec::blob().unwrap().encode(vec![7; 65536]).unwrap();
        assert_eq!(u64::try_from(encoded.len()).unwrap(), layout::BLOB_CHUNK_ENCODED);
        assert_eq!(encoded[65536..], crc32c::crc32c(&[7; 65536]).to_le_bytes());
    }

    #[test]
    fn a_compressed_chunk_that_claims_too_much_is_rejected() {
        let codec = ChunkCodec::index().unwrap();
        let mut bomb = codec.encode(vec![0; 400_000]).unwrap();
        bomb.truncate(bomb.len() - 4);
        bomb[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        bomb.extend(crc32c::crc32c(&bomb).to_le_bytes());
        assert!(codec.decode(&bomb).unwrap_err().contains("4294967295"));
    }
}
