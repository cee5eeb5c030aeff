//! What the steps of a stream allocate.
#![allow(unsafe_code)] // an allocator that counts

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::tensor::Device;
use lstm_core::{LstmConfig, Stream};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the system's own.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: what the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, data: *mut u8, layout: Layout) {
        // SAFETY: what the caller promises.
        unsafe { System.dealloc(data, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Allocations of so many steps of a stream of one sequence, after as many.
fn of_steps(d_hidden: usize, steps: usize) -> usize {
    let x = vec![0.1; d_hidden];
    let mut stream = LstmConfig::new(d_hidden, d_hidden)
        .init(&Device::flex())
        .stream(1);
    let mut walk = || {
        for _ in 0..steps {
            stream.step(&x);
        }
    };
    walk();
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    walk();
    ALLOCATIONS.load(Ordering::Relaxed) - before
}

// One test, because it counts what the whole process allocates.
#[test]
fn a_step_allocates_nothing_but_to_ask_for_company() {
    assert_eq!(of_steps(16, 10_000), 0);
    // Company stays for 512 steps, or has come for nothing: then it is asked for less and less.
    let asked = of_steps(256, 10_000);
    assert!(asked < 1_000, "{asked}");
}
