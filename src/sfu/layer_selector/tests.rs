use super::super::testing::Scalable;
use super::*;
use crate::codec::Codec;

/// A sender and a receiver of its layers.
struct Pair {
    sender: Scalable,
    selector: LayerSelector,
}

impl Pair {
    /// The receiver begins with a keyframe and these layers.
    fn new(codec: Codec, layers: (u8, u8), target: Layer) -> Self {
        Self::of(codec, layers, false, target)
    }

    /// The same with spatial layers that need those below in keyframes alone.
    fn key_only(codec: Codec, layers: (u8, u8), target: Layer) -> Self {
        Self::of(codec, layers, true, target)
    }

    fn of(
        codec: Codec,
        (spatial_layers, temporal_layers): (u8, u8),
        key_only: bool,
        target: Layer,
    ) -> Self {
        let mut sender = Scalable::new(codec, spatial_layers, temporal_layers);
        sender.key_only = key_only;
        let mut pair = Self { sender, selector: LayerSelector::new() };
        pair.selector.start(target);
        let expected = usize::from(spatial_layers.min(target.spatial + 1));
        assert_eq!(pair.send(true).len(), expected);
        pair
    }

    /// Spatial and temporal layer of what goes out of the next picture, and its markers.
    fn send(&mut self, keyframe: bool) -> Vec<(Layer, bool)> {
        let mut out = Vec::new();
        for packet in self.sender.picture(keyframe) {
            let marker = self.selector.decide(&packet);
            out.extend(marker.map(|marker| (packet.description.layer, marker)));
        }
        out
    }

    /// The highest temporal layer and the spatial layers of the next `count` pictures.
    fn layers(&mut self, count: usize) -> Vec<Layer> {
        (0..count).flat_map(|_| self.send(false)).map(|(layer, _)| layer).collect()
    }
}

const SCALABLE: [Codec; 3] = [Codec::Vp8, Codec::Vp9, Codec::Av1];

fn temporal(layers: &[Layer]) -> Vec<u8> {
    layers.iter().map(|layer| layer.temporal).collect()
}

#[test]
fn temporal_layers_are_left_out_from_the_next_picture_on() {
    for codec in SCALABLE {
        let mut pair = Pair::new(codec, (1, 3), Layer::HIGHEST);
        assert_eq!(temporal(&pair.layers(4)), [2, 1, 2, 0], "{codec}");
        pair.selector.set_target(Layer::new(3, 1));
        assert_eq!(temporal(&pair.layers(4)), [1, 0], "{codec}");
        pair.selector.set_target(Layer::new(3, 0));
        assert_eq!(temporal(&pair.layers(8)), [0, 0], "{codec}");
        assert!(!pair.selector.wants_keyframe(), "{codec}");
    }
}

#[test]
fn a_temporal_layer_comes_back_where_nothing_of_it_is_missing() {
    for codec in SCALABLE {
        // At every place of the group of pictures: 2, 1, 2, 0.
        for offset in 0..4 {
            let mut pair = Pair::new(codec, (1, 3), Layer::new(0, 0));
            pair.layers(4 + offset);
            pair.selector.set_target(Layer::new(0, 2));
            let back = pair.layers(12);
            // Never a frame of the highest layer that needs one that was left out: the second of
            // a group comes only after the layer between.
            let first_high = back.iter().position(|layer| layer.temporal == 2).unwrap();
            let rest = temporal(&back[first_high..]);
            let whole: Vec<u8> = [2, 1, 2, 0].iter().cycle().take(rest.len()).copied().collect();
            assert_eq!(rest, whole, "{codec} from {offset}: {back:?}");
            assert!(back.len() > 7, "{codec} from {offset}");
            assert!(!pair.selector.wants_keyframe());
        }
    }
}

#[test]
fn a_spatial_layer_is_given_up_at_once_and_comes_back_with_a_keyframe() {
    for codec in [Codec::Vp9, Codec::Av1] {
        let mut pair = Pair::new(codec, (3, 1), Layer::HIGHEST);
        assert_eq!(pair.layers(1).len(), 3);
        pair.selector.set_target(Layer::new(0, 0));
        assert_eq!(pair.layers(2).len(), 2, "{codec}");
        assert!(!pair.selector.wants_keyframe());
        pair.selector.set_target(Layer::new(2, 0));
        assert_eq!(pair.layers(2).len(), 2, "{codec}");
        assert!(pair.selector.wants_keyframe());
        assert_eq!(pair.send(true).len(), 3, "{codec}");
        assert!(!pair.selector.wants_keyframe());
        assert_eq!(pair.layers(1).len(), 3, "{codec}");
    }
}

fn spatial(layers: &[Layer]) -> Vec<u8> {
    layers.iter().map(|layer| layer.spatial).collect()
}

#[test]
fn layers_that_those_above_need_in_keyframes_alone_go_out_with_keyframes_alone() {
    for codec in [Codec::Vp9, Codec::Av1] {
        let mut pair = Pair::key_only(codec, (3, 3), Layer::new(1, 2));
        assert_eq!(spatial(&pair.layers(8)), [1; 8], "{codec}");
        let markers: Vec<bool> = pair.send(false).iter().map(|(_, marker)| *marker).collect();
        assert_eq!(markers, [true], "{codec}");
        let with_keyframe: Vec<Layer> = pair.send(true).iter().map(|(layer, _)| *layer).collect();
        assert_eq!(spatial(&with_keyframe), [0, 1], "{codec}");
        assert!(!pair.selector.wants_keyframe(), "{codec}");
    }
}

#[test]
fn the_way_down_from_a_layer_that_goes_alone_is_a_keyframe_and_few_frames_until_then() {
    for codec in [Codec::Vp9, Codec::Av1] {
        let mut pair = Pair::key_only(codec, (3, 3), Layer::HIGHEST);
        pair.layers(8);
        pair.selector.set_target(Layer::new(0, 2));
        assert_eq!(pair.layers(8), [Layer::new(2, 0), Layer::new(2, 0)], "{codec}");
        assert!(pair.selector.wants_keyframe(), "{codec}");
        assert_eq!(pair.send(true).len(), 1, "{codec}");
        assert!(!pair.selector.wants_keyframe(), "{codec}");
        let below = pair.layers(4);
        assert_eq!((spatial(&below), temporal(&below)), (vec![0; 4], vec![2, 1, 2, 0]), "{codec}");
    }
}

#[test]
fn who_is_to_have_a_layer_after_all_that_goes_alone_has_all_its_frames_again() {
    for codec in [Codec::Vp9, Codec::Av1] {
        let mut pair = Pair::key_only(codec, (3, 3), Layer::HIGHEST);
        pair.layers(8);
        pair.selector.set_target(Layer::new(1, 2));
        pair.layers(4);
        pair.selector.set_target(Layer::HIGHEST);
        pair.layers(4);
        assert!(!pair.selector.wants_keyframe(), "{codec}");
        let back = pair.layers(4);
        assert_eq!((spatial(&back), temporal(&back)), (vec![2; 4], vec![2, 1, 2, 0]), "{codec}");
    }
}

#[test]
fn right_behind_a_keyframe_the_way_down_is_open() {
    for codec in [Codec::Vp9, Codec::Av1] {
        let mut pair = Pair::key_only(codec, (3, 3), Layer::HIGHEST);
        pair.selector.set_target(Layer::new(0, 2));
        let below = pair.layers(4);
        assert_eq!((spatial(&below), temporal(&below)), (vec![0; 4], vec![2, 1, 2, 0]), "{codec}");
        assert!(!pair.selector.wants_keyframe(), "{codec}");
    }
}

#[test]
fn a_highest_layer_that_ceases_without_a_keyframe_is_missed_after_a_few_pictures() {
    let mut pair = Pair::key_only(Codec::Vp9, (3, 3), Layer::HIGHEST);
    let without = |pair: &mut Pair, keyframe: bool| -> Vec<u8> {
        let picture = pair.sender.picture(keyframe);
        let left = picture.iter().filter(|packet| packet.description.layer.spatial < 2);
        let goes = left.filter(|packet| pair.selector.decide(packet).is_some());
        goes.map(|packet| packet.description.layer.spatial).collect()
    };
    pair.layers(8);
    assert!((0..3).all(|_| without(&mut pair, false).is_empty()));
    without(&mut pair, false);
    assert!(pair.selector.wants_keyframe());
    assert_eq!(without(&mut pair, true), [0, 1]);
    assert!((0..8).all(|_| without(&mut pair, false) == [1]));
    assert!(!pair.selector.wants_keyframe());
}

#[test]
fn the_way_down_is_open_in_any_picture_where_layers_need_those_below() {
    for pictures in 0..4 {
        let mut pair = Pair::new(Codec::Av1, (3, 3), Layer::new(1, 0));
        pair.layers(8 + pictures);
        pair.selector.set_target(Layer::new(0, 2));
        let below = pair.layers(4);
        assert!(below.iter().all(|layer| layer.spatial == 0), "{pictures}: {below:?}");
        assert!(!pair.selector.wants_keyframe(), "{pictures}");
    }
}

#[test]
fn the_marker_ends_the_highest_layer_that_is_forwarded() {
    for codec in [Codec::Vp9, Codec::Av1] {
        let mut pair = Pair::new(codec, (3, 1), Layer::new(1, 0));
        for _ in 0..3 {
            let markers: Vec<bool> = pair.send(false).iter().map(|(_, marker)| *marker).collect();
            assert_eq!(markers, [false, true], "{codec}");
        }
        let mut all = Pair::new(codec, (3, 1), Layer::HIGHEST);
        let markers: Vec<bool> = all.send(false).iter().map(|(_, marker)| *marker).collect();
        assert_eq!(markers, [false, false, true], "{codec}");
    }
}

#[test]
fn a_layer_that_is_wanted_and_does_not_come_asks_for_nothing() {
    for codec in [Codec::Vp9, Codec::Av1] {
        let mut pair = Pair::new(codec, (2, 1), Layer::new(0, 0));
        pair.selector.set_target(Layer::new(0, 2));
        pair.layers(5);
        assert!(!pair.selector.wants_keyframe(), "{codec}");
    }
}

#[test]
fn a_vp9_frame_that_needs_only_its_own_picture_brings_its_layer_back() {
    let mut pair = Pair::new(Codec::Vp9, (2, 1), Layer::new(0, 0));
    pair.selector.set_target(Layer::new(1, 0));
    assert_eq!(pair.layers(1).len(), 1);
    let mut picture = pair.sender.picture(false);
    let upper = &mut picture[1];
    let mut payload = upper.payload.to_vec();
    payload[0] &= !0x40;
    upper.description = crate::codec::Description::parse(Codec::Vp9, &payload, None);
    assert!(picture.iter().all(|packet| pair.selector.decide(packet).is_some()));
    assert_eq!(pair.layers(1).len(), 2);
    assert!(!pair.selector.wants_keyframe());
}

#[test]
fn a_layer_whose_chain_is_broken_is_not_taken_up() {
    let mut pair = Pair::new(Codec::Av1, (1, 2), Layer::new(0, 0));
    pair.sender.lose_picture();
    pair.sender.lose_picture();
    pair.selector.set_target(Layer::new(0, 1));
    assert!(pair.layers(6).iter().all(|layer| layer.temporal == 0));
    pair.send(true);
    assert_eq!(temporal(&pair.layers(2)), [1, 0]);
}

#[test]
fn late_packets_change_nothing() {
    for codec in SCALABLE {
        let mut pair = Pair::new(codec, (1, 3), Layer::HIGHEST);
        let late = pair.sender.picture(false).remove(0);
        pair.selector.set_target(Layer::new(0, 0));
        pair.layers(3);
        assert_eq!(late.description.layer.temporal, 2);
        assert_eq!(pair.selector.decide(&late), None, "{codec}");
        assert_eq!(pair.selector.current().temporal, 0);
    }
}
