//! The sound of a mixer: brings packets to it and from it, and keeps its clock.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::control::conduit::{Conduit, Pcm};
use crate::control::event::Event;
use crate::control::ids::{ConduitId, IdMap, MixerId, PortId, SourceId};
use crate::control::mailbox::Mailbox;
use crate::control::mixer::{AudioOptions, PcmFormat, PortOptions, Tapped, Tone};
use crate::control::stats::SoundStats;
use crate::engine::tap::Made;
use crate::mcu::audio::FileError;
use crate::mcu::audio::{
    self, AudioMixer, AudioPortOptions, AudioSink, AudioTarget, CodecSet, PcmFrame, TapKey,
    TapSource,
};
use crate::mcu::{MadePacket, TakenPacket};
use crate::queue::conduit::Weight;
use crate::sfu::{AudioLevelMeter, EncodingSet, SourcePacket};

/// A thread that was held up for longer does not make up for what it missed.
const CATCH_UP: Duration = Duration::from_millis(100);
/// Written sound that a mixer takes in advance, in milliseconds; the rest waits in the conduit,
/// where its writer feels it.
const WRITTEN_AHEAD: usize = 60;
/// How often it is looked whether something was written while nobody listens.
const IDLE_LOOK: Duration = Duration::from_millis(100);

/// The sound half of a mixer: its mixes, the tracks made of them, and readers and writers.
pub struct Sound {
    mixer: AudioMixer,
    /// What everybody is heard in.
    shared: Made,
    /// What each port gets.
    tracks: IdMap<PortId, Made>,
    readers: IdMap<ConduitId, Reader>,
    writers: IdMap<PortId, Writer>,
    /// When the next 20 ms are due; none while nobody listens.
    due: Option<Instant>,
    told: Vec<PortId>,
    /// Reused.
    made: Vec<(AudioTarget, MadePacket)>,
    levels: Vec<(AudioTarget, i8, bool)>,
    ended: Vec<PortId>,
}

/// Sound on its way to JavaScript.
struct Reader {
    conduit: Arc<Conduit<Pcm>>,
    format: audio::PcmFormat,
    /// Of which port, or for which, it is.
    port: Option<PortId>,
}

/// Sound on its way from JavaScript.
struct Writer {
    conduit: Arc<Conduit<Pcm>>,
    /// What the mixer has taken of it, without what was taken back.
    taken: Duration,
}

impl Sound {
    /// Nobody is mixed yet. `shared` is the track in which everybody is heard.
    pub fn new(options: &AudioOptions, shared: Made) -> Self {
        let defaults = if options.stereo {
            audio::AudioOptions::stereo()
        } else {
            audio::AudioOptions::mono()
        };
        let mixer = AudioMixer::new(audio::AudioOptions {
            speakers: options.speakers,
            bitrate: options.bitrate,
            fec: options.fec,
            dtx: options.dtx,
            ..defaults
        });
        Self {
            mixer,
            shared,
            tracks: IdMap::default(),
            readers: IdMap::default(),
            writers: IdMap::default(),
            due: None,
            told: Vec::new(),
            made: Vec::new(),
            levels: Vec::new(),
            ended: Vec::new(),
        }
    }

    /// Adds a port; `track` is what it gets, everybody but itself.
    pub fn add_port(&mut self, port: PortId, options: &PortOptions, track: Made) {
        self.mixer.add_port(port, port_options(options));
        self.tracks.insert(port, track);
    }

    /// Hears a port in another way; what is out of bounds is moved into them.
    pub fn set_port(&mut self, port: PortId, options: &PortOptions) {
        self.mixer.set_port(port, port_options(options));
    }

    /// Gives the track that the port got. What was read of it ends, and what was written to it.
    pub fn remove_port(&mut self, port: PortId) -> Option<Made> {
        self.mixer.remove_port(port);
        if let Some(writer) = self.writers.remove(&port) {
            writer.conduit.close();
        }
        for (_, reader) in self.readers.extract_if(|_, reader| reader.port == Some(port)) {
            reader.conduit.close();
        }
        self.tracks.remove(&port)
    }

    /// Another source, or none: what came before it is not what comes.
    pub fn reset_input(&mut self, port: PortId) {
        self.mixer.reset_input(port);
    }

    /// Gives the level from which on packets of this port are of use, in dBov.
    pub fn receive(&mut self, port: PortId, packet: &TakenPacket) -> i8 {
        self.mixer.receive(port, packet)
    }

    /// Plays a tone at a port until it is set to `None`.
    pub fn set_tone(&mut self, port: PortId, tone: Option<Tone>) {
        let tone = tone.map(|tone| audio::Tone {
            frequency: tone.frequency,
            second: tone.second,
            level: tone.level,
        });
        self.mixer.set_tone(port, tone);
    }

    /// Plays a WAV or Ogg Opus file at a port, or stops. Errors: a file that cannot be played.
    pub fn play_file(
        &mut self,
        port: PortId,
        file: Option<Arc<[u8]>>,
        repeat: bool,
    ) -> Result<(), FileError> {
        match file {
            Some(file) => self.mixer.play_file(port, file, repeat),
            None => {
                self.mixer.stop_file(port);
                Ok(())
            }
        }
    }

    /// Gives sound to a conduit, which is closed when there is no such port or format.
    pub fn read(&mut self, tapped: Tapped, format: PcmFormat, conduit: Arc<Conduit<Pcm>>) {
        let port = match tapped {
            Tapped::Mix => None,
            Tapped::ForPort(port) | Tapped::OfPort(port) => Some(port),
        };
        let source = match tapped {
            Tapped::Mix => TapSource::Mix(AudioTarget::Shared),
            Tapped::ForPort(port) => TapSource::Mix(AudioTarget::Port(port)),
            Tapped::OfPort(port) => TapSource::Input(port),
        };
        let format = audio::PcmFormat {
            rate: format.sample_rate,
            channels: format.channels,
            frame_ms: format.frame_duration,
        };
        if self.mixer.add_tap(TapKey(conduit.id().0), source, format) {
            self.readers.insert(conduit.id(), Reader { conduit, format, port });
        } else {
            conduit.close();
        }
    }

    /// Hears what comes out of a conduit, in place of the one before, which is closed.
    pub fn write(&mut self, port: PortId, conduit: Arc<Conduit<Pcm>>) {
        if !self.tracks.contains_key(&port) {
            conduit.close();
        } else {
            let writer = Writer { conduit, taken: Duration::ZERO };
            if let Some(before) = self.writers.insert(port, writer) {
                before.conduit.close();
            }
        }
    }

    /// True when it was one of these.
    pub fn remove_conduit(&mut self, id: ConduitId) -> bool {
        if let Some(reader) = self.readers.remove(&id) {
            self.mixer.remove_tap(TapKey(id.0));
            reader.conduit.close();
            return true;
        }
        let mut writers = self.writers.iter();
        let port = writers.find(|(_, writer)| writer.conduit.id() == id).map(|(port, _)| *port);
        let removed = port.and_then(|port| self.writers.remove(&port));
        removed.inspect(|writer| writer.conduit.close()).is_some()
    }

    /// What somebody takes of a track. False when it is none of these.
    pub fn set_demand(&mut self, id: SourceId, wanted: EncodingSet) -> bool {
        let Some(target) = self.target_of(id) else { return false };
        let Some(track) = self.track_mut(target) else { return false };
        track.set_wanted(wanted);
        let codecs: CodecSet = track.wanted().map(|(_, class)| class.codec).collect();
        self.mixer.set_wanted(target, codecs);
        true
    }

    /// All tracks that it makes, the shared one first.
    pub fn tracks(&self) -> impl Iterator<Item = &Made> {
        std::iter::once(&self.shared).chain(self.tracks.values())
    }

    /// JavaScript is told how loud a track is, or no longer.
    pub fn listen_levels(&mut self, id: SourceId, listen: bool) {
        let Some(target) = self.target_of(id) else { return };
        let Some(track) = self.track_mut(target) else { return };
        track.levels = listen.then(AudioLevelMeter::default);
        self.mixer.set_metered(target, listen);
    }

    fn target_of(&self, id: SourceId) -> Option<AudioTarget> {
        if self.shared.id() == id {
            return Some(AudioTarget::Shared);
        }
        let (port, _) = self.tracks.iter().find(|(_, track)| track.id() == id)?;
        Some(AudioTarget::Port(*port))
    }

    fn track_mut(&mut self, target: AudioTarget) -> Option<&mut Made> {
        match target {
            AudioTarget::Shared => Some(&mut self.shared),
            AudioTarget::Port(port) => self.tracks.get_mut(&port),
        }
    }

    /// Somebody listens, to a track or to a reader, or looks at how loud a track is.
    pub fn is_wanted(&self) -> bool {
        !self.readers.is_empty()
            || self.tracks().any(|track| track.is_wanted() || track.levels.is_some())
    }

    /// Something of the application's is played, or waits to be.
    fn is_playing(&self) -> bool {
        self.mixer.is_playing() || self.writers.values().any(|writer| writer.conduit.has_news())
    }

    /// How long a port's sound waits before it is heard.
    pub fn playout_delay(&self, port: PortId) -> Option<Duration> {
        self.mixer.playout_delay(port)
    }

    /// Counts, levels in dBov and delays in milliseconds; `None` for an unknown port.
    pub fn stats(&self, port: PortId) -> Option<SoundStats> {
        let stats = self.mixer.port_stats(port)?;
        let milliseconds = |duration: Duration| duration.as_secs_f64() * 1000.0;
        Some(SoundStats {
            jitter_buffer_delay: milliseconds(stats.buffered),
            jitter_buffer_target: milliseconds(stats.target_delay),
            packets_received: stats.packets,
            packets_late: stats.late,
            packets_discarded: stats.discarded,
            concealed: stats.concealed_ms,
            drift: stats.drift_ppm,
            audio_level: stats.level,
        })
    }

    /// Who has the word.
    pub fn dominant(&self) -> Option<PortId> {
        self.mixer.dominant_speaker()
    }

    /// The ports that are heard, as JavaScript was told last.
    pub fn speakers(&self) -> &[PortId] {
        &self.told
    }

    /// Mixes what is due, and gives when to be called next: `None` while nobody listens, and nothing
    /// is played that comes to its end whether or not somebody does.
    pub fn run(
        &mut self,
        now: Instant,
        id: MixerId,
        mailbox: &Mailbox,
        packets: &mut Vec<Arc<SourcePacket>>,
    ) -> Option<Instant> {
        if !self.is_wanted() && !self.is_playing() {
            self.due = None;
            self.writers.retain(|_, writer| !writer.conduit.is_closed());
            return (!self.writers.is_empty()).then(|| now + IDLE_LOOK);
        }
        let mut due = self.due.unwrap_or(now);
        if due + CATCH_UP < now {
            let missed = now.saturating_duration_since(due).as_nanos() / audio::TICK.as_nanos();
            due += audio::TICK.saturating_mul(u32::try_from(missed).unwrap_or(u32::MAX));
        }
        while due <= now {
            self.take_written();
            self.tick(due, mailbox, packets);
            self.tell_progress();
            due += audio::TICK;
        }
        self.tell_speakers(id, mailbox);
        self.due = Some(due);
        self.due
    }

    fn tick(&mut self, due: Instant, mailbox: &Mailbox, packets: &mut Vec<Arc<SourcePacket>>) {
        let Self { mixer, readers, made, levels, ended, .. } = self;
        mixer.tick(due, &mut Yield { made, levels, ended, readers });
        let mut made = std::mem::take(&mut self.made);
        for (target, packet) in made.drain(..) {
            let Some(track) = self.track_mut(target) else { continue };
            let Some(index) = track.find(packet.codec) else { continue };
            packets.extend(track.packet(due, index, packet));
        }
        self.made = made;
        let mut levels = std::mem::take(&mut self.levels);
        for (target, level, voice) in levels.drain(..) {
            let Some(track) = self.track_mut(target) else { continue };
            let id = track.id();
            let report = track.levels.as_mut().and_then(|meter| meter.receive(due, level, voice));
            if let Some((level, voice)) = report {
                mailbox.post(Event::AudioLevel { id, level, voice });
            }
        }
        self.levels = levels;
        for port in self.ended.drain(..) {
            mailbox.post(Event::PortFileEnded { port });
        }
    }

    fn take_written(&mut self) {
        for (port, writer) in &mut self.writers {
            let Writer { conduit, taken } = writer;
            if conduit.take_cleared() {
                self.mixer.clear_pcm(*port);
                *taken = Duration::from_micros(conduit.progress());
            }
            while self.mixer.pcm_queued(*port).as_millis() < WRITTEN_AHEAD as u128 {
                let Some(pcm) = conduit.take() else { break };
                let frame = PcmFrame {
                    samples: &pcm.samples,
                    channels: pcm.channels,
                    rate: pcm.sample_rate,
                    timestamp: pcm.timestamp,
                };
                // Checked when it was written; a frame that is refused all the same is lost.
                if self.mixer.write_pcm(*port, &frame).is_err() {
                    tracing::debug!(port = port.0, weight = pcm.weight(), "written sound lost");
                    continue;
                }
                *taken += length(&pcm);
            }
        }
    }

    /// Tells writers how much of theirs was played, and lets those go that are through.
    fn tell_progress(&mut self) {
        let mixer = &self.mixer;
        self.writers.retain(|port, Writer { conduit, taken }| {
            let queued = mixer.pcm_queued(*port);
            // One that is finished stays until the last of it is played.
            let stays = !conduit.is_closed() || queued >= audio::TICK;
            let played = if stays { taken.saturating_sub(queued) } else { *taken };
            conduit.set_progress(u64::try_from(played.as_micros()).unwrap_or(u64::MAX));
            stays
        });
    }

    fn tell_speakers(&mut self, id: MixerId, mailbox: &Mailbox) {
        let same = self.mixer.speakers().map(|speaker| speaker.port).eq(self.told.iter().copied());
        if !same {
            self.told.clear();
            self.told.extend(self.mixer.speakers().map(|speaker| speaker.port));
            mailbox.post(Event::MixerSpeakers { mixer: id, ports: self.told.clone() });
        }
    }

    /// Closes all conduits.
    pub fn close(&mut self) {
        let readers = self.readers.values().map(|reader| &reader.conduit);
        let writers = self.writers.values().map(|writer| &writer.conduit);
        readers.chain(writers).for_each(|conduit| conduit.close());
    }
}

struct Yield<'a> {
    made: &'a mut Vec<(AudioTarget, MadePacket)>,
    levels: &'a mut Vec<(AudioTarget, i8, bool)>,
    ended: &'a mut Vec<PortId>,
    readers: &'a IdMap<ConduitId, Reader>,
}

impl AudioSink for Yield<'_> {
    fn packet(&mut self, target: AudioTarget, packet: MadePacket) {
        self.made.push((target, packet));
    }

    fn pcm(&mut self, tap: TapKey, samples: &[i16], timestamp: Instant) {
        if let Some(reader) = self.readers.get(&ConduitId(tap.0)) {
            let audio::PcmFormat { rate, channels, .. } = reader.format;
            let samples = samples.to_vec();
            reader.conduit.push(Pcm { samples, sample_rate: rate, channels, timestamp });
        }
    }

    fn level(&mut self, target: AudioTarget, level: i8, voice: bool) {
        self.levels.push((target, level, voice));
    }

    fn file_ended(&mut self, port: PortId) {
        self.ended.push(port);
    }
}

fn length(pcm: &Pcm) -> Duration {
    let frames = pcm.samples.len() / usize::from(pcm.channels.max(1));
    Duration::from_micros(frames as u64 * 1_000_000 / u64::from(pcm.sample_rate.max(1)))
}

fn port_options(options: &PortOptions) -> AudioPortOptions {
    AudioPortOptions {
        gain: options.gain,
        position: options.position,
        auto_gain: options.auto_gain,
        noise_suppression: options.noise_suppression,
        muted: options.muted,
    }
}
