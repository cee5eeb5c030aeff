//! What the program's memory does when nothing uses it.

/// Keeps freed memory for the next step. The gradients of a large vocabulary are freed and asked for again
/// every step; given back to the system each time, they cost thousands of page faults.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
pub fn keep() {
    /// More than any tensor has.
    const NEVER: libc::c_int = 1 << 30;
    // SAFETY: they set numbers; a refusal changes nothing.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, NEVER);
        libc::mallopt(libc::M_TRIM_THRESHOLD, NEVER);
    }
}

/// Elsewhere the system's allocator decides.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn keep() {}
