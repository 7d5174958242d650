use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::super::ladder::{LadderBuilder, Preferences, Selection};
use super::super::layer::Layer;
use super::super::track::{MAX_PEAK, Reason};
use super::*;

const MS: Duration = Duration::from_millis(1);
const S: Duration = Duration::from_secs(1);

/// What a camera sends: three encodings of 150, 500 and 1500 kbit/s.
fn camera() -> Vec<Layer> {
    encodings(&[(320, 180, 150), (640, 360, 500), (1280, 720, 1500)])
}

fn encodings(encodings: &[(u16, u16, u64)]) -> Vec<Layer> {
    let layer = |(index, &(width, height, kbps)): (usize, &(u16, u16, u64))| Layer {
        encoding: index as u8,
        spatial: 0,
        temporal: 0,
        bitrate: kbps * 1000,
        width,
        height,
        frame_rate: 30.0,
        active: true,
    };
    encodings.iter().enumerate().map(layer).collect()
}

fn prefer(priority: u32) -> Preferences {
    Preferences { priority, ..Preferences::default() }
}

fn track(layers: &[Layer], preferences: Preferences) -> Track {
    let mut track = Track::default();
    update(&mut track, layers, preferences);
    track
}

fn update(track: &mut Track, layers: &[Layer], preferences: Preferences) {
    track.update(&mut LadderBuilder::new(), layers, &preferences, &Selection::default());
}

/// Encodings that are sent, -1 for nothing.
fn sent(tracks: &[Track]) -> Vec<i32> {
    tracks.iter().map(|track| track.target().map_or(-1, |layer| layer.encoding.into())).collect()
}

fn reasons(tracks: &[Track]) -> Vec<Reason> {
    tracks.iter().map(Track::reason).collect()
}

/// A first allocation.
fn fresh(available: u64, tracks: &mut [Track]) -> Allocation {
    Allocator::new().allocate(Instant::now(), available, tracks)
}

fn total(tracks: &[Track]) -> u64 {
    tracks.iter().filter_map(Track::target_rung).map(|rung| rung.bitrate).sum()
}

#[test]
fn of_equals_the_one_that_was_forwarded_already_stays() {
    let alike = encodings(&[(320, 180, 150), (320, 180, 150), (320, 180, 150)]);
    for forwarded in 0..3 {
        let mut track = Track::default();
        track.forwards(Some(forwarded));
        update(&mut track, &alike, prefer(1));
        let mut tracks = [track];
        fresh(10_000_000, &mut tracks);
        assert_eq!(sent(&tracks), [i32::from(forwarded)]);
    }
    let mut track = Track::default();
    track.forwards(Some(0));
    update(&mut track, &camera(), prefer(1));
    let mut tracks = [track];
    fresh(10_000_000, &mut tracks);
    assert_eq!(sent(&tracks), [2], "what is better is taken all the same");
}

#[test]
fn a_link_that_carries_everything_gives_everyone_the_best() {
    let mut tracks = [track(&camera(), prefer(1)), track(&camera(), prefer(1))];
    let allocation = fresh(10_000_000, &mut tracks);
    assert_eq!(sent(&tracks), [2, 2]);
    assert_eq!(reasons(&tracks), [Reason::Best, Reason::Best]);
    assert_eq!((allocation.used, allocation.wanted), (3_000_000, None));
}

#[test]
fn everyone_gets_something_before_anyone_gets_more() {
    let mut tracks: Vec<_> = (0..10).map(|_| track(&camera(), prefer(1))).collect();
    fresh(1_600_000, &mut tracks);
    assert_eq!(sent(&tracks), [0; 10]);
    assert_eq!(reasons(&tracks), [Reason::Bandwidth; 10]);
}

#[test]
fn the_least_important_video_pauses_when_not_everything_fits() {
    let mut tracks =
        [track(&camera(), prefer(1)), track(&camera(), prefer(3)), track(&camera(), prefer(2))];
    let allocation = fresh(320_000, &mut tracks);
    assert_eq!(sent(&tracks), [-1, 0, 0]);
    assert_eq!(tracks[0].reason(), Reason::Paused);
    let wanted = allocation.wanted.expect("the paused one, with headroom");
    assert!(wanted.abs_diff(450_000 * 112 / 100) <= 1);
}

#[test]
fn of_equals_the_later_one_pauses() {
    let mut tracks = [track(&camera(), prefer(1)), track(&camera(), prefer(1))];
    fresh(200_000, &mut tracks);
    assert_eq!(sent(&tracks), [0, -1]);
}

#[test]
fn a_track_that_must_not_pause_is_sent_over_budget() {
    let stay = Preferences { pause_allowed: false, ..Preferences::default() };
    let mut tracks = [track(&camera(), prefer(100)), track(&camera(), stay)];
    fresh(50_000, &mut tracks);
    assert_eq!(sent(&tracks), [-1, 0]);
}

#[test]
fn a_small_tile_takes_the_small_picture_and_says_why() {
    let tile = Preferences { max_height: Some(180), ..Preferences::default() };
    let mut tracks = [track(&camera(), tile), track(&camera(), prefer(1))];
    let allocation = fresh(2_000_000, &mut tracks);
    assert_eq!(sent(&tracks), [0, 2]);
    assert_eq!(reasons(&tracks), [Reason::Preferences, Reason::Best]);
    assert_eq!(allocation.wanted, None);
}

#[test]
fn a_shared_screen_of_high_priority_comes_before_cameras() {
    let screen = encodings(&[(960, 540, 400), (1920, 1080, 1500)]);
    let mut tracks: Vec<_> = (0..3).map(|_| track(&camera(), prefer(1))).collect();
    tracks.push(track(&screen, prefer(10)));
    fresh(2_300_000, &mut tracks);
    assert_eq!(sent(&tracks), [0, 0, 0, 1]);
}

#[test]
fn what_does_not_fit_leaves_the_rest_to_others() {
    let large = encodings(&[(640, 360, 400), (1920, 1080, 3000)]);
    let mut tracks = [track(&large, prefer(10)), track(&camera(), prefer(1))];
    fresh(1_200_000, &mut tracks);
    assert_eq!(sent(&tracks), [0, 1]);
}

#[test]
fn the_bigger_picture_goes_up_first() {
    let tile = |height| Preferences { max_height: Some(height), ..Preferences::default() };
    let small = encodings(&[(320, 180, 150), (640, 360, 500)]);
    let mut tracks = [track(&small, tile(360)), track(&camera(), tile(720))];
    fresh(800_000, &mut tracks);
    assert_eq!(sent(&tracks), [0, 1]);
}

#[test]
fn what_is_switched_off_is_desired_but_not_sent() {
    let mut layers = camera();
    (layers[1].active, layers[2].active) = (false, false);
    let mut tracks = [track(&layers, prefer(1))];
    let mut allocator = Allocator::new();
    let now = Instant::now();
    allocator.allocate(now, 700_000, &mut tracks);
    assert_eq!(sent(&tracks), [0]);
    assert_eq!(tracks[0].desired().map(|layer| layer.encoding), Some(1));
    assert_eq!(tracks[0].reason(), Reason::Unavailable);
    layers[1].active = true;
    update(&mut tracks[0], &layers, prefer(1));
    assert!(allocator.allocate(now + S, 700_000, &mut tracks).changed);
    assert_eq!((sent(&tracks), tracks[0].reason()), (vec![1], Reason::Bandwidth));
}

#[test]
fn a_track_without_a_source_waits_for_nothing_else() {
    let mut tracks = [track(&[], prefer(1)), track(&camera(), prefer(1))];
    fresh(3_000_000, &mut tracks);
    assert_eq!(sent(&tracks), [-1, 2]);
    assert_eq!(tracks[0].reason(), Reason::Unavailable);
}

#[test]
fn down_at_once_and_up_with_headroom() {
    let mut tracks = [track(&camera(), prefer(1))];
    let mut allocator = Allocator::new();
    let now = Instant::now();
    allocator.allocate(now, 600_000, &mut tracks);
    assert_eq!(sent(&tracks), [1]);
    allocator.allocate(now + 20 * S, 499_000, &mut tracks);
    assert_eq!(sent(&tracks), [0]);
    allocator.allocate(now + 21 * S, 505_000, &mut tracks);
    assert_eq!(sent(&tracks), [0], "no headroom");
}

#[test]
fn a_step_that_was_undone_soon_is_tried_again_later() {
    let mut tracks = [track(&camera(), prefer(1))];
    let mut allocator = Allocator::new();
    let now = Instant::now();
    allocator.allocate(now, 600_000, &mut tracks);
    allocator.allocate(now + S, 450_000, &mut tracks);
    let waiting = allocator.allocate(now + 2 * S, 600_000, &mut tracks);
    assert_eq!(sent(&tracks), [0]);
    assert_eq!(waiting.next, Some(now + 3 * S));
    allocator.allocate(now + 3 * S, 600_000, &mut tracks);
    assert_eq!(sent(&tracks), [1]);
}

#[test]
fn a_link_that_is_another_one_now_is_used_at_once() {
    let mut tracks = [track(&camera(), prefer(1))];
    let mut allocator = Allocator::new();
    let now = Instant::now();
    allocator.allocate(now, 2_000_000, &mut tracks);
    allocator.allocate(now + S, 400_000, &mut tracks);
    assert_eq!(sent(&tracks), [0]);
    allocator.allocate(now + S + 500 * MS, 3_000_000, &mut tracks);
    assert_eq!(sent(&tracks), [2]);
}

#[test]
fn a_short_peak_of_the_source_does_not_take_its_rung_away_but_a_lasting_one_does() {
    let mut layers = camera();
    let mut tracks = [track(&layers, prefer(1))];
    let mut allocator = Allocator::new();
    let mut now = Instant::now();
    allocator.allocate(now, 570_000, &mut tracks);
    layers[1].bitrate = 650_000;
    update(&mut tracks[0], &layers, prefer(1));
    allocator.allocate(now + 100 * MS, 570_000, &mut tracks);
    assert_eq!(sent(&tracks), [1]);
    for _ in 0..30 {
        now += 100 * MS;
        allocator.allocate(now, 570_000, &mut tracks);
    }
    assert_eq!(sent(&tracks), [0]);
}

#[test]
fn a_new_track_is_sent_at_once_and_its_room_is_no_failure() {
    let mut tracks = vec![track(&camera(), prefer(1))];
    let mut allocator = Allocator::new();
    let now = Instant::now();
    allocator.allocate(now, 600_000, &mut tracks);
    tracks.push(track(&camera(), prefer(1)));
    allocator.allocate(now + S, 600_000, &mut tracks);
    assert_eq!(sent(&tracks), [0, 0]);
    tracks.pop();
    allocator.allocate(now + 2 * S, 600_000, &mut tracks);
    assert_eq!(sent(&tracks), [1]);
}

#[test]
fn what_is_wanted_is_enough_for_the_next_step() {
    let mut random = SmallRng::seed_from_u64(0x7761_6e74);
    for _ in 0..500 {
        let mut tracks = some_tracks(&mut random);
        let mut allocator = Allocator::new();
        let now = Instant::now();
        let before = allocator.allocate(now, random.random_range(0..6_000_000), &mut tracks);
        let Some(wanted) = before.wanted else { continue };
        let after = allocator.allocate(now + MS, wanted, &mut tracks);
        assert!(after.changed, "{before:?} {after:?}");
        let end = allocator.allocate(now + 2 * MS, before.best.max(wanted), &mut tracks);
        assert_eq!(end.wanted, None, "{before:?}");
    }
}

/// Rungs of random bitrates; all of them come.
fn some_tracks(random: &mut SmallRng) -> Vec<Track> {
    let count = *[1, 3, 10].get(random.random_range(0..3)).expect("in range");
    (0..count)
        .map(|_| {
            let mut layers = camera();
            layers.truncate(random.random_range(1..=3));
            let scale = random.random_range(0.4..2.0);
            for layer in &mut layers {
                layer.bitrate = (layer.bitrate as f64 * scale) as u64;
            }
            track(&layers, prefer(random.random_range(1..4)))
        })
        .collect()
}

fn copies(tracks: &[Track]) -> Vec<Track> {
    let copy = |track: &Track| Track {
        ladder: track.ladder.clone(),
        priority: track.priority,
        pause_allowed: track.pause_allowed,
        ..Track::default()
    };
    tracks.iter().map(copy).collect()
}

fn indices(tracks: &[Track]) -> Vec<Option<usize>> {
    tracks.iter().map(|t| t.target().and_then(|layer| t.ladder().position(layer))).collect()
}

#[test]
fn any_allocation_fits_and_leaves_no_step_that_would() {
    let mut random = SmallRng::seed_from_u64(0x6669_7473);
    for _ in 0..3000 {
        let mut tracks = some_tracks(&mut random);
        let available = random.random_range(0..8_000_000);
        fresh(available, &mut tracks);
        let used = total(&tracks);
        assert!(used <= available);
        for (track, index) in tracks.iter().zip(indices(&tracks)) {
            let rungs = track.ladder().rungs();
            let current = index.map_or(0, |index| rungs[index].bitrate);
            let Some(next) = rungs.get(index.map_or(0, |index| index + 1)) else { continue };
            let needed = (used + next.bitrate - current) as f64 * (1.0 + HEADROOM);
            assert!(needed > available as f64, "{needed} of {available} unused");
        }
    }
}

#[test]
fn over_budget_is_only_what_must_not_pause() {
    let mut random = SmallRng::seed_from_u64(0x6f76_6572);
    for _ in 0..1000 {
        let mut tracks = some_tracks(&mut random);
        tracks.iter_mut().for_each(|track| track.pause_allowed = random.random_bool(0.5));
        let available = random.random_range(0..2_000_000);
        fresh(available, &mut tracks);
        let forced = tracks.iter().filter(|track| !track.pause_allowed);
        let forced: u64 = forced.map(|track| track.ladder().rungs()[0].bitrate).sum();
        assert!(total(&tracks) <= available.max(forced));
        assert!(tracks.iter().all(|track| track.pause_allowed || track.target().is_some()));
    }
}

#[test]
fn with_more_bandwidth_the_whole_never_gets_less_and_nobody_does_but_for_another() {
    let mut random = SmallRng::seed_from_u64(0x6d6f_6e6f);
    for _ in 0..3000 {
        let mut tracks = some_tracks(&mut random);
        let mut more = copies(&tracks);
        let available = random.random_range(0..8_000_000);
        fresh(available, &mut tracks);
        fresh(available + random.random_range(0..1_000_000), &mut more);
        // Within the headroom, which the lowest rungs need not have.
        assert!(total(&more) as f64 * (1.0 + HEADROOM) >= total(&tracks) as f64);
        let (before, after) = (indices(&tracks), indices(&more));
        let less = before.iter().zip(&after).any(|(before, after)| after < before);
        let gained = before.iter().zip(&after).any(|(before, after)| after > before);
        assert!(!less || gained, "{before:?} {after:?}");
    }
}

#[test]
fn among_alike_nobody_gets_less_with_more_bandwidth() {
    let mut random = SmallRng::seed_from_u64(0x616c_696b);
    for _ in 0..300 {
        let count = random.random_range(1..12);
        let tracks: Vec<_> = (0..count).map(|_| track(&camera(), prefer(1))).collect();
        let mut before = vec![None; count];
        for step in 0..60 {
            let mut now = copies(&tracks);
            fresh(step * 400_000 + random.random_range(0..400_000), &mut now);
            let after = indices(&now);
            assert!(before.iter().zip(&after).all(|(before, after)| after >= before));
            before = after;
        }
    }
}

#[test]
fn of_two_alike_the_one_of_higher_priority_never_gets_less() {
    let mut random = SmallRng::seed_from_u64(0x7072_696f);
    for _ in 0..2000 {
        let mut tracks = some_tracks(&mut random);
        let mut other = copies(&tracks[..1]).remove(0);
        other.priority = tracks[0].priority + random.random_range(1..10);
        tracks.push(other);
        fresh(random.random_range(0..8_000_000), &mut tracks);
        let indices = indices(&tracks);
        assert!(indices[tracks.len() - 1] >= indices[0]);
    }
}

/// Changes of any track per minute, for four minutes of an estimate that comes ten times a second.
fn changes(
    tracks: &mut [Track],
    mut estimate: impl FnMut(f64) -> f64,
    mut each: impl FnMut(&mut [Track]),
) -> Vec<usize> {
    let mut allocator = Allocator::new();
    let start = Instant::now();
    let mut minutes = Vec::new();
    for minute in 0..4 {
        let mut changes = 0;
        for tenth in 0..600 {
            let now = start + S * 60 * minute + 100 * MS * tenth;
            let before = sent(tracks);
            each(tracks);
            allocator.allocate(now, estimate((now - start).as_secs_f64()) as u64, tracks);
            changes += before.iter().zip(sent(tracks)).filter(|(a, b)| **a != *b).count();
        }
        minutes.push(changes);
    }
    minutes
}

#[test]
fn an_estimate_that_swings_around_a_step_does_not_make_the_picture_flap() {
    for period in [0.5, 1.0, 3.0, 7.0, 15.0, 30.0] {
        for middle in [500_000.0, 530_000.0, 560_000.0] {
            let mut tracks = [track(&camera(), prefer(1))];
            let swing = |t: f64| middle * (1.0 + 0.1 * (t * std::f64::consts::TAU / period).sin());
            let minutes = changes(&mut tracks, swing, |_| ());
            assert!(minutes[0] <= 12, "{period} s: {minutes:?}");
            assert!(minutes[1..].iter().all(|&changes| changes <= 6), "{period} s: {minutes:?}");
        }
    }
}

#[test]
fn noise_in_the_estimate_and_in_what_sources_send_does_not_make_pictures_flap() {
    let mut random = SmallRng::seed_from_u64(0x6e6f_6973);
    for (count, share) in [(1, 560e3), (1, 700e3), (3, 170e3), (3, 560e3), (10, 400e3), (10, 900e3)]
    {
        let mut tracks: Vec<_> = (0..count).map(|_| track(&camera(), prefer(1))).collect();
        let mut sources = SmallRng::seed_from_u64(count);
        let mut builder = LadderBuilder::new();
        // Encodings vary by 30 percent, averaged over a second as the layers of a track are.
        let mut states = vec![[1.0; 3]; tracks.len()];
        let vary = |tracks: &mut [Track]| {
            for (track, states) in tracks.iter_mut().zip(&mut states) {
                let mut layers = camera();
                for (layer, state) in layers.iter_mut().zip(states) {
                    *state += (sources.random_range(0.7..1.3) - *state) * 0.1;
                    layer.bitrate = (layer.bitrate as f64 * *state) as u64;
                }
                track.update(&mut builder, &layers, &prefer(1), &Selection::default());
            }
        };
        let average = share * count as f64;
        let minutes = changes(&mut tracks, |_| average * random.random_range(0.95..1.05), vary);
        assert!(minutes[1..].iter().all(|&changes| changes <= 6), "{count}: {minutes:?}");
    }
}

#[test]
fn in_a_room_of_unlike_tracks_a_swinging_estimate_changes_few_of_them() {
    for period in [1.0, 5.0, 20.0] {
        for middle in [1.0e6, 1.7e6, 2.6e6, 4.4e6, 6.0e6] {
            let screen = encodings(&[(960, 540, 400), (1920, 1080, 1500)]);
            let tile = Preferences { max_height: Some(180), ..Preferences::default() };
            let mut tracks = vec![track(&screen, prefer(10)), track(&camera(), prefer(3))];
            tracks.extend((0..4).map(|_| track(&camera(), prefer(1))));
            tracks.extend((0..4).map(|_| track(&camera(), tile)));
            let swing = |t: f64| middle * (1.0 + 0.1 * (t * std::f64::consts::TAU / period).sin());
            let minutes = changes(&mut tracks, swing, |_| ());
            assert!(minutes[1..].iter().all(|&changes| changes <= 8), "{period} s: {minutes:?}");
        }
    }
}

#[test]
fn once_it_has_seen_its_tracks_it_allocates_no_memory() {
    let mut tracks: Vec<_> = (0..50).map(|_| track(&camera(), prefer(1))).collect();
    let mut allocator = Allocator::new();
    let now = Instant::now();
    allocator.allocate(now, 50_000_000, &mut tracks);
    let capacities = |allocator: &Allocator| {
        (
            allocator.places.capacity(),
            allocator.desires.capacity(),
            allocator.order.capacity(),
            allocator.steps.capacity(),
        )
    };
    let before = capacities(&allocator);
    for step in 0..200 {
        allocator.allocate(now + S * step, u64::from(step % 7) * 10_000_000, &mut tracks);
    }
    assert_eq!(capacities(&allocator), before);
}

#[test]
fn whatever_happens_to_sources_link_and_wishes_what_is_sent_comes_and_fits() {
    let mut random = SmallRng::seed_from_u64(0x6c69_7665);
    let mut builder = LadderBuilder::new();
    for _ in 0..60 {
        let mut tracks = some_tracks(&mut random);
        let mut allocator = Allocator::new();
        let mut now = Instant::now();
        for _ in 0..200 {
            now += MS * random.random_range(0..4000);
            let available = random.random_range(0..6_000_000);
            for track in &mut tracks {
                if random.random_bool(0.7) {
                    continue;
                }
                let mut layers = camera();
                for layer in &mut layers {
                    layer.active = random.random_bool(0.7);
                    layer.bitrate = random.random_range(0..2 * layer.bitrate);
                }
                let max_height = random.random_bool(0.3).then(|| random.random_range(0..800));
                let preferences = Preferences { max_height, ..prefer(random.random_range(0..200)) };
                track.update(&mut builder, &layers, &preferences, &Selection::default());
            }
            let allocation = allocator.allocate(now, available, &mut tracks);
            assert!(allocation.used <= available);
            assert!(total(&tracks) as f64 <= available as f64 * MAX_PEAK + 1.0);
            assert!(allocation.next.is_none_or(|next| next > now));
            for track in &tracks {
                let rungs = track.ladder().rungs();
                assert!(track.target_rung().is_none_or(|rung| rung.active && rungs.contains(rung)));
                let best = rungs.iter().rfind(|rung| !rung.stopgap).map(|rung| rung.layer);
                assert_eq!(
                    matches!(track.reason(), Reason::Best | Reason::Preferences),
                    track.target().is_some() && track.target() == best
                );
            }
        }
    }
}
