//! A storage that fails at one chosen call.

use std::{
    fmt,
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use opus_zarr_store::{
    Claim, Draft, Entries, ObjectWriter, Part, RecordingName, Storage, WriteStorage,
};

/// Passes every call on to another storage, except for one, which fails before it gets there.
#[derive(Debug)]
pub struct Faulty {
    inner: Arc<dyn Storage>,
    calls: Calls,
}

/// Counts the calls to a storage and to the objects and drafts that it made.
#[derive(Clone, Debug)]
pub struct Calls(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    made: AtomicU64,
    /// Counted from 1.
    failing: u64,
}

impl Faulty {
    /// Makes a storage that fails at the call with this number, counted from 1.
    pub fn new(inner: Arc<dyn Storage>, failing: u64) -> (Arc<Self>, Calls) {
        let calls = Calls(Arc::new(Counts { made: AtomicU64::new(0), failing }));
        (Arc::new(Self { inner, calls: calls.clone() }), calls)
    }
}

impl Calls {
    /// Returns whether the failing call was reached.
    pub fn has_failed(&self) -> bool {
        self.0.made.load(Ordering::Relaxed) >= self.0.failing
    }

    fn pass(&self) -> io::Result<()> {
        if self.0.made.fetch_add(1, Ordering::Relaxed) + 1 == self.0.failing {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "an injected fault"));
        }
        Ok(())
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl Storage for Faulty {
    fn read(&self, key: &str, part: Part) -> io::Result<Vec<u8>> {
        self.calls.pass()?;
        self.inner.read(key, part)
    }

    fn entries(&self) -> io::Result<Entries<'_>> {
        self.calls.pass()?;
        self.inner.entries()
    }

    fn writing(&self) -> io::Result<&dyn WriteStorage> {
        Ok(self)
    }
}

impl WriteStorage for Faulty {
    fn create(&self, key: &str) -> io::Result<Box<dyn ObjectWriter>> {
        self.calls.pass()?;
        let inner = self.inner.writing()?.create(key)?;
        Ok(Box::new(FaultyObject { inner, calls: self.calls.clone() }))
    }

    fn begin(&self, name: &RecordingName) -> io::Result<Box<dyn Draft>> {
        self.calls.pass()?;
        let inner = self.inner.writing()?.begin(name)?;
        Ok(Box::new(FaultyDraft { inner, calls: self.calls.clone() }))
    }

    fn begin_replacement(&self, name: &RecordingName) -> io::Result<Box<dyn Draft>> {
        self.calls.pass()?;
        let inner = self.inner.writing()?.begin_replacement(name)?;
        Ok(Box::new(FaultyDraft { inner, calls: self.calls.clone() }))
    }

    fn claim(&self, name: &RecordingName) -> io::Result<Box<dyn Claim>> {
        self.calls.pass()?;
        let inner = self.inner.writing()?.claim(name)?;
        Ok(Box::new(FaultyClaim { inner, calls: self.calls.clone() }))
    }
}

struct FaultyObject {
    inner: Box<dyn ObjectWriter>,
    calls: Calls,
}

impl Write for FaultyObject {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.calls.pass()?;
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl ObjectWriter for FaultyObject {
    fn finish(self: Box<Self>) -> io::Result<()> {
        self.calls.pass()?;
        self.inner.finish()
    }
}

#[derive(Debug)]
struct FaultyDraft {
    inner: Box<dyn Draft>,
    calls: Calls,
}

impl Draft for FaultyDraft {
    fn prefix(&self) -> &str {
        self.inner.prefix()
    }

    fn take(&self, from: &str, to: &str) -> io::Result<()> {
        self.calls.pass()?;
        self.inner.take(from, to)
    }

    fn commit(self: Box<Self>, document: &[u8]) -> io::Result<()> {
        self.calls.pass()?;
        self.inner.commit(document)
    }

    fn replace(
        self: Box<Self>,
        claim: Box<dyn Claim>,
        document: &[u8],
        members: &[&str],
    ) -> io::Result<()> {
        self.calls.pass()?;
        self.inner.replace(claim, document, members)
    }
}

#[derive(Debug)]
struct FaultyClaim {
    inner: Box<dyn Claim>,
    calls: Calls,
}

impl Claim for FaultyClaim {
    fn replace(&self, before: &[u8], after: &[u8]) -> io::Result<bool> {
        self.calls.pass()?;
        self.inner.replace(before, after)
    }

    fn rename(self: Box<Self>, to: &RecordingName) -> io::Result<()> {
        self.calls.pass()?;
        self.inner.rename(to)
    }

    fn remove(self: Box<Self>, members: Option<&[&str]>) -> io::Result<()> {
        self.calls.pass()?;
        self.inner.remove(members)
    }
}
