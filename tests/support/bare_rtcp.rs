//! RTCP made by hand: one packet of each kind (RFC 3550, RFC 4585, RFC 5104, RFC 3611).

use medialoom::codec::rtcp::{
    ReportBlock, write_fir, write_goodbye, write_nack, write_pli, write_receiver_report,
    write_reference_time, write_remb, write_sender_report, write_source_description,
    write_transport_feedback,
};

use super::bare_peer::VIDEO_SSRC;

/// Each with its name.
pub fn compounds() -> Vec<(&'static str, Vec<u8>)> {
    let block = ReportBlock {
        ssrc: VIDEO_SSRC,
        fraction_lost: 12,
        packets_lost: 40,
        highest_sequence: 0x1_0203,
        jitter: 99,
        last_sr: 0x1234_5678,
        delay_since_last_sr: 65_536,
    };
    let packet = |write: &dyn Fn(&mut [u8]) -> Option<usize>| {
        let mut out = vec![0; 1000];
        let length = write(&mut out).expect("there is room");
        out.truncate(length);
        out
    };
    let arrivals = [Some(0), Some(250), None, Some(1_000), Some(40_000)].into_iter();
    vec![
        ("sr", packet(&|out| write_sender_report(out, VIDEO_SSRC, 1 << 62, 9, 10, 999, &[block]))),
        ("rr", packet(&|out| write_receiver_report(out, 1, &[block, block]))),
        ("sdes", packet(&|out| write_source_description(out, 1, "peer"))),
        ("bye", packet(&|out| write_goodbye(out, &[1, VIDEO_SSRC]))),
        ("nack", packet(&|out| write_nack(out, 1, VIDEO_SSRC, &[5, 6, 9, 40]))),
        ("pli", packet(&|out| write_pli(out, 1, VIDEO_SSRC))),
        ("fir", packet(&|out| write_fir(out, 1, VIDEO_SSRC, 2))),
        ("remb", packet(&|out| write_remb(out, 1, 700_000, &[VIDEO_SSRC, 2]))),
        ("xr", packet(&|out| write_reference_time(out, 1, 1 << 60))),
        (
            "transport-feedback",
            packet(&|out| {
                write_transport_feedback(out, 1, VIDEO_SSRC, 65_533, 3, arrivals.clone())
                    .map(|(length, _)| length)
            }),
        ),
    ]
}
