//! The picture that everybody's tiles are painted on. Only what changed is painted, with what it
//! shines through to or is covered by.

use std::collections::HashMap;
use std::sync::Arc;

use super::corners::Corners;
use super::draw::{Fonts, Sprite};
use super::face;
use super::input::Shown;
use super::layout::Placement;
use super::overlay::Rendered;
use super::picture::Picture;
use super::rect::{Rect, even};
use super::scale::{Crop, Scaler};
use super::stats::CanvasStats;
use crate::control::canvas::{Colour, Fit};
use crate::mcu::PortId;

/// Most rings that are kept.
const MAX_RINGS: usize = 64;

/// A port as it is painted.
pub(super) struct View<'a> {
    pub shown: Option<&'a Shown>,
    pub label: Option<&'a str>,
    /// Instead of initials.
    pub placeholder: Option<&'a Picture>,
    pub muted: bool,
    pub speaking: bool,
    /// Grows when label, placeholder or mute change.
    pub revision: u64,
}

/// Everything that a tile's look depends on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Look {
    picture: Option<u64>,
    revision: u64,
    speaking: bool,
}

struct Item {
    z: i32,
    rect: Rect,
    content: Content,
    dirty: bool,
}

enum Content {
    Tile(Box<TileState>),
    Overlay(Arc<Rendered>),
}

struct TileState {
    placement: Placement,
    painted: Option<Look>,
    /// Of which revision the sprites below are.
    revision: Option<u64>,
    label: Option<(Sprite, u16)>,
    avatar: Option<Sprite>,
}

impl Item {
    /// Whether nothing of what lies below is seen.
    fn is_opaque(&self) -> bool {
        match &self.content {
            Content::Tile(tile) => tile.placement.radius == 0 && tile.placement.fit == Fit::Cover,
            Content::Overlay(_) => false,
        }
    }
}

#[derive(PartialEq, Eq, Hash)]
struct RingKey {
    width: u16,
    height: u16,
    radius: u16,
    line: u16,
    colour: Colour,
}

pub(super) struct Canvas {
    picture: Picture,
    background: Picture,
    fonts: Fonts,
    /// In the order of painting.
    items: Vec<Item>,
    /// All of it has to be painted.
    stale: bool,
    /// Grows when something was painted.
    version: u64,
    scaler: Scaler,
    rings: HashMap<RingKey, Sprite>,
    corners: Corners,
    stats: CanvasStats,
}

impl Canvas {
    pub(super) fn new(background: Picture, fonts: Fonts) -> Self {
        Self {
            picture: background.clone(),
            background,
            fonts,
            items: Vec::new(),
            stale: true,
            version: 0,
            scaler: Scaler::default(),
            rings: HashMap::new(),
            corners: Corners::default(),
            stats: CanvasStats::default(),
        }
    }

    pub(super) fn picture(&self) -> &Picture {
        &self.picture
    }

    /// Both at once, to scale what was painted.
    pub(super) fn picture_and_scaler(&mut self) -> (&Picture, &mut Scaler) {
        (&self.picture, &mut self.scaler)
    }

    pub(super) fn fonts(&self) -> &Fonts {
        &self.fonts
    }

    pub(super) fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn stats(&mut self) -> &mut CanvasStats {
        &mut self.stats
    }

    /// `background` is of the canvas' size.
    pub(super) fn set_background(&mut self, background: Picture) {
        self.background = background;
        self.stale = true;
    }

    /// Other tiles and overlays.
    pub(super) fn set_items(&mut self, placements: &[Placement], overlays: &[Arc<Rendered>]) {
        let mut items: Vec<Item> = Vec::with_capacity(placements.len() + overlays.len());
        for placement in placements {
            let kept = self.items.iter_mut().find_map(|item| match &mut item.content {
                Content::Tile(tile) if tile.placement == *placement => Some(TileState {
                    placement: *placement,
                    painted: None,
                    revision: tile.revision.take(),
                    label: tile.label.take(),
                    avatar: tile.avatar.take(),
                }),
                _ => None,
            });
            let tile = kept.unwrap_or(TileState {
                placement: *placement,
                painted: None,
                revision: None,
                label: None,
                avatar: None,
            });
            let content = Content::Tile(Box::new(tile));
            items.push(Item { z: placement.z, rect: placement.rect, content, dirty: true });
        }
        items.extend(overlays.iter().map(|overlay| Item {
            z: overlay.z,
            rect: overlay.rect,
            content: Content::Overlay(overlay.clone()),
            dirty: true,
        }));
        // Stable: of equals, later ones lie above.
        items.sort_by_key(|item| item.z);
        self.items = items;
        self.stale = true;
    }

    /// Paints what changed; whether anything did. `view` tells how a port looks.
    pub(super) fn paint<'a>(&mut self, view: impl Fn(PortId) -> Option<View<'a>>) -> bool {
        for item in &mut self.items {
            let Content::Tile(tile) = &mut item.content else { continue };
            let Some(view) = view(tile.placement.port) else { continue };
            let look = Look {
                picture: view.shown.map(|shown| shown.serial),
                revision: view.revision,
                speaking: view.speaking,
            };
            if tile.painted != Some(look) {
                tile.painted = Some(look);
                item.dirty = true;
            }
        }
        if self.stale {
            self.items.iter_mut().for_each(|item| item.dirty = true);
            self.picture.clone_from(&self.background);
        } else {
            if self.items.iter().all(|item| !item.dirty) {
                return false;
            }
            self.spread();
            for item in self.items.iter().filter(|item| item.dirty && !item.is_opaque()) {
                self.picture.copy_part(&self.background, item.rect, item.rect.x, item.rect.y);
            }
        }
        self.stale = false;
        let mut items = std::mem::take(&mut self.items);
        for item in items.iter_mut().filter(|item| item.dirty) {
            item.dirty = false;
            self.stats.tiles += 1;
            match &mut item.content {
                Content::Overlay(overlay) => {
                    overlay.sprite.draw(&mut self.picture, overlay.rect.x, overlay.rect.y);
                }
                Content::Tile(tile) => {
                    if let Some(view) = view(tile.placement.port) {
                        self.paint_tile(tile, &view);
                    }
                }
            }
        }
        self.items = items;
        self.stats.painted += 1;
        self.version += 1;
        true
    }

    /// What lies over something dirty is dirty, and so is what shines through it.
    fn spread(&mut self) {
        let items = &mut self.items;
        loop {
            let mut more = false;
            for i in 0..items.len() {
                if !items[i].dirty {
                    continue;
                }
                let (rect, opaque) = (items[i].rect, items[i].is_opaque());
                for (j, other) in items.iter_mut().enumerate() {
                    let touched = j > i || (j < i && !opaque);
                    if touched && !other.dirty && other.rect.overlaps(rect) {
                        other.dirty = true;
                        more = true;
                    }
                }
            }
            if !more {
                return;
            }
        }
    }

    fn paint_tile(&mut self, tile: &mut TileState, view: &View<'_>) {
        let placement = tile.placement;
        let rect = placement.rect;
        if tile.revision != Some(view.revision) {
            tile.revision = Some(view.revision);
            tile.label = face::label(&self.fonts, view.label, view.muted, rect);
            tile.avatar = None;
        }
        self.corners.save(&self.picture, rect, placement.radius);
        match (view.shown, view.placeholder) {
            (Some(shown), _) => self.paint_picture(&shown.picture, placement.fit, rect),
            (None, Some(picture)) => self.paint_picture(picture, Fit::Cover, rect),
            (None, None) => self.paint_avatar(tile, view),
        }
        if let Some((line, colour)) = placement.border {
            self.paint_ring(rect, placement.radius, line, colour);
        }
        // Alone on the canvas there is nobody to tell apart.
        let alone = (rect.width, rect.height) == self.picture.size();
        if view.speaking && !alone {
            let line = (rect.width.min(rect.height) / 70).clamp(2, 6);
            self.paint_ring(rect, placement.radius, line, face::SPEAKING);
        }
        if let Some((label, margin)) = &tile.label {
            let y = rect.bottom().saturating_sub(margin + label.height()).max(rect.y);
            label.draw(&mut self.picture, rect.x + margin, y);
        }
        self.corners.restore(&mut self.picture);
    }

    fn paint_picture(&mut self, source: &Picture, fit: Fit, rect: Rect) {
        match fit {
            Fit::Cover => {
                let crop = Crop::covering(source, rect.width, rect.height);
                self.scaler.scale(source, crop, &mut self.picture, rect);
            }
            Fit::Contain => {
                let inner = rect.fitted(source.width().into(), source.height().into());
                self.scaler.scale(source, Crop::whole(source), &mut self.picture, inner);
            }
        }
    }

    fn paint_avatar(&mut self, tile: &mut TileState, view: &View<'_>) {
        let rect = tile.placement.rect;
        let port = tile.placement.port;
        let (circle, field) = face::colours(view.label, port.0);
        self.picture.fill_part(rect, field);
        let avatar =
            tile.avatar.get_or_insert_with(|| face::avatar(&self.fonts, view.label, circle, rect));
        let x = rect.x + even((rect.width - avatar.width().min(rect.width)) / 2);
        let y = rect.y + even((rect.height - avatar.height().min(rect.height)) / 2);
        avatar.draw(&mut self.picture, x, y);
    }

    fn paint_ring(&mut self, rect: Rect, radius: u16, line: u16, colour: Colour) {
        let (width, height) = (rect.width, rect.height);
        if self.rings.len() >= MAX_RINGS {
            self.rings.clear();
        }
        let ring = self
            .rings
            .entry(RingKey { width, height, radius, line, colour })
            .or_insert_with(|| face::ring(rect, radius, line, colour));
        ring.draw(&mut self.picture, rect.x, rect.y);
    }
}
