use super::*;
use crate::control::canvas::{Border, Parts, TileSource};

fn members(count: u64) -> Vec<Member> {
    (0..count).map(|port| Member { port: PortId(port), screen: false }).collect()
}

fn cast<'a>(members: &'a [Member], pinned: &'a [PortId], dominant: Option<u64>) -> Cast<'a> {
    Cast { members, pinned, dominant: dominant.map(PortId) }
}

fn assert_sane(placements: &[Placement], width: u16, height: u16) {
    for p in placements {
        let rect = p.rect;
        assert!(rect.width >= 2 && rect.height >= 2, "{rect:?}");
        assert!(rect.right() <= width && rect.bottom() <= height, "{rect:?} in {width}x{height}");
        let numbers = [rect.x, rect.y, rect.width, rect.height];
        assert!(numbers.iter().all(|n| n % 2 == 0), "{rect:?}");
        assert!(p.radius * 2 <= rect.width.min(rect.height));
    }
}

const SIZES: [(u16, u16); 6] =
    [(1280, 720), (640, 360), (720, 1280), (320, 180), (1920, 1080), (642, 482)];

#[test]
fn tiles_of_every_layout_are_even_inside_and_apart() {
    for (width, height) in SIZES {
        for count in 1..=25 {
            for layout in [Layout::Grid, Layout::Speaker, Layout::Sidebar, Layout::Pip] {
                let members = members(count);
                let placements = arrange(&layout, &cast(&members, &[], Some(1)), width, height);
                assert_sane(&placements, width, height);
                if layout == Layout::Pip {
                    assert_eq!(placements.len(), count.min(2) as usize);
                    continue;
                }
                if layout == Layout::Grid {
                    assert_eq!(placements.len(), count as usize);
                }
                for (i, a) in placements.iter().enumerate() {
                    for b in &placements[i + 1..] {
                        assert!(!a.rect.overlaps(b.rect), "{count} in {layout:?}: {a:?} {b:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_smallest_canvas_keeps_its_tiles_inside() {
    for (width, height) in [(2, 2), (2, 200), (200, 2), (16, 16)] {
        for count in 0..=60 {
            for layout in [Layout::Grid, Layout::Speaker, Layout::Sidebar, Layout::Pip] {
                let members = members(count);
                assert_sane(
                    &arrange(&layout, &cast(&members, &[], None), width, height),
                    width,
                    height,
                );
            }
        }
    }
}

#[test]
fn a_grid_of_nine_uses_the_canvas_well() {
    let members = members(9);
    let placements = arrange(&Layout::Grid, &cast(&members, &[], None), 1280, 720);
    let area: u32 =
        placements.iter().map(|p| u32::from(p.rect.width) * u32::from(p.rect.height)).sum();
    assert!(area > 1280 * 720 * 9 / 10, "{area}");
}

#[test]
fn one_alone_has_the_whole_canvas() {
    let members = members(1);
    for layout in [Layout::Grid, Layout::Speaker, Layout::Sidebar, Layout::Pip] {
        let placements = arrange(&layout, &cast(&members, &[], None), 640, 360);
        assert_eq!(placements.len(), 1);
        assert_eq!(placements[0].rect, Rect::new(0, 0, 640, 360));
    }
}

#[test]
fn who_speaks_is_large_unless_another_is_pinned() {
    let members = members(5);
    for layout in [Layout::Speaker, Layout::Sidebar, Layout::Pip] {
        let large = |pinned: &[PortId], dominant| {
            let placements = arrange(&layout, &cast(&members, pinned, dominant), 1280, 720);
            placements
                .iter()
                .max_by_key(|p| u32::from(p.rect.width) * u32::from(p.rect.height))
                .unwrap()
                .port
        };
        assert_eq!(large(&[], None), PortId(0));
        assert_eq!(large(&[], Some(3)), PortId(3));
        assert_eq!(large(&[], Some(99)), PortId(0), "a stranger speaks");
        assert_eq!(large(&[PortId(99), PortId(2)], Some(3)), PortId(2));
    }
}

#[test]
fn a_shared_screen_gets_most_of_the_canvas_and_is_not_cut() {
    let mut members = members(4);
    members[2].screen = true;
    for layout in [Layout::Grid, Layout::Speaker, Layout::Sidebar, Layout::Pip] {
        let placements = arrange(&layout, &cast(&members, &[], Some(0)), 1280, 720);
        let screen = placements.iter().find(|p| p.port == PortId(2)).unwrap();
        assert_eq!(screen.fit, Fit::Contain);
        let area = u32::from(screen.rect.width) * u32::from(screen.rect.height);
        assert!(area * 10 > 1280 * 720 * 6, "{layout:?}: {area}");
    }
}

#[test]
fn who_speaks_has_a_tile_in_a_full_grid() {
    let members = members(80);
    let placements = arrange(&Layout::Grid, &cast(&members, &[], Some(77)), 1920, 1080);
    assert_eq!(placements.len(), GRID_CAPACITY);
    assert!(placements.iter().any(|p| p.port == PortId(77)));
}

fn tile(x: f32, z: i32, source: TileSource) -> Tile {
    Tile {
        rect: Parts { x, y: 0.0, width: 0.5, height: 0.5 },
        z,
        fit: Fit::Cover,
        border: Some(Border { width: 0.02, colour: Colour::WHITE }),
        radius: 0.5,
        source,
    }
}

#[test]
fn free_tiles_are_filled_by_name_then_by_speech_then_in_turn() {
    let members = members(4);
    let layout = Layout::Tiles(vec![
        tile(0.0, 5, TileSource::Any),
        tile(0.1, 1, TileSource::Speaker),
        tile(0.2, 3, TileSource::Port(PortId(0))),
        tile(0.3, 3, TileSource::Any),
        tile(0.4, 0, TileSource::Port(PortId(9))),
    ]);
    let placements = arrange(&layout, &cast(&members, &[], Some(2)), 1000, 1000);
    assert_sane(&placements, 1000, 1000);
    let order: Vec<_> = placements.iter().map(|p| p.port.0).collect();
    assert_eq!(order, [2, 0, 3, 1], "by z, then as they were given; nobody is port 9");
}

#[test]
fn tiles_outside_the_canvas_are_refused() {
    let mut wrong = tile(0.6, 0, TileSource::Any);
    assert!(super::super::layout::check(&Layout::Tiles(vec![wrong.clone()])).is_err());
    wrong.rect.x = 0.5;
    assert!(super::super::layout::check(&Layout::Tiles(vec![wrong.clone()])).is_ok());
    wrong.radius = f32::NAN;
    assert!(super::super::layout::check(&Layout::Tiles(vec![wrong.clone()])).is_err());
    assert!(
        super::super::layout::check(&Layout::Tiles(vec![tile(0.0, 0, TileSource::Any); MAX + 1]))
            .is_err()
    );
}

const MAX: usize = super::super::layout::MAX_TILES;
