//! The mixer: ports in, mixes out.

mod tick;

use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;

use super::clock::MediaClock;
use super::options::{
    AudioOptions, AudioPortOptions, AudioTarget, CodecSet, PcmFormat, TapKey, TapSource, Tone,
};
use super::opus::EncoderSettings;
use super::output::Output;
use super::port::Port;
use super::sink::{FileError, PcmError, PcmFrame, PortStats, Speaker, TargetStats};
use super::tap::Tap;
use super::target::Target;
use super::{FRAME, RATE};
use crate::mcu::{PortId, TakenPacket};
use crate::speakers::Places;

/// Ticks without anybody heard after which nothing but silence is in any filter.
const SETTLED: u32 = 50;

/// The mix without one port.
struct Private {
    output: Output,
    /// Its listeners' decoders have seen another encoder's packet last.
    afresh: bool,
    /// The port left the mix; from the next tick on its listeners get the shared one.
    ending: bool,
}

/// Mixes the sound of its ports. Whoever owns it hands in packets as they come and calls
/// [`tick`](Self::tick) every 20 ms for as long as it is not [`idle`](Self::idle).
pub struct AudioMixer {
    options: AudioOptions,
    clock: MediaClock,
    ports: FxHashMap<PortId, Port>,
    /// Ports that a tick has to look at: those that sound, or did a moment ago.
    active: Vec<PortId>,
    /// Ports that were removed while they were heard.
    departing: Vec<Port>,
    places: Places<PortId>,
    targets: FxHashMap<AudioTarget, Target>,
    taps: Vec<Tap>,
    shared: Output,
    /// Somebody comes back to the shared mix with the next tick.
    afresh: bool,
    privates: FxHashMap<PortId, Private>,
    /// Ports that are part of this tick's mix.
    mixed: Vec<PortId>,
    candidates: Vec<(PortId, f32)>,
    sum: Vec<f32>,
    without: Vec<f32>,
    quiet: u32,
}

impl AudioMixer {
    /// No ports, nothing wanted. Options are moved into their bounds.
    pub fn new(options: AudioOptions) -> Self {
        let options = options.bounded();
        let samples = FRAME * options.channels();
        let settings = EncoderSettings {
            stereo: options.stereo,
            bitrate: options.bitrate,
            fec: options.fec,
            dtx: options.dtx,
            expected_loss: options.expected_loss,
        };
        Self {
            options,
            clock: MediaClock::default(),
            ports: FxHashMap::default(),
            active: Vec::new(),
            departing: Vec::new(),
            places: Places::new(options.speakers),
            targets: FxHashMap::default(),
            taps: Vec::new(),
            shared: Output::new(settings),
            afresh: false,
            privates: FxHashMap::default(),
            mixed: Vec::new(),
            candidates: Vec::new(),
            sum: vec![0.0; samples],
            without: vec![0.0; samples],
            quiet: SETTLED,
        }
    }

    /// A key that is there keeps its port, with these options.
    pub fn add_port(&mut self, key: PortId, options: AudioPortOptions) {
        let channels = self.options.channels();
        self.ports.entry(key).or_insert_with(|| Port::new(options, channels)).set_options(options);
    }

    /// Hears a port in another way; what is out of bounds is moved into them.
    pub fn set_port(&mut self, key: PortId, options: AudioPortOptions) {
        if let Some(port) = self.ports.get_mut(&key) {
            port.set_options(options);
        }
    }

    /// With it goes who listened to everybody but it, and taps of either.
    pub fn remove_port(&mut self, key: PortId) {
        let Some(port) = self.ports.remove(&key) else { return };
        if port.is_fading_out() {
            self.departing.push(port);
        }
        self.active.retain(|&active| active != key);
        self.places.remove(key);
        self.privates.remove(&key);
        self.targets.remove(&AudioTarget::Port(key));
        self.taps.retain(|tap| match tap.source() {
            TapSource::Mix(target) => target != AudioTarget::Port(key),
            TapSource::Input(port) => port != key,
        });
    }

    /// The source of this port was switched: its jitter buffer and decoder start afresh.
    pub fn reset_input(&mut self, key: PortId) {
        if let Some(port) = self.ports.get_mut(&key) {
            port.reset();
        }
    }

    /// A packet of Opus, PCMU, PCMA or G.722; others are ignored. Gives the level (RFC 6464) from
    /// which on packets of this port are of use: while it rests, none that cannot be heard.
    pub fn receive(&mut self, key: PortId, packet: &TakenPacket) -> i8 {
        let Some(port) = self.ports.get_mut(&key) else { return i8::MIN };
        if port.receive(packet, self.options.stereo) && !port.active {
            port.active = true;
            self.active.push(key);
        }
        if port.active { i8::MIN } else { port.wakes_at() }
    }

    /// Which codecs somebody listens to. A mix that nobody listens to costs nothing.
    pub fn set_wanted(&mut self, target: AudioTarget, codecs: CodecSet) {
        if let Some(target) = self.target_mut(target) {
            target.wanted = codecs;
        }
    }

    /// Whether somebody looks at how loud a mix is. That is listening as well, though nothing is
    /// encoded for it.
    pub fn set_metered(&mut self, target: AudioTarget, metered: bool) {
        if let Some(target) = self.target_mut(target) {
            target.metered = metered;
        }
    }

    fn target_mut(&mut self, target: AudioTarget) -> Option<&mut Target> {
        let there = match target {
            AudioTarget::Shared => true,
            AudioTarget::Port(key) => self.ports.contains_key(&key),
        };
        there.then(|| self.targets.entry(target).or_insert_with(Target::new))
    }

    /// Loss that Opus outputs are made for from now on, in percent.
    pub fn set_expected_loss(&mut self, percent: u8) {
        self.options.expected_loss = percent.min(100);
        self.shared.set_expected_loss(self.options.expected_loss);
        for private in self.privates.values_mut() {
            private.output.set_expected_loss(self.options.expected_loss);
        }
    }

    fn activate(&mut self, key: PortId) {
        if let Some(port) = self.ports.get_mut(&key)
            && !port.active
        {
            port.active = true;
            self.active.push(key);
        }
    }

    fn is_wanted(&self) -> bool {
        !self.taps.is_empty() || self.targets.values().any(Target::is_wanted) || self.is_playing()
    }

    /// Whether a file or sound of the application's is played, to whomever. Ticks go on meanwhile.
    pub fn is_playing(&self) -> bool {
        let mut active = self.active.iter().filter_map(|key| self.ports.get(key));
        active.any(Port::is_playing)
    }

    /// How long ago what is played now was captured: pictures of the same sender wait for that.
    /// `None` when nothing came yet.
    pub fn playout_delay(&self, key: PortId) -> Option<Duration> {
        self.ports.get(&key)?.playout_delay(self.clock.now()?)
    }

    /// Who is heard at present, the loudest first.
    pub fn speakers(&self) -> impl Iterator<Item = Speaker> {
        let members = self.places.members();
        members.filter_map(|port| Some(Speaker { port, level: self.ports.get(&port)?.level() }))
    }

    /// Who has the word, and keeps it in silence.
    pub fn dominant_speaker(&self) -> Option<PortId> {
        self.places.dominant()
    }

    /// Queues sound of the application, a second at most. All of it is taken or none.
    pub fn write_pcm(&mut self, key: PortId, frame: &PcmFrame<'_>) -> Result<(), PcmError> {
        let port = self.ports.get_mut(&key).ok_or(PcmError::NoSuchPort)?;
        port.write_pcm(frame, self.options.channels())?;
        self.activate(key);
        Ok(())
    }

    /// Throws away what of the application's sound was not played yet.
    pub fn clear_pcm(&mut self, key: PortId) {
        if let Some(port) = self.ports.get_mut(&key) {
            port.clear_pcm();
        }
    }

    /// What of the application's sound was not played yet.
    pub fn pcm_queued(&self, key: PortId) -> Duration {
        self.ports.get(&key).map_or(Duration::ZERO, Port::pcm_queued)
    }

    /// `false` when the format cannot be had, or the port is not there. A key that is in use takes
    /// the new source.
    pub fn add_tap(&mut self, key: TapKey, source: TapSource, format: PcmFormat) -> bool {
        let port = match source {
            TapSource::Mix(AudioTarget::Shared) => None,
            TapSource::Mix(AudioTarget::Port(port)) | TapSource::Input(port) => Some(port),
        };
        if !format.is_valid() || port.is_some_and(|port| !self.ports.contains_key(&port)) {
            return false;
        }
        self.remove_tap(key);
        self.taps.push(Tap::new(key, source, format));
        if let TapSource::Input(key) = source {
            if let Some(port) = self.ports.get_mut(&key) {
                port.taps += 1;
            }
            self.activate(key);
        }
        true
    }

    /// Ends a tap. Any other key changes nothing.
    pub fn remove_tap(&mut self, key: TapKey) {
        for tap in self.taps.extract_if(.., |tap| tap.key() == key) {
            if let TapSource::Input(port) = tap.source()
                && let Some(port) = self.ports.get_mut(&port)
            {
                port.taps -= 1;
            }
        }
    }

    /// A tone at a port, until it is set to `None`. It is heard beside the loudest.
    pub fn set_tone(&mut self, key: PortId, tone: Option<Tone>) {
        if let Some(port) = self.ports.get_mut(&key) {
            port.set_tone(tone);
            self.activate(key);
        }
    }

    /// Plays a WAV or Ogg Opus file at a port, in place of the one before. It is heard beside the
    /// loudest.
    pub fn play_file(
        &mut self,
        key: PortId,
        file: Arc<[u8]>,
        looping: bool,
    ) -> Result<(), FileError> {
        self.ports.get_mut(&key).ok_or(FileError::NoSuchPort)?.play_file(file, looping)?;
        self.activate(key);
        Ok(())
    }

    /// Stops the file that plays at a port, if there is one.
    pub fn stop_file(&mut self, key: PortId) {
        if let Some(port) = self.ports.get_mut(&key) {
            port.stop_file();
        }
    }

    /// What a port received and lost, as of the last tick; `None` for an unknown port.
    pub fn port_stats(&self, key: PortId) -> Option<PortStats> {
        self.ports.get(&key).map(|port| port.stats(self.clock.now()))
    }

    /// What was made for a mix; `None` for one of which nothing was ever asked.
    pub fn target_stats(&self, target: AudioTarget) -> Option<TargetStats> {
        self.targets.get(&target).map(|target| target.stats)
    }

    /// Nothing is wanted or played, or everything has been silent for a second: until something is received,
    /// written or set, ticks may be left out.
    pub fn idle(&self) -> bool {
        !self.is_wanted()
            || self.active.is_empty() && self.departing.is_empty() && self.quiet >= SETTLED
    }
}

#[cfg(test)]
impl AudioMixer {
    /// Ports that a tick looks at.
    pub(super) fn active_ports(&self) -> usize {
        self.active.len()
    }
}

const _: () = assert!(RATE as usize == FRAME * 50);
