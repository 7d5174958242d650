//! tshark reads what the packet dump writes. Without tshark there is nothing to test.

use std::process::Command;
use std::time::{Duration, SystemTime};

use medialoom::dump::PacketDump;

#[test]
fn tshark_if_installed_dissects_rtp_and_rtcp_over_ipv4_and_ipv6() {
    if Command::new("tshark").arg("--version").output().is_err() {
        println!("tshark is not installed, nothing tested");
        return;
    }
    let directory = std::env::temp_dir();
    let path = directory.join(format!("medialoom-dump-{}.pcapng", std::process::id()));
    let dump = PacketDump::create(&path).unwrap();
    let time = SystemTime::UNIX_EPOCH + Duration::from_nanos(1_700_000_000_123_456_789);
    let mut rtp = vec![0x80, 96, 0x12, 0x34, 0, 0, 0, 1, 0xca, 0xfe, 0xba, 0xbe];
    rtp.extend([0; 33]);
    let receiver_report = [0x80, 201, 0, 1, 0xca, 0xfe, 0xba, 0xbe];
    for (local, remote) in
        [("192.0.2.1:5000", "192.0.2.2:6000"), ("[2001:db8::1]:5000", "[2001:db8::2]:6000")]
    {
        let (local, remote) = (local.parse().unwrap(), remote.parse().unwrap());
        dump.packet(true, local, remote, time, &rtp);
        dump.packet(false, local, remote, time, &receiver_report);
    }
    dump.close().unwrap();

    let fields = ["_ws.col.Protocol", "udp.srcport", "rtp.seq", "rtcp.pt", "frame.time_epoch"];
    let output = Command::new("tshark")
        .arg("-r")
        .arg(&path)
        .args(["-d", "udp.port==5000,rtp", "-T", "fields", "-E", "separator=,"])
        .args(["-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"])
        .args(fields.iter().flat_map(|field| ["-e", field]))
        .args(["-e", "_ws.expert.message"])
        .output()
        .unwrap();
    std::fs::remove_file(&path).unwrap();

    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    for pair in lines.chunks(2) {
        assert!(pair[0].starts_with("RTP,6000,4660,,1700000000.123456789"), "{text}");
        assert!(pair[1].starts_with("RTCP,5000,,201,1700000000.123456789"), "{text}");
        assert!(!pair[0].to_lowercase().contains("checksum"), "{text}");
    }
}
