//! How fast a training is.

use std::time::Instant;

/// Examples per second, over this process's last hundreds of examples.
pub(super) struct Rate {
    since: Instant,
    examples: usize,
    last: f64,
}

impl Rate {
    pub fn new() -> Self {
        Self {
            since: Instant::now(),
            examples: 0,
            last: 0.0,
        }
    }

    pub fn add(&mut self, examples: usize) {
        self.examples += examples;
        let seconds = self.since.elapsed().as_secs_f64();
        if seconds > 1.0 || self.last == 0.0 {
            self.last = self.examples as f64 / seconds.max(1e-9);
            self.since = Instant::now();
            self.examples = 0;
        }
    }

    pub fn per_second(&self) -> f64 {
        self.last
    }
}
