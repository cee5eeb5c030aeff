//! Functions that threads call for which the compiler cannot see that the borrow lasts.

/// A borrowed function of `A`. Whoever hands it to other threads sees to it that none calls it when
/// the borrow is over.
pub(super) struct Borrowed<A> {
    function: *const (),
    /// Calls `function`.
    call: unsafe fn(*const (), A),
}

// SAFETY: the function is `Sync`, and whoever calls it promises that it is still borrowed.
unsafe impl<A> Send for Borrowed<A> {}
// SAFETY: the same.
unsafe impl<A> Sync for Borrowed<A> {}

impl<A> Clone for Borrowed<A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A> Copy for Borrowed<A> {}

impl<A> Borrowed<A> {
    pub fn new<F: Fn(A) + Sync>(function: &F) -> Self {
        Self {
            function: std::ptr::from_ref(function).cast(),
            call: call::<A, F>,
        }
    }

    /// # Safety
    ///
    /// The function is still borrowed.
    pub unsafe fn call(&self, argument: A) {
        // SAFETY: see above; it is of the type that `call` was made for.
        unsafe { (self.call)(self.function, argument) }
    }
}

/// # Safety
///
/// `function` points to an `F`.
unsafe fn call<A, F: Fn(A)>(function: *const (), argument: A) {
    // SAFETY: see above.
    unsafe { (*function.cast::<F>())(argument) }
}
