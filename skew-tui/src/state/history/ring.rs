//! A ring of samples: one for each stretch of time, the last of which there are so many.

use super::Sample;

/// What there was at the end of each stretch of time, of fixed size.
#[derive(Debug, Clone)]
pub(super) struct Ring {
    pace_ms: u64,
    samples: Box<[Sample]>,
    /// The newest stretch that was written, counted from 0. What holds there holds until now.
    newest: u64,
}

impl Ring {
    pub(super) fn new(pace_ms: u64, length: usize) -> Self {
        Self { pace_ms, samples: vec![Sample::UNKNOWN; length].into(), newest: 0 }
    }

    /// Length of a stretch, in milliseconds.
    pub(super) fn pace_ms(&self) -> u64 {
        self.pace_ms
    }

    /// Time that all samples span, in milliseconds.
    pub(super) fn length_ms(&self) -> u64 {
        self.pace_ms * self.samples.len() as u64
    }

    /// From this moment on things are so. Stretches since the last time were as things were then.
    pub(super) fn hold(&mut self, sample: &Sample, now_ms: u64) {
        let stretch = (now_ms / self.pace_ms).max(self.newest);
        let held = *self.at(self.newest);
        let length = self.samples.len() as u64;
        for missed in (self.newest + 1).max(stretch.saturating_sub(length))..stretch {
            self.samples[(missed % length) as usize] = held;
        }
        self.samples[(stretch % length) as usize] = *sample;
        self.newest = stretch;
    }

    /// What there was at the end of a stretch, unknown where that is too long ago.
    pub(super) fn at(&self, stretch: u64) -> &Sample {
        let length = self.samples.len() as u64;
        let stretch = stretch.min(self.newest);
        if stretch + length <= self.newest {
            return &Sample::UNKNOWN;
        }
        &self.samples[(stretch % length) as usize]
    }

    /// Number of samples, which never changes.
    #[cfg(test)]
    pub(super) fn samples(&self) -> usize {
        self.samples.len()
    }

    /// The greatest of all counts of a kind.
    pub(super) fn peak(&self, count: impl Fn(&Sample) -> u32) -> u32 {
        self.samples.iter().map(count).max().unwrap_or(0)
    }

    /// Changes every sample.
    pub(super) fn change(&mut self, change: impl FnMut(&mut Sample)) {
        self.samples.iter_mut().for_each(change);
    }
}
