use std::sync::{Arc, Mutex, PoisonError};

/// The chunks of an array that were used last, unpacked. Few, so they are looked through.
#[derive(Debug)]
pub(crate) struct ChunkCache<T> {
    /// By number, the one that was used last at the end.
    chunks: Mutex<Vec<(usize, Arc<T>)>>,
    capacity: usize,
}

impl<T> ChunkCache<T> {
    /// Keeps at most so many chunks.
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
    fn the_chunks_that_were_used_last_are_kept() {
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

        let none = ChunkCache::new(0);
        none.insert(1, &chunk);
        assert!(none.get(1).is_none());
    }
}
