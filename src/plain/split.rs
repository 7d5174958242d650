//! Compounds of RTCP that are about streams of several ports, taken apart: each port is an RTP session
//! of its own (RFC 3550 11), and nobody there knows of the streams of others.

use crate::codec::rtcp;

/// RFC 3550 12.1, RFC 4585 6.1, RFC 3611 2.
const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;
const TRANSPORT_FEEDBACK: u8 = 205;
const PAYLOAD_FEEDBACK: u8 = 206;
const EXTENDED_REPORT: u8 = 207;
/// Formats of payload feedback that name their streams in what follows (RFC 5104 4.3.1,
/// draft-alvestrand-rmcat-remb-03 2.2).
const FIR: u8 = 4;
const APPLICATION: u8 = 15;
const HEADER: usize = 4;
const REPORT_BLOCK: usize = 24;
/// Longer ones are not written anywhere.
const MAX_DESCRIPTION: usize = 300;

/// The part of a compound of our own that is for one port, if there is one. `is_there` says whether an
/// SSRC is of that port, ours or theirs; `cname` is what this side is called.
pub(super) fn part(
    compound: &[u8],
    cname: &str,
    mut is_there: impl FnMut(u32) -> bool,
) -> Option<Vec<u8>> {
    let mut part = Vec::with_capacity(compound.len());
    let (mut relevant, mut reported) = (false, None);
    let mut rest = compound;
    while let Some((packet, behind)) = next(rest) {
        rest = behind;
        let count = packet[0] & 0x1f;
        let ssrc = |at: usize| {
            let bytes = packet.get(at..)?.first_chunk()?;
            Some(u32::from_be_bytes(*bytes))
        };
        match packet[1] {
            SENDER_REPORT => {
                if let Some(own) = ssrc(HEADER).filter(|own| is_there(*own)) {
                    part.extend_from_slice(packet);
                    relevant = true;
                    describe(&mut part, &mut reported, cname);
                    reported = Some(own);
                }
            }
            RECEIVER_REPORT => {
                let blocks = packet.get(2 * HEADER..).unwrap_or_default();
                let mut about = |block: &[u8]| {
                    block.first_chunk().is_some_and(|ssrc| is_there(u32::from_be_bytes(*ssrc)))
                };
                let kept: Vec<&[u8]> =
                    blocks.chunks_exact(REPORT_BLOCK).filter(|block| about(block)).collect();
                relevant |= !kept.is_empty();
                let head = packet.get(HEADER..2 * HEADER).unwrap_or_default();
                write(&mut part, packet[1], kept.len(), &[head, &kept.concat()]);
            }
            // Of a report that is here, or of the one that reports on what is received.
            SOURCE_DESCRIPTION => {
                part.extend_from_slice(packet);
                reported = reported.filter(|reported| ssrc(HEADER) != Some(*reported));
            }
            EXTENDED_REPORT => part.extend_from_slice(packet),
            GOODBYE => {
                let all = packet.get(HEADER..HEADER + 4 * usize::from(count)).unwrap_or_default();
                let mut leaves = |ssrc: &[u8]| {
                    ssrc.first_chunk().is_some_and(|ssrc| is_there(u32::from_be_bytes(*ssrc)))
                };
                let kept: Vec<&[u8]> = all.chunks_exact(4).filter(|ssrc| leaves(ssrc)).collect();
                if !kept.is_empty() {
                    relevant = true;
                    write(&mut part, GOODBYE, kept.len(), &[&kept.concat()]);
                }
            }
            kind @ (TRANSPORT_FEEDBACK | PAYLOAD_FEEDBACK) => {
                let named = match (kind, count) {
                    (PAYLOAD_FEEDBACK, FIR) => ssrc(12),
                    (PAYLOAD_FEEDBACK, APPLICATION) => ssrc(20),
                    _ => ssrc(8),
                };
                if named.is_some_and(&mut is_there) {
                    part.extend_from_slice(packet);
                    relevant = true;
                }
            }
            _ => {}
        }
    }
    describe(&mut part, &mut reported, cname);
    relevant.then_some(part)
}

/// Says whom a reported stream belongs to, where nothing did yet: by that a receiver knows that it is
/// of the one whose other streams it gets (RFC 3550 6.5.1).
fn describe(part: &mut Vec<u8>, reported: &mut Option<u32>, cname: &str) {
    let Some(ssrc) = reported.take() else { return };
    let at = part.len();
    part.resize(at + MAX_DESCRIPTION, 0);
    let written = rtcp::write_source_description(&mut part[at..], ssrc, cname);
    part.truncate(at + written.unwrap_or(0));
}

/// The first packet of a compound, with its header, and what is behind it.
fn next(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let words = bytes.get(2..4)?.first_chunk()?;
    bytes.split_at_checked(HEADER + 4 * usize::from(u16::from_be_bytes(*words)))
}

fn write(part: &mut Vec<u8>, kind: u8, count: usize, body: &[&[u8]]) {
    let words = body.iter().map(|bytes| bytes.len()).sum::<usize>() / 4;
    part.extend([0x80 | count as u8, kind]);
    part.extend((words as u16).to_be_bytes());
    body.iter().for_each(|bytes| part.extend_from_slice(bytes));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::rtcp::{Packet, ReportBlock, packets};

    fn written(write: impl FnOnce(&mut [u8]) -> Option<usize>) -> Vec<u8> {
        let mut out = vec![0; 1000];
        let length = write(&mut out).unwrap();
        out.truncate(length);
        out
    }

    fn described(ssrc: u32) -> Vec<u8> {
        written(|out| rtcp::write_source_description(out, ssrc, "me"))
    }

    #[test]
    fn each_port_gets_the_blocks_of_its_streams() {
        let blocks = [7, 8, 9].map(|ssrc| ReportBlock { ssrc, ..Default::default() });
        let compound =
            [written(|out| rtcp::write_receiver_report(out, 1, &blocks)), described(1)].concat();
        let part = part(&compound, "me", |ssrc| ssrc == 8).unwrap();
        let packets: Vec<_> = packets(&part).collect();
        let [Packet::ReceiverReport { ssrc: 1, reports }, Packet::SourceDescription] = &packets[..]
        else {
            panic!("{packets:?}");
        };
        assert_eq!(reports.clone().map(|block| block.ssrc).collect::<Vec<_>>(), [8]);
    }

    #[test]
    fn a_port_that_nothing_is_about_gets_nothing() {
        let blocks = [ReportBlock { ssrc: 7, ..Default::default() }];
        let compound =
            [written(|out| rtcp::write_receiver_report(out, 1, &blocks)), described(1)].concat();
        assert_eq!(part(&compound, "me", |ssrc| ssrc == 8), None);
    }

    #[test]
    fn every_sender_report_says_whose_it_is() {
        let report = |ssrc| written(|out| rtcp::write_sender_report(out, ssrc, 1, 2, 3, 4, &[]));
        // As the sending half writes them: the first stream is described.
        let compound = [report(21), report(22), described(21)].concat();
        for own in [21, 22] {
            let part = part(&compound, "me", |ssrc| ssrc == own).unwrap();
            let description = described(own);
            assert!(part.windows(description.len()).any(|bytes| bytes == description), "{own}");
            let reports = packets(&part)
                .filter(|packet| matches!(packet, Packet::SenderReport { .. }))
                .count();
            assert_eq!(reports, 1);
        }
    }

    #[test]
    fn requests_and_goodbyes_go_where_their_streams_are() {
        let empty = written(|out| rtcp::write_receiver_report(out, 1, &[]));
        let pli = written(|out| rtcp::write_pli(out, 1, 7));
        let nack = written(|out| rtcp::write_nack(out, 1, 8, &[1, 2]));
        let fir = written(|out| rtcp::write_fir(out, 1, 7, 1));
        let bye = written(|out| rtcp::write_goodbye(out, &[21, 22]));
        let compound = [empty, described(1), pli, nack, fir, bye].concat();
        let kinds = |there: &[u32]| {
            let part = part(&compound, "me", |ssrc| there.contains(&ssrc)).unwrap();
            let kind = |packet| match packet {
                Packet::Pli { .. } => Some("pli"),
                Packet::Nack { .. } => Some("nack"),
                Packet::Fir { .. } => Some("fir"),
                Packet::Goodbye(ssrcs) => {
                    Some(if ssrcs.eq([22]) { "bye of 22" } else { "another bye" })
                }
                _ => None,
            };
            packets(&part).filter_map(kind).collect::<Vec<_>>()
        };
        assert_eq!(kinds(&[7]), ["pli", "fir"]);
        assert_eq!(kinds(&[8, 22]), ["nack", "bye of 22"]);
    }

    #[test]
    fn what_is_cut_short_ends_there() {
        assert_eq!(part(&[0x80, 201, 0, 9, 1, 2, 3, 4], "me", |_| true), None);
        assert_eq!(part(&[], "me", |_| true), None);
    }
}
