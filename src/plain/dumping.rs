//! Writes the RTP and RTCP of a transport to its dump file, in the clear.

use std::sync::Arc;

use super::Session;
use super::error::PlainError;
use crate::control::event::Event;
use crate::control::flow::Flow;
use crate::peer::{Dumping, PeerEvent};

impl Session {
    /// Opens the dump file, if there is to be one. A call without its dump is better than none.
    pub(super) fn start_dump(&mut self) {
        let Some(path) = &self.options.dump_file else { return };
        match Dumping::create(path) {
            Ok(dumping) => {
                let dumping = Arc::new(dumping);
                self.sending.set_observer(Some(dumping.clone()));
                self.dumping = Some(dumping);
            }
            Err(error) => self.dump_failed(error),
        }
    }

    /// Tells once when the dump file cannot be written any more, such as a full disk.
    pub(super) fn poll_dump(&mut self) {
        let Some(error) = self.dumping.as_ref().and_then(|dumping| dumping.take_error()) else {
            return;
        };
        self.dumping = None;
        self.sending.set_observer(None);
        self.dump_failed(error);
    }

    fn dump_failed(&mut self, error: std::io::Error) {
        let Some(path) = self.options.dump_file.clone() else { return };
        let error = PlainError::Dump { path, error }.into();
        let event = Event::TransportError { transport: self.id, error };
        self.events.push_back(PeerEvent::Event(event));
    }

    /// A packet or compound of the far end, in the clear.
    pub(super) fn dump(&self, flow: &Flow, bytes: &[u8]) {
        if let Some(dumping) = &self.dumping {
            dumping.plain(true, flow, bytes);
        }
    }
}
