use std::sync::{Arc, Mutex, PoisonError};

/// The most recently used chunks of an array, unpacked. They are few, so lookup is linear.
#[derive(Debug)]
pub(crate) struct ChunkCache<T> {
    /// Chunks with their numbers, the most recently used last.
    chunks: Mutex<Vec<(usize, Arc<T>)>>,
    capacity: usize,
}

impl<T> ChunkCache<T> {
    /// Creates a cache of at most `capacity` chunks.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { chunks: Mutex::new(Vec::new()), capacity }
    }

    pub(crate) fn get(&self, number: usize) -> Option<Arc<T>> {
        let mut chunks = self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
        let place = chunks.iter().position(|(other, _)| *other == number)?;
        let found = chunks.remove(place);
        let chunk = Arc::clone(&found.1);
        chunks.push(found);
        Some(chunk)
    }

    pub(crate) fn insert(&self, number: usize, chunk: &Arc<T>) {
        if self.capacity == 0 {
            return;
        }
        let mut chunks = self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
        chunks.retain(|(other, _)| *other != number);
        if chunks.len() >= self.capacity {
            chunks.remove(0);
        }
        chunks.push((number, Arc::clone(chunk)));
    }
}

#[cfg(test)]
mod tests {
    use opus_packet_index::{IndexBuilder, Span};

    use super::*;

    #[test]
    fn the_most_recently_used_chunks_are_kept() {
        let row = IndexBuilder::default().push(0, 1, 120).unwrap();
        let chunk = Arc::new(Span::parse(0, Default::default(), vec![row], 1).unwrap());
        let cache = ChunkCache::new(2);
        let has = |numbers: [usize; 3]| numbers.map(|number| cache.get(number).is_some());
        cache.insert(1, &chunk);
        cache.insert(2, &chunk);
        cache.get(1).unwrap();
        cache.insert(3, &chunk);
        assert_eq!(has([1, 2, 3]), [true, false, true]);
        cache.insert(3, &chunk);
        assert_eq!(has([1, 2, 3]), [true, false, true]);

        let empty = ChunkCache::new(0);
        empty.insert(1, &chunk);
        assert!(empty.get(1).is_none());
    }
}
