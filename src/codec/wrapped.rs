//! DTLS records inside a STUN indication that names the peer they are for.
//!
//! Where several transports run between the same two addresses, a datagram's address does not tell
//! whose it is. Checks carry a user name, SRTP has an SSRC and a tag, but the messages of several
//! DTLS handshakes look alike. So two endpoints of this engine put all records for each other into
//! binding indications (RFC 8489 5), which carry the user name that a check has (RFC 8445 7.2.2), and
//! the records in an attribute that others would pass over (RFC 8489 14). Nothing is authentic here:
//! DTLS sees to that.

use super::multiplex::{Multiplexed, classify};

/// RFC 8489 5, the class of an indication and the method of binding.
const BINDING_INDICATION: [u8; 2] = 0x0011_u16.to_be_bytes();
const MAGIC_COOKIE: [u8; 4] = 0x2112_a442_u32.to_be_bytes();
/// Nothing answers an indication, so none has to be told from another.
const TRANSACTION: [u8; 12] = [0; 12];
const HEADER: usize = 20;
const ATTRIBUTE_HEADER: usize = 4;
const USERNAME: [u8; 2] = 0x0006_u16.to_be_bytes();
/// Of our own making, in the range that may be passed over (RFC 8489 18.3).
const RECORDS: [u8; 2] = 0xcd4c_u16.to_be_bytes();

/// Writes `records` for the peer with the user name fragment `remote` into `out`, which is cleared
/// first. False when they are too long for a STUN message.
pub fn wrap(out: &mut Vec<u8>, remote: &str, local: &str, records: &[u8]) -> bool {
    out.clear();
    let user_name = remote.len() + 1 + local.len();
    let body =
        2 * ATTRIBUTE_HEADER + user_name.next_multiple_of(4) + records.len().next_multiple_of(4);
    let lengths = [body, user_name, records.len()].map(u16::try_from);
    let [Ok(body), Ok(user_name), Ok(length)] = lengths else { return false };
    out.extend(BINDING_INDICATION);
    out.extend(body.to_be_bytes());
    out.extend(MAGIC_COOKIE);
    out.extend(TRANSACTION);
    out.extend(USERNAME);
    out.extend(user_name.to_be_bytes());
    out.extend(remote.as_bytes());
    out.push(b':');
    out.extend(local.as_bytes());
    out.resize(out.len().next_multiple_of(4), 0);
    out.extend(RECORDS);
    out.extend(length.to_be_bytes());
    out.extend(records);
    out.resize(out.len().next_multiple_of(4), 0);
    true
}

/// What was wrapped: the user name fragment of the peer it is for, and the records. `None` for
/// everything else.
pub fn unwrap(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let header = bytes.get(..HEADER)?;
    if header[..2] != BINDING_INDICATION || header[4..8] != MAGIC_COOKIE {
        return None;
    }
    let (kind, user_name, rest) = attribute(bytes.get(HEADER..)?)?;
    if kind != USERNAME {
        return None;
    }
    let (kind, records, _) = attribute(rest)?;
    if kind != RECORDS || classify(records) != Multiplexed::Dtls {
        return None;
    }
    let (local, _) = std::str::from_utf8(user_name).ok()?.split_once(':')?;
    Some((local, records))
}

/// The type and value of the first attribute, and what comes after it and its padding.
fn attribute(bytes: &[u8]) -> Option<([u8; 2], &[u8], &[u8])> {
    let (&[a, b, c, d], rest) = bytes.split_first_chunk()?;
    let length = usize::from(u16::from_be_bytes([c, d]));
    let value = rest.get(..length)?;
    Some(([a, b], value, rest.get(length.next_multiple_of(4)..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::multiplex::{stun_is_request, stun_is_response, stun_local_ufrag};

    fn record(length: usize) -> Vec<u8> {
        let mut record = vec![7; length];
        record[0] = 22;
        record
    }

    fn wrapped(record: &[u8]) -> Vec<u8> {
        let mut out = vec![1, 2, 3];
        assert!(wrap(&mut out, "theirs", "mine", record));
        out
    }

    #[test]
    fn what_was_wrapped_comes_out_for_whom_it_is() {
        for length in [13, 14, 15, 16, 1400] {
            let bytes = wrapped(&record(length));
            assert_eq!(unwrap(&bytes), Some(("theirs", &record(length)[..])));
            assert_eq!(bytes.len() % 4, 0);
            assert_eq!(classify(&bytes), Multiplexed::Stun);
        }
    }

    #[test]
    fn it_is_neither_a_check_nor_an_answer_to_one() {
        let bytes = wrapped(&record(40));
        assert!(!stun_is_request(&bytes) && !stun_is_response(&bytes));
        assert_eq!(stun_local_ufrag(&bytes), None);
    }

    #[test]
    fn only_dtls_comes_out() {
        for first in (0..20).chain(64..=255) {
            let mut packet = record(40);
            packet[0] = first;
            assert_eq!(unwrap(&wrapped(&packet)), None, "first byte {first}");
        }
    }

    #[test]
    fn what_does_not_fit_is_not_wrapped() {
        assert!(!wrap(&mut Vec::new(), "theirs", "mine", &record(65_520)));
    }

    #[test]
    fn survives_any_truncation_and_any_changed_byte() {
        let bytes = wrapped(&record(40));
        for end in 0..bytes.len() {
            assert_eq!(unwrap(&bytes[..end]), None);
        }
        for at in 0..bytes.len() {
            for value in 0..=255 {
                let mut changed = bytes.clone();
                changed[at] = value;
                unwrap(&changed);
            }
        }
    }
}
