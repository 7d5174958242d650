//! How str0m is driven: after each change its output is taken until it has none.

use std::time::Instant;

use str0m::{Input, Output};

use super::Session;
use crate::control::event::CloseReason;

impl Session {
    /// Lets queued packets out. To be called once after everything of a burst was handed in.
    pub fn advance(&mut self, now: Instant) {
        if let Err(error) = self.rtc.handle_input(Input::Timeout(now)) {
            self.fail(&error);
        }
        self.drain(now);
    }

    /// Takes str0m's output until it has none, as every change to it demands.
    pub(super) fn drain(&mut self, now: Instant) {
        loop {
            self.poll(now);
            // Room in the association lets waiting messages in, which is a change again.
            if self.channels.is_empty() || !self.channels.flush(&mut self.rtc, &mut self.events) {
                break;
            }
        }
        if self.dtls.has_news() {
            self.on_dtls_news(now);
        }
        if !self.rtc.is_alive() {
            self.end(CloseReason::Remote);
        }
    }

    fn poll(&mut self, now: Instant) {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(at)) => {
                    self.rtc_timeout = at;
                    return;
                }
                Ok(Output::Transmit(transmit)) => {
                    let Some(transmit) = self.direct(now, transmit) else { continue };
                    self.transmits.push_back(transmit);
                }
                Ok(Output::Event(event)) => self.on_rtc_event(now, event),
                Err(error) => {
                    self.fail(&error);
                    return;
                }
            }
        }
    }
}
