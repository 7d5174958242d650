//! A whole receiving side on fake time, with a peer that seals what it sends.

use std::time::{Duration, Instant};

use super::line::{AnnouncedSource, ReceiveLine};
use super::testing::{header, line, track};
use super::{DropReason, DroppedPackets, Received, Receiving};
use crate::codec::Kind;
use crate::codec::names::Rid;
use crate::codec::rtcp::{self, Packet, packets};
use crate::sfu::SourcePacket;
use crate::srtp::{KeyingMaterial, Profile, Sealer};

const MS: Duration = Duration::from_millis(1);
const MID: u8 = 4;
const RID: u8 = 10;
const REPAIRED_RID: u8 = 11;
/// VP8: the start of a partition of a frame between keyframes.
const PICTURE: [u8; 4] = [0x10, 0x01, 0, 0];

struct Peer {
    sealer: Sealer,
    receiving: Receiving,
    now: Instant,
    plain: Vec<u8>,
}

fn peer(lines: Vec<ReceiveLine>) -> Peer {
    let profile = Profile::AeadAes128Gcm;
    let bytes: Vec<u8> = (0..2 * (profile.key_len() + profile.salt_len()) as u8).collect();
    let material = KeyingMaterial::new(profile, &bytes).unwrap();
    let now = Instant::now();
    let mut receiving = Receiving::new(now, 0xaaaa_aaaa, "engine");
    receiving.set_keys(&material, false);
    receiving.configure(lines);
    let sealer = Sealer::new(&material, true).unwrap();
    Peer { sealer, receiving, now, plain: Vec::new() }
}

impl Peer {
    fn seal(
        &self,
        ssrc: u32,
        pt: u8,
        index: u64,
        elements: &[(u8, &[u8])],
        data: &[u8],
    ) -> Vec<u8> {
        let mut packet = header(ssrc, pt, index as u16, index as u32 * 3000, elements);
        let length = packet.len();
        packet.resize(length + data.len() + 16, 0);
        let length = self.sealer.seal_rtp(&mut packet, length, ssrc, index, &[], data, 0).unwrap();
        packet.truncate(length);
        packet
    }

    fn take(&mut self, datagram: &[u8]) -> Result<(), DropReason> {
        self.receiving.rtp(self.now, datagram, &mut self.plain)
    }

    fn send(
        &mut self,
        ssrc: u32,
        pt: u8,
        index: u64,
        elements: &[(u8, &[u8])],
    ) -> Result<(), DropReason> {
        let packet = self.seal(ssrc, pt, index, elements, &PICTURE);
        self.take(&packet)
    }

    /// A retransmission of the packet `original`.
    fn repeat(&mut self, ssrc: u32, index: u64, original: u16, elements: &[(u8, &[u8])]) {
        let data = [&original.to_be_bytes()[..], &PICTURE].concat();
        let packet = self.seal(ssrc, 97, index, elements, &data);
        self.take(&packet).unwrap();
    }

    fn packets(&mut self) -> Vec<SourcePacket> {
        let events = std::iter::from_fn(|| self.receiving.next_event());
        let packet = |event| match event {
            Received::Packet(packet) => Some((*packet).clone()),
            _ => None,
        };
        events.filter_map(packet).collect()
    }

    fn poll(&mut self) -> Vec<Vec<u8>> {
        let mut compounds = Vec::new();
        self.receiving.poll(self.now, |compound| compounds.push(compound));
        compounds
    }

    /// What is asked for again, of each stream.
    fn nacked(&mut self) -> Vec<(u32, Vec<u16>)> {
        let nacked = |compound: Vec<u8>| match packets(&compound).next() {
            Some(Packet::Nack { media, lost, .. }) => Some((media, lost.collect())),
            _ => None,
        };
        self.poll().into_iter().filter_map(nacked).collect()
    }
}

fn sources(announced: &[AnnouncedSource]) -> ReceiveLine {
    ReceiveLine { sources: announced.to_vec(), ..line("1", Kind::Video) }
}

fn source(ssrc: u32, rtx: Option<u32>, place: Option<u8>) -> AnnouncedSource {
    AnnouncedSource { ssrc, rtx, place, track: 0 }
}

fn both() -> Vec<ReceiveLine> {
    vec![line("0", Kind::Audio), line("1", Kind::Video)]
}

#[test]
fn a_packet_comes_out_as_it_was_sent() {
    let mut peer = peer(both());
    let packet = peer.seal(7, 96, 500, &[(MID, b"1")], &PICTURE);
    peer.take(&packet).unwrap();
    let packets = peer.packets();
    assert_eq!(packets.len(), 1);
    let packet = &packets[0];
    assert_eq!((packet.track, packet.ssrc, packet.sequence), (track(&both()[1]), 7, 500));
    assert_eq!((&packet.payload[..], packet.source_pt), (&PICTURE[..], 96));
}

#[test]
fn a_forged_packet_changes_nothing() {
    let mut peer = peer(both());
    let mut forged = peer.seal(7, 96, 500, &[(MID, b"1")], &PICTURE);
    let last = forged.len() - 1;
    forged[last] ^= 1;
    assert_eq!(peer.take(&forged), Err(DropReason::Unauthenticated));
    assert!(peer.receiving.streams.is_empty() && peer.receiving.next_event().is_none());
    assert_eq!(peer.receiving.next(), None);
    // Not even of a stream that is known: its numbers stay where they were.
    peer.send(7, 96, 500, &[(MID, b"1")]).unwrap();
    let mut forged = peer.seal(7, 96, 30_000, &[(MID, b"0")], &PICTURE);
    forged[last] ^= 1;
    assert_eq!(peer.take(&forged), Err(DropReason::Unauthenticated));
    assert!(peer.receiving.newest().eq([(7, 500)]));
    peer.send(7, 96, 501, &[]).unwrap();
    assert_eq!(peer.packets().len(), 2);
}

#[test]
fn a_replay_is_counted_and_goes_no_further() {
    let mut peer = peer(both());
    peer.send(7, 96, 500, &[(MID, b"1")]).unwrap();
    assert_eq!(peer.send(7, 96, 500, &[(MID, b"1")]), Err(DropReason::Replayed));
    assert_eq!(peer.packets().len(), 1);
    assert_eq!(peer.receiving.drops(), DroppedPackets { replayed: 1, ..DroppedPackets::default() });
}

#[test]
fn without_mid_and_announcement_the_payload_type_tells() {
    let mut peer = peer(both());
    peer.send(7, 96, 500, &[]).unwrap();
    assert_eq!(peer.packets()[0].track, track(&both()[1]));
}

#[test]
fn an_ssrc_that_changes_is_followed_and_the_old_one_is_not_mixed_in() {
    let mut peer = peer(both());
    peer.send(7, 96, 500, &[]).unwrap();
    peer.send(8, 96, 9000, &[]).unwrap();
    assert_eq!(peer.send(7, 96, 501, &[]), Err(DropReason::Superseded));
    peer.send(8, 96, 9001, &[]).unwrap();
    let ssrcs: Vec<u32> = peer.packets().iter().map(|packet| packet.ssrc).collect();
    assert_eq!(ssrcs, [7, 8, 8]);
    // The newer one stops: the old one has it again.
    peer.now += MS * 2000;
    peer.send(7, 96, 502, &[]).unwrap();
    assert_eq!(peer.packets()[0].ssrc, 7);
}

#[test]
fn a_stream_that_names_another_line_goes_there() {
    let mut peer = peer(vec![line("1", Kind::Video), line("2", Kind::Video)]);
    peer.send(7, 96, 500, &[(MID, b"1")]).unwrap();
    peer.send(7, 96, 501, &[(MID, b"2")]).unwrap();
    peer.send(7, 96, 502, &[]).unwrap();
    let tracks: Vec<u64> = peer.packets().iter().map(|packet| packet.track.0).collect();
    assert_eq!(tracks, [101, 102, 102]);
}

#[test]
fn simulcast_by_rid_has_an_encoding_for_each() {
    let mut video = line("1", Kind::Video);
    video.rids = vec![Rid::from("q"), Rid::from("f")];
    let mut peer = peer(vec![video]);
    peer.send(7, 96, 1, &[(MID, b"1"), (RID, b"q")]).unwrap();
    peer.send(8, 96, 1, &[(MID, b"1"), (RID, b"f")]).unwrap();
    peer.send(7, 96, 2, &[]).unwrap();
    let encodings: Vec<u8> = peer.packets().iter().map(|packet| packet.encoding.0).collect();
    assert_eq!(encodings, [0, 1, 0]);
    assert_eq!(peer.send(9, 96, 1, &[(MID, b"1")]), Err(DropReason::NoLine), "of which one?");
}

#[test]
fn simulcast_by_ssrc_group_is_encodings_in_that_order() {
    let announced = [source(7, None, Some(0)), source(8, None, Some(1)), source(9, None, Some(2))];
    let mut peer = peer(vec![sources(&announced)]);
    peer.send(9, 96, 1, &[]).unwrap();
    peer.send(7, 96, 1, &[]).unwrap();
    peer.send(8, 96, 1, &[]).unwrap();
    assert_eq!(peer.packets().len(), 3);
    let description = peer.receiving.describe(track(&line("1", Kind::Video))).unwrap();
    let ranks: Vec<_> = description.encodings.iter().map(|e| (e.ssrc, e.rank)).collect();
    assert_eq!(ranks, [(9, 3), (7, 1), (8, 2)]);
}

#[test]
fn two_tracks_of_one_line_are_two_tracks() {
    let mut plan_b = sources(&[source(7, None, None), source(8, None, None)]);
    plan_b.sources[1].track = 1;
    let mut second = plan_b.tracks[0].clone();
    second.id.0 += 1000;
    plan_b.tracks.push(second);
    let mut peer = peer(vec![plan_b]);
    peer.send(7, 96, 1, &[]).unwrap();
    peer.send(8, 96, 1, &[]).unwrap();
    assert_eq!(peer.send(9, 96, 1, &[]), Err(DropReason::NoLine));
    let tracks: Vec<u64> = peer.packets().iter().map(|packet| packet.track.0).collect();
    assert_eq!(tracks, [101, 1101]);
}

#[test]
fn ssrcs_are_bounded_and_the_oldest_silent_one_gives_way() {
    let mut peer = peer(both());
    for ssrc in 0..300_u32 {
        let _ = peer.send(ssrc, 96, 1, &[]);
    }
    assert_eq!(peer.receiving.streams.len(), 256);
    assert_eq!(peer.receiving.drops().too_many_sources, 44);
    peer.now += MS * 2000;
    peer.send(1000, 96, 1, &[]).unwrap();
    assert_eq!(peer.receiving.streams.len(), 256);
    assert!(peer.receiving.stream(0).is_none() && peer.receiving.stream(1000).is_some());
}

#[test]
fn what_is_missing_is_asked_for_and_put_back() {
    let mut peer = peer(vec![sources(&[source(7, Some(17), None)])]);
    peer.send(7, 96, 500, &[]).unwrap();
    peer.send(7, 96, 503, &[]).unwrap();
    assert_eq!(peer.nacked(), [(7, vec![501, 502])]);
    peer.packets();
    peer.repeat(17, 1, 502, &[]);
    peer.repeat(17, 2, 502, &[]);
    let packets = peer.packets();
    assert_eq!(packets.len(), 1, "it came once");
    let packet = &packets[0];
    assert_eq!((packet.ssrc, packet.sequence, packet.source_pt), (7, 502, 96));
    assert_eq!(&packet.payload[..], PICTURE);
    peer.now += MS * 100;
    assert_eq!(peer.nacked(), [(7, vec![501])]);
}

#[test]
fn a_retransmission_stream_that_nobody_announced_is_found_by_what_it_names() {
    let mut video = line("1", Kind::Video);
    video.rids = vec![Rid::from("q"), Rid::from("f")];
    let mut peer = peer(vec![video]);
    peer.send(7, 96, 10, &[(MID, b"1"), (RID, b"q")]).unwrap();
    peer.send(8, 96, 10, &[(MID, b"1"), (RID, b"f")]).unwrap();
    peer.send(8, 96, 12, &[]).unwrap();
    peer.packets();
    peer.repeat(18, 1, 11, &[(MID, b"1"), (REPAIRED_RID, b"f")]);
    assert_eq!(peer.packets()[0].ssrc, 8);
}

#[test]
fn a_repetition_from_before_the_stream_or_of_padding_changes_nothing() {
    let mut peer = peer(vec![sources(&[source(7, Some(17), None)])]);
    peer.send(7, 96, 500, &[]).unwrap();
    peer.packets();
    peer.repeat(17, 1, 499, &[]);
    peer.repeat(17, 2, 65_000, &[]);
    let padding = peer.seal(17, 97, 3, &[], &501_u16.to_be_bytes());
    peer.take(&padding).unwrap();
    assert!(peer.packets().is_empty());
    peer.send(7, 96, 501, &[]).unwrap();
    assert_eq!(peer.packets().len(), 1);
    let stats = peer.receiving.stats(peer.now);
    assert_eq!(stats[0].encodings[0].packets_lost, 0);
}

#[test]
fn given_up_packets_of_a_picture_become_one_request_for_a_keyframe() {
    let mut peer = peer(both());
    peer.send(7, 96, 500, &[]).unwrap();
    peer.send(7, 96, 30_000, &[]).unwrap();
    let all: Vec<Vec<u8>> = (0..3).flat_map(|_| peer.poll()).collect();
    let plis =
        all.iter().filter(|c| matches!(packets(c).next(), Some(Packet::Pli { media: 7, .. })));
    assert_eq!(plis.count(), 1);
}

#[test]
fn keyframes_are_asked_for_by_pli_at_most_every_half_second() {
    let mut peer = peer(both());
    peer.send(7, 96, 500, &[]).unwrap();
    let id = track(&both()[1]);
    let mut plis = 0;
    for _ in 0..20 {
        peer.receiving.request_keyframe_by_rid(peer.now, id, None);
        let compounds = peer.poll();
        plis += compounds
            .iter()
            .filter(|c| packets(c).any(|p| matches!(p, Packet::Pli { media: 7, .. })))
            .count();
        peer.now += MS * 50;
    }
    assert_eq!(plis, 2);
    assert_eq!(peer.receiving.stats(peer.now)[1].encodings[0].pli_count, 2);
}

#[test]
fn who_has_no_pli_is_asked_by_fir() {
    let mut video = line("1", Kind::Video);
    (video.feedback.pli, video.feedback.fir) = (false, true);
    let mut peer = peer(vec![video]);
    peer.send(7, 96, 500, &[]).unwrap();
    peer.receiving.request_keyframe_by_rid(peer.now, track(&line("1", Kind::Video)), None);
    let compounds = peer.poll();
    let Some(Packet::Fir { entries, .. }) = packets(&compounds[0]).next() else { panic!() };
    assert!(entries.eq([(7, 1)]));
}

#[test]
fn receiver_reports_have_an_ssrc_of_their_own_and_tell_of_every_stream() {
    let mut peer = peer(both());
    peer.send(7, 96, 500, &[]).unwrap();
    peer.send(9, 111, 500, &[]).unwrap();
    peer.now += MS * 500;
    let compounds = peer.poll();
    let Some(Packet::ReceiverReport { ssrc, reports }) = packets(&compounds[0]).next() else {
        panic!("{compounds:?}");
    };
    assert_eq!(ssrc, 0xaaaa_aaaa);
    assert!(reports.map(|block| block.ssrc).eq([7, 9]));
}

#[test]
fn a_peer_that_falls_silent_costs_nothing() {
    let mut peer = peer(both());
    peer.send(7, 96, 500, &[(MID, b"1"), (3, &[0, 1])]).unwrap();
    assert!(peer.receiving.is_active());
    let mut wakes = 0;
    while let Some(at) = peer.receiving.next() {
        peer.now = at;
        peer.poll();
        wakes += 1;
    }
    assert!(wakes <= 5, "{wakes} wakes");
    assert!(!peer.receiving.is_active());
    let gone = std::iter::from_fn(|| peer.receiving.next_event())
        .any(|event| matches!(event, Received::Encoding { encoding, .. } if !encoding.active));
    assert!(gone);
}

#[test]
fn transport_feedback_tells_of_every_authentic_packet() {
    let mut peer = peer(both());
    peer.send(7, 96, 500, &[(3, &[0, 9])]).unwrap();
    peer.send(9, 111, 500, &[(3, &[0, 11])]).unwrap();
    let compounds = peer.poll();
    let Some(Packet::TransportFeedback(feedback)) = packets(&compounds[0]).next() else {
        panic!("{compounds:?}");
    };
    let arrived: Vec<_> = feedback.arrivals().map(|(n, at)| (n, at.is_some())).collect();
    assert_eq!(arrived, [(9, true), (10, false), (11, true)]);
}

#[test]
fn a_peer_without_transport_feedback_is_told_an_estimate() {
    let mut video = line("1", Kind::Video);
    (video.feedback.transport_cc, video.feedback.remb) = (false, true);
    let mut peer = peer(vec![video]);
    peer.send(7, 96, 500, &[(3, &[0, 9])]).unwrap();
    peer.now += MS * 500;
    let compounds = peer.poll();
    let mut estimates = compounds.iter().flat_map(|compound| packets(compound));
    let remb = estimates.find(|packet| matches!(packet, Packet::Remb { .. }));
    let Some(Packet::Remb { bitrate, ssrcs, .. }) = remb else { panic!("{compounds:?}") };
    assert!(bitrate >= 300_000 && ssrcs.eq([7]));
    let told = |packet| matches!(packet, Packet::TransportFeedback(_));
    assert!(!compounds.iter().flat_map(|compound| packets(compound)).any(told));
}

#[test]
fn a_limit_is_told_beside_transport_feedback_and_so_is_its_end() {
    let mut peer = peer(both());
    let mut told = |limit: Option<u64>, index: u64| {
        peer.send(7, 96, index, &[(MID, b"1"), (3, &[0, index as u8])]).unwrap();
        peer.now += MS * 2000;
        peer.poll();
        peer.receiving.set_max_bitrate(peer.now, limit);
        let compounds = peer.poll();
        let mut all = compounds.iter().flat_map(|compound| packets(compound));
        all.find_map(|packet| match packet {
            Packet::Remb { bitrate, ssrcs, .. } => Some((bitrate, ssrcs.collect::<Vec<_>>())),
            _ => None,
        })
    };
    assert_eq!(told(Some(128_000), 500), Some((128_000, vec![7])));
    let (bitrate, _) = told(None, 501).unwrap();
    assert!(bitrate > 100_000_000_000, "{bitrate}");
    assert_eq!(told(None, 502), None);
}

#[test]
fn a_track_that_is_withheld_is_counted_and_goes_nowhere() {
    let mut peer = peer(both());
    let id = track(&both()[1]);
    peer.send(7, 96, 500, &[(MID, b"1")]).unwrap();
    assert_eq!(peer.packets().len(), 1);
    assert!(peer.receiving.describe(id).unwrap().encodings[0].active);
    assert!(peer.receiving.withhold(id, true));
    assert!(!peer.receiving.withhold(id, true), "it is so already");
    let told = std::iter::from_fn(|| peer.receiving.next_event());
    assert!(
        told.into_iter().any(|event| matches!(event, Received::Changed { id: of } if of == id))
    );
    peer.send(7, 96, 501, &[(MID, b"1")]).unwrap();
    assert!(peer.packets().is_empty());
    let description = peer.receiving.describe(id).unwrap();
    assert!(description.withheld && !description.encodings[0].active);
    assert_eq!(peer.receiving.is_held_back(id), Some(true));
    assert_eq!(peer.receiving.stats(peer.now)[1].encodings[0].packets_received, 2);
    // What is agreed on anew changes nothing of it.
    peer.receiving.configure(both());
    peer.send(7, 96, 502, &[(MID, b"1")]).unwrap();
    assert!(peer.packets().is_empty());
    assert!(peer.receiving.withhold(id, false));
    peer.send(7, 96, 503, &[(MID, b"1")]).unwrap();
    assert_eq!(peer.packets().len(), 1);
}

#[test]
fn a_telephone_event_is_told_and_forwarded_and_is_no_sound() {
    let mut peer = peer(both());
    peer.send(9, 111, 500, &[]).unwrap();
    peer.packets();
    let packet = peer.seal(9, 110, 501, &[], &[5, 0x8a, 0x03, 0xc0]);
    peer.take(&packet).unwrap();
    let Some(Received::TelephoneEvent(packet)) = peer.receiving.next_event() else { panic!() };
    assert_eq!((packet.ssrc, packet.sequence, packet.clock_rate), (9, 501, 48_000));
    assert_eq!((packet.event.key(), packet.event.end), (Some('5'), true));
    let packets = peer.packets();
    assert!(packets.len() == 1 && packets[0].telephone_event, "for those who take it");
}

#[test]
fn a_sender_report_sets_the_time_of_capture_and_a_goodbye_is_told() {
    let mut peer = peer(both());
    peer.send(9, 111, 500, &[]).unwrap();
    let mut out = [0; 100];
    let length = rtcp::write_sender_report(&mut out, 9, 5 << 32, 1_500_000, 1, 1, &[]).unwrap();
    packets(&out[..length]).for_each(|packet| peer.receiving.rtcp(peer.now, &packet));
    assert!(peer.receiving.stream(9).unwrap().time_line.is_some());
    let length = rtcp::write_goodbye(&mut out, &[9, 77]).unwrap();
    packets(&out[..length]).for_each(|packet| peer.receiving.rtcp(peer.now, &packet));
    let goodbyes: Vec<u32> = std::iter::from_fn(|| peer.receiving.next_event())
        .filter_map(|event| match event {
            Received::Goodbye { ssrc, .. } => Some(ssrc),
            _ => None,
        })
        .collect();
    assert_eq!(goodbyes, [9]);
}

#[test]
fn streams_go_on_when_lines_are_agreed_on_anew_in_another_order() {
    let mut peer = peer(both());
    peer.send(7, 96, 500, &[(MID, b"1")]).unwrap();
    let mut lines = both();
    lines.reverse();
    lines.insert(0, line("2", Kind::Video));
    peer.receiving.configure(lines);
    peer.send(7, 96, 501, &[]).unwrap();
    let packets = peer.packets();
    assert_eq!(packets.len(), 2);
    assert!(packets.iter().all(|packet| packet.track.0 == 101));
    // The line is gone.
    peer.receiving.configure(vec![line("0", Kind::Audio)]);
    assert_eq!(peer.send(7, 96, 502, &[]), Err(DropReason::NoLine));
}

#[test]
fn a_track_that_was_closed_here_gets_nothing_more() {
    let mut peer = peer(both());
    peer.send(7, 96, 500, &[(MID, b"1")]).unwrap();
    assert!(peer.receiving.remove_track(track(&both()[1])));
    assert_eq!(peer.send(7, 96, 501, &[(MID, b"1")]), Err(DropReason::Refused));
    assert_eq!(peer.send(7, 96, 501, &[(MID, b"1")]), Err(DropReason::Replayed));
}

#[test]
fn malformed_and_unknown_packets_are_counted_by_their_reasons() {
    let mut peer = peer(both());
    assert_eq!(peer.take(&[0x80; 11]), Err(DropReason::Malformed));
    assert_eq!(peer.send(7, 5, 1, &[]), Err(DropReason::NoLine));
    assert_eq!(peer.send(7, 5, 1, &[(MID, b"1")]), Err(DropReason::UnknownPayloadType));
    peer.send(7, 96, 2, &[]).unwrap();
    assert_eq!(peer.send(7, 5, 3, &[]), Err(DropReason::UnknownPayloadType));
    let expected = DroppedPackets {
        malformed: 1,
        no_line: 1,
        unknown_payload_type: 2,
        ..DroppedPackets::default()
    };
    assert_eq!(peer.receiving.drops(), expected);
}

#[test]
fn whatever_a_peer_sends_no_packet_comes_twice_and_nothing_grows_without_a_bound() {
    use std::collections::HashSet;

    use rand::{Rng, SeedableRng, rngs::SmallRng};
    let mut random = SmallRng::seed_from_u64(3);
    for _ in 0..40 {
        let mut simulcast = line("2", Kind::Video);
        simulcast.rids = vec![Rid::from("q"), Rid::from("f")];
        let lines = [line("0", Kind::Audio), sources(&[source(1, Some(2), None)]), simulcast];
        let mut peer = peer(lines.to_vec());
        let mut seen = HashSet::new();
        let mut index = 0xfff0_u64;
        for _ in 0..500 {
            index = (index + random.random_range(0..40)).saturating_sub(20);
            let names: [&[u8]; 5] = [b"0", b"1", b"2", b"q", b"f"];
            let mut bytes = [0; 6];
            random.fill(&mut bytes);
            let elements: Vec<(u8, &[u8])> = (0..random.random_range(0..4))
                .map(|_| match random.random_range(0..4) {
                    0 => ([MID, RID, REPAIRED_RID][random.random_range(0..3)], names[0]),
                    1 => (random.random_range(1..15), &bytes[..random.random_range(1..6)]),
                    _ => (
                        [MID, RID, REPAIRED_RID][random.random_range(0..3)],
                        names[random.random_range(0..5)],
                    ),
                })
                .collect();
            let pt = [96, 97, 111, 63, 110, 5][random.random_range(0..6)];
            let ssrc = random.random_range(0..6);
            let data = &bytes[..random.random_range(0..6)];
            let packet = peer.seal(ssrc, pt, index, &elements, data);
            let _ = peer.take(&packet);
            match random.random_range(0..60) {
                0 => peer.receiving.configure(lines[random.random_range(0..3)..].to_vec()),
                1 => peer.receiving.configure(lines.to_vec()),
                2 => peer.now += MS * 1600,
                _ => peer.now += MS,
            }
            peer.poll();
            for packet in peer.packets() {
                assert!(seen.insert((packet.ssrc, packet.sequence)), "{packet:?}");
            }
        }
        assert!(peer.receiving.streams.len() <= 6);
        peer.receiving.stats(peer.now);
    }
}

/// The blocks of the next receiver report, with the share and the number of packets that got lost.
fn reported(peer: &mut Peer) -> Vec<(u32, u8, i32)> {
    let mut blocks = Vec::new();
    for compound in peer.poll() {
        for packet in packets(&compound) {
            if let Packet::ReceiverReport { reports, .. } = packet {
                blocks.extend(reports.map(|b| (b.ssrc, b.fraction_lost, b.packets_lost)));
            }
        }
    }
    blocks
}

#[test]
fn the_reports_on_opus_tell_the_worst_loss_of_its_receivers_and_no_other_figure_of_theirs() {
    let mut peer = peer(both());
    let (sound, picture) = (track(&both()[0]), track(&both()[1]));
    let send = |peer: &mut Peer, index: u64| {
        peer.send(7, 96, index, &[]).unwrap();
        peer.send(9, 111, index, &[]).unwrap();
    };
    send(&mut peer, 500);
    peer.receiving.set_far_loss(peer.now, sound, 26);
    peer.receiving.set_far_loss(peer.now, picture, 26);
    peer.now += MS * 500;
    assert_eq!(reported(&mut peer), [(7, 0, 0), (9, 26, 0)]);
    // Half of it is lost on the way here, which is more.
    send(&mut peer, 502);
    peer.now += MS * 1_000;
    assert_eq!(reported(&mut peer), [(7, 128, 1), (9, 128, 1)]);
    send(&mut peer, 503);
    peer.receiving.set_far_loss(peer.now, sound, 0);
    peer.now += MS * 1_000;
    assert_eq!(reported(&mut peer), [(7, 0, 1), (9, 0, 1)]);
}

#[test]
fn a_new_loss_of_its_receivers_is_told_within_a_second_of_sound_alone() {
    let mut peer = peer(vec![line("0", Kind::Audio)]);
    let mut index = 500;
    let mut talk = |peer: &mut Peer, milliseconds: u32| {
        (0..milliseconds / 20)
            .flat_map(|_| {
                index += 1;
                peer.now += MS * 20;
                peer.send(9, 111, index, &[]).unwrap();
                reported(peer)
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(talk(&mut peer, 6_000).len(), 1);
    peer.receiving.set_far_loss(peer.now, track(&line("0", Kind::Audio)), 26);
    assert_eq!(talk(&mut peer, 1_000), [(9, 26, 0)]);
}

#[test]
fn the_estimate_for_a_peer_is_made_of_what_its_own_link_loses() {
    let mut audio = line("0", Kind::Audio);
    (audio.feedback.transport_cc, audio.feedback.remb) = (false, true);
    let estimate = |far_loss: u8| {
        let mut peer = peer(vec![audio.clone()]);
        peer.receiving.set_far_loss(peer.now, track(&audio), far_loss);
        let mut estimate = 0;
        for index in 0..1_000 {
            peer.now += MS * 20;
            peer.send(9, 111, 500 + index, &[]).unwrap();
            for compound in peer.poll() {
                for packet in packets(&compound) {
                    if let Packet::Remb { bitrate, .. } = packet {
                        estimate = bitrate;
                    }
                }
            }
        }
        estimate
    };
    assert!(estimate(0) > 0);
    assert_eq!(estimate(0), estimate(128));
}

#[test]
fn sound_that_is_missing_is_asked_for_where_that_was_agreed_on() {
    let mut audio = line("0", Kind::Audio);
    for (agreed, asked) in [(false, vec![]), (true, vec![(9, vec![501])])] {
        audio.feedback.nack = agreed;
        let mut peer = peer(vec![audio.clone()]);
        peer.send(9, 111, 500, &[]).unwrap();
        peer.send(9, 111, 502, &[]).unwrap();
        assert_eq!(peer.nacked(), asked);
        peer.now += MS * 60;
        // It comes under its own number, and is forwarded as what came late.
        peer.send(9, 111, 501, &[]).unwrap();
        assert_eq!(peer.packets().len(), 3);
        peer.now += MS * 2_500;
        let lost = if agreed { 85 } else { 0 };
        assert_eq!(reported(&mut peer), [(9, lost, 0)]);
    }
}

#[test]
fn a_path_on_which_packets_overtake_each_other_is_given_time_before_anything_is_asked_for() {
    let mut peer = peer(both());
    let mut requests = 0;
    for pair in 0..200 {
        // Of two packets the first comes 30 ms after the second.
        peer.now += MS * 10;
        peer.send(7, 96, 501 + 2 * pair, &[(MID, b"1")]).unwrap();
        for _ in 0..3 {
            requests += peer.nacked().len();
            peer.now += MS * 10;
        }
        peer.send(7, 96, 500 + 2 * pair, &[(MID, b"1")]).ok();
    }
    assert!(requests <= 3, "{requests}");
    peer.send(7, 96, 901, &[]).unwrap();
    peer.now += MS * 40;
    assert_eq!(peer.nacked(), [(7, vec![900])], "what is lost is still asked for");
}
