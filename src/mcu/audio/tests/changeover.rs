//! Who begins to talk goes over from the mix of all to one without themselves, and back. Their
//! decoder must not notice.

use super::support::{Meeting, Talker, opus, residues};
use crate::codec::Codec;
use crate::mcu::PortId;
use crate::mcu::audio::{AudioOptions, AudioTarget, CodecSet, FRAME, g722, signal};

const LISTENER: AudioTarget = AudioTarget::Port(PortId(2));
/// What the listener hears all the time.
const FREQUENCY: f32 = 400.0;

/// One talks all the time; the other says something now and then. `levels` are those of the second.
fn meeting(options: AudioOptions, codecs: CodecSet, interrupted: bool) -> Meeting {
    let mut meeting = Meeting::new(options);
    meeting.join(1, Talker::new(Codec::Opus, FREQUENCY, 0.2));
    meeting.join(2, Talker::new(Codec::Opus, 1130.0, 0.0));
    meeting.mixer.set_wanted(LISTENER, codecs);
    meeting.mixer.set_wanted(AudioTarget::Shared, codecs);
    meeting.run(60);
    for round in 0..6 {
        meeting.talker(2).amplitude = if interrupted { 0.2 } else { 0.0 };
        meeting.run(37 + round);
        meeting.talker(2).amplitude = 0.0;
        meeting.run(170);
    }
    meeting
}

fn steepest(samples: &[f32]) -> f32 {
    samples.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
}

/// Loudest window of what is not the signal, and the steepest step.
fn disturbance(samples: &[f32]) -> (f32, f32) {
    let samples = &samples[30 * FRAME..];
    let loudest = residues(samples, &[FREQUENCY], FRAME / 2).into_iter().fold(-127.0, f32::max);
    (loudest, steepest(samples))
}

#[test]
fn a_change_over_in_opus_is_not_heard() {
    for options in [AudioOptions::default(), AudioOptions { fec: false, ..AudioOptions::default() }]
    {
        let changing = meeting(options, opus(), true);
        assert!(changing.mixer.target_stats(LISTENER).unwrap().encodes > 300);
        let quiet = meeting(options, opus(), false);
        assert_eq!(quiet.mixer.target_stats(LISTENER).unwrap().encodes, 0);
        let (noise, step) = disturbance(&changing.heard.opus(LISTENER));
        let (usual_noise, usual_step) = disturbance(&quiet.heard.opus(LISTENER));
        println!(
            "fec {}: residue {noise:.1} dBov where undisturbed {usual_noise:.1}, step {step:.4} where {usual_step:.4}",
            options.fec
        );
        assert!(noise < usual_noise.max(-46.0) + 6.0, "{noise} dBov, undisturbed {usual_noise}");
        assert!(step < usual_step * 1.15, "{step}, undisturbed {usual_step}");
    }
}

#[test]
fn a_change_over_in_g722_is_not_heard() {
    let codecs = CodecSet::EMPTY.with(Codec::G722);
    let sound = |interrupted| {
        let meeting = meeting(AudioOptions::default(), codecs, interrupted);
        let mut decoder = g722::Decoder::default();
        let packets = meeting.heard.of(LISTENER, Codec::G722);
        packets
            .flat_map(|packet| packet.payload.to_vec())
            .flat_map(|byte| decoder.decode(byte).map(signal::from_i16))
            .collect::<Vec<f32>>()
    };
    let (changing, quiet) = (sound(true), sound(false));
    let step = (steepest(&changing[9600..]), steepest(&quiet[9600..]));
    assert!(step.0 < step.1 * 1.15, "{step:?}");
}

#[test]
fn who_comes_back_while_nobody_else_listens_keeps_the_encoder() {
    let mut meeting = Meeting::new(AudioOptions::default());
    meeting.join(1, Talker::new(Codec::Opus, FREQUENCY, 0.2));
    meeting.join(2, Talker::new(Codec::Opus, 1130.0, 0.2));
    meeting.mixer.set_wanted(LISTENER, opus());
    meeting.run(100);
    meeting.talker(2).amplitude = 0.0;
    meeting.run(200);
    let (noise, step) = disturbance(&meeting.heard.opus(LISTENER));
    assert!(noise < -40.0, "{noise}");
    assert!(step < 0.2 * FREQUENCY * std::f32::consts::TAU / 48e3 * 1.2, "{step}");
}
