//! Buffers that are used again and again.
//!
//! Fresh memory costs a page fault every 4 KiB, up to half the time of a training step. So what a
//! sequence works on is taken from a store and goes back to it.

use std::marker::PhantomData;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; LINE]);

const LINE: usize = 16;

/// Floats that begin at a cache line. What they hold at first is left from earlier use.
pub(crate) struct Buffer {
    lines: Vec<Line>,
    len: usize,
}

impl Buffer {
    /// A buffer of `len` floats.
    pub fn take(len: usize) -> Self {
        let lines = store().take(len.div_ceil(LINE));
        Self { lines, len }
    }

    /// A buffer of `len` zeros.
    pub fn zeros(len: usize) -> Self {
        let mut buffer = Self::take(len);
        buffer.as_mut_slice().fill(0.0);
        buffer
    }

    pub fn as_slice(&self) -> &[f32] {
        // SAFETY: `take` gave at least `len` floats in lines without padding.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }

    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        // SAFETY: as above, and borrowed alone.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }

    /// For threads that write different parts of it.
    pub fn share(&mut self) -> Shared<'_> {
        Shared::new(self.as_mut_slice())
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        store().give_back(std::mem::take(&mut self.lines));
    }
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Buffer of {} floats", self.len)
    }
}

/// Buffers that nobody uses at the moment, the one given back last at the end.
struct Store {
    free: Vec<Vec<Line>>,
    /// Lines in `free`.
    free_lines: usize,
    used_lines: usize,
    /// The most that was ever used at once: as much is kept.
    most_used: usize,
}

fn store() -> MutexGuard<'static, Store> {
    static STORE: Mutex<Store> = Mutex::new(Store {
        free: Vec::new(),
        free_lines: 0,
        used_lines: 0,
        most_used: 0,
    });
    // Nothing that holds the lock can panic halfway.
    STORE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    fn take(&mut self, lines: usize) -> Vec<Line> {
        let fits = |free: &Vec<Line>| free.len() >= lines && free.len() <= 2 * lines;
        let best = (0..self.free.len())
            .filter(|&index| fits(&self.free[index]))
            .min_by_key(|&index| self.free[index].len());
        let taken = match best {
            Some(index) => {
                let taken = self.free.swap_remove(index);
                self.free_lines -= taken.len();
                taken
            }
            None => vec![Line([0.0; LINE]); lines],
        };
        self.used_lines += taken.len();
        self.most_used = self.most_used.max(self.used_lines);
        taken
    }

    fn give_back(&mut self, lines: Vec<Line>) {
        self.used_lines -= lines.len();
        self.free_lines += lines.len();
        self.free.push(lines);
        while self.free_lines + self.used_lines > self.most_used {
            let oldest = self.free.remove(0);
            self.free_lines -= oldest.len();
        }
    }
}

/// Floats of which several threads write different parts.
#[derive(Clone, Copy)]
pub(crate) struct Shared<'a> {
    data: *mut f32,
    len: usize,
    of: PhantomData<&'a mut [f32]>,
}

// SAFETY: whoever reads or writes promises that nobody writes the same part meanwhile.
unsafe impl Send for Shared<'_> {}
// SAFETY: the same.
unsafe impl Sync for Shared<'_> {}

impl<'a> Shared<'a> {
    pub fn new(slice: &'a mut [f32]) -> Self {
        Self {
            data: slice.as_mut_ptr(),
            len: slice.len(),
            of: PhantomData,
        }
    }

    /// Of a slice that nobody will write.
    pub fn read_only(slice: &'a [f32]) -> Self {
        Self {
            data: slice.as_ptr().cast_mut(),
            len: slice.len(),
            of: PhantomData,
        }
    }

    /// A pointer to `len` floats from `start` on.
    pub fn part(&self, start: usize, len: usize) -> *mut f32 {
        assert!(
            start <= self.len && len <= self.len - start,
            "{len} floats from {start} on, of {}",
            self.len
        );
        // SAFETY: within the slice.
        unsafe { self.data.add(start) }
    }

    /// Everything from `start` on, as [`Rows::blocked`](super::product::Rows::blocked) wants it.
    pub fn from(&self, start: usize) -> (*const f32, usize) {
        (self.part(start, 0).cast_const(), self.len - start)
    }

    /// # Safety
    ///
    /// Nobody writes any of these floats while the slice is used.
    pub unsafe fn read(&self, start: usize, len: usize) -> &'a [f32] {
        // SAFETY: within the slice, and see above.
        unsafe { std::slice::from_raw_parts(self.part(start, len), len) }
    }

    /// # Safety
    ///
    /// Nobody else reads or writes any of these floats while the slice is used.
    pub unsafe fn write(&self, start: usize, len: usize) -> &'a mut [f32] {
        // SAFETY: within the slice, and see above.
        unsafe { std::slice::from_raw_parts_mut(self.part(start, len), len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Store {
        Store {
            free: Vec::new(),
            free_lines: 0,
            used_lines: 0,
            most_used: 0,
        }
    }

    #[test]
    fn what_was_given_back_is_used_again() {
        let mut store = empty();
        let first = store.take(10);
        let place = first.as_ptr();
        store.give_back(first);
        let second = store.take(8);
        assert_eq!(second.as_ptr(), place);
        assert_eq!((store.free_lines, store.used_lines), (0, 10));
    }

    #[test]
    fn no_more_is_kept_than_was_ever_used_at_once() {
        let mut store = empty();
        for lines in [10, 30, 90, 270] {
            let taken = store.take(lines);
            store.give_back(taken);
        }
        assert_eq!(store.free_lines, 270);
    }

    #[test]
    fn buffers_begin_at_a_cache_line() {
        for len in [0, 1, 16, 17] {
            let mut buffer = Buffer::zeros(len);
            assert_eq!(buffer.as_slice(), vec![0.0; len]);
            assert!(buffer.as_mut_slice().as_ptr().cast::<Line>().is_aligned());
        }
    }
}
