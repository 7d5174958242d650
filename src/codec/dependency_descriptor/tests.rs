use super::super::layer::Layer;
use super::testing::{BitWriter, Place, plain, structure, template, write_structure};
use super::*;

fn reader(spatial_layers: u8, temporal_layers: u8) -> DescriptorReader {
    let mut reader = DescriptorReader::default();
    assert!(reader.read(&structure(spatial_layers, temporal_layers, 10)).unwrap().keyframe());
    reader
}

fn dependencies(reader: &mut DescriptorReader, extension: &[u8]) -> Dependencies {
    reader.read(extension).unwrap().dependencies.expect("the structure is known")
}

#[test]
fn mandatory_fields_are_read_without_a_structure() {
    let frame = DescriptorReader::default().read(&[0xc5, 0x12, 0x34]).unwrap();
    assert!(frame.start && frame.end && !frame.keyframe());
    assert_eq!((frame.number, frame.dependencies), (0x1234, None));
}

#[test]
fn a_structure_tells_layers_targets_and_sizes() {
    let mut reader = reader(3, 3);
    for spatial in 0..3 {
        for temporal in 0..3 {
            let layer = Layer::new(spatial, temporal);
            let place = [0, 2, 1][usize::from(temporal)];
            let id = template(spatial, Place::InGroup(place), 3);
            let d = dependencies(&mut reader, &plain(true, true, id, 20));
            assert_eq!(d.layer, layer);
            assert_eq!(d.size, Some((1280, 720)));
            assert!(!d.structure && !d.simulcast && !d.references.is_empty());
            for target in Layer::all() {
                let expected =
                    (target.spatial < 3 && target.temporal < 3).then_some(layer.within(target));
                let present = d.targets.indication(target).map(|i| i != Indication::NotPresent);
                assert_eq!(present, expected, "{layer:?} in {target:?}");
            }
        }
    }
    assert_eq!(reader.size(0), Some((320, 180)));
    assert_eq!(reader.size(3), None);
}

#[test]
fn the_best_target_within_a_limit_goes_by_picture_before_frame_rate() {
    let mut reader = reader(3, 3);
    let targets = dependencies(&mut reader, &plain(true, true, 1, 20)).targets;
    assert_eq!(targets.best_within(Layer::HIGHEST), Some(Layer::new(2, 2)));
    assert_eq!(targets.best_within(Layer::new(1, 3)), Some(Layer::new(1, 2)));
    assert_eq!(targets.best_within(Layer::new(3, 0)), Some(Layer::new(2, 0)));
}

#[test]
fn targets_that_the_sender_does_not_make_are_left_out() {
    let mut reader = reader(2, 1);
    let mut w = BitWriter::default();
    w.put(8, 0xc1).put(16, 11).put(5, 0b01000).put(2, 0b01);
    let targets = dependencies(&mut reader, &w.finish()).targets;
    assert_eq!(targets.best_within(Layer::HIGHEST), Some(Layer::new(0, 0)));
    let later = dependencies(&mut reader, &plain(true, true, 1, 12)).targets;
    assert_eq!(later.best_within(Layer::HIGHEST), Some(Layer::new(0, 0)), "it stays so");
}

#[test]
fn a_frame_may_differ_from_its_template() {
    let mut reader = reader(1, 2);
    let mut w = BitWriter::default();
    // Custom indications: not present, switch; references 3 and 40 before; chain distance 1.
    w.put(8, 0xc1).put(16, 11).put(5, 0b00111).put(2, 0).put(2, 2);
    w.put(2, 1).put(4, 2).put(2, 2).put(8, 39).put(2, 0).put(8, 1);
    let d = dependencies(&mut reader, &w.finish());
    assert_eq!(d.targets.indication(Layer::new(0, 0)), Some(Indication::NotPresent));
    assert_eq!(d.targets.indication(Layer::new(0, 1)), Some(Indication::Switch));
    assert!(d.references.within(1 << 2 | 1 << 39));
    assert!(!d.references.within(1 << 2) && !d.references.within(1 << 39));
}

#[test]
fn a_chain_with_a_gap_is_not_intact_until_it_begins_anew() {
    let mut reader = reader(2, 1);
    let mut next = |number: u16, spatial| {
        let id = template(spatial, Place::InGroup(0), 1);
        dependencies(&mut reader, &plain(true, true, id, number)).targets
    };
    let (low, high) = (Layer::new(0, 0), Layer::new(1, 0));
    // 10 and 11 are the keyframe's; 11 got lost.
    let targets = next(12, 0);
    assert!(targets.intact(low));
    assert!(next(13, 1).intact(low));
    // 15 is lost: the upper layer misses it at 17, the lower one does not.
    next(14, 0);
    next(16, 0);
    let targets = next(17, 1);
    assert!(targets.intact(low) && !targets.intact(high));
    next(18, 0);
    assert!(!next(19, 1).intact(high));
    let begun = dependencies(&mut reader, &structure(2, 1, 20)).targets;
    assert!(begun.intact(low));
}

#[test]
fn only_the_start_of_a_frame_that_refers_to_nothing_is_a_keyframe() {
    let mut w = BitWriter::default();
    w.put(2, 0b10).put(6, 1).put(16, 9).put(5, 0b10000);
    write_structure(&mut w, (1, 1), false);
    let renewed = DescriptorReader::default().read(&w.finish()).unwrap();
    assert!(renewed.dependencies.unwrap().structure && !renewed.keyframe());
    let mut middle = structure(1, 1, 9);
    middle[0] &= 0x7f;
    assert!(!DescriptorReader::default().read(&middle).unwrap().keyframe());
}

#[test]
fn a_cut_extension_tells_what_is_whole() {
    assert_eq!(DescriptorReader::default().read(&[0xc5, 0x12]), None);
    let whole = structure(3, 3, 10);
    for length in 3..whole.len() - 1 {
        let frame = DescriptorReader::default().read(&whole[..length]).unwrap();
        assert_eq!(frame.dependencies, None, "{length} bytes");
    }
    let mut cut = [0xc5, 0x12];
    set_frame_number(&mut cut, 0xffff);
    assert_eq!(cut, [0xc5, 0x12]);
}

#[test]
fn another_frame_number_changes_nothing_else() {
    let mut extension = [0x81, 0, 0, 0x80, 0x77];
    set_frame_number(&mut extension, 0xfffe);
    assert_eq!(extension, [0x81, 0xff, 0xfe, 0x80, 0x77]);
}

#[test]
fn random_descriptors_after_a_structure_do_no_harm() {
    use rand::rngs::SmallRng;
    use rand::{Rng, RngCore, SeedableRng};

    let mut random = SmallRng::seed_from_u64(4);
    let mut reader = reader(3, 3);
    let mut bytes = [0; 120];
    for _ in 0..50_000 {
        random.fill_bytes(&mut bytes);
        reader.read(&bytes[..random.random_range(0..bytes.len())]);
        if random.random_range(0..100) == 0 {
            reader.read(&structure(random.random_range(1..4), random.random_range(1..4), 7));
        }
    }
}
