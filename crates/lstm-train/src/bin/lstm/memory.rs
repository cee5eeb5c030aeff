//! What the program's memory does when nothing uses it.

/// Keeps freed memory for the next step of a training. The gradients of a large vocabulary are freed and asked
/// for again every step; given back to the system each time, they cost thousands of page faults. Where the
/// environment sets glibc's thresholds, those hold. There is one heap for all threads, as only that of the main thread heeds
/// them: those of other threads are given back piece by piece.
///
/// To be called before there is another thread.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
pub fn keep() {
    /// A weight of a large vocabulary is smaller.
    const LARGE: libc::c_int = 1 << 30;
    /// What glibc before 2.35 takes at most.
    const OLD_MOST: libc::c_int = 32 << 20;
    let names = ["MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"];
    if names.iter().any(|name| std::env::var_os(name).is_some()) {
        return;
    }
    // SAFETY: they set numbers of the allocator, and no other thread allocates yet.
    unsafe {
        let is_set = libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE) == 1
            || libc::mallopt(libc::M_MMAP_THRESHOLD, OLD_MOST) == 1;
        // Alone it would freeze the other at 128 KiB.
        if is_set {
            libc::mallopt(libc::M_TRIM_THRESHOLD, LARGE);
            libc::mallopt(libc::M_ARENA_MAX, 1);
        }
    }
}

/// Elsewhere the system's allocator decides.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn keep() {}
