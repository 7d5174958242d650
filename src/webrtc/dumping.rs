//! A session's dump file.

use std::sync::Arc;

use super::Session;
use super::error::SessionError;
use crate::control::event::Event;
use crate::peer::{Dumping, PeerEvent};

impl Session {
    /// Opens the dump file, if there is to be one. A call without its dump is better than none.
    pub(super) fn start_dump(&mut self) {
        let Some(path) = self.options.dump_file.as_deref() else { return };
        match Dumping::create(path) {
            Ok(dumping) => {
                let dumping = Arc::new(dumping);
                self.sending.set_observer(Some(dumping.clone()));
                self.dumping = Some(dumping);
            }
            Err(error) => {
                let error = SessionError::Dump { path: path.to_owned(), error }.into();
                let event = Event::TransportError { transport: self.id, error };
                self.events.push_back(PeerEvent::Event(event));
            }
        }
    }

    /// Tells once when the dump file cannot be written any more, such as a full disk.
    pub(super) fn poll_dump(&mut self) {
        let (Some(dumping), Some(path)) = (&self.dumping, &self.options.dump_file) else { return };
        if let Some(error) = dumping.take_error() {
            let error = SessionError::Dump { path: path.to_owned(), error }.into();
            self.dumping = None;
            self.sending.set_observer(None);
            let event = Event::TransportError { transport: self.id, error };
            self.events.push_back(PeerEvent::Event(event));
        }
    }
}
