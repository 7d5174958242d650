//! Telling apart what shares one port: STUN, DTLS, RTP and RTCP (RFC 7983, RFC 5761), and the
//! little of STUN that finds the session a packet belongs to. Nothing here verifies integrity:
//! the session that receives the packet does.

/// What a datagram is (RFC 7983).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Multiplexed {
    Stun,
    Dtls,
    Rtp,
    Rtcp,
    Unknown,
}

const STUN_HEADER: usize = 20;
const STUN_MAGIC_COOKIE: [u8; 4] = 0x2112_a442_u32.to_be_bytes();
/// RFC 8489 section 5: the two class bits of the message type.
const STUN_CLASS: u16 = 0x0110;
const STUN_SUCCESS: u16 = 0x0100;
const STUN_ERROR: u16 = 0x0110;
const STUN_BINDING_REQUEST: u16 = 0x0001;
const STUN_USERNAME: u16 = 0x0006;

const DTLS_RECORD_HEADER: usize = 13;
/// DTLS 1.3 (RFC 9147 section 4): the shortest unified header with one byte of ciphertext.
const DTLS13_RECORD: usize = 3;
const RTP_HEADER: usize = 12;
/// Header and sender SSRC.
const RTCP_HEADER: usize = 8;

/// What kind of packet this is, by its first two bytes (RFC 7983 section 7; RFC 5761 section 4
/// tells RTCP from RTP). `Unknown` covers everything too short to be what it says.
pub fn classify(bytes: &[u8]) -> Multiplexed {
    let Some(&first) = bytes.first() else { return Multiplexed::Unknown };
    match first {
        0..=3 if bytes.len() >= STUN_HEADER => Multiplexed::Stun,
        20..=31 if bytes.len() >= DTLS_RECORD_HEADER => Multiplexed::Dtls,
        32..=63 if bytes.len() >= DTLS13_RECORD => Multiplexed::Dtls,
        128..=191 => match bytes.get(1) {
            Some(192..=223) if bytes.len() >= RTCP_HEADER => Multiplexed::Rtcp,
            Some(192..=223) => Multiplexed::Unknown,
            Some(_) if bytes.len() >= RTP_HEADER => Multiplexed::Rtp,
            _ => Multiplexed::Unknown,
        },
        _ => Multiplexed::Unknown,
    }
}

/// Whether a DTLS record is of epoch 0, which nothing protects (RFC 6347 4.1, RFC 9147 4): those of
/// a handshake before its keys. DTLS 1.3 has shorter headers for all others.
pub fn is_dtls_plaintext(bytes: &[u8]) -> bool {
    matches!(bytes, [20..=31, _, _, 0, 0, ..])
}

/// For a STUN binding request: the part of USERNAME before the colon, which is the ICE username
/// fragment of whoever receives it (RFC 8445 section 7.2.2).
pub fn stun_local_ufrag(bytes: &[u8]) -> Option<&str> {
    if stun_type(bytes)? != STUN_BINDING_REQUEST {
        return None;
    }
    let length = usize::from(be16(bytes, 2)?);
    let mut attributes = bytes.get(STUN_HEADER..STUN_HEADER + length)?;
    loop {
        let kind = be16(attributes, 0)?;
        let length = usize::from(be16(attributes, 2)?);
        if kind == STUN_USERNAME {
            let username = std::str::from_utf8(attributes.get(4..4 + length)?).ok()?;
            return username.split_once(':').map(|(local, _)| local);
        }
        // Attributes are padded to four bytes (RFC 8489 section 14).
        attributes = attributes.get(4 + length.next_multiple_of(4)..)?;
    }
}

/// What an answer repeats of a request (RFC 8489 5).
pub type Transaction = [u8; 12];

/// Whether it is a binding request, ours when it leaves.
pub fn stun_is_request(bytes: &[u8]) -> bool {
    stun_type(bytes) == Some(STUN_BINDING_REQUEST)
}

/// The transaction of a binding request.
pub fn stun_request(bytes: &[u8]) -> Option<Transaction> {
    if stun_is_request(bytes) { transaction(bytes) } else { None }
}

/// The transaction of a response.
pub fn stun_response(bytes: &[u8]) -> Option<Transaction> {
    if stun_is_response(bytes) { transaction(bytes) } else { None }
}

fn transaction(bytes: &[u8]) -> Option<Transaction> {
    bytes.get(8..STUN_HEADER)?.try_into().ok()
}

/// Whether it is a success or error response, which answers a request of ours and so belongs to
/// a flow that is known.
pub fn stun_is_response(bytes: &[u8]) -> bool {
    stun_type(bytes).is_some_and(|kind| matches!(kind & STUN_CLASS, STUN_SUCCESS | STUN_ERROR))
}

/// The message type, when the header is one of STUN (RFC 8489 section 5) and of a method that
/// can share a port with DTLS (RFC 7983 section 7).
fn stun_type(bytes: &[u8]) -> Option<u16> {
    let kind = be16(bytes, 0)?;
    let is_stun = kind >> 10 == 0
        && bytes.len() >= STUN_HEADER
        && bytes[4..8] == STUN_MAGIC_COOKIE
        && bytes[3].is_multiple_of(4);
    is_stun.then_some(kind)
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    let field = bytes.get(at..at + 2)?;
    Some(u16::from_be_bytes([field[0], field[1]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stun(kind: u16, attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut body = Vec::new();
        for (kind, value) in attributes {
            body.extend(kind.to_be_bytes());
            body.extend((value.len() as u16).to_be_bytes());
            body.extend(*value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        let mut message = kind.to_be_bytes().to_vec();
        message.extend((body.len() as u16).to_be_bytes());
        message.extend(STUN_MAGIC_COOKIE);
        message.extend([7; 12]);
        message.extend(body);
        message
    }

    fn first_bytes(first: u8, second: u8) -> Vec<u8> {
        let mut bytes = vec![0; 40];
        bytes[0] = first;
        bytes[1] = second;
        bytes
    }

    #[test]
    fn classifies_by_the_ranges_of_rfc_7983() {
        for first in 0..=255 {
            let expected = match first {
                0..=3 => Multiplexed::Stun,
                20..=63 => Multiplexed::Dtls,
                128..=191 => Multiplexed::Rtp,
                _ => Multiplexed::Unknown,
            };
            assert_eq!(classify(&first_bytes(first, 96)), expected, "first byte {first}");
        }
    }

    #[test]
    fn what_is_not_classified_as_stun_is_no_stun_message() {
        for first in 0..=255 {
            let mut message = stun(0x0101, &[]);
            message[0] = first;
            if stun_is_request(&message) || stun_is_response(&message) {
                assert_eq!(classify(&message), Multiplexed::Stun, "first byte {first}");
            }
        }
    }

    #[test]
    fn tells_rtcp_from_rtp_by_the_packet_type_of_rfc_5761() {
        for second in 0..=255 {
            let expected = match second {
                192..=223 => Multiplexed::Rtcp,
                _ => Multiplexed::Rtp,
            };
            assert_eq!(classify(&first_bytes(0x80, second)), expected, "second byte {second}");
        }
    }

    #[test]
    fn what_is_too_short_is_unknown() {
        for first in 0..=255 {
            assert_eq!(classify(&[first]), Multiplexed::Unknown);
            assert_eq!(classify(&[first, 200]), Multiplexed::Unknown);
        }
        assert_eq!(classify(&[]), Multiplexed::Unknown);
    }

    #[test]
    fn records_of_a_handshake_before_its_keys_are_told_from_others() {
        assert!(is_dtls_plaintext(&[22, 254, 253, 0, 0, 0, 0]));
        assert!(!is_dtls_plaintext(&[22, 254, 253, 0, 1, 0, 0]), "epoch 1");
        assert!(!is_dtls_plaintext(&[23, 254, 253, 0, 1, 0, 0]));
        assert!(!is_dtls_plaintext(&[0x2f, 0, 0, 0, 0]), "the header of DTLS 1.3");
        assert!(!is_dtls_plaintext(&[22, 254, 253, 0]));
    }

    #[test]
    fn finds_the_local_ufrag_behind_other_attributes() {
        let request = stun(0x0001, &[(0x8022, b"odd"), (STUN_USERNAME, b"mine:theirs")]);
        assert_eq!(stun_local_ufrag(&request), Some("mine"));
    }

    #[test]
    fn has_no_ufrag_without_username_or_colon_or_when_not_a_request() {
        assert_eq!(stun_local_ufrag(&stun(0x0001, &[])), None);
        assert_eq!(stun_local_ufrag(&stun(0x0001, &[(STUN_USERNAME, b"mine")])), None);
        assert_eq!(stun_local_ufrag(&stun(0x0101, &[(STUN_USERNAME, b"mine:theirs")])), None);
        assert_eq!(stun_local_ufrag(&stun(0x0001, &[(STUN_USERNAME, &[0xff, b':'])])), None);
        let mut wrong_cookie = stun(0x0001, &[(STUN_USERNAME, b"mine:theirs")]);
        wrong_cookie[5] ^= 1;
        assert_eq!(stun_local_ufrag(&wrong_cookie), None);
    }

    #[test]
    fn knows_responses() {
        assert!(stun_is_response(&stun(0x0101, &[])));
        assert!(stun_is_response(&stun(0x0111, &[])));
        assert!(!stun_is_response(&stun(0x0001, &[])));
        assert!(!stun_is_response(&stun(0x0011, &[])), "indication");
        assert!(!stun_is_response(&[1, 1]));
    }

    #[test]
    fn survives_any_truncation_and_any_changed_byte() {
        let request = stun(0x0001, &[(0x8022, b"odd"), (STUN_USERNAME, b"mine:theirs")]);
        for end in 0..request.len() {
            assert_eq!(stun_local_ufrag(&request[..end]), None);
        }
        for at in 0..request.len() {
            for value in 0..=255 {
                let mut changed = request.clone();
                changed[at] = value;
                classify(&changed);
                stun_is_response(&changed);
                stun_local_ufrag(&changed);
            }
        }
    }
}
