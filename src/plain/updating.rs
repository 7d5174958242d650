//! What is said anew of a transport that is there: the answer to an offer that named its ports, a call
//! that is put on hold or goes somewhere else.

use std::sync::Arc;
use std::time::Instant;

use super::Session;
use super::error::PlainError;
use super::order::Order;
use super::setup::Setup;
use crate::control::event::Event;
use crate::control::rtp::RtpOptions;
use crate::peer::PeerEvent;

impl Session {
    /// Takes formats, directions, addresses and keys anew. Lines, their ports and the SSRCs that are sent
    /// with stay as they are; so do keys that are the same, and what counts under them goes on.
    ///
    /// # Errors
    /// Other lines or ports than there are, and what [`Setup::new`] says; nothing changes then.
    pub fn update(&mut self, now: Instant, mut told: RtpOptions) -> Result<(), PlainError> {
        let checked = Setup::new(&told)?.media;
        let before = Arc::clone(&self.options);
        let shape = |options: &RtpOptions| -> Vec<_> {
            options.media.iter().map(|media| (media.kind, media.ports.len())).collect()
        };
        if shape(&told) != shape(&before) {
            return Err(PlainError::OtherLines);
        }
        for (place, checked) in checked.into_iter().enumerate() {
            let Some(line) = self.media.get_mut(place) else { continue };
            let (Some(media), Some(old)) = (told.media.get_mut(place), before.media.get(place))
            else {
                continue;
            };
            media.send_ssrc = old.send_ssrc;
            line.send = media.send;
            // Whoever was asked anew begins anew, perhaps under the SSRC of before.
            line.fitting.iter_mut().for_each(|fitting| fitting.order = Order::default());
            if line.declared != checked.declared {
                line.declared = checked.declared;
                // With the numbers that they gave: who gets the pictures knows no others.
                let sets = &line.declared.parameter_sets;
                line.fitting.iter_mut().for_each(|fitting| fitting.redeclare(sets));
            }
            let legs = self.legs.iter_mut().filter(|leg| leg.media == place);
            let given = media.ports.iter().zip(&old.ports).zip(checked.keys);
            for (leg, ((port, old), keys)) in legs.zip(given) {
                leg.update(old, port, keys);
            }
            let held = std::mem::replace(&mut line.receives, media.receive) && !media.receive;
            let id = line.incoming;
            if media.receive && id.is_none() {
                self.announce(place);
            } else if let Some(id) = id.filter(|_| held || media.receive != old.receive) {
                let event = Event::IncomingTrackMuted { id, muted: held };
                self.events.push_back(PeerEvent::Event(event));
                let held_back = held || self.receiving.is_withheld(id);
                self.events.push_back(PeerEvent::IncomingTrackHeldBack { id, held_back });
            }
        }
        told.cname.clone_from(&before.cname);
        told.report_ssrc = before.report_ssrc;
        told.mix_b_frames = before.mix_b_frames;
        told.dump_file.clone_from(&before.dump_file);
        self.options = Arc::new(told);
        self.configure();
        let tracks = self.media.iter().filter_map(|line| line.incoming);
        let changed = tracks.map(|id| PeerEvent::IncomingTrackChanged { id });
        self.events.extend(changed);
        self.reach(now);
        Ok(())
    }
}
