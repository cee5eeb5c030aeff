//! How fast a training is.

use std::time::Instant;

/// Items per second, over this process's last second.
pub(super) struct Rate {
    since: Instant,
    items: f64,
    last: f64,
}

impl Rate {
    pub fn new() -> Self {
        Self {
            since: Instant::now(),
            items: 0.0,
            last: 0.0,
        }
    }

    pub fn add(&mut self, items: f64) {
        self.items += items;
        let seconds = self.since.elapsed().as_secs_f64();
        if seconds > 1.0 || self.last == 0.0 {
            self.last = self.items / seconds.max(1e-9);
            self.since = Instant::now();
            self.items = 0.0;
        }
    }

    pub fn per_second(&self) -> f64 {
        self.last
    }
}
