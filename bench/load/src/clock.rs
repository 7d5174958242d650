//! Wall-clock time as the kernel stamps packets with it, and what a thread or process has used.

use std::time::Duration;

/// Nanoseconds since the Unix epoch, of the clock that `SO_TIMESTAMPNS` uses.
pub fn wall_nanoseconds() -> u64 {
    read(libc::CLOCK_REALTIME)
}

/// CPU time of this process, all threads, user and system.
pub fn process_time() -> Duration {
    Duration::from_nanos(read(libc::CLOCK_PROCESS_CPUTIME_ID))
}

/// CPU time of the calling thread, user and system.
pub fn thread_time() -> Duration {
    Duration::from_nanos(read(libc::CLOCK_THREAD_CPUTIME_ID))
}

fn read(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid timespec to write to; a clock that is always there cannot fail.
    unsafe { libc::clock_gettime(clock, &mut time) };
    nanoseconds(&time)
}

pub fn nanoseconds(time: &libc::timespec) -> u64 {
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
