use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::*;

/// Every kind of packet, each valid.
fn samples() -> Vec<Vec<u8>> {
    let block = ReportBlock {
        ssrc: 0x0506_0708,
        fraction_lost: 9,
        packets_lost: -2,
        highest_sequence: 70_000,
        jitter: 12,
        last_sr: 13,
        delay_since_last_sr: 14,
    };
    let mut out = [0; 400];
    let written = [
        write_sender_report(&mut out[..100], 1, 2 << 32, 3, 4, 5, &[block; 2]),
        write_receiver_report(&mut out[100..200], 1, &[block]),
        write_source_description(&mut out[200..250], 1, "medialoom"),
        write_goodbye(&mut out[250..300], &[1, 2]),
        write_nack(&mut out[300..350], 1, 2, &[5, 7, 21, 22, 65_535]),
        write_pli(&mut out[350..], 1, 2),
    ];
    let mut samples: Vec<Vec<u8>> = [0, 100, 200, 250, 300, 350]
        .into_iter()
        .zip(written)
        .map(|(start, len)| out[start..start + len.unwrap()].to_vec())
        .collect();
    // FIR, REMB, transport feedback of Chrome and one with every kind of chunk, XR, APP.
    samples.push(vec![0x84, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 7, 0, 0, 0]);
    samples.push(
        [
            &[0x8f, 206, 0, 6, 0, 0, 0, 1, 0, 0, 0, 0][..],
            b"REMB",
            &[2, 0x0b, 0xd0, 0x90, 0, 0, 0, 5, 0, 0, 0, 6],
        ]
        .concat(),
    );
    samples.push(vec![
        0xaf, 0xcd, 0x00, 0x05, 0xfa, 0x17, 0xfa, 0x17, 0x43, 0x03, 0x2f, 0xa0, 0x00, 0x99, 0x00,
        0x01, 0x3d, 0xe8, 0x02, 0x17, 0x20, 0x01, 0x94, 0x01,
    ]);
    samples.push(vec![
        0xaf, 205, 0, 8, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xf0, 0, 25, 0, 0, 2, 3, 0x20, 4, 0xa0, 1,
        0xd8, 0, 1, 2, 3, 4, 5, 6, 7, 0xff, 0xfe, 1,
    ]);
    samples.push(vec![0x80, 207, 0, 2, 0, 0, 0, 1, 4, 0, 0, 0]);
    samples.push(vec![0x80, 204, 0, 2, 0, 0, 0, 1, b'n', b'a', b'm', b'e']);
    samples
}

/// Reads everything that is there to read. Returns how many packets that were.
fn read_all(bytes: &[u8]) -> usize {
    let mut count = 0;
    for packet in packets(bytes) {
        count += 1;
        let items = match packet {
            Packet::SenderReport { reports, .. } | Packet::ReceiverReport { reports, .. } => {
                reports.count() * 24
            }
            Packet::Goodbye(ssrcs) | Packet::Remb { ssrcs, .. } => ssrcs.count() * 4,
            Packet::Nack { lost, .. } => lost.count() / 17,
            Packet::Fir { entries, .. } => entries.count() * 8,
            Packet::TransportFeedback(feedback) => {
                assert!(feedback.arrivals().count() <= usize::from(feedback.status_count));
                feedback.arrivals().filter(|(_, arrival)| arrival.is_some()).count()
            }
            _ => 0,
        };
        assert!(items <= bytes.len(), "nothing is read that is not there");
    }
    count
}

#[test]
fn a_compound_is_read_packet_by_packet() {
    let samples = samples();
    assert!(samples.iter().all(|sample| read_all(sample) == 1));
    assert_eq!(read_all(&samples.concat()), samples.len());
    let kinds: Vec<_> = samples.iter().flat_map(|s| packets(s)).collect();
    assert!(packets(&samples.concat()).eq(kinds.iter().cloned()));
    assert!(matches!(
        kinds[10..],
        [Packet::ExtendedReport { ssrc: 1, .. }, Packet::Other { payload_type: 204 }]
    ));
}

#[test]
fn reading_ends_at_the_first_malformed_packet() {
    let mut compound = samples().concat();
    let second = samples()[0].len();
    for (at, value) in [(0, 0x41), (3, 200)] {
        let good = std::mem::replace(&mut compound[second + at], value);
        assert_eq!(read_all(&compound), 1);
        compound[second + at] = good;
    }
    let mut iterator = packets(&[0x80, 201, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0]);
    assert!(iterator.next().is_some());
    assert!(iterator.next().is_none());
    assert!(iterator.next().is_none());
}

#[test]
fn padding_is_not_part_of_a_packet() {
    // A NACK of one word, then four bytes of padding.
    let mut bytes = [0xa1, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 9, 0, 0, 0, 0, 0, 4];
    let lost = |bytes: &[u8]| match packets(bytes).next() {
        Some(Packet::Nack { lost, .. }) => Some(lost.collect::<Vec<_>>()),
        _ => None,
    };
    assert_eq!(lost(&bytes), Some(vec![9]));
    bytes[19] = 0;
    assert_eq!(lost(&bytes), None, "padding counts itself");
    bytes[19] = 17;
    assert_eq!(lost(&bytes), None, "more than there is");
    bytes[19] = 9;
    assert_eq!(lost(&bytes), None, "of the header nothing may be padding");
    assert_eq!(packets(&[0xa0, 201, 0, 0]).next(), None);
}

#[test]
fn every_cut_of_a_compound_is_read() {
    let samples = samples();
    let compound = samples.concat();
    let mut ends = Vec::new();
    let mut end = 0;
    for sample in &samples {
        end += sample.len();
        ends.push(end);
    }
    for len in 0..=compound.len() {
        let whole = ends.iter().filter(|&&end| end <= len).count();
        assert_eq!(read_all(&compound[..len]), whole, "{len} bytes");
    }
}

#[test]
fn every_changed_byte_is_read() {
    for sample in samples() {
        for at in 0..sample.len() {
            for value in 0..=255 {
                let mut changed = sample.clone();
                changed[at] = value;
                read_all(&changed);
                // With more behind it, for lengths that became greater.
                read_all(&[&changed[..], &[value; 300]].concat());
            }
        }
    }
}

#[test]
fn random_bytes_are_read() {
    let mut random = SmallRng::seed_from_u64(1);
    let samples = samples();
    for _ in 0..20_000 {
        let mut bytes = vec![0; random.random_range(0..200)];
        random.fill(&mut bytes[..]);
        read_all(&bytes);
        // Random behind a header that leads somewhere.
        let sample = &samples[random.random_range(0..samples.len())];
        let len = bytes.len().min(4);
        bytes[..len].copy_from_slice(&sample[..len]);
        read_all(&bytes);
    }
}

#[test]
fn a_compound_is_read_as_far_as_it_has_a_reasonable_number_of_blocks() {
    let mut pli = vec![0; 12];
    write_pli(&mut pli, 1, 2).unwrap();
    assert_eq!(packets(&pli.repeat(100)).count(), 100, "what fills a packet");
    assert_eq!(packets(&pli.repeat(5000)).count(), MAX_BLOCKS);
    // Thousands of packets told of by one chunk (draft-holmer-rmcat-transport-wide-cc-extensions-01
    // 3.1.3), again and again.
    let mut feedback = vec![0x8f, 205, 0, 8, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0xff, 0xff, 0, 0, 0, 0];
    feedback.extend([0x1f, 0xff].repeat(8));
    assert_eq!(packets(&feedback).count(), 0, "more than can have been sent");
    feedback[14..16].copy_from_slice(&4000_u16.to_be_bytes());
    assert_eq!(packets(&feedback.repeat(30)).count(), 4);
}
