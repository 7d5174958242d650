//! The RTCP packets (RFC 3550 6, RFC 4585 6) that the clients send and read.

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const TRANSPORT_FEEDBACK: u8 = 205;
const PAYLOAD_FEEDBACK: u8 = 206;

/// Formats of feedback packets (RFC 4585 6.2.1, 6.3.1, RFC 5104 4.3.1).
const NACK: u8 = 1;
const PICTURE_LOSS: u8 = 1;
const FULL_INTRA: u8 = 4;

const CNAME: u8 = 1;

/// What a peer asks for or tells that a client acts on.
#[derive(Debug, PartialEq)]
pub enum Message {
    /// NTP time in the middle 32 bits, as a report block answers it.
    SenderReport { ssrc: u32, time: u32 },
    /// Sequence numbers that are missing.
    Nack { ssrc: u32, sequences: Vec<u16> },
    /// Of the named stream.
    KeyframeRequest { ssrc: u32 },
}

/// What of a compound packet matters, in order.
pub fn read(mut compound: &[u8], mut each: impl FnMut(Message)) {
    while let [first, kind, high, low, ..] = *compound {
        let length = 4 * (usize::from(u16::from_be_bytes([high, low])) + 1);
        let Some(packet) = compound.get(..length) else { return };
        compound = &compound[length..];
        let word = |at: usize| Some(u32::from_be_bytes(*packet.get(at..)?.first_chunk()?));
        match (kind, first & 0x1f) {
            (SENDER_REPORT, _) => {
                if let (Some(ssrc), Some(high), Some(low)) = (word(4), word(8), word(12)) {
                    each(Message::SenderReport { ssrc, time: high << 16 | low >> 16 });
                }
            }
            (TRANSPORT_FEEDBACK, NACK) => {
                let Some(ssrc) = word(8) else { continue };
                let sequences = packet[12..].chunks_exact(4).flat_map(|entry| {
                    let first = u16::from_be_bytes([entry[0], entry[1]]);
                    let mask = u16::from_be_bytes([entry[2], entry[3]]);
                    let following = (0..16).filter(move |bit| mask >> bit & 1 == 1);
                    std::iter::once(first)
                        .chain(following.map(move |bit| first.wrapping_add(bit + 1)))
                });
                each(Message::Nack { ssrc, sequences: sequences.collect() });
            }
            (PAYLOAD_FEEDBACK, PICTURE_LOSS) => {
                if let Some(ssrc) = word(8) {
                    each(Message::KeyframeRequest { ssrc });
                }
            }
            (PAYLOAD_FEEDBACK, FULL_INTRA) => {
                for at in (12..packet.len()).step_by(8) {
                    if let Some(ssrc) = word(at) {
                        each(Message::KeyframeRequest { ssrc });
                    }
                }
            }
            _ => {}
        }
    }
}

/// Appends a packet, whose length is known when `body` has been written.
fn packet(out: &mut Vec<u8>, count: u8, kind: u8, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0x80 | count, kind, 0, 0]);
    body(out);
    out.resize(start + (out.len() - start).next_multiple_of(4), 0);
    let words = ((out.len() - start) / 4 - 1) as u16;
    out[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
}

/// What a receiver says of one stream (RFC 3550 6.4.1).
pub struct ReportBlock {
    pub ssrc: u32,
    pub fraction_lost: u8,
    pub packets_lost: u32,
    pub highest: u32,
    pub jitter: u32,
    pub last_sender_report: u32,
    pub delay: u32,
}

pub fn receiver_report(out: &mut Vec<u8>, from: u32, block: &ReportBlock) {
    packet(out, 1, RECEIVER_REPORT, |out| {
        out.extend_from_slice(&from.to_be_bytes());
        out.extend_from_slice(&block.ssrc.to_be_bytes());
        let lost = u32::from(block.fraction_lost) << 24 | block.packets_lost.min(0x7f_ffff);
        for word in [lost, block.highest, block.jitter, block.last_sender_report, block.delay] {
            out.extend_from_slice(&word.to_be_bytes());
        }
    });
}

/// How far a sender has come.
pub struct Progress {
    pub ssrc: u32,
    pub ntp: u64,
    pub timestamp: u32,
    pub packets: u32,
    pub octets: u32,
}

/// A sender report with the source description that has to go with it.
pub fn sender_report(out: &mut Vec<u8>, progress: &Progress, cname: &str) {
    packet(out, 0, SENDER_REPORT, |out| {
        out.extend_from_slice(&progress.ssrc.to_be_bytes());
        out.extend_from_slice(&progress.ntp.to_be_bytes());
        for word in [progress.timestamp, progress.packets, progress.octets] {
            out.extend_from_slice(&word.to_be_bytes());
        }
    });
    packet(out, 1, SOURCE_DESCRIPTION, |out| {
        out.extend_from_slice(&progress.ssrc.to_be_bytes());
        out.extend_from_slice(&[CNAME, cname.len() as u8]);
        out.extend_from_slice(cname.as_bytes());
        out.push(0);
    });
}

/// Asks for what is missing, in ascending order.
pub fn nack(out: &mut Vec<u8>, from: u32, ssrc: u32, sequences: &[u16]) {
    packet(out, NACK, TRANSPORT_FEEDBACK, |out| {
        out.extend_from_slice(&from.to_be_bytes());
        out.extend_from_slice(&ssrc.to_be_bytes());
        let mut rest = sequences;
        while let [first, following @ ..] = rest {
            let near = |sequence: &u16| (1..=16).contains(&sequence.wrapping_sub(*first));
            let count = following.iter().take_while(|sequence| near(sequence)).count();
            let mask = following[..count]
                .iter()
                .fold(0_u16, |mask, sequence| mask | 1 << (sequence.wrapping_sub(*first) - 1));
            out.extend_from_slice(&first.to_be_bytes());
            out.extend_from_slice(&mask.to_be_bytes());
            rest = &following[count..];
        }
    });
}

/// A transport-wide feedback packet around `body`, which begins after the two SSRCs.
pub fn transport_wide(out: &mut Vec<u8>, from: u32, ssrc: u32, body: &[u8]) {
    const FORMAT: u8 = 15;
    packet(out, FORMAT, TRANSPORT_FEEDBACK, |out| {
        out.extend_from_slice(&from.to_be_bytes());
        out.extend_from_slice(&ssrc.to_be_bytes());
        out.extend_from_slice(body);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(compound: &[u8]) -> Vec<Message> {
        let mut messages = Vec::new();
        read(compound, |message| messages.push(message));
        messages
    }

    #[test]
    fn a_nack_names_all_that_it_was_made_of() {
        let missing = vec![65_534, 65_535, 3, 14, 15, 200];
        let mut out = Vec::new();
        nack(&mut out, 1, 9, &missing);
        assert_eq!(messages(&out), [Message::Nack { ssrc: 9, sequences: missing }]);
    }

    #[test]
    fn a_sender_report_is_found_in_its_compound() {
        let progress =
            Progress { ssrc: 5, ntp: 0x1111_2222_3333_4444, timestamp: 1, packets: 2, octets: 3 };
        let mut out = Vec::new();
        sender_report(&mut out, &progress, "somebody");
        assert_eq!(out.len() % 4, 0);
        assert_eq!(messages(&out), [Message::SenderReport { ssrc: 5, time: 0x2222_3333 }]);
    }

    #[test]
    fn picture_loss_and_full_intra_requests_ask_for_a_keyframe() {
        let loss = [0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 7];
        let intra = [0x84, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 8, 1, 0, 0, 0];
        let both = [&loss[..], &intra].concat();
        let expected = [7, 8].map(|ssrc| Message::KeyframeRequest { ssrc });
        assert_eq!(messages(&both), expected);
        assert!(messages(&both[..10]).is_empty());
    }
}
