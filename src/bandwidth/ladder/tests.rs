use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::*;

/// A picture with temporal layers that double the frame rate: 60 and 100 percent of the bitrate
/// with two of them, 40, 60 and 100 with three.
fn picture(encoding: u8, size: (u16, u16), kbps: u64, layers: u8) -> Vec<Layer> {
    let shares: &[u64] = match layers {
        1 => &[100],
        2 => &[60, 100],
        _ => &[40, 60, 100],
    };
    let layer = |(temporal, share): (usize, &u64)| Layer {
        encoding,
        spatial: 0,
        temporal: temporal as u8,
        bitrate: kbps * 10 * share,
        width: size.0,
        height: size.1,
        frame_rate: 30.0 / f32::from(1u16 << (usize::from(layers) - 1 - temporal)),
        active: true,
    };
    shares.iter().enumerate().map(layer).collect()
}

fn simulcast(temporal: u8) -> Vec<Layer> {
    let mut layers = picture(0, (320, 180), 150, temporal);
    layers.extend(picture(1, (640, 360), 500, temporal));
    layers.extend(picture(2, (1280, 720), 1500, temporal));
    layers
}

fn ladder(layers: &[Layer], preferences: Preferences) -> Ladder {
    build(layers, preferences, Selection::default(), None)
}

fn build(
    layers: &[Layer],
    preferences: Preferences,
    selection: Selection,
    held: Option<LayerId>,
) -> Ladder {
    let mut ladder = Ladder::default();
    LadderBuilder::new().build(layers, &preferences, &selection, held, &mut ladder);
    ladder
}

fn places(ladder: &Ladder) -> Vec<(u8, u8)> {
    ladder.rungs().iter().map(|rung| (rung.layer.encoding, rung.layer.temporal)).collect()
}

#[test]
fn three_encodings_are_three_rungs() {
    let ladder = ladder(&simulcast(1), Preferences::default());
    assert_eq!(places(&ladder), [(0, 0), (1, 0), (2, 0)]);
    assert!(!ladder.limited());
    assert_eq!(ladder.visible_pixels(), 1280.0 * 720.0);
}

#[test]
fn a_smaller_picture_with_all_its_frames_wins_over_a_bigger_one_that_jerks() {
    // 360p at 7.5 frames a second costs 200 kbit/s, 720p 600: 180p and 360p at 30 are better.
    let ladder = ladder(&simulcast(3), Preferences::default());
    assert_eq!(places(&ladder), [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 1), (2, 2)]);
}

#[test]
fn rungs_above_a_share_of_the_best_bitrate_are_taken_away_and_the_lowest_stays() {
    let after = |share: f64| {
        let mut ladder = ladder(&simulcast(1), Preferences::default());
        ladder.shed(share);
        (places(&ladder), ladder.is_shed())
    };
    assert_eq!(after(1.0), (vec![(0, 0), (1, 0), (2, 0)], false));
    assert_eq!(after(0.6), (vec![(0, 0), (1, 0)], true));
    assert_eq!(after(0.2), (vec![(0, 0)], true));
    assert_eq!(after(0.0), (vec![(0, 0)], true));
}

#[test]
fn of_rungs_that_are_taken_away_one_stays_that_comes() {
    let mut layers = simulcast(1);
    layers[0].active = false;
    layers[1].active = false;
    let mut ladder = ladder(&layers, Preferences::default());
    ladder.shed(0.0);
    assert!(ladder.rungs().iter().any(|rung| rung.active), "{ladder:?}");
    assert!(!ladder.is_shed());
}

#[test]
fn a_screen_of_five_frames_a_second_is_not_taken_for_jerking() {
    let mut layers = picture(0, (960, 540), 300, 1);
    layers.extend(picture(1, (1920, 1080), 900, 1));
    layers.iter_mut().for_each(|layer| layer.frame_rate = 5.0);
    assert_eq!(places(&ladder(&layers, Preferences::default())), [(0, 0), (1, 0)]);
}

#[test]
fn what_costs_more_and_is_not_better_is_left_out() {
    let mut layers = simulcast(1);
    layers[1].bitrate = 1_600_000;
    assert_eq!(places(&ladder(&layers, Preferences::default())), [(0, 0), (2, 0)]);
}

#[test]
fn steps_of_nearly_the_same_cost_become_one() {
    let mut layers = simulcast(1);
    layers[0].bitrate = 480_000;
    assert_eq!(places(&ladder(&layers, Preferences::default())), [(1, 0), (2, 0)]);
}

#[test]
fn merging_does_not_creep_upwards() {
    let layer = |index: u16| Layer {
        encoding: index as u8,
        bitrate: 100_000 + u64::from(index) * 6_000,
        width: 320 + 64 * index,
        height: 180 + 36 * index,
        ..simulcast(1)[0]
    };
    let layers: Vec<_> = (0..8).map(layer).collect();
    let ladder = ladder(&layers, Preferences::default());
    assert!(ladder.rungs()[0].bitrate <= 110_000, "{:?}", places(&ladder));
    assert!(ladder.rungs().len() >= 4);
}

#[test]
fn nothing_exceeds_the_size_while_something_does_not() {
    let max = |width, height| Preferences {
        max_width: width,
        max_height: height,
        ..Preferences::default()
    };
    let layers = simulcast(1);
    assert_eq!(places(&ladder(&layers, max(Some(320), Some(180)))), [(0, 0)]);
    assert_eq!(places(&ladder(&layers, max(None, Some(500)))), [(0, 0), (1, 0)]);
    assert_eq!(places(&ladder(&layers, max(Some(639), None))), [(0, 0), (1, 0)], "rounded");
    assert_eq!(places(&ladder(&layers, max(None, Some(100)))), [(0, 0)], "the smallest, if all do");
    assert!(ladder(&layers, max(None, Some(500))).limited());
    assert!(!ladder(&layers, max(Some(1920), Some(1080))).limited());
}

#[test]
fn the_frame_rate_and_the_bitrate_are_limited_alike() {
    let layers = simulcast(2);
    let slow = Preferences { max_frame_rate: Some(15.0), ..Preferences::default() };
    assert_eq!(places(&ladder(&layers, slow)), [(0, 0), (1, 0), (2, 0)]);
    let slower = Preferences { max_frame_rate: Some(5.0), ..Preferences::default() };
    assert_eq!(places(&ladder(&layers, slower)), [(0, 0), (1, 0), (2, 0)], "the least, if all do");
    let cheap = Preferences { max_bitrate: Some(500_000), ..Preferences::default() };
    assert_eq!(places(&ladder(&layers, cheap)), [(0, 0), (0, 1), (1, 0), (1, 1)]);
    let cheaper = Preferences { max_bitrate: Some(10_000), ..Preferences::default() };
    assert_eq!(places(&ladder(&layers, cheaper)), [(0, 0)]);
}

#[test]
fn what_is_held_may_touch_the_maximum_bitrate() {
    let mut layers = simulcast(1);
    let preferences = Preferences { max_bitrate: Some(500_000), ..Preferences::default() };
    let held = Some(layers[1].id());
    layers[1].bitrate = 560_000;
    assert_eq!(places(&ladder(&layers, preferences)), [(0, 0)]);
    assert_eq!(places(&build(&layers, preferences, Selection::default(), held)), [(0, 0), (1, 0)]);
    layers[1].bitrate = 600_000;
    assert_eq!(places(&build(&layers, preferences, Selection::default(), held)), [(0, 0)]);
}

#[test]
fn what_is_held_is_not_merged_away() {
    let mut layers = simulcast(1);
    layers[0].bitrate = 480_000;
    let held = Some(layers[0].id());
    let ladder = build(&layers, Preferences::default(), Selection::default(), held);
    assert_eq!(places(&ladder), [(0, 0), (1, 0), (2, 0)]);
}

#[test]
fn a_fixed_choice_leaves_everything_else_out() {
    let layers = simulcast(3);
    let selection = Selection { encoding: Some(1), max_temporal: Some(1), ..Selection::default() };
    let ladder = build(&layers, Preferences::default(), selection, None);
    assert_eq!(places(&ladder), [(1, 0), (1, 1)]);
    assert!(ladder.limited());
    let nothing = Selection { encoding: Some(7), ..Selection::default() };
    assert!(build(&layers, Preferences::default(), nothing, None).rungs().is_empty());
}

#[test]
fn spatial_layers_of_one_encoding_are_steps() {
    let mut layers = Vec::new();
    for (spatial, (size, kbps)) in
        [((320, 180), 150), ((640, 360), 450), ((1280, 720), 1300)].into_iter().enumerate()
    {
        let spatial = spatial as u8;
        layers
            .extend(picture(0, size, kbps, 2).into_iter().map(|layer| Layer { spatial, ..layer }));
    }
    let all = ladder(&layers, Preferences::default());
    assert_eq!(all.rungs().len(), 6);
    let selection = Selection { max_spatial: Some(0), ..Selection::default() };
    assert_eq!(build(&layers, Preferences::default(), selection, None).rungs().len(), 2);
}

#[test]
fn a_layer_that_is_switched_off_does_not_hide_one_that_comes() {
    let mut layers = simulcast(1);
    layers[1].active = false;
    layers[0].bitrate = 600_000;
    let ladder = ladder(&layers, Preferences::default());
    assert_eq!(places(&ladder), [(1, 0), (0, 0), (2, 0)]);
    let stopgaps: Vec<_> = ladder.rungs().iter().map(|rung| rung.stopgap).collect();
    assert_eq!(stopgaps, [false, true, false]);
}

#[test]
fn something_too_big_stands_in_while_nothing_allowed_comes() {
    let mut layers = simulcast(1);
    layers[0].active = false;
    let small = Preferences { max_height: Some(180), ..Preferences::default() };
    let ladder = ladder(&layers, small);
    assert_eq!(places(&ladder), [(0, 0), (1, 0)]);
    assert!(ladder.rungs()[1].stopgap && ladder.rungs()[1].active);
}

#[test]
fn sizes_and_frame_rates_nobody_told_are_guessed() {
    let mut layers = simulcast(2);
    for layer in &mut layers {
        (layer.width, layer.height, layer.frame_rate) = (0, 0, 0.0);
    }
    let unknown = ladder(&layers, Preferences::default());
    assert_eq!(unknown.rungs().last().map(|rung| rung.layer), Some(layers[5].id()));
    assert_eq!(unknown.rungs()[0].frame_rate, 15.0);
    (layers[2].width, layers[2].height) = (640, 360);
    let small = Preferences { max_height: Some(360), ..Preferences::default() };
    let partly = ladder(&layers, small);
    assert!(partly.rungs().iter().all(|rung| rung.layer.encoding < 2), "{:?}", places(&partly));
}

#[test]
fn a_layer_that_was_never_measured_is_left_out() {
    let mut layers = simulcast(1);
    layers[2].bitrate = 0;
    assert_eq!(places(&ladder(&layers, Preferences::default())), [(0, 0), (1, 0)]);
    assert!(ladder(&[], Preferences::default()).rungs().is_empty());
}

#[test]
fn any_ladder_ascends_within_its_bounds_and_is_built_without_growing() {
    let mut random = SmallRng::seed_from_u64(0x6c61_6464);
    let mut builder = LadderBuilder::new();
    let capacity = builder.candidates.capacity();
    for _ in 0..3000 {
        let count = random.random_range(0..160);
        let layers: Vec<_> = (0..count)
            .map(|_| Layer {
                encoding: random.random_range(0..8),
                spatial: random.random_range(0..4),
                temporal: random.random_range(0..4),
                bitrate: random.random_range(0u64..1 << 40) >> random.random_range(0..40),
                width: random.random_range(0..4) * 480,
                height: random.random_range(0..4) * 270,
                frame_rate: random.random_range(-1.0f32..60.0).max(0.0),
                active: random.random_bool(0.6),
            })
            .collect();
        let limit =
            |random: &mut SmallRng| random.random_bool(0.3).then(|| random.random_range(0..1200));
        let preferences = Preferences {
            max_width: limit(&mut random),
            max_height: limit(&mut random),
            max_frame_rate: limit(&mut random).map(|max| f32::from(max) / 20.0),
            max_bitrate: limit(&mut random).map(|max| u64::from(max) * 1000),
            ..Preferences::default()
        };
        let mut ladder = Ladder::default();
        builder.build(&layers, &preferences, &Selection::default(), None, &mut ladder);
        let rungs = ladder.rungs();
        assert!(rungs.len() <= MAX_RUNGS);
        assert!(rungs.is_sorted_by_key(|rung| rung.bitrate));
        for ascending in [|rung: &&Rung| rung.active, |rung: &&Rung| !rung.stopgap] {
            let values = rungs.iter().filter(ascending).map(|rung| rung.value);
            assert!(values.is_sorted_by(|a, b| a < b), "{rungs:?}");
        }
        let measured = &layers[..layers.len().min(MAX_LAYERS)];
        let comes = measured.iter().any(|layer| layer.active && layer.bitrate > 0);
        assert_eq!(rungs.iter().any(|rung| rung.active), comes, "any picture is better than none");
        assert_eq!(builder.candidates.capacity(), capacity);
    }
}
