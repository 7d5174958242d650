//! Who has which tile: layouts turned into rectangles of the canvas. The order of what comes out
//! is the order in which it is painted.

use super::layout::Placement;
use super::rect::{Rect, even};
use crate::control::canvas::{Colour, Fit, Layout, Tile, TileSource};
use crate::mcu::PortId;

/// Most tiles of a grid. More would be too small to see anybody.
const GRID_CAPACITY: usize = 49;

/// A port that may get a tile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Member {
    pub port: PortId,
    pub screen: bool,
}

/// What a layout is filled with.
pub(super) struct Cast<'a> {
    /// In the order they came.
    pub members: &'a [Member],
    /// The first one that is a member has the large tile.
    pub pinned: &'a [PortId],
    pub dominant: Option<PortId>,
}

impl Cast<'_> {
    /// Pinned ones first, then the others as they came.
    fn ordered(&self) -> Vec<Member> {
        let find = |port: &PortId| self.members.iter().find(|m| m.port == *port).copied();
        let mut ordered: Vec<Member> = Vec::with_capacity(self.members.len());
        for member in self.pinned.iter().filter_map(find) {
            if ordered.iter().all(|m| m.port != member.port) {
                ordered.push(member);
            }
        }
        let rest = self.members.iter().filter(|m| !self.pinned.contains(&m.port));
        ordered.extend(rest);
        ordered
    }

    fn is_pinned(&self, member: &Member) -> bool {
        self.pinned.contains(&member.port)
    }
}

/// Fills `layout` on a canvas of this size.
pub(super) fn arrange(layout: &Layout, cast: &Cast<'_>, width: u16, height: u16) -> Vec<Placement> {
    let stage = Stage { width, height, gap: even(width.min(height) / 80).max(2) };
    let mut members = cast.ordered();
    if let Layout::Tiles(tiles) = layout {
        return fill_tiles(tiles, members, cast, &stage);
    }
    let screen = members.iter().any(|m| m.screen);
    let focus = !matches!(layout, Layout::Grid) || screen;
    if members.len() < 2 || !focus {
        return stage.grid(&members, cast.dominant);
    }
    let main = members.remove(main_of(&members, cast));
    match layout {
        Layout::Pip => stage.pip(main, &members, cast.dominant),
        Layout::Sidebar => stage.sidebar(main, &members),
        _ => stage.strip(main, &members),
    }
}

/// Who has the large tile: a pinned one, a shared screen, who speaks, or the first.
fn main_of(members: &[Member], cast: &Cast<'_>) -> usize {
    if members.first().is_some_and(|m| cast.is_pinned(m)) {
        return 0;
    }
    // The screen that was shared last.
    let screen = members.iter().rposition(|m| m.screen);
    let dominant = || members.iter().position(|m| Some(m.port) == cast.dominant);
    screen.or_else(dominant).unwrap_or(0)
}

struct Stage {
    width: u16,
    height: u16,
    /// Between tiles and around them.
    gap: u16,
}

impl Stage {
    fn whole(&self) -> Rect {
        Rect::new(0, 0, self.width, self.height)
    }

    fn place(&self, member: Member, rect: Rect) -> Placement {
        let fit = if member.screen { Fit::Contain } else { Fit::Cover };
        // A canvas may be too small for what a layout wants.
        let (width, height) = (rect.width.min(self.width), rect.height.min(self.height));
        let (x, y) = (rect.x.min(self.width - width), rect.y.min(self.height - height));
        let rect = Rect::new(x, y, width, height);
        let radius = if rect == self.whole() || member.screen { 0 } else { self.gap };
        let radius = radius.min(rect.width / 4).min(rect.height / 4);
        Placement { port: member.port, rect, z: 0, fit, border: None, radius }
    }

    /// Rows of equal tiles, the last row in the middle.
    fn grid(&self, members: &[Member], dominant: Option<PortId>) -> Vec<Placement> {
        if let [member] = members {
            return vec![self.place(*member, self.whole())];
        }
        let mut shown = members.to_vec();
        if let Some(at) = shown.iter().position(|m| Some(m.port) == dominant)
            && at >= GRID_CAPACITY
        {
            shown.swap(at, GRID_CAPACITY - 1);
        }
        shown.truncate(GRID_CAPACITY);
        let Some(grid) = Grid::best(shown.len() as u16, self) else { return Vec::new() };
        shown.iter().zip(0..).map(|(m, i)| self.place(*m, grid.tile(i, self))).collect()
    }

    /// The large tile above a strip of the others.
    fn strip(&self, main: Member, others: &[Member]) -> Vec<Placement> {
        let gap = self.gap;
        // More of them are smaller, to a point.
        let share = (self.width / (others.len() as u16).clamp(1, 8)).saturating_sub(2 * gap);
        let tile_width = even((self.height / 9 * 3).min(share)).max(2);
        let tile_height = even((u32::from(tile_width) * 9 / 16) as u16).max(2);
        let fits = (self.width.saturating_sub(gap) / (tile_width + gap)).max(1);
        let count = (others.len() as u16).min(fits);
        let strip_width = count * (tile_width + gap) - gap;
        let left = even((self.width.saturating_sub(strip_width)) / 2);
        let Some(main_height) = self.height.checked_sub(tile_height + 3 * gap).filter(|h| *h > 2)
        else {
            return vec![self.place(main, self.whole())];
        };
        let room = Rect::new(gap, gap, self.width.saturating_sub(2 * gap).max(2), main_height);
        let mut placements = vec![self.place(main, room)];
        let top = self.height - gap - tile_height;
        placements.extend(others.iter().zip(0..count).map(|(member, i)| {
            self.place(
                *member,
                Rect::new(left + i * (tile_width + gap), top, tile_width, tile_height),
            )
        }));
        placements
    }

    /// The large tile beside a column of the others.
    fn sidebar(&self, main: Member, others: &[Member]) -> Vec<Placement> {
        let gap = self.gap;
        let share = (self.height / (others.len() as u16).clamp(1, 6)).saturating_sub(2 * gap);
        let tile_height = even((self.width / 5 * 9 / 16).min(share)).max(2);
        let tile_width = even((u32::from(tile_height) * 16 / 9) as u16).max(2);
        let fits = (self.height.saturating_sub(gap) / (tile_height + gap)).max(1);
        let count = (others.len() as u16).min(fits);
        let column_height = count * (tile_height + gap) - gap;
        let top = even(self.height.saturating_sub(column_height) / 2);
        let Some(main_width) = self.width.checked_sub(tile_width + 3 * gap).filter(|w| *w > 2)
        else {
            return vec![self.place(main, self.whole())];
        };
        let room = Rect::new(gap, gap, main_width, self.height.saturating_sub(2 * gap).max(2));
        let mut placements = vec![self.place(main, room)];
        let left = self.width - gap - tile_width;
        placements.extend(others.iter().zip(0..count).map(|(member, i)| {
            self.place(
                *member,
                Rect::new(left, top + i * (tile_height + gap), tile_width, tile_height),
            )
        }));
        placements
    }

    /// The whole canvas and a small tile over it.
    fn pip(&self, main: Member, others: &[Member], dominant: Option<PortId>) -> Vec<Placement> {
        let mut placements = vec![self.place(main, self.whole())];
        let speaks = others.iter().find(|m| Some(m.port) == dominant);
        if let Some(small) = speaks.or(others.first()) {
            let margin = self.gap * 2;
            let (width, height) = (even(self.width / 4).max(2), even(self.height / 4).max(2));
            let x = self.width.saturating_sub(width + margin);
            let y = self.height.saturating_sub(height + margin);
            let mut placement = self.place(*small, Rect::new(x, y, width, height));
            placement.border = Some((even(self.gap / 2).max(2), Colour::WHITE.with_alpha(200)));
            placements.push(placement);
        }
        placements
    }
}

/// A grid's measures.
struct Grid {
    columns: u16,
    rows: u16,
    count: u16,
    width: u16,
    height: u16,
}

impl Grid {
    /// Tiles stay between these shapes, width by height.
    const SHAPES: (f32, f32) = (4.0 / 3.0, 16.0 / 9.0);

    /// The one with the largest tiles.
    fn best(count: u16, stage: &Stage) -> Option<Grid> {
        (1..=count).map(|columns| Grid::of(count, columns, stage)).max_by_key(|grid| {
            let area = u32::from(grid.width) * u32::from(grid.height);
            (area, std::cmp::Reverse(grid.columns * grid.rows))
        })
    }

    fn of(count: u16, columns: u16, stage: &Stage) -> Grid {
        let rows = count.div_ceil(columns);
        let cell = |whole: u16, count: u16| {
            f32::from(whole.saturating_sub(stage.gap * (count + 1))) / f32::from(count)
        };
        let (width, height) = (cell(stage.width, columns), cell(stage.height, rows));
        let (narrow, wide) = Self::SHAPES;
        let (width, height) = (width.min(height * wide), height.min(width / narrow));
        Grid {
            columns,
            rows,
            count,
            width: even(width as u16).max(2),
            height: even(height as u16).max(2),
        }
    }

    fn tile(&self, index: u16, stage: &Stage) -> Rect {
        let (row, column) = (index / self.columns, index % self.columns);
        let in_row = (self.count - row * self.columns).min(self.columns);
        let start = |whole: u16, size: u16, count: u16| {
            even(whole.saturating_sub(count * size + (count - 1) * stage.gap) / 2)
        };
        let left = start(stage.width, self.width, in_row);
        let top = start(stage.height, self.height, self.rows);
        // A canvas too small for all of them: the last ones lie over each other, but inside.
        let x = (left + column * (self.width + stage.gap)).min(stage.width - self.width);
        let y = (top + row * (self.height + stage.gap)).min(stage.height - self.height);
        Rect::new(x, y, self.width, self.height)
    }
}

fn fill_tiles(
    tiles: &[Tile],
    mut free: Vec<Member>,
    cast: &Cast<'_>,
    stage: &Stage,
) -> Vec<Placement> {
    let mut members: Vec<Option<Member>> = vec![None; tiles.len()];
    let take = |free: &mut Vec<Member>, port: PortId| {
        let at = free.iter().position(|m| m.port == port)?;
        Some(free.remove(at))
    };
    for (tile, member) in tiles.iter().zip(&mut members) {
        if let TileSource::Port(port) = tile.source {
            // One port may have several tiles of its own.
            *member = take(&mut free, port)
                .or_else(|| cast.members.iter().find(|m| m.port == port).copied());
        }
    }
    for (tile, member) in tiles.iter().zip(&mut members) {
        if tile.source == TileSource::Speaker && !free.is_empty() {
            *member = Some(free.remove(main_of(&free, cast)));
        }
    }
    let mut free = free.into_iter();
    for (tile, member) in tiles.iter().zip(&mut members) {
        if tile.source == TileSource::Any {
            *member = free.next();
        }
    }
    let mut placed: Vec<Placement> = tiles
        .iter()
        .zip(members)
        .filter_map(|(tile, member)| Some(place_tile(tile, member?, stage)))
        .collect();
    placed.sort_by_key(|placement| placement.z);
    placed
}

fn place_tile(tile: &Tile, member: Member, stage: &Stage) -> Placement {
    let rect = Rect::of_parts(tile.rect, stage.width, stage.height);
    let shorter = f32::from(rect.width.min(rect.height));
    let border =
        tile.border.map(|border| (((border.width * shorter).round() as u16).max(1), border.colour));
    let radius = (tile.radius * shorter).round() as u16;
    Placement { port: member.port, rect, z: tile.z, fit: tile.fit, border, radius }
}

#[cfg(test)]
mod tests;
