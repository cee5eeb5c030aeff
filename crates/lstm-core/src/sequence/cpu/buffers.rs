//! Buffers that are used again and again.
//!
//! Fresh memory costs a page fault every 4 KiB, up to half the time of a training step. So what a
//! sequence works on is taken from a store and goes back to it.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::marker::PhantomData;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Floats in a cache line.
const LINE: usize = 16;

/// Memory of at least this size gets huge pages where the system has them: the weights of a layer lie
/// on thousands of small ones, more than the processor remembers the places of.
const HUGE: usize = 2 << 20;

/// How many floats there are in something of these sizes.
///
/// # Panics
///
/// If they are more than can be counted.
pub(super) fn floats(sizes: &[usize]) -> usize {
    let count = sizes
        .iter()
        .try_fold(1_usize, |count, size| count.checked_mul(*size));
    count.unwrap_or_else(|| panic!("a layer asks for {sizes:?} floats, more than can be counted"))
}

/// Floats that begin at a cache line. What they hold at first is left from earlier use.
pub(crate) struct Buffer {
    memory: Memory,
    len: usize,
}

impl Buffer {
    /// A buffer of `len` floats.
    pub fn take(len: usize) -> Self {
        let found = store().take(len);
        // What is new is cleared without the store's lock.
        let memory = found.unwrap_or_else(|| {
            let memory = Memory::new(len);
            store().count(memory.len());
            memory
        });
        Self { memory, len }
    }

    /// A buffer of `len` zeros.
    pub fn zeros(len: usize) -> Self {
        let mut buffer = Self::take(len);
        buffer.as_mut_slice().fill(0.0);
        buffer
    }

    pub fn as_slice(&self) -> &[f32] {
        // SAFETY: `take` gave at least `len` floats, and all have a value.
        unsafe { std::slice::from_raw_parts(self.memory.data.as_ptr(), self.len) }
    }

    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        // SAFETY: as above, and borrowed alone.
        unsafe { std::slice::from_raw_parts_mut(self.memory.data.as_ptr(), self.len) }
    }

    /// For threads that write different parts of it.
    pub fn share(&mut self) -> Shared<'_> {
        Shared::new(self.as_mut_slice())
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let none = Memory::new(0);
        let too_much = store().give_back(std::mem::replace(&mut self.memory, none));
        // It goes back to the system without the lock.
        drop(too_much);
    }
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Buffer of {} floats", self.len)
    }
}

/// Floats that all have a value, at a cache line or at a huge page.
struct Memory {
    data: NonNull<f32>,
    layout: Layout,
}

// SAFETY: nobody else has the memory.
unsafe impl Send for Memory {}
// SAFETY: the same.
unsafe impl Sync for Memory {}

impl Memory {
    fn new(len: usize) -> Self {
        let lines = len.checked_next_multiple_of(LINE);
        let bytes = lines.and_then(|len| len.checked_mul(size_of::<f32>()));
        let align = match bytes {
            Some(..HUGE) => LINE * size_of::<f32>(),
            _ => HUGE,
        };
        let layout = bytes.and_then(|bytes| Layout::from_size_align(bytes, align).ok());
        let Some(layout) = layout else {
            panic!("a layer asks for a buffer of {len} floats, more than there are addresses for")
        };
        let bytes = layout.size();
        if bytes == 0 {
            let data = NonNull::dangling();
            return Self { data, layout };
        }
        // SAFETY: the size is not 0, and all of it is written before it is read.
        let data = unsafe {
            let data = alloc(layout).cast::<f32>();
            let Some(data) = NonNull::new(data) else {
                handle_alloc_error(layout);
            };
            #[cfg(all(target_os = "linux", not(miri)))]
            if align == HUGE {
                // A hint: where it is not followed, nothing is lost.
                libc::madvise(data.as_ptr().cast(), bytes, libc::MADV_HUGEPAGE);
            }
            data.write_bytes(0, bytes / size_of::<f32>());
            data
        };
        Self { data, layout }
    }

    fn len(&self) -> usize {
        self.layout.size() / size_of::<f32>()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if self.layout.size() > 0 {
            // SAFETY: it was allocated with this layout.
            unsafe { dealloc(self.data.as_ptr().cast(), self.layout) }
        }
    }
}

/// Memory that nobody uses at the moment, what was given back last at the end.
///
/// It keeps what was used at once during the last some hundred passes, and the rest goes back to the
/// system. After the last pass of all it keeps what that one used: nobody tells it that none follows.
struct Store {
    free: Vec<Memory>,
    /// Floats in `free`.
    free_len: usize,
    used_len: usize,
    /// The most that was used at once in this term.
    most_used: usize,
    /// And in the last one.
    most_before: usize,
    /// Buffers that were taken in this term.
    taken: usize,
}

/// Buffers after which a new term begins: a training step of one layer takes some 30.
const TERM: usize = 4_096;

fn store() -> MutexGuard<'static, Store> {
    static STORE: Mutex<Store> = Mutex::new(Store::new());
    // Nothing that holds the lock can panic halfway.
    STORE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    const fn new() -> Self {
        Self {
            free: Vec::new(),
            free_len: 0,
            used_len: 0,
            most_used: 0,
            most_before: 0,
            taken: 0,
        }
    }

    /// Memory for `len` floats, if there is some.
    fn take(&mut self, len: usize) -> Option<Memory> {
        let fits = |free: &Memory| free.len() >= len && free.len() <= 2 * len;
        let best = (0..self.free.len())
            .filter(|&index| fits(&self.free[index]))
            .min_by_key(|&index| self.free[index].len());
        let taken = self.free.swap_remove(best?);
        self.free_len -= taken.len();
        self.count(taken.len());
        Some(taken)
    }

    /// Counts memory that is used from now on.
    fn count(&mut self, len: usize) {
        self.taken += 1;
        if self.taken == TERM {
            self.taken = 0;
            self.most_before = self.most_used;
            self.most_used = self.used_len;
        }
        self.used_len += len;
        self.most_used = self.most_used.max(self.used_len);
    }

    /// Keeps memory for the next one who wants some; what is no longer kept for it.
    fn give_back(&mut self, memory: Memory) -> Vec<Memory> {
        self.used_len -= memory.len();
        self.free_len += memory.len();
        self.free.push(memory);
        let most = self.most_used.max(self.most_before);
        let mut too_many = 0;
        while self.free_len + self.used_len > most {
            self.free_len -= self.free[too_many].len();
            too_many += 1;
        }
        self.free.drain(..too_many).collect()
    }
}

/// Zeros; or floats that are all written before anybody reads them, without a value at first,
/// because writing them twice would take time.
pub(crate) struct Fresh {
    values: Vec<MaybeUninit<f32>>,
}

impl Fresh {
    pub fn zeros(len: usize) -> Self {
        // A vector of zeros comes from the system without being written.
        let values = ManuallyDrop::new(vec![0.0_f32; len]);
        let (data, len, capacity) = (values.as_ptr(), values.len(), values.capacity());
        // SAFETY: the same memory, of a type that asks for less.
        let values = unsafe { Vec::from_raw_parts(data.cast_mut().cast(), len, capacity) };
        Self { values }
    }

    pub fn unwritten(len: usize) -> Self {
        let mut values = Vec::with_capacity(len);
        values.resize_with(len, MaybeUninit::uninit);
        Self { values }
    }

    pub fn share(&mut self) -> Shared<'_> {
        Shared {
            data: self.values.as_mut_ptr().cast(),
            len: self.values.len(),
            of: PhantomData,
        }
    }

    /// # Safety
    ///
    /// Everything has been written.
    pub unsafe fn written(self) -> Vec<f32> {
        let values = ManuallyDrop::new(self.values);
        let (data, len, capacity) = (values.as_ptr(), values.len(), values.capacity());
        // SAFETY: the same memory, and all of it has a value.
        unsafe { Vec::from_raw_parts(data.cast_mut().cast(), len, capacity) }
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
    pub fn tail(&self, start: usize) -> (*const f32, usize) {
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

    fn take(store: &mut Store, len: usize) -> Memory {
        store.take(len).unwrap_or_else(|| {
            let memory = Memory::new(len);
            store.count(memory.len());
            memory
        })
    }

    #[test]
    fn what_was_given_back_is_used_again() {
        let mut store = Store::new();
        let first = take(&mut store, 160);
        let place = first.data;
        store.give_back(first);
        let second = take(&mut store, 100);
        assert_eq!(second.data, place);
        assert_eq!((store.free_len, store.used_len), (0, 160));
    }

    #[test]
    fn no_more_is_kept_than_was_used_at_once() {
        let mut store = Store::new();
        for len in [1 << 10, 3 << 10, 9 << 10] {
            let taken = take(&mut store, len);
            store.give_back(taken);
        }
        assert_eq!(store.free_len, 9 << 10);
    }

    #[test]
    fn what_nobody_has_wanted_for_long_goes_back() {
        let mut store = Store::new();
        let large = take(&mut store, 9 << 10);
        store.give_back(large);
        for _ in 0..2 * TERM {
            let small = take(&mut store, 16);
            store.give_back(small);
        }
        assert_eq!((store.free_len, store.used_len), (16, 0));
    }

    #[test]
    fn sizes_that_cannot_be_counted_are_named() {
        for ask in [
            (|| drop(Memory::new(usize::MAX))) as fn(),
            || drop(Memory::new(usize::MAX / 4)),
            || assert_eq!(floats(&[3, usize::MAX / 2]), 0),
        ] {
            let panic = std::panic::catch_unwind(ask).unwrap_err();
            let message = panic.downcast_ref::<String>().unwrap();
            assert!(message.contains("a layer asks for"), "{message}");
        }
    }

    #[test]
    fn buffers_begin_at_a_cache_line() {
        let large = if cfg!(miri) { 100 } else { HUGE };
        for len in [1, 16, 17, large] {
            let mut buffer = Buffer::zeros(len);
            assert_eq!(buffer.as_slice(), vec![0.0; len]);
            let start = buffer.as_mut_slice().as_ptr().addr();
            assert_eq!(start % 64, 0);
        }
    }
}
