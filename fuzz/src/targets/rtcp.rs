use medialoom::codec::rtcp::{
    Packet, packets, write_goodbye, write_nack, write_pli, write_receiver_report,
    write_sender_report,
};

/// What `write` wrote is read as one packet, the same as `packet`.
fn written(packet: Packet<'_>, write: impl FnOnce(&mut [u8]) -> Option<usize>) {
    let mut out = vec![0; 1 << 18];
    let len = write(&mut out).expect("there is room");
    let mut again = packets(&out[..len]);
    assert_eq!(again.next(), Some(packet));
    assert_eq!(again.next(), None);
}

pub fn run(compound: &[u8]) {
    for packet in packets(compound) {
        match packet.clone() {
            Packet::SenderReport { ssrc, ntp, rtp, packets, octets, reports } => {
                let blocks: Vec<_> = reports.collect();
                written(packet, |out| {
                    write_sender_report(out, ssrc, ntp, rtp, packets, octets, &blocks)
                });
            }
            Packet::ReceiverReport { ssrc, reports } => {
                let blocks: Vec<_> = reports.collect();
                written(packet, |out| write_receiver_report(out, ssrc, &blocks));
            }
            Packet::Goodbye(ssrcs) => {
                let ssrcs: Vec<_> = ssrcs.collect();
                written(packet, |out| write_goodbye(out, &ssrcs));
            }
            Packet::Nack { sender, media, lost } => {
                // There are several ways to write a list, but they read the same.
                let lost: Vec<_> = lost.collect();
                assert!(lost.len() * 4 <= compound.len() * 17);
                let mut out = vec![0; 1 << 18];
                let Some(len) = write_nack(&mut out, sender, media, &lost) else { return };
                let Some(Packet::Nack { lost: again, .. }) = packets(&out[..len]).next() else {
                    panic!("a NACK was written");
                };
                assert!(again.eq(lost));
            }
            Packet::Pli { sender, media } => written(packet, |out| write_pli(out, sender, media)),
            Packet::Fir { entries, .. } => assert!(entries.count() * 8 <= compound.len()),
            Packet::Remb { ssrcs, .. } => assert!(ssrcs.count() * 4 <= compound.len()),
            Packet::TransportFeedback(feedback) => {
                let arrived = feedback.arrivals().filter(|(_, arrival)| arrival.is_some()).count();
                assert!(arrived <= compound.len());
                assert!(feedback.arrivals().count() <= usize::from(feedback.status_count));
            }
            Packet::SourceDescription | Packet::ExtendedReport { .. } | Packet::Other { .. } => {}
        }
    }
}
