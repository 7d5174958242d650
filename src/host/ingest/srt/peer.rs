//! One who calls a server: his handshake until it is answered, then datagrams through the protocol into
//! his input.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::control::event::CloseReason;
use crate::control::ids::InputId;
use crate::control::ingest::LinkStats;
use crate::engine::ingest::InputError;
use crate::host::ingest::desk::HostInput;
use crate::host::ingest::service::End;
use crate::ingest::srt::{Connection, OpenedKeys, Request, SrtError};
use crate::ingest::ts::{Demuxer, Pacer, Unit};

/// How long the application has to say whether he may. Callers give up before that.
pub(super) const ANSWER_TIME: Duration = Duration::from_secs(10);
/// How long a refusal is repeated to who did not hear it.
pub(super) const GOODBYE_TIME: Duration = Duration::from_secs(3);
/// Who sends nothing but signs of life for so long is gone.
const IDLE_TIME: Duration = Duration::from_secs(30);

/// See the module.
pub(super) struct Peer {
    pub(super) remote: SocketAddr,
    /// His own socket.
    pub(super) socket: u32,
    pub(super) deadline: Instant,
    pub(super) state: State,
}

/// Where he stands.
pub(super) enum State {
    Asking(InputId, Box<(Request, OpenedKeys)>),
    Live(Box<Live>),
    /// He hears why not, whenever he asks again.
    Leaving(Vec<u8>),
}

/// Somebody whose stream is taken.
pub(super) struct Live {
    pub(super) id: InputId,
    pub(super) input: HostInput,
    connection: Connection,
    demuxer: Demuxer,
    sounds: Pacer,
    /// What the handshake was answered with: it is repeated to who did not hear it.
    answer: Vec<u8>,
}

impl Peer {
    /// The input that he is, or asks to be.
    pub(super) fn input_id(&self) -> Option<InputId> {
        match &self.state {
            State::Asking(id, _) => Some(*id),
            State::Live(live) => Some(live.id),
            State::Leaving(_) => None,
        }
    }

    /// What somebody is told whose handshake comes again.
    pub(super) fn repeat(&self) -> Option<&[u8]> {
        match &self.state {
            State::Asking(..) => None,
            State::Live(live) => Some(&live.answer),
            State::Leaving(answer) => Some(answer),
        }
    }
}

impl Live {
    pub(super) fn new(
        id: InputId,
        input: HostInput,
        connection: Connection,
        answer: Vec<u8>,
    ) -> Self {
        let (demuxer, sounds) = (Demuxer::default(), Pacer::default());
        Self { id, input, connection, demuxer, sounds, answer }
    }

    /// Goes on with another connection: its stream begins anew.
    pub(super) fn go_on(&mut self, connection: Connection) {
        self.connection = connection;
        (self.demuxer, self.sounds) = (Demuxer::default(), Pacer::default());
        self.input.begin_anew();
    }

    /// Takes a datagram of his.
    pub(super) fn receive(&mut self, now: Instant, datagram: &[u8]) -> Result<(), End> {
        self.connection.receive(now, datagram).map_err(end_of)
    }

    /// Hands in what is due, and sends what is to be sent. Says whether something was due.
    pub(super) fn run(&mut self, now: Instant, send: impl FnMut(&[u8])) -> Result<bool, End> {
        let Self { input, connection, demuxer, sounds, .. } = self;
        input.look(now);
        let mut due = false;
        while let Some(payload) = connection.poll(now) {
            due = true;
            demuxer.push(&payload, |unit| match unit {
                Unit::Video(time, frame) => input.video(now, time, &frame),
                Unit::Sound(time, sound) => sounds.push(now, time, &sound),
                Unit::Lost(kind, error) => input.lost(kind, error.into()),
                Unit::Refused(error) => input.warn(error.into()),
            });
        }
        sounds.poll(now, |time, sound| input.sound(now, time, sound));
        connection.transmit(now, send).map_err(end_of)?;
        Ok(due)
    }

    /// When he has to say something of his stream next.
    pub(super) fn idle_deadline(now: Instant) -> Instant {
        now + IDLE_TIME
    }

    /// When it is to be run again.
    pub(super) fn deadline(&self, now: Instant) -> Instant {
        let due = self.connection.deadline(now);
        self.sounds.deadline().map_or(due, |sound| due.min(sound))
    }

    /// The input, told what the link does.
    pub(super) fn told_input(&mut self) -> &mut HostInput {
        let stats = self.connection.stats();
        self.input.set_link(LinkStats {
            packets_received: stats.received,
            packets_lost: stats.lost,
            packets_recovered: stats.recovered,
            packets_dropped: stats.dropped,
            packets_undecrypted: stats.undecrypted,
            round_trip_time: stats.round_trip.as_secs_f64(),
            encrypted: self.connection.is_encrypted(),
        });
        &mut self.input
    }

    /// The last words.
    pub(super) fn shutdown(&self, now: Instant) -> Vec<u8> {
        self.connection.shutdown(now)
    }
}

fn end_of(error: SrtError) -> End {
    match error {
        SrtError::Shutdown => (CloseReason::Remote, None),
        SrtError::Timeout => (CloseReason::Timeout, None),
        error => (CloseReason::Error, Some(InputError::Srt(error))),
    }
}
