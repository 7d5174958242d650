//! What a DTLS datagram shows of itself without keys (RFC 6347 4.1, RFC 9147 4).

const RECORD_HEADER: usize = 13;
const HANDSHAKE_HEADER: usize = 12;
const HANDSHAKE: u8 = 22;
const ALERT: u8 = 21;
const CLIENT_HELLO: u8 = 1;

/// The random of a ClientHello, which tells handshakes apart.
pub(super) type Random = [u8; 32];

/// What a datagram begins with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum Leading {
    /// A ClientHello, or its first fragment.
    ClientHello(Random),
    /// An alert that nothing authenticates.
    PlaintextAlert,
    /// Another record of epoch 0.
    Plaintext,
    /// A record that is protected by keys.
    Protected,
}

/// Classifies a datagram by its first record.
pub(in super::super) fn leading(datagram: &[u8]) -> Leading {
    let Some(header) = datagram.get(..RECORD_HEADER) else { return Leading::Protected };
    // DTLS 1.3 gives protected records a header of their own, which says nothing of epoch 0.
    if header[0] >= 32 || header[3..5] != [0, 0] {
        return Leading::Protected;
    }
    match header[0] {
        ALERT => Leading::PlaintextAlert,
        HANDSHAKE => client_hello(&datagram[RECORD_HEADER..])
            .map_or(Leading::Plaintext, Leading::ClientHello),
        _ => Leading::Plaintext,
    }
}

fn client_hello(handshake: &[u8]) -> Option<Random> {
    let (header, body) = handshake.split_at_checked(HANDSHAKE_HEADER)?;
    let from_the_start = header[6..9] == [0, 0, 0];
    if header[0] != CLIENT_HELLO || !from_the_start {
        return None;
    }
    // Behind the version.
    body.get(2..34)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, epoch: u8, body: &[u8]) -> Vec<u8> {
        let mut record = vec![kind, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 0, 0, body.len() as u8];
        record.extend(body);
        record
    }

    fn hello(offset: u8) -> Vec<u8> {
        let mut hello = vec![CLIENT_HELLO, 0, 0, 34, 0, 0, 0, 0, offset, 0, 0, 34, 0xfe, 0xfd];
        hello.extend([7; 32]);
        hello
    }

    #[test]
    fn a_client_hello_is_known_by_its_random() {
        assert_eq!(leading(&record(22, 0, &hello(0))), Leading::ClientHello([7; 32]));
    }

    #[test]
    fn a_later_fragment_and_an_encrypted_hello_are_none() {
        assert_eq!(leading(&record(22, 0, &hello(9))), Leading::Plaintext);
        assert_eq!(leading(&record(22, 1, &hello(0))), Leading::Protected);
    }

    #[test]
    fn only_alerts_of_epoch_zero_are_plaintext() {
        assert_eq!(leading(&record(21, 0, &[2, 40])), Leading::PlaintextAlert);
        assert_eq!(leading(&record(21, 1, &[2, 40])), Leading::Protected);
    }

    #[test]
    fn every_length_of_a_datagram_can_be_read() {
        let whole = record(22, 0, &hello(0));
        for length in 0..whole.len() {
            assert!(!matches!(leading(&whole[..length]), Leading::ClientHello(_)), "{length}");
        }
    }
}
