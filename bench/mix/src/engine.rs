//! Mixers on real threads: how late they are, and what idle ones cost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use medialoom::control::conduit::{Conduit, Pcm};
use medialoom::control::ids::{MixerId, PortId};
use medialoom::control::mailbox::Mailbox;
use medialoom::control::mixer::{MixerCommand, MixerOptions, PcmFormat, Tapped, Tone};
use medialoom::control::options::{EngineOptions, Listen};
use medialoom::host::Engine;
use serde_json::{Value, json};

use crate::latency::percentile;
use crate::memory::resident;
use crate::room::port_options;
use crate::{pictures, sound};

const ROOMS: usize = 10;
const IDLE: usize = 400;

fn start() -> Engine {
    let options = EngineOptions {
        listen: vec![Listen { ip: "127.0.0.1".parse().unwrap(), announced: Vec::new() }],
        port: 0,
        threads: 1,
        tcp: false,
        max_transports: 10,
        task_threads: 1,
    };
    Engine::start(options, Arc::new(Mailbox::new(|| ()))).unwrap()
}

fn port(engine: &Engine, mixer: MixerId) -> PortId {
    engine.add_port(mixer, port_options("Somebody")).unwrap().0
}

/// From the moment for which sound is mixed until it is there, with so many rooms on one thread.
pub fn lateness() -> Value {
    let engine = start();
    let format = PcmFormat { sample_rate: 48_000, channels: 1, frame_duration: 20 };
    let mut readers: Vec<Arc<Conduit<Pcm>>> = Vec::new();
    for _ in 0..ROOMS {
        let mixer = engine.create_mixer(&sound::options()).unwrap().id;
        for frequency in [300.0, 500.0, 700.0] {
            let tone = Some(Tone { frequency, second: None, level: -20.0 });
            let command = MixerCommand::SetTone { port: port(&engine, mixer), tone };
            engine.mixer(mixer, command).unwrap();
        }
        let conduit = engine.conduit(mixer, 1_000);
        readers.push(Arc::clone(&conduit));
        engine
            .mixer(mixer, MixerCommand::ReadPcm { tapped: Tapped::Mix, format, conduit })
            .unwrap();
    }
    let mut late = Vec::new();
    let end = Instant::now() + Duration::from_secs(5);
    while Instant::now() < end {
        std::thread::sleep(Duration::from_micros(200));
        for reader in &readers {
            while let Some(pcm) = reader.take() {
                late.push(pcm.timestamp.elapsed());
            }
        }
    }
    engine.shutdown();
    json!({
        "name": format!("{ROOMS} rooms on one thread"),
        "kind": "threads",
        "turns": late.len(),
        "latenessMsP50": percentile(&mut late, 0.5),
        "latenessMsP99": percentile(&mut late, 0.99),
    })
}

/// Rooms with three ports each and nobody who listens or watches.
pub fn idle() -> Value {
    let engine = start();
    let before = resident();
    let options = MixerOptions { audio: sound::options().audio, video: pictures::options(1).video };
    for _ in 0..IDLE {
        let mixer = engine.create_mixer(&options).unwrap().id;
        for _ in 0..3 {
            port(&engine, mixer);
        }
    }
    std::thread::sleep(Duration::from_secs(1));
    let (memory, cpu) = (resident().saturating_sub(before), ProcessTime::now());
    let since = Instant::now();
    std::thread::sleep(Duration::from_secs(5));
    let share = cpu.elapsed().as_secs_f64() / since.elapsed().as_secs_f64();
    engine.shutdown();
    json!({
        "name": format!("{IDLE} idle rooms"),
        "kind": "idle",
        "cores": share,
        "memoryBytes": memory / IDLE as u64,
    })
}
