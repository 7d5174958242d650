//! Which m-lines of a description share the one transport there is (RFC 9143).

use std::collections::HashMap;

use super::description::{Description, MediaKind};

/// Which lines may be taken, and the order of those in the group.
pub(super) struct Members {
    member: Vec<bool>,
    /// Indices of lines in the order of the peer's group; empty without one.
    pub(super) group: Vec<usize>,
}

impl Members {
    /// `acceptable` says of each line whether there is anything on it to agree on.
    ///
    /// Lines of the group share its transport; those outside have one of their own, which there
    /// is not (RFC 9143 7.3.3). Without a group each line has its own: the first one is taken, and
    /// the first of another kind where both have the same ICE credentials, as they have when the
    /// session names them for all.
    pub(super) fn of(description: &Description<'_>, acceptable: &[bool]) -> Self {
        let mut member = vec![false; description.media.len()];
        let places: HashMap<&str, usize> = description
            .media
            .iter()
            .enumerate()
            .filter(|(_, media)| !media.stopped())
            .filter_map(|(index, media)| Some((media.mid()?, index)))
            .collect();
        let groups = description.bundles.iter().map(|mids| {
            mids.iter().filter_map(|mid| places.get(mid).copied()).collect::<Vec<usize>>()
        });
        let taken = |group: &Vec<usize>| group.iter().any(|i| acceptable.get(*i) == Some(&true));
        if let Some(group) = groups.into_iter().find(taken) {
            for index in &group {
                if let Some(member) = member.get_mut(*index) {
                    *member = true;
                }
            }
            return Self { member, group };
        }
        if description.bundles.iter().all(Vec::is_empty) {
            first_of_each_kind(description, acceptable, &mut member);
        }
        Self { member, group: Vec::new() }
    }

    pub(super) fn has(&self, index: usize) -> bool {
        self.member.get(index) == Some(&true)
    }

    /// The line whose transport holds for all: the first of the group, else the first taken.
    pub(super) fn tagged(&self) -> Option<usize> {
        let first = self.group.first().copied();
        first.or_else(|| self.member.iter().position(|member| *member))
    }
}

fn first_of_each_kind(description: &Description<'_>, acceptable: &[bool], member: &mut [bool]) {
    let mut kinds: Vec<MediaKind> = Vec::new();
    let mut credentials = None;
    let lines = description.media.iter().zip(acceptable).zip(member);
    for ((media, acceptable), member) in lines {
        if !acceptable || media.stopped() || kinds.contains(&media.kind) {
            continue;
        }
        let own = description.credentials(media);
        if *credentials.get_or_insert(own) == own {
            kinds.push(media.kind);
            *member = true;
        }
    }
}
