//! How a tab is divided into panes.

use quarterdeck_iterm2::proto::{
    Frame, Point, SessionSummary, Size, SplitTreeNode, split_tree_node,
};

use crate::layout::{CELL_HEIGHT, CELL_WIDTH, Cells};

#[derive(Debug, Clone)]
pub(crate) struct Split {
    /// The dividers stand upright: the parts lie side by side.
    pub(crate) vertical: bool,
    pub(crate) parts: Vec<Part>,
}

#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// How much of the room it gets, beside the others.
    pub(crate) weight: u32,
    pub(crate) content: Content,
}

#[derive(Debug, Clone)]
pub(crate) enum Content {
    Session(String),
    Split(Split),
}

/// Where a pane lies in its tab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) session: String,
    pub(crate) column: u16,
    pub(crate) row: u16,
    pub(crate) size: Cells,
}

impl Part {
    fn new(content: Content) -> Self {
        Self { weight: 1, content }
    }
}

impl Split {
    pub(crate) fn of(session: &str) -> Self {
        Self {
            vertical: false,
            parts: vec![Part::new(Content::Session(session.to_owned()))],
        }
    }

    pub(crate) fn divide(
        &mut self,
        session: &str,
        vertical: bool,
        before: bool,
        new: &str,
    ) -> bool {
        let alone = self.parts.len() == 1;
        for at in 0..self.parts.len() {
            match &mut self.parts[at].content {
                Content::Session(id) if id == session => {
                    if alone {
                        self.vertical = vertical;
                    }
                    let added = Part::new(Content::Session(new.to_owned()));
                    if self.vertical == vertical {
                        self.parts[at].weight = 1;
                        self.parts.insert(at + usize::from(!before), added);
                    } else {
                        let mut parts = vec![Part::new(Content::Session(session.to_owned()))];
                        parts.insert(usize::from(!before), added);
                        self.parts[at].content = Content::Split(Split { vertical, parts });
                    }
                    return true;
                }
                Content::Session(_) => (),
                Content::Split(split) => {
                    if split.divide(session, vertical, before, new) {
                        return true;
                    }
                }
            }
        }
        false
    }

    pub(crate) fn remove(&mut self, session: &str) {
        for part in &mut self.parts {
            if let Content::Split(split) = &mut part.content {
                split.remove(session);
            }
        }
        self.parts.retain(|part| match &part.content {
            Content::Session(id) => id != session,
            Content::Split(split) => !split.parts.is_empty(),
        });
        // A split with one part is no split: its part takes its place, and what is divided the
        // same way becomes siblings.
        let parts = std::mem::take(&mut self.parts);
        for Part { weight, content } in parts {
            match content {
                Content::Split(mut split) if split.parts.len() == 1 => {
                    let content = split.parts.remove(0).content;
                    self.parts.push(Part { weight, content });
                }
                Content::Split(split) if split.vertical == self.vertical => {
                    self.parts.extend(split.parts);
                }
                content => self.parts.push(Part { weight, content }),
            }
        }
        if let [
            Part {
                content: Content::Split(only),
                ..
            },
        ] = self.parts.as_slice()
        {
            *self = only.clone();
        }
    }

    pub(crate) fn rename(&mut self, old: &str, new: &str) {
        for part in &mut self.parts {
            match &mut part.content {
                Content::Session(id) if id == old => new.clone_into(id),
                Content::Session(_) => (),
                Content::Split(split) => split.rename(old, new),
            }
        }
    }

    pub(crate) fn sessions(&self) -> Vec<String> {
        self.parts
            .iter()
            .flat_map(|part| match &part.content {
                Content::Session(id) => vec![id.clone()],
                Content::Split(split) => split.sessions(),
            })
            .collect()
    }

    pub(crate) fn place(&self, column: u16, row: u16, size: Cells, places: &mut Vec<Place>) {
        let count = u16::try_from(self.parts.len()).unwrap_or(u16::MAX);
        let whole = if self.vertical {
            size.columns
        } else {
            size.rows
        };
        // One cell for each divider.
        let room = whole.saturating_sub(count.saturating_sub(1));
        let weights: u32 = self.parts.iter().map(|part| part.weight.max(1)).sum();
        let (mut offset, mut given) = (0, 0);
        for (at, part) in self.parts.iter().enumerate() {
            let last = at + 1 == self.parts.len();
            let share = u32::from(room) * part.weight.max(1) / weights.max(1);
            let extent = if last {
                room.saturating_sub(given)
            } else {
                u16::try_from(share).unwrap_or(u16::MAX)
            };
            given = given.saturating_add(extent);
            let (at_column, at_row, part_size) = if self.vertical {
                let size = Cells {
                    columns: extent,
                    ..size
                };
                (column + offset, row, size)
            } else {
                let size = Cells {
                    rows: extent,
                    ..size
                };
                (column, row + offset, size)
            };
            offset += extent + 1;
            match &part.content {
                Content::Session(session) => places.push(Place {
                    session: session.clone(),
                    column: at_column,
                    row: at_row,
                    size: part_size,
                }),
                Content::Split(split) => split.place(at_column, at_row, part_size, places),
            }
        }
    }

    /// Takes the sizes over from a tree of the same shape.
    pub(crate) fn weigh(&mut self, tree: &SplitTreeNode) -> bool {
        let one_part = self.parts.len() == 1;
        if tree.links.len() != self.parts.len() || (!one_part && tree.vertical() != self.vertical) {
            return false;
        }
        let vertical = self.vertical;
        self.parts.iter_mut().zip(&tree.links).all(|(part, link)| {
            match (&mut part.content, &link.child) {
                (
                    Content::Session(id),
                    Some(split_tree_node::split_tree_link::Child::Session(summary)),
                ) => {
                    part.weight = extent_of(summary, vertical);
                    summary.unique_identifier() == id
                }
                (
                    Content::Split(split),
                    Some(split_tree_node::split_tree_link::Child::Node(node)),
                ) => {
                    part.weight = extent_of_node(node, vertical);
                    split.weigh(node)
                }
                _ => false,
            }
        })
    }

    pub(crate) fn tree(&self, places: &[Place], title: &dyn Fn(&str) -> String) -> SplitTreeNode {
        use split_tree_node::{SplitTreeLink, split_tree_link::Child};
        let link = |part: &Part| SplitTreeLink {
            child: Some(match &part.content {
                Content::Split(split) => Child::Node(split.tree(places, title)),
                Content::Session(id) => Child::Session(summary(id, places, title)),
            }),
        };
        SplitTreeNode {
            vertical: Some(self.vertical),
            links: self.parts.iter().map(link).collect(),
        }
    }
}

fn extent_of(summary: &SessionSummary, vertical: bool) -> u32 {
    let size = summary.grid_size.unwrap_or_default();
    let extent = if vertical {
        size.width()
    } else {
        size.height()
    };
    u32::try_from(extent).unwrap_or(1).max(1)
}

fn extent_of_node(node: &SplitTreeNode, vertical: bool) -> u32 {
    use split_tree_node::split_tree_link::Child;
    let extents = node.links.iter().map(|link| match &link.child {
        Some(Child::Session(summary)) => extent_of(summary, vertical),
        Some(Child::Node(node)) => extent_of_node(node, vertical),
        None => 1,
    });
    if node.vertical() == vertical {
        extents.sum()
    } else {
        extents.max().unwrap_or(1)
    }
}

/// What the layout says about a session.
pub(crate) fn summary(
    id: &str,
    places: &[Place],
    title: &dyn Fn(&str) -> String,
) -> SessionSummary {
    let place = places.iter().find(|place| place.session == id);
    SessionSummary {
        unique_identifier: Some(id.to_owned()),
        frame: place.map(|place| Frame {
            origin: Some(Point {
                x: Some(i32::from(place.column) * CELL_WIDTH),
                y: Some(i32::from(place.row) * CELL_HEIGHT),
            }),
            size: Some(pixels(place.size)),
        }),
        grid_size: place.map(|place| Size {
            width: Some(place.size.columns.into()),
            height: Some(place.size.rows.into()),
        }),
        title: Some(title(id)),
    }
}

/// The size of so many cells.
pub(crate) fn pixels(size: Cells) -> Size {
    Size {
        width: Some(i32::from(size.columns) * CELL_WIDTH),
        height: Some(i32::from(size.rows) * CELL_HEIGHT),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIZE: Cells = Cells {
        columns: 300,
        rows: 300,
    };

    fn check(split: &Split, is_root: bool) {
        assert!(is_root || split.parts.len() > 1, "a split of one part");
        for part in &split.parts {
            if let Content::Split(inner) = &part.content {
                assert_ne!(
                    inner.vertical, split.vertical,
                    "siblings in a split of their own"
                );
                check(inner, false);
            }
        }
    }

    fn overlap(one: &Place, other: &Place) -> bool {
        one.column < other.column + other.size.columns
            && other.column < one.column + one.size.columns
            && one.row < other.row + other.size.rows
            && other.row < one.row + one.size.rows
    }

    proptest! {
        #[test]
        fn dividing_and_removing_keeps_the_tree_in_shape(
            steps in proptest::collection::vec((any::<u8>(), any::<bool>(), any::<bool>(), 0..3_u8), 1..24),
        ) {
            let mut split = Split::of("0");
            let mut sessions = vec!["0".to_owned()];
            for (number, (at, vertical, before, kind)) in steps.into_iter().enumerate() {
                let session = sessions[usize::from(at) % sessions.len()].clone();
                if kind == 0 && sessions.len() > 1 {
                    split.remove(&session);
                    sessions.retain(|known| *known != session);
                } else {
                    let new = format!("{}", number + 1);
                    prop_assert!(split.divide(&session, vertical, before, &new));
                    sessions.push(new);
                }
                check(&split, true);
                let mut shown = split.sessions();
                shown.sort();
                sessions.sort();
                prop_assert_eq!(&shown, &sessions);
                let mut places = Vec::new();
                split.place(0, 0, SIZE, &mut places);
                for (at, one) in places.iter().enumerate() {
                    prop_assert!(one.column + one.size.columns <= SIZE.columns);
                    prop_assert!(one.row + one.size.rows <= SIZE.rows);
                    prop_assert!(!places[at + 1..].iter().any(|other| overlap(one, other)));
                }
            }
        }
    }
}
