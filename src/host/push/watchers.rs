//! Those that one output goes to.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use zeroize::Zeroizing;

use crate::control::ingest::SendLinkStats;
use crate::engine::push::Payload;
use crate::ingest::srt::{
    Connection, Heard, KeyRefresh, Listener, Rejection, Request, SrtError, destination,
};
use crate::net::openings::Openings;
use crate::net::origins::origin;

/// One part in so many of those that there may be can be of one origin, so that others find room.
const ORIGIN_SHARE: usize = 4;

/// What those who call have to say.
pub(super) struct Door {
    listener: Listener,
    passphrase: Option<Zeroizing<String>>,
    /// Empty: any.
    stream_id: String,
    latency: Duration,
    max: usize,
    openings: Openings,
    refused: (u64, Option<Instant>),
}

/// See the module.
pub(super) struct Watchers {
    /// `None` where the other end was called, and is the only one.
    door: Option<Door>,
    refresh: KeyRefresh,
    /// By the socket that they were given.
    all: HashMap<u32, Watcher>,
    calls: HashMap<(SocketAddr, u32), u32>,
    /// Somebody came since it was asked.
    new: bool,
}

struct Watcher {
    remote: SocketAddr,
    /// Its own.
    socket: u32,
    connection: Connection,
    /// What its handshake was answered with.
    answer: Vec<u8>,
    /// It has something to begin with.
    began: bool,
}

impl Door {
    /// `None` when the system gives no randomness.
    pub(super) fn new(
        now: Instant,
        passphrase: Option<Zeroizing<String>>,
        stream_id: String,
        latency: Duration,
        max: usize,
    ) -> Option<Self> {
        let listener = Listener::new(now)?;
        let (openings, refused) = (Openings::new(now), (0, None));
        Some(Self { listener, passphrase, stream_id, latency, max, openings, refused })
    }

    /// One record a second and a count, whoever comes.
    fn refused(&mut self, now: Instant, reason: Rejection) -> Rejection {
        let (count, told) = &mut self.refused;
        *count += 1;
        if told.is_none_or(|told| now.saturating_duration_since(told) >= Duration::from_secs(1)) {
            tracing::info!(refused = *count, %reason, "watchers of an SRT output were refused");
            (*count, *told) = (0, Some(now));
        }
        reason
    }
}

impl Watchers {
    /// Each key of theirs is sent with for as long as `refresh` says.
    pub(super) fn new(door: Option<Door>, refresh: KeyRefresh) -> Self {
        Self { door, refresh, all: HashMap::new(), calls: HashMap::new(), new: false }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether somebody came since it was asked.
    pub(super) fn take_new(&mut self) -> bool {
        std::mem::take(&mut self.new)
    }

    /// Somebody who was called answered.
    pub(super) fn called(&mut self, socket: u32, remote: SocketAddr, mut connection: Connection) {
        connection.deafen();
        connection.set_key_refresh(self.refresh);
        let watcher = Watcher { remote, socket: 0, connection, answer: Vec::new(), began: false };
        self.all.insert(socket, watcher);
        self.new = true;
    }

    /// Takes a datagram.
    ///
    /// # Errors
    /// Why it is over with the only one there is.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        datagram: &[u8],
        socket: &UdpSocket,
    ) -> Result<(), SrtError> {
        let Some(to) = destination(datagram) else { return Ok(()) };
        if to == 0 {
            let heard = self.door.as_ref().map(|door| door.listener.hear(now, remote, datagram));
            match heard {
                Some(Heard::Answer(answer)) => drop(socket.send_to(&answer, remote)),
                Some(Heard::Call(request)) => self.call(now, *request, socket),
                Some(Heard::Nothing) | None => {}
            }
            return Ok(());
        }
        let known = self.all.get_mut(&to).filter(|watcher| watcher.remote == remote);
        let Some(watcher) = known else { return Ok(()) };
        match watcher.connection.receive(now, datagram) {
            Ok(()) => Ok(()),
            Err(error) => self.over(to, error),
        }
    }

    fn call(&mut self, now: Instant, request: Request, socket: &UdpSocket) {
        let remote = request.remote();
        let place = (remote, request.socket());
        if let Some(known) = self.calls.get(&place).and_then(|id| self.all.get(id)) {
            let _ = socket.send_to(&known.answer, remote);
            return;
        }
        let Some(door) = &mut self.door else { return };
        if !door.openings.admit(now, remote.ip()) {
            return;
        }
        let place_of = |remote: SocketAddr| origin(remote.ip());
        let neighbours =
            self.all.values().filter(|one| place_of(one.remote) == place_of(remote)).count();
        let full = self.all.len() >= door.max || neighbours >= (door.max / ORIGIN_SHARE).max(1);
        let known = door.stream_id.is_empty() || door.stream_id == request.stream_id();
        let opened = request.open(door.passphrase.as_deref().map(String::as_str));
        let keys = match opened {
            Ok(_) if full => Err(Rejection::BACKLOG),
            Ok(_) if !known => Err(Rejection::NOT_FOUND),
            opened => opened,
        };
        let keys = match keys {
            Ok(keys) => keys,
            Err(reason) => {
                let reason = door.refused(now, reason);
                let _ = socket.send_to(&request.refuse(reason), remote);
                return;
            }
        };
        let mut random = [0; 4];
        if aws_lc_rs::rand::fill(&mut random).is_err() {
            return;
        }
        let id = (u32::from_be_bytes(random) >> 1).max(1);
        // In two thousand million; it asks again.
        if self.all.contains_key(&id) {
            return;
        }
        let (mut connection, answer) = request.accept(now, id, door.latency, keys);
        connection.deafen();
        connection.set_key_refresh(self.refresh);
        let _ = socket.send_to(&answer, remote);
        self.calls.insert(place, id);
        self.all.insert(id, Watcher { remote, socket: place.1, connection, answer, began: false });
        self.new = true;
    }

    /// It is over with one.
    fn over(&mut self, id: u32, error: SrtError) -> Result<(), SrtError> {
        if let Some(watcher) = self.all.remove(&id) {
            self.calls.remove(&(watcher.remote, watcher.socket));
        }
        if self.door.is_some() { Ok(()) } else { Err(error) }
    }

    /// Sends a payload to all who have begun or can begin with it.
    pub(super) fn send(&mut self, now: Instant, payload: &Payload) {
        for watcher in self.all.values_mut() {
            watcher.began |= payload.begins;
            if watcher.began {
                watcher.connection.send(now, &payload.data);
            }
        }
    }

    /// Sends what is to be sent.
    ///
    /// # Errors
    /// Why it is over with the only one there is.
    pub(super) fn transmit(&mut self, now: Instant, socket: &UdpSocket) -> Result<(), SrtError> {
        let mut over = Vec::new();
        for (id, watcher) in &mut self.all {
            let remote = watcher.remote;
            // A socket that calls is connected.
            let calls = self.door.is_none();
            let sent = watcher.connection.transmit(now, |datagram| {
                // One that is not sent is one that was lost.
                let _ =
                    if calls { socket.send(datagram) } else { socket.send_to(datagram, remote) };
            });
            if let Err(error) = sent {
                over.push((*id, error));
            }
        }
        for (id, error) in over {
            self.over(id, error)?;
        }
        Ok(())
    }

    /// Says goodbye to all.
    pub(super) fn shutdown(&mut self, now: Instant, socket: &UdpSocket) {
        let calls = self.door.is_none();
        for watcher in self.all.values() {
            let goodbye = watcher.connection.shutdown(now);
            let _ = if calls {
                socket.send(&goodbye)
            } else {
                socket.send_to(&goodbye, watcher.remote)
            };
        }
        self.all.clear();
        self.calls.clear();
    }

    /// What all of them together took.
    pub(super) fn stats(&self) -> SendLinkStats {
        let mut sum = SendLinkStats { watchers: self.all.len(), ..SendLinkStats::default() };
        for watcher in self.all.values() {
            let stats = watcher.connection.stats();
            sum.packets_sent += stats.sent;
            sum.packets_sent_again += stats.sent_again;
            sum.packets_dropped += stats.send_dropped;
            sum.round_trip_time = sum.round_trip_time.max(stats.round_trip.as_secs_f64());
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::srt::{Caller, CallerOptions};

    const LATENCY: Duration = Duration::from_millis(120);

    /// Calls as somebody of this address does, up to where it is let in or not.
    fn call(watchers: &mut Watchers, now: Instant, remote: &str, socket: &UdpSocket) {
        let remote: SocketAddr = remote.parse().unwrap();
        let options =
            CallerOptions { stream_id: String::new(), passphrase: None, latency: LATENCY };
        let mut caller = Caller::new(now, remote, options).unwrap();
        let listener = &watchers.door.as_ref().unwrap().listener;
        let induction = caller.transmit(now).unwrap();
        let Heard::Answer(answer) = listener.hear(now, remote, &induction) else { panic!() };
        caller.receive(now, &answer).unwrap();
        let conclusion = caller.transmit(now).unwrap();
        let Heard::Call(request) = listener.hear(now, remote, &conclusion) else { panic!() };
        watchers.call(now, *request, socket);
    }

    #[test]
    fn one_address_has_a_quarter_of_the_places_and_others_find_room() {
        let socket = UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let now = Instant::now();
        let door = Door::new(now, None, String::new(), LATENCY, 8);
        let mut watchers = Watchers::new(door, KeyRefresh::default());
        for port in 9_001..9_006 {
            call(&mut watchers, now, &format!("127.0.0.1:{port}"), &socket);
        }
        assert_eq!(watchers.all.len(), 2);
        for last in 2..9 {
            call(&mut watchers, now, &format!("127.0.0.{last}:9000"), &socket);
        }
        assert_eq!(watchers.all.len(), 8, "and no more than there may be");
    }
}
