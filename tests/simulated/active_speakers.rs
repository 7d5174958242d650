//! Groups of speakers over two media threads: the loudest few are heard, whoever they are.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use crate::support::World;
use crate::support::client::{Client, frame_number};
use crate::support::network::Conditions;
use medialoom::codec::Kind;
use medialoom::control::command::TransportCommand;
use medialoom::control::event::Event;
use medialoom::control::ids::{OutgoingTrackId, SlotsId, SourceId, SpeakersId, TransportId};
use medialoom::control::speakers::SpeakersCommand;
use str0m::media::{Direction, MediaKind};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);
/// Frames of talker k count from k times this.
const FRAMES: u64 = 1_000_000;
const SILENT: i8 = -127;
const LOUD: i8 = -22;

struct Talker {
    client: usize,
    transport: TransportId,
    audio: SourceId,
    video: Option<SourceId>,
    slots: Vec<OutgoingTrackId>,
}

struct Meeting {
    world: World,
    group: SpeakersId,
    set: SlotsId,
    audio: Vec<SourceId>,
    video: Vec<SourceId>,
    talkers: Vec<Talker>,
    listeners: Vec<Listener>,
}

struct Listener {
    client: usize,
    transport: TransportId,
    /// Packets of it that were looked at.
    seen: usize,
}

impl Meeting {
    fn new(seed: u64, audio: usize, video: usize) -> Self {
        let mut world = World::new(2, seed, Conditions::GOOD);
        let group = world.create_speakers(1);
        let (set, audio, video) = world.create_slots(group, audio, video);
        let (talkers, listeners) = (Vec::new(), Vec::new());
        Self { world, group, set, audio, video, talkers, listeners }
    }

    /// Somebody who can talk, silent for now, and hears the slots if `listens`.
    fn join(&mut self, picture: bool, listens: bool) -> usize {
        let world = &mut self.world;
        let number = self.talkers.len();
        let client = world.add_client(Client::new);
        let transport = world.create_transport(number % 2, Default::default());
        world.clients[client].want(MediaKind::Audio, Direction::SendOnly, &[]);
        if picture {
            world.clients[client].want(MediaKind::Video, Direction::SendOnly, &[]);
        }
        world.offer_from_client(client, transport);
        for sending in &mut world.clients[client].sending {
            sending.frame = FRAMES * number as u64;
        }
        let tracks = world.tracks_of(transport);
        let track = |kind| tracks.iter().find(|track| track.kind == kind).map(|track| track.id);
        let (audio, video) = (track(Kind::Audio).unwrap(), track(Kind::Video));
        let talker = Talker { client, transport, audio, video, slots: Vec::new() };
        self.talkers.push(talker);
        self.level(number, SILENT);
        if listens {
            self.talkers[number].slots = self.hear(transport, client);
        }
        self.world.speakers(self.group, SpeakersCommand::Add { audio, owner: transport, video });
        number
    }

    fn listen(&mut self, shard: usize) -> usize {
        let client = self.world.add_client(Client::new);
        let transport = self.world.create_transport(shard, Default::default());
        self.hear(transport, client);
        self.listeners.push(Listener { client, transport, seen: 0 });
        self.listeners.len() - 1
    }

    fn hear(&mut self, transport: TransportId, client: usize) -> Vec<OutgoingTrackId> {
        let slots = self.audio.iter().map(|slot| (Kind::Audio, *slot));
        let slots = slots.chain(self.video.iter().map(|slot| (Kind::Video, *slot)));
        let mut tracks = Vec::new();
        for (kind, slot) in slots.collect::<Vec<_>>() {
            let id = self.world.add_outgoing(transport, kind, "slots");
            self.world.command(transport, TransportCommand::AttachSlot { id, slot });
            tracks.push(id);
        }
        self.world.offer_from_transport(transport, client);
        tracks
    }

    fn level(&mut self, talker: usize, level: i8) {
        let client = self.talkers[talker].client;
        for sending in &mut self.world.clients[client].sending {
            if sending.kind == MediaKind::Audio {
                sending.extensions.audio_level = Some(level);
                sending.extensions.voice_activity = Some(level > -60);
            }
        }
    }

    /// These speak for a while, nobody else does.
    fn speak(&mut self, talkers: &[usize], time: Duration) {
        talkers.iter().for_each(|talker| self.level(*talker, LOUD));
        self.world.run(time);
        talkers.iter().for_each(|talker| self.level(*talker, SILENT));
    }

    /// Whom a listener heard since it was asked last, by stream, with the number of packets.
    fn heard(&mut self, listener: usize) -> BTreeMap<u32, BTreeMap<usize, usize>> {
        let listener = &mut self.listeners[listener];
        let packets = &self.world.clients[listener.client].packets;
        let new = packets.iter().skip(listener.seen).filter(|p| p.payload.get(1) == Some(&0xfc));
        let mut heard: BTreeMap<u32, BTreeMap<usize, usize>> = BTreeMap::new();
        for packet in new {
            let whom = (frame_number(packet) / FRAMES) as usize;
            *heard.entry(*packet.header.ssrc).or_default().entry(whom).or_default() += 1;
        }
        listener.seen = packets.len();
        heard
    }

    /// Whom all listeners hear in the time that comes; they agree.
    fn audible(&mut self, time: Duration) -> BTreeSet<usize> {
        for listener in 0..self.listeners.len() {
            self.heard(listener);
        }
        self.world.run(time);
        let mut all = Vec::new();
        for listener in 0..self.listeners.len() {
            let heard = self.heard(listener);
            assert!(heard.len() <= self.audio.len(), "{} streams", heard.len());
            all.push(heard.values().flat_map(|who| who.keys().copied()).collect());
        }
        assert!(all.windows(2).all(|pair| pair[0] == pair[1]), "{all:?}");
        all.pop().unwrap()
    }

    fn slot_changes(&self) -> usize {
        let change = |event: &&Event| matches!(event, Event::SpeakerSlot { .. });
        self.world.events.iter().filter(change).count()
    }

    /// What feeds each slot, as JavaScript was told.
    fn fed(&self) -> HashMap<SourceId, Option<SourceId>> {
        let fed = |event: &Event| match event {
            Event::SpeakerSlot { slot, track } => Some((*slot, *track)),
            _ => None,
        };
        self.world.events.iter().filter_map(fed).collect()
    }

    /// Which talkers began and stopped to speak, as JavaScript was told.
    fn speaking(&self) -> Vec<(usize, bool)> {
        let who = |audio| self.talkers.iter().position(|talker| talker.audio == audio).unwrap();
        let told = |event: &Event| match event {
            Event::Speaking { track, speaking, .. } => Some((who(*track), *speaking)),
            _ => None,
        };
        self.world.events.iter().filter_map(told).collect()
    }

    fn dominant(&self) -> Option<SourceId> {
        let who = |event: &Event| match event {
            Event::Speaker { track, .. } => Some(*track),
            _ => None,
        };
        self.world.events.iter().rev().find_map(who).flatten()
    }
}

#[test]
fn thirty_take_turns_and_each_is_heard_through_three_slots() {
    let mut meeting = Meeting::new(301, 3, 0);
    for number in 0..30 {
        meeting.join(false, number < 4);
    }
    meeting.listen(0);
    meeting.listen(1);
    meeting.world.run(2 * SECOND);
    for talker in (0..30).chain([5, 0, 17, 3]) {
        (0..2).for_each(|listener| drop(meeting.heard(listener)));
        meeting.speak(&[talker], 1_500 * MS);
        for listener in 0..2 {
            let heard = meeting.heard(listener);
            assert_eq!(heard.len(), 3, "three streams, however many are there");
            let packets: usize = heard.values().filter_map(|who| who.get(&talker)).sum();
            // 75 were sent; the first syllable may be gone where somebody else had the slot.
            assert!(packets >= 60, "{talker}: {packets} of 75");
            let streams = heard.values().filter(|who| who.contains_key(&talker)).count();
            assert_eq!(streams, 1, "{talker} is heard once");
        }
        assert_eq!(meeting.dominant(), Some(meeting.talkers[talker].audio));
    }
    for number in 0..4 {
        let packets = &meeting.world.clients[meeting.talkers[number].client].packets;
        assert!(packets.len() > 1_000, "{number} hears the others: {}", packets.len());
        let own = packets.iter().filter(|p| frame_number(p) / FRAMES == number as u64).count();
        assert_eq!(own, 0, "{number} does not hear themselves");
    }
}

#[test]
fn streams_of_a_slot_go_on_without_a_gap_whoever_has_it() {
    let mut meeting = Meeting::new(302, 1, 0);
    for _ in 0..4 {
        meeting.join(false, false);
    }
    meeting.listen(0);
    meeting.world.run(SECOND);
    for round in 0..12 {
        meeting.speak(&[round % 4], 900 * MS);
    }
    let client = meeting.listeners[0].client;
    let packets = &meeting.world.clients[client].packets;
    assert!(packets.len() > 450, "{} packets", packets.len());
    let first = &packets[0];
    for (before, packet) in packets.iter().zip(&packets[1..]) {
        assert_eq!(*packet.seq_no, *before.seq_no + 1);
        let time = packet.header.timestamp.wrapping_sub(first.header.timestamp);
        let passed = packet.timestamp.saturating_duration_since(first.timestamp);
        assert!((f64::from(time) / 48_000.0 - passed.as_secs_f64()).abs() < 0.05);
    }
}

#[test]
fn who_speaks_keeps_the_slot_while_others_cough() {
    let mut meeting = Meeting::new(303, 3, 0);
    for _ in 0..8 {
        meeting.join(false, false);
    }
    meeting.listen(0);
    meeting.world.run(SECOND);
    let speakers = [5, 6, 7];
    meeting.speak(&speakers, 2 * SECOND);
    let (changes, fed) = (meeting.slot_changes(), meeting.fed());
    speakers.iter().for_each(|talker| meeting.level(*talker, LOUD));
    for round in 0..20 {
        meeting.world.run(400 * MS);
        meeting.speak(&[round % 5], 160 * MS);
    }
    assert_eq!(meeting.audible(SECOND), BTreeSet::from(speakers));
    assert_eq!((meeting.slot_changes(), meeting.fed()), (changes, fed), "no shuffling");
}

#[test]
fn it_goes_on_when_talkers_leave_and_are_muted() {
    let mut meeting = Meeting::new(304, 2, 0);
    for _ in 0..6 {
        meeting.join(false, false);
    }
    meeting.listen(0);
    meeting.listen(1);
    meeting.world.run(SECOND);
    meeting.speak(&[4, 5], 2 * SECOND);
    assert_eq!(meeting.audible(SECOND / 2), BTreeSet::from([4, 5]));

    let leaving = meeting.talkers[5].transport;
    meeting.world.ask(leaving, |request| TransportCommand::Close { request }).unwrap();
    let audible = meeting.audible(SECOND);
    assert!(audible.len() == 2 && audible.contains(&4) && !audible.contains(&5), "{audible:?}");

    // The m-line of another is held.
    let Talker { client, transport, .. } = meeting.talkers[4];
    let mid = meeting.world.clients[client].sending[0].mid;
    meeting.world.clients[client].sending[0].paused = true;
    let offer = meeting.world.clients[client].change_direction(mid, Direction::Inactive);
    let answer = meeting.world.accept_offer(transport, &offer).unwrap();
    meeting.world.clients[client].accept_answer(&answer);
    let audible = meeting.audible(SECOND);
    assert!(audible.len() == 2 && !audible.contains(&4), "{audible:?}");

    let audio = meeting.talkers[0].audio;
    meeting.world.speakers(meeting.group, SpeakersCommand::Remove { audio });
    assert!(!meeting.audible(SECOND).contains(&0));
    meeting.speak(&[0], SECOND);
    assert!(!meeting.audible(SECOND).contains(&0), "no member any more");

    meeting.speak(&[3], SECOND);
    assert!(meeting.audible(SECOND).contains(&3));
    let leaving = meeting.listeners[0].transport;
    meeting.world.ask(leaving, |request| TransportCommand::Close { request }).unwrap();
    meeting.listeners.remove(0);
    meeting.speak(&[2], SECOND);
    assert!(meeting.audible(SECOND).contains(&2));
}

#[test]
fn pictures_of_those_who_spoke_last_begin_with_a_keyframe() {
    let mut meeting = Meeting::new(305, 1, 2);
    for _ in 0..6 {
        meeting.join(true, false);
    }
    meeting.listen(0);
    meeting.listen(1);
    meeting.world.run(2 * SECOND);
    for talker in [4, 2, 5] {
        meeting.speak(&[talker], 1_500 * MS);
    }
    let shown: BTreeSet<_> = meeting.video.iter().map(|slot| meeting.fed()[slot]).collect();
    assert_eq!(shown, BTreeSet::from([meeting.talkers[2].video, meeting.talkers[5].video]));
    for listener in &meeting.listeners {
        let client = &meeting.world.clients[listener.client];
        let mut current: HashMap<u32, u64> = HashMap::new();
        let mut switches = 0;
        // A publisher that probes its own link sends padding, of which only the number goes on.
        let pictures = client.packets_of(MediaKind::Video).filter(|p| !p.payload.is_empty());
        for packet in pictures {
            let whom = frame_number(packet) / FRAMES;
            if current.insert(*packet.header.ssrc, whom) != Some(whom) {
                switches += 1;
                assert_eq!(packet.payload[6] & 1, 0, "the P bit of a keyframe is clear");
            }
        }
        assert_eq!((current.len(), switches), (2, 5), "two streams, three of them switched");
        let last: BTreeSet<u64> = current.values().copied().collect();
        assert_eq!(last, BTreeSet::from([2, 5]));
    }
}

#[test]
fn a_slot_lets_go_of_a_track_that_is_attached_to_something_else() {
    let mut meeting = Meeting::new(306, 1, 0);
    for _ in 0..3 {
        meeting.join(false, true);
    }
    meeting.listen(0);
    meeting.world.run(SECOND);
    // Talker 2 hears talker 1 only, from now on.
    let Talker { transport, client, .. } = meeting.talkers[2];
    let (id, source) = (meeting.talkers[2].slots[0], meeting.talkers[1].audio);
    meeting.world.command(transport, TransportCommand::Attach { id, source });
    let before = meeting.world.clients[client].packets.len();
    meeting.speak(&[0], SECOND);
    let packets = &meeting.world.clients[client].packets[before + 2..];
    assert!(packets.iter().all(|packet| frame_number(packet) / FRAMES == 1));
    // And then nobody.
    meeting.world.command(transport, TransportCommand::Detach { id });
    meeting.world.run(100 * MS);
    let before = meeting.world.clients[client].packets.len();
    meeting.speak(&[1], SECOND);
    assert_eq!(meeting.world.clients[client].packets.len(), before);
    // The slot again.
    let slot = meeting.audio[0];
    meeting.world.command(transport, TransportCommand::AttachSlot { id, slot });
    meeting.speak(&[0], SECOND);
    assert!(meeting.world.clients[client].packets.len() > before + 30);
}

#[test]
fn nothing_is_heard_through_slots_that_closed() {
    for close_group in [false, true] {
        let mut meeting = Meeting::new(307, 2, 0);
        for _ in 0..3 {
            meeting.join(false, false);
        }
        meeting.listen(0);
        meeting.listen(1);
        assert!(!meeting.audible(2 * SECOND).is_empty());
        let command = match close_group {
            true => SpeakersCommand::Close,
            false => SpeakersCommand::CloseSlots { id: meeting.set },
        };
        meeting.world.speakers(meeting.group, command);
        meeting.world.run(100 * MS);
        meeting.speak(&[0], SECOND);
        assert!(meeting.audible(SECOND).is_empty());
        // Attached to what is not there any more.
        meeting.listen(0);
        meeting.listen(1);
        assert!(meeting.audible(SECOND).is_empty());
    }
}

#[test]
fn a_thread_that_does_not_get_to_run_misses_nothing_that_lasts() {
    let mut meeting = Meeting::new(308, 2, 0);
    for _ in 0..6 {
        meeting.join(false, false);
    }
    meeting.listen(0);
    meeting.world.run(SECOND);
    meeting.world.pause(0);
    meeting.speak(&[1, 3], SECOND);
    meeting.world.resume(0);
    assert_eq!(meeting.audible(SECOND), BTreeSet::from([1, 3]));
}

#[test]
fn a_room_of_five_hundred_costs_each_listener_three_streams() {
    let mut meeting = Meeting::new(309, 3, 0);
    for number in 0..500 {
        meeting.join(false, true);
        // In silence nothing is sent (RFC 7587 3.1.3).
        meeting.world.clients[meeting.talkers[number].client].sending[0].paused = true;
    }
    meeting.world.run(2 * SECOND);
    let speakers = [499, 250, 77];
    for talker in speakers {
        meeting.world.clients[meeting.talkers[talker].client].sending[0].paused = false;
        meeting.speak(&[talker], 600 * MS);
    }
    let before: Vec<usize> = meeting.world.clients.iter().map(|c| c.packets.len()).collect();
    let changes = meeting.slot_changes();
    meeting.world.run(300 * MS);
    assert_eq!(meeting.slot_changes(), changes);
    for (number, talker) in meeting.talkers.iter().enumerate() {
        let packets = &meeting.world.clients[talker.client].packets[before[number]..];
        let streams: BTreeSet<u32> = packets.iter().map(|p| *p.header.ssrc).collect();
        let whom: BTreeSet<u64> = packets.iter().map(|p| frame_number(p) / FRAMES).collect();
        let others: BTreeSet<u64> =
            speakers.iter().map(|who| *who as u64).filter(|who| *who != number as u64).collect();
        assert_eq!(whom, others, "{number} hears all but themselves");
        assert_eq!(streams.len(), others.len());
        assert!(packets.len() <= 16 * others.len(), "{number}: {} packets", packets.len());
    }
}

#[test]
fn who_begins_and_stops_to_speak_is_told_while_somebody_asks() {
    let mut meeting = Meeting::new(308, 0, 0);
    for _ in 0..4 {
        meeting.join(false, false);
    }
    meeting.world.run(SECOND);
    meeting.speak(&[0, 1], SECOND);
    meeting.world.run(2 * SECOND);
    assert_eq!(meeting.speaking(), [], "nobody asked");

    meeting.world.speakers(meeting.group, SpeakersCommand::ListenSpeaking { listen: true });
    let begin = meeting.world.now;
    // Words with pauses of half a second are one speech, and two may speak at once.
    for _ in 0..4 {
        meeting.speak(&[2, 3], 300 * MS);
        meeting.world.run(500 * MS);
    }
    meeting.speak(&[3], 300 * MS);
    assert_eq!(meeting.speaking(), [(2, true), (3, true), (2, false)]);
    meeting.world.run(600 * MS);
    assert_eq!(meeting.speaking().len(), 3, "a pause is no end");
    meeting.world.run(300 * MS);
    assert_eq!(meeting.speaking().last(), Some(&(3, false)));
    assert!(meeting.world.now < begin + 5 * SECOND);

    // Who is muted or leaves in the middle of a word has stopped as well.
    meeting.level(1, LOUD);
    meeting.world.run(SECOND);
    assert_eq!(meeting.speaking().last(), Some(&(1, true)));
    let audio = meeting.talkers[1].audio;
    meeting.world.speakers(meeting.group, SpeakersCommand::Remove { audio });
    meeting.world.run(100 * MS);
    assert_eq!(meeting.speaking().last(), Some(&(1, false)));

    meeting.world.speakers(meeting.group, SpeakersCommand::ListenSpeaking { listen: false });
    let told = meeting.speaking().len();
    meeting.speak(&[0], SECOND);
    assert_eq!(meeting.speaking().len(), told);
}
