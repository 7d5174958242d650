//! Packets of each protocol, and text, for those who take one at a time.

use medialoom_fuzz::support::bare_peer::{offer, recorded_handshake};
use medialoom_fuzz::support::bare_rtcp::compounds;
use medialoom_fuzz::support::bare_rtp::header;
use medialoom_fuzz::support::stun::Check;

use super::keep;

const CANDIDATES: &str = "\
a=candidate:1 1 UDP 2122317823 192.0.2.50 50010 typ host generation 0 ufrag abcd\n\
candidate:2 1 udp 1686052607 2001:db8::7 50011 typ srflx raddr 10.0.0.1 rport 9\n\
candidate:3 1 tcp 1518280447 192.0.2.50 9 typ host tcptype active\n\
candidate:4 1 udp 2122260223 0a1b2c3d-0000-4000-8000-000000000000.local 4000 typ host\n";
const FRAGMENT: &str = "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=audio 9 RTP/AVP 0\r\n\
a=mid:0\r\na=candidate:1 1 UDP 2122317823 192.0.2.50 50010 typ host\r\na=end-of-candidates\r\n";

pub fn write() -> std::io::Result<()> {
    announcements()?;
    for (name, packet) in compounds() {
        keep("rtcp", name, &packet)?;
        // The profile, and the byte that is changed.
        let profile = packet[1] % 3;
        keep("srtcp", &format!("{name}-{profile}"), &[&[profile, 9], &packet[..]].concat())?;
    }
    let one_byte = header(7, 96, 5, true, &[0x40, b'1', 0x12, 1, 2, 3], false);
    let two_bytes = header(7, 96, 5, false, &[4, 1, b'1', 1, 3, 1, 2, 3], false);
    keep("rtp_header", "one-byte", &[&one_byte[..], &[1, 2, 3]].concat())?;
    keep("rtp_header", "two-bytes", &two_bytes)?;
    let check = Check::new([1; 12]).user_name("abcd:peer").controlling().finish("password");
    for (name, packet) in [("check", &check), ("rtp", &one_byte), ("rtcp", &compounds()[0].1)] {
        keep("multiplex", name, packet)?;
    }
    keep("multiplex", "client-hello", &recorded_handshake()[0])?;
    // The length of the pieces, then frames (RFC 4571).
    let frames =
        [&check, &one_byte].map(|frame| [&(frame.len() as u16).to_be_bytes()[..], frame].concat());
    keep("frame_decoder", "two-frames", &[&[7][..], &frames.concat()].concat())?;
    keep("candidates", "lines", CANDIDATES.as_bytes())?;
    keep("candidates", "fragment", FRAGMENT.as_bytes())?;
    keep("descriptions", "offer", offer(true).as_bytes())?;
    let parts = [
        "track",
        "own",
        "rollback",
        &format!("offer\n{}", offer(false)),
        "restart",
        &format!("candidate\n{}", &CANDIDATES[2..80]),
        &format!("fragment\n{FRAGMENT}"),
        "wait",
    ];
    keep("negotiation", "all", parts.join("\n--").as_bytes())?;
    keep("transponder", "packets", &[9, 0, 1, 200].repeat(8))?;
    let switches = [9, 0, 1, 200, 0, 1, 2, 0, 9, 1, 1, 50, 9, 1, 1, 200, 2, 0, 0, 0, 2, 1, 0, 0];
    keep("transponder", "switches", &switches)
}

fn announcements() -> std::io::Result<()> {
    let lines = [
        "v=0",
        "o=- 0 0 IN IP4 127.0.0.1",
        "s=No Name",
        "c=IN IP4 239.1.2.3/127",
        "t=0 0",
        "m=video 5004 RTP/SAVPF 96",
        "a=rtcp:5008",
        "a=rtpmap:96 H264/90000",
        "a=fmtp:96 packetization-mode=1; sprop-parameter-sets=Z0LAHw==,aM48gA==; profile-level-id=42C01F",
        "a=rtcp-fb:96 nack pli",
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd|2^20",
        "a=ssrc:7 cname:x",
        "m=audio 5006 RTP/AVP 97 98 101",
        "a=rtpmap:97 opus/48000/2",
        "a=rtpmap:98 red/48000/2",
        "a=fmtp:98 97/97",
        "a=rtpmap:101 telephone-event/48000",
        "",
    ];
    keep("announcements", "ffmpeg", lines.join("\r\n").as_bytes())
}
