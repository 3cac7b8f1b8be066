//! A cache of bounded size that forgets what was used longest ago.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
};

/// Values with weights, whose sum is bounded.
#[derive(Debug)]
pub(crate) struct Cache<K, V>(Mutex<Inner<K, V>>);

#[derive(Debug)]
struct Inner<K, V> {
    entries: HashMap<K, Used<V>>,
    weight: usize,
    most: usize,
    /// Increases with every use.
    clock: u64,
}

#[derive(Debug)]
struct Used<V> {
    value: V,
    weight: usize,
    at: u64,
}

impl<K: Hash + Eq + Clone, V: Clone> Cache<K, V> {
    pub(crate) fn new(most: usize) -> Self {
        Self(Mutex::new(Inner { entries: HashMap::new(), weight: 0, most, clock: 0 }))
    }

    pub(crate) fn get(&self, key: &K) -> Option<V> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.clock += 1;
        let at = inner.clock;
        inner.entries.get_mut(key).map(|used| {
            used.at = at;
            used.value.clone()
        })
    }

    /// Keeps a value, replacing an earlier one. A value heavier than the whole cache is not kept.
    pub(crate) fn put(&self, key: K, value: V, weight: usize) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.remove(&key);
        if weight > inner.most {
            return;
        }
        while inner.weight + weight > inner.most {
            let oldest = inner.entries.iter().min_by_key(|(_, used)| used.at);
            let Some(oldest) = oldest.map(|(key, _)| key.clone()) else { break };
            inner.remove(&oldest);
        }
        inner.clock += 1;
        let at = inner.clock;
        inner.weight += weight;
        inner.entries.insert(key, Used { value, weight, at });
    }

    pub(crate) fn forget(&self, key: &K) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

impl<K: Hash + Eq, V> Inner<K, V> {
    fn remove(&mut self, key: &K) {
        if let Some(used) = self.entries.remove(key) {
            self.weight -= used.weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let cache = Cache::new(3);
        for key in 0..3 {
            cache.put(key, key, 1);
        }
        assert_eq!(cache.get(&0), Some(0));
        cache.put(3, 3, 1);
        assert_eq!([0, 1, 2, 3].map(|key| cache.get(&key)), [Some(0), None, Some(2), Some(3)]);
        cache.put(4, 4, 3);
        assert_eq!([0, 2, 3, 4].map(|key| cache.get(&key)), [None, None, None, Some(4)]);
        cache.put(5, 5, 4);
        assert_eq!((cache.get(&5), cache.get(&4)), (None, Some(4)));
        cache.put(4, 9, 1);
        assert_eq!(cache.0.lock().unwrap().weight, 1);
        cache.forget(&4);
        assert_eq!((cache.get(&4), cache.0.lock().unwrap().weight), (None, 0));
    }
}
