//! What is fetched, on fake time: what reaches the shard, and what the server is told.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::*;
use crate::control::ids::ShardIndex;

#[derive(Clone, Default)]
struct Shard(Arc<Mutex<Vec<ShardMessage>>>);

impl Shards for Shard {
    fn send(&self, _: ShardIndex, message: ShardMessage) -> Result<(), ShardMessage> {
        self.0.lock().unwrap().push(message);
        Ok(())
    }
}

struct Rig {
    pull: Pull<Shard>,
    shard: Shard,
    mailbox: Arc<Mailbox>,
    now: Instant,
    sequence: u16,
}

const VIDEO: &str = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n\
    a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0LADdoFB+hA,aM48gA==\r\n";
const PCMA: &str = "m=audio 0 RTP/AVP 8\r\n";
const AAC: &str = "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 mpeg4-generic/48000/2\r\n\
    a=fmtp:97 mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=1190\r\n";
/// A keyframe without parameter sets.
const IDR: [u8; 4] = [0x65, 0x88, 0x84, 0x09];

fn rig() -> Rig {
    let (shard, mailbox) = (Shard::default(), Arc::new(Mailbox::new(|| {})));
    let ids = Arc::<Ids>::default();
    let (inlet, _) = Inlet::new(|| {});
    let pull = Pull::new(Parts {
        id: InputId::new(&ids, ShardIndex(0)),
        ids,
        mailbox: Arc::clone(&mailbox),
        shards: shard.clone(),
        inlet,
        mix_b_frames: false,
    });
    Rig { pull, shard, mailbox, now: Instant::now(), sequence: 0 }
}

impl Rig {
    fn describe(&mut self, lines: &[&str]) -> Result<Vec<usize>, PullError> {
        self.pull.describe(self.now, &Description::parse(&lines.concat()).unwrap())
    }

    fn rtp(&mut self, line: usize, pt: u8, ssrc: u32, timestamp: u32, payload: &[u8]) {
        let mut packet = vec![0x80, pt | 0x80];
        packet.extend(self.sequence.to_be_bytes());
        packet.extend(timestamp.to_be_bytes());
        packet.extend(ssrc.to_be_bytes());
        packet.extend_from_slice(payload);
        self.sequence = self.sequence.wrapping_add(1);
        self.pull.receive(self.now, line, false, &packet);
        self.pull.run(self.now);
    }

    fn messages(&mut self) -> Vec<ShardMessage> {
        std::mem::take(&mut *self.shard.0.lock().unwrap())
    }

    fn made(&mut self) -> Vec<SourceId> {
        let messages = self.messages();
        messages
            .iter()
            .filter_map(|message| match message {
                ShardMessage::MadeTrack { track, .. } => Some(*track),
                _ => None,
            })
            .collect()
    }

    fn packets(&mut self) -> Vec<Arc<SourcePacket>> {
        let messages = self.messages().into_iter();
        messages
            .filter_map(|message| match message {
                ShardMessage::Made { packets } => Some(packets),
                _ => None,
            })
            .flatten()
            .collect()
    }
}

#[test]
fn pictures_and_sound_go_on_as_they_come_with_parameter_sets_of_the_description() {
    let mut rig = rig();
    assert_eq!(rig.describe(&[VIDEO, PCMA]).unwrap(), [0, 1]);
    let tracks = rig.made();
    assert_eq!(tracks.len(), 2, "shards know them at once");
    rig.rtp(0, 96, 7, 0, &IDR);
    rig.rtp(1, 8, 8, 0, &[0xd5; 160]);
    let packets = rig.packets();
    let codecs: Vec<_> = packets.iter().map(|packet| packet.codec).collect();
    assert_eq!(codecs, [Codec::H264, Codec::H264, Codec::Pcma]);
    assert!(packets[0].description.keyframe_complete, "sets are in front of it");
    assert!(packets.iter().all(|packet| tracks.contains(&packet.track)));
}

#[test]
fn a_server_that_comes_back_goes_on_in_its_tracks_whatever_its_numbers_are() {
    let mut rig = rig();
    assert_eq!(rig.describe(&[VIDEO, PCMA]).unwrap(), [0, 1]);
    let tracks = rig.made();
    rig.rtp(0, 96, 7, 0, &IDR);
    let first = rig.packets();
    rig.now += Duration::from_secs(60);
    let video = VIDEO.replace("96", "105");
    assert_eq!(rig.describe(&[PCMA, &video]).unwrap(), [1, 0], "in whatever order they are");
    rig.messages();
    rig.sequence = 40_000;
    rig.rtp(0, 105, 0xabcd, 5_000_000, &IDR);
    let packets = rig.packets();
    assert!(!packets.is_empty() && packets.iter().all(|packet| tracks.contains(&packet.track)));
    assert_ne!(packets.last().unwrap().ssrc, first[0].ssrc);
    rig.describe(&[&VIDEO.replace("H264", "H265"), PCMA]).unwrap();
    assert!(
        rig.made().iter().all(|track| !tracks.contains(track)),
        "of another codec they are others"
    );
}

#[test]
fn a_server_that_keeps_its_ssrc_and_counts_anew_is_followed() {
    let mut rig = rig();
    rig.describe(&[VIDEO]).unwrap();
    for count in 0..50 {
        rig.rtp(0, 96, 7, count * 3000, &IDR);
    }
    rig.packets();
    rig.now += Duration::from_secs(10);
    rig.describe(&[VIDEO]).unwrap();
    rig.sequence = 30_000;
    for count in 0..5 {
        rig.rtp(0, 96, 7, 3_000_000_000 + count * 3000, &IDR);
    }
    assert!(rig.packets().len() >= 4);
}

#[cfg(feature = "mcu")]
#[test]
fn aac_becomes_opus_beside_pictures_and_its_lines_keep_apart() {
    let mut rig = rig();
    assert_eq!(rig.describe(&[AAC, VIDEO]).unwrap(), [1, 0], "pictures come first");
    assert_eq!(rig.made().len(), 2);
    rig.rtp(0, 96, 7, 0, &IDR);
    rig.rtp(1, 97, 8, 0, &[0, 16, 0, 2 << 3, 1, 2]);
    let stats = rig.pull.stats(rig.now);
    assert_eq!(stats.transcoded.unwrap().frames, 1);
    assert_eq!(stats.tracks.len(), 1);
    assert_eq!(rig.packets().len(), 2, "nobody hears it");
}

#[test]
fn what_is_not_decoded_is_told_once_and_changes_no_tracks_when_the_server_comes_back() {
    let mut rig = rig();
    let he_aac = AAC.replace("1190", "2b920800");
    assert_eq!(rig.describe(&[VIDEO, &he_aac]).unwrap(), [0]);
    let tracks = rig.made();
    assert_eq!(rig.describe(&[VIDEO, &he_aac]).unwrap(), [0]);
    let again = rig.made();
    assert!(again.iter().all(|track| tracks.contains(track)), "{again:?}");
    let warnings = rig.mailbox.drain().into_iter();
    let warnings = warnings.filter(|event| matches!(event, Event::InputWarning { .. }));
    assert_eq!(warnings.count(), 1);
    assert!(matches!(rig.describe(&[&he_aac]), Err(PullError::Nothing)));
}

#[test]
fn reports_go_to_the_line_that_they_are_about() {
    let mut rig = rig();
    rig.describe(&[VIDEO, PCMA]).unwrap();
    let mut told = Vec::new();
    for count in 0..400u32 {
        rig.now += Duration::from_millis(20);
        rig.rtp(1, 8, 8, count * 160, &[0xd5; 160]);
        rig.rtp(0, 96, 7, count * 1800, &IDR);
        rig.pull.transmit(|line, packet| told.push((line, packet[1])));
    }
    assert!(told.iter().any(|(line, _)| *line == 0) && told.iter().any(|(line, _)| *line == 1));
    assert!(told.iter().all(|(_, kind)| (200..=207).contains(kind)));
}

#[test]
fn what_comes_on_lines_that_are_not_there_is_dropped() {
    let mut rig = rig();
    rig.rtp(0, 96, 7, 0, &IDR);
    rig.describe(&[VIDEO]).unwrap();
    rig.packets();
    rig.rtp(5, 96, 7, 0, &IDR);
    rig.pull.receive(rig.now, 0, false, &[]);
    rig.pull.receive(rig.now, 0, true, &[0x80, 200]);
    rig.pull.run(rig.now);
    assert!(rig.packets().is_empty());
    rig.pull.close();
    assert!(matches!(rig.messages()[..], [ShardMessage::MadeTrackClosed { .. }]));
}
