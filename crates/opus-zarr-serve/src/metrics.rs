//! Counters for Prometheus.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// What has been counted.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// By route and status.
    requests: Mutex<BTreeMap<(&'static str, u16), u64>>,
    /// Answers that began within each of [`BOUNDS`].
    within: [AtomicU64; BOUNDS.len()],
    nanos: AtomicU64,
    bytes: AtomicU64,
    pub(crate) kept: AtomicU64,
    pub(crate) made: AtomicU64,
}

impl Metrics {
    pub(crate) fn count(&self, route: &'static str, status: u16, bytes: u64, took: Duration) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry((route, status)).or_default() += 1;
        drop(requests);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let at = BOUNDS.iter().position(|(_, bound)| took <= *bound);
        if let Some(within) = at.and_then(|at| self.within.get(at)) {
            within.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Writes everything in the text format.
    pub(crate) fn text(&self, waiting: usize) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut text, waiting);
        text
    }

    fn write(&self, text: &mut String, waiting: usize) -> std::fmt::Result {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone();
        writeln!(text, "# HELP opus_zarr_requests_total Requests that were answered.")?;
        writeln!(text, "# TYPE opus_zarr_requests_total counter")?;
        for ((route, status), count) in &requests {
            let labels = format!("route=\"{route}\",status=\"{status}\"");
            writeln!(text, "opus_zarr_requests_total{{{labels}}} {count}")?;
        }
        writeln!(text, "# HELP opus_zarr_response_seconds Time until an answer began.")?;
        writeln!(text, "# TYPE opus_zarr_response_seconds histogram")?;
        let mut sum = 0;
        for ((name, _), within) in BOUNDS.iter().zip(&self.within) {
            sum += read(within);
            writeln!(text, "opus_zarr_response_seconds_bucket{{le=\"{name}\"}} {sum}")?;
        }
        let total: u64 = requests.values().sum();
        let seconds = Duration::from_nanos(read(&self.nanos)).as_secs_f64();
        writeln!(text, "opus_zarr_response_seconds_bucket{{le=\"+Inf\"}} {total}")?;
        writeln!(text, "opus_zarr_response_seconds_sum {seconds}")?;
        writeln!(text, "opus_zarr_response_seconds_count {total}")?;
        for (name, kind, help, value) in [
            ("response_bytes_total", "counter", "Bytes of all answers.", read(&self.bytes)),
            ("made_total", "counter", "Chunks and tiles made.", read(&self.made)),
            ("kept_total", "counter", "Chunks and tiles found in memory.", read(&self.kept)),
            (
                "waiting",
                "gauge",
                "Requests waiting to be worked on.",
                u64::try_from(waiting).unwrap_or(0),
            ),
        ] {
            writeln!(text, "# HELP opus_zarr_{name} {help}")?;
            writeln!(text, "# TYPE opus_zarr_{name} {kind}")?;
            writeln!(text, "opus_zarr_{name} {value}")?;
        }
        Ok(())
    }
}

const BOUNDS: [(&str, Duration); 8] = [
    ("0.001", Duration::from_millis(1)),
    ("0.003", Duration::from_millis(3)),
    ("0.01", Duration::from_millis(10)),
    ("0.03", Duration::from_millis(30)),
    ("0.1", Duration::from_millis(100)),
    ("0.3", Duration::from_millis(300)),
    ("1", Duration::from_secs(1)),
    ("10", Duration::from_secs(10)),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative() {
        let metrics = Metrics::default();
        for millis in [0, 2, 2, 50, 20_000] {
            metrics.count("zarr", 200, 10, Duration::from_millis(millis));
        }
        let text = metrics.text(3);
        for line in [
            "opus_zarr_requests_total{route=\"zarr\",status=\"200\"} 5",
            "opus_zarr_response_seconds_bucket{le=\"0.001\"} 1",
            "opus_zarr_response_seconds_bucket{le=\"0.03\"} 3",
            "opus_zarr_response_seconds_bucket{le=\"10\"} 4",
            "opus_zarr_response_seconds_bucket{le=\"+Inf\"} 5",
            "opus_zarr_response_seconds_sum 20.054",
            "opus_zarr_response_bytes_total 50",
            "opus_zarr_waiting 3",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}:\n{text}");
        }
    }
}
