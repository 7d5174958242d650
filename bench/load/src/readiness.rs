//! Which of many sockets can be read (epoll, level-triggered).

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

pub struct Readiness {
    epoll: OwnedFd,
    events: Vec<libc::epoll_event>,
}

impl Readiness {
    pub fn new() -> io::Result<Readiness> {
        // SAFETY: no pointers; the result is checked before it is owned.
        let epoll = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if epoll < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: just made, owned by nobody else.
        let epoll = unsafe { OwnedFd::from_raw_fd(epoll) };
        Ok(Readiness { epoll, events: vec![libc::epoll_event { events: 0, u64: 0 }; 1024] })
    }

    pub fn watch(&self, descriptor: i32, token: u64) -> io::Result<()> {
        let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: token };
        // SAFETY: `event` lives through the call.
        let result = unsafe {
            libc::epoll_ctl(self.epoll.as_raw_fd(), libc::EPOLL_CTL_ADD, descriptor, &mut event)
        };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// Tokens of what can be read, as soon as there is something or `timeout` has passed.
    pub fn wait(&mut self, timeout: Duration, ready: &mut Vec<u64>) {
        ready.clear();
        let milliseconds = timeout.as_nanos().div_ceil(1_000_000).min(1000) as i32;
        // SAFETY: the kernel writes at most as many events as the vector holds.
        let count = unsafe {
            libc::epoll_wait(
                self.epoll.as_raw_fd(),
                self.events.as_mut_ptr(),
                self.events.len() as i32,
                milliseconds,
            )
        };
        ready.extend(self.events.iter().take(count.max(0) as usize).map(|event| event.u64));
    }
}
