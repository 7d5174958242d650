//! Waiting for the sockets of one thread, and for whoever wakes it: one call to the kernel, and
//! nothing between what it says and the socket that it is about.

use std::io;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;

use mio::event::{Event, Source};
use mio::{Events, Interest, Poll, Registry, Token};

/// Events that one call gives at most; the others come with the next.
const EVENTS: usize = 256;

/// What became ready.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Key {
    /// Somebody woke the thread.
    Wake,
    /// A UDP socket, by its place.
    Udp(usize),
    /// A TCP socket that listens, by its place.
    Listener(usize),
    /// A TCP connection, by its number.
    Connection(usize),
}

/// What it is ready for. Told once, until what is there was taken.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Readiness {
    pub readable: bool,
    pub writable: bool,
    /// The peer sends no more, or it failed: what is left may be read.
    pub over: bool,
}

/// The kernel's list of what one thread waits for.
pub(crate) struct Poller {
    poll: Poll,
    events: Events,
    waker: Waker,
}

/// Ends a wait from any thread.
struct Alarm(mio::Waker);

/// Where sockets are put on the list of a [`Poller`]. They leave it when they close.
pub(crate) struct Watch(Registry);

impl Poller {
    /// Waits for nothing but its waker.
    pub fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let alarm = Alarm(mio::Waker::new(poll.registry(), Key::Wake.token())?);
        Ok(Self { poll, events: Events::with_capacity(EVENTS), waker: Arc::new(alarm).into() })
    }

    /// Whoever has it can wake the thread that waits, now or when it waits next.
    pub fn waker(&self) -> &Waker {
        &self.waker
    }

    /// For sockets that this waits for.
    pub fn watch(&self) -> io::Result<Watch> {
        self.poll.registry().try_clone().map(Watch)
    }

    /// Waits until something is ready, or for `timeout` at most; without one for as long as it
    /// takes. Hands everything that is ready to `each`.
    pub fn wait(
        &mut self,
        timeout: Option<Duration>,
        mut each: impl FnMut(Key, Readiness),
    ) -> io::Result<()> {
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        self.events.iter().for_each(|event| each(Key::of(event.token()), Readiness::of(event)));
        Ok(())
    }
}

impl Watch {
    /// Waits for something to read.
    pub fn for_reading(&self, source: &mut impl Source, key: Key) -> io::Result<()> {
        self.0.register(source, key.token(), Interest::READABLE)
    }

    /// Waits for something to read and for room to write.
    pub fn for_both(&self, source: &mut impl Source, key: Key) -> io::Result<()> {
        self.0.register(source, key.token(), Interest::READABLE | Interest::WRITABLE)
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Fails when the system is out of memory, and then there is nobody to tell.
        let _ = self.0.wake();
    }
}

impl Key {
    fn token(self) -> Token {
        let (kind, number) = match self {
            Key::Wake => (0, 0),
            Key::Udp(number) => (1, number),
            Key::Listener(number) => (2, number),
            Key::Connection(number) => (3, number),
        };
        Token(number << 2 | kind)
    }

    fn of(Token(token): Token) -> Self {
        let number = token >> 2;
        match token & 3 {
            0 => Key::Wake,
            1 => Key::Udp(number),
            2 => Key::Listener(number),
            _ => Key::Connection(number),
        }
    }
}

impl Readiness {
    fn of(event: &Event) -> Self {
        let over = event.is_read_closed() || event.is_error();
        Self { readable: event.is_readable() || over, writable: event.is_writable(), over }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_what_its_token_says() {
        for key in [Key::Wake, Key::Udp(0), Key::Udp(7), Key::Listener(3), Key::Connection(70_000)]
        {
            assert_eq!(Key::of(key.token()), key);
        }
    }

    #[test]
    fn a_thread_that_waits_can_be_woken_before_and_meanwhile() {
        let mut poller = Poller::new().unwrap();
        let woken = |poller: &mut Poller| {
            let mut keys = Vec::new();
            poller.wait(Some(Duration::from_secs(5)), |key, _| keys.push(key)).unwrap();
            keys
        };
        poller.waker().wake_by_ref();
        assert_eq!(woken(&mut poller), [Key::Wake]);
        let waker = poller.waker().clone();
        let thread = std::thread::spawn(move || waker.wake());
        assert_eq!(woken(&mut poller), [Key::Wake]);
        thread.join().unwrap();
    }

    #[test]
    fn without_anything_it_waits_no_longer_than_told() {
        let mut poller = Poller::new().unwrap();
        poller.wait(Some(Duration::from_millis(1)), |key, _| panic!("{key:?}")).unwrap();
    }
}
