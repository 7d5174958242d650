//! Clocks that differ, for hours.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::codec::Codec;
use crate::mcu::TakenPacket;
use crate::mcu::audio::sink::PortStats;
use crate::mcu::audio::stream::Stream;
use crate::mcu::audio::{FRAME, TICK};

/// Of each simulation: two hours, and half an hour of them where nothing is optimised, in which the
/// clocks drift apart by 360 ms.
const TICKS: u32 = if cfg!(debug_assertions) { 90_000 } else { 360_000 };
/// Until the drift is known.
const SETTLED: u32 = 10_000;

/// G.711 of a clock that runs wrong, with a jitter of 3 ms. Once that is known nothing
/// is made up or thrown away, and the delay stays what it is.
#[test]
fn a_buffer_does_not_run_dry_or_over() {
    for ppm in [-200.0f64, 200.0] {
        let mut random = SmallRng::seed_from_u64(200);
        let start = Instant::now() + Duration::from_secs(60);
        let payload: Arc<[u8]> = Arc::new([0xd5; 160]);
        let packet = |number: u64, arrival: Instant, captured: Instant| TakenPacket {
            sequence: number,
            timestamp: number as u32 * 160,
            marker: false,
            codec: Codec::Pcma,
            red: false,
            payload: payload.clone(),
            arrival,
            captured,
            audio_level: None,
            rotation: 0,
        };
        let mut stream = Stream::new(&packet(0, start, start), false).unwrap().silent();
        let (mut sent, mut settled) = (0u64, PortStats::default());
        let (mut least, mut most) = (Duration::MAX, Duration::ZERO);
        for tick in 0..TICKS {
            let now = start + TICK * tick;
            loop {
                let captured = sent as f64 * 0.02 / (1.0 + ppm * 1e-6);
                let captured = start + Duration::from_secs_f64(captured);
                let arrival = captured + Duration::from_micros(random.random_range(0..3000));
                if arrival > now {
                    break;
                }
                stream.receive(&packet(sent, arrival, captured));
                sent += 1;
            }
            stream.play(now, &mut [0.0; FRAME]);
            if tick == SETTLED {
                settled = stream.counters();
            } else if tick > SETTLED {
                let delay = stream.playout_delay(now);
                (least, most) = (least.min(delay), most.max(delay));
            }
        }
        let stats = stream.stats(start + TICK * TICKS);
        println!("{ppm} ppm: seen {:.1}, delay {least:?} to {most:?}", stats.drift_ppm);
        assert!((f64::from(stats.drift_ppm) - ppm).abs() < 15.0, "{ppm}: {stats:?}");
        assert!(least > Duration::from_millis(15) && most < Duration::from_millis(45));
        assert_eq!(
            (stats.concealed_ms, stats.late, stats.discarded),
            (settled.concealed_ms, settled.late, settled.discarded),
        );
    }
}
