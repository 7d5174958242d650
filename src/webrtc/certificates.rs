//! The DTLS certificate that new transports of an endpoint get, renewed long before it expires.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::identity::Identity;

/// How long a certificate is given to new transports. It is valid for a year, and a transport keeps the
/// one it was made with, whose fingerprint its descriptions name: one made with the last of a
/// certificate's days has eleven months.
const RENEWED_AFTER: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// When to try again where none could be made.
const TRIED_AGAIN_AFTER: Duration = Duration::from_secs(60 * 60);

/// Shared by all that make transports.
pub struct Certificates {
    latest: Mutex<Latest>,
}

struct Latest {
    identity: Identity,
    /// When to make another one.
    renewal: Instant,
}

impl Certificates {
    /// Makes the first one.
    ///
    /// # Errors
    /// What [`Identity::generate`] says.
    pub fn generate(now: Instant) -> Result<Self, &'static str> {
        let latest = Latest { identity: Identity::generate()?, renewal: now + RENEWED_AFTER };
        Ok(Self { latest: Mutex::new(latest) })
    }

    /// What a transport that is made now gets.
    pub fn current(&self, now: Instant) -> Identity {
        self.current_or(now, Identity::generate)
    }

    fn current_or(
        &self,
        now: Instant,
        generate: impl FnOnce() -> Result<Identity, &'static str>,
    ) -> Identity {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if now >= latest.renewal {
            match generate() {
                Ok(identity) => {
                    *latest = Latest { identity, renewal: now + RENEWED_AFTER };
                    let fingerprint = latest.identity.fingerprint();
                    tracing::info!(fingerprint, "new transports get a new DTLS certificate");
                }
                Err(text) => {
                    latest.renewal = now + TRIED_AGAIN_AFTER;
                    tracing::warn!("the DTLS certificate was not renewed: {text}");
                }
            }
        }
        latest.identity.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    #[test]
    fn over_a_year_each_month_has_a_certificate_of_its_own() {
        let start = Instant::now();
        let certificates = Certificates::generate(start).unwrap();
        let mut seen = Vec::new();
        for day in 0..365 {
            let fingerprint = certificates.current(start + day * DAY).fingerprint().to_owned();
            if seen.last() != Some(&fingerprint) {
                assert!(!seen.contains(&fingerprint));
                seen.push(fingerprint);
            }
        }
        assert_eq!(seen.len(), 13);
    }

    #[test]
    fn one_that_cannot_be_renewed_is_used_on_and_tried_again_after_an_hour() {
        let start = Instant::now();
        let certificates = Certificates::generate(start).unwrap();
        let old = certificates.current(start).fingerprint().to_owned();
        let due = start + RENEWED_AFTER;
        let kept = certificates.current_or(due, || Err("no"));
        assert_eq!(kept.fingerprint(), old);
        let soon = due + TRIED_AGAIN_AFTER - Duration::from_millis(1);
        let kept = certificates.current_or(soon, || panic!("too early to try again"));
        assert_eq!(kept.fingerprint(), old);
        let renewed = certificates.current(due + TRIED_AGAIN_AFTER);
        assert_ne!(renewed.fingerprint(), old);
    }
}
