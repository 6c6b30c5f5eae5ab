//! How several panes share a screen: a tree of halves, each split giving a half to each
//! of two layouts. Pure.

use std::fmt;
use std::str::FromStr;

use quarterdeck_terminal::Side;

use crate::error::HostError;

/// More than this many panes cannot be read on any screen.
pub(super) const MOST_PANES: usize = 16;

/// Panes and how they share a screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout<P> {
    /// All of the place.
    Pane(P),
    /// A half for each.
    Split(Arrangement, Box<Layout<P>>, Box<Layout<P>>),
}

/// How two halves lie to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrangement {
    /// The first on the left, the second on the right.
    SideBySide,
    /// The first above the second.
    Stacked,
}

impl Arrangement {
    fn sides(self) -> [Side; 2] {
        match self {
            Self::SideBySide => [Side::Left, Side::Right],
            Self::Stacked => [Side::Above, Side::Below],
        }
    }
}

/// A layout that has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedLayout {
    /// One pane.
    Single,
    /// Two, side by side.
    HorizontalSplit,
    /// Two, one above the other.
    VerticalSplit,
    /// Two above two.
    Quad,
    /// One on the left, two on the right.
    TripleRight,
    /// One above, two below.
    TripleBottom,
}

/// A layout that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// No such name.
    #[error("there is no layout {0:?}: choose {known}", known = NamedLayout::names())]
    Unknown(String),
    /// More panes than places.
    #[error(
        "the layout {layout} has {places} panes, and {panes} were described: leave some out or choose another layout"
    )]
    TooManyPanes {
        /// The layout.
        layout: NamedLayout,
        /// How many it has.
        places: usize,
        /// How many were described.
        panes: usize,
    },
    /// A split of nothing.
    #[error("a split needs at least two parts, this one has {0}")]
    TooFewParts(usize),
    /// More than fit.
    #[error("a layout of {0} panes is not possible: use at most {MOST_PANES}")]
    TooLarge(usize),
}

impl From<LayoutError> for HostError {
    fn from(error: LayoutError) -> Self {
        Self::InvalidParameters(error.to_string())
    }
}

impl NamedLayout {
    /// All there are.
    pub const ALL: [Self; 6] = [
        Self::Single,
        Self::HorizontalSplit,
        Self::VerticalSplit,
        Self::Quad,
        Self::TripleRight,
        Self::TripleBottom,
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::HorizontalSplit => "horizontal_split",
            Self::VerticalSplit => "vertical_split",
            Self::Quad => "quad",
            Self::TripleRight => "triple_right",
            Self::TripleBottom => "triple_bottom",
        }
    }

    fn names() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }

    /// How many panes it has.
    pub fn places(self) -> usize {
        match self {
            Self::Single => 1,
            Self::HorizontalSplit | Self::VerticalSplit => 2,
            Self::TripleRight | Self::TripleBottom => 3,
            Self::Quad => 4,
        }
    }

    /// Puts panes in its places, from left to right and from top to bottom.
    /// Places that are left over get default panes.
    pub fn arrange<P: Default>(self, panes: Vec<P>) -> Result<Layout<P>, LayoutError> {
        use Arrangement::{SideBySide, Stacked};

        let places = self.places();
        if panes.len() > places {
            return Err(LayoutError::TooManyPanes {
                layout: self,
                places,
                panes: panes.len(),
            });
        }
        let mut panes = panes.into_iter();
        let mut next = || Layout::Pane(panes.next().unwrap_or_default());
        Ok(match self {
            Self::Single => next(),
            Self::HorizontalSplit => Layout::halves(SideBySide, next(), next()),
            Self::VerticalSplit => Layout::halves(Stacked, next(), next()),
            Self::Quad => {
                let above = Layout::halves(SideBySide, next(), next());
                Layout::halves(Stacked, above, Layout::halves(SideBySide, next(), next()))
            }
            Self::TripleRight => {
                let left = next();
                Layout::halves(SideBySide, left, Layout::halves(Stacked, next(), next()))
            }
            Self::TripleBottom => {
                let above = next();
                Layout::halves(Stacked, above, Layout::halves(SideBySide, next(), next()))
            }
        })
    }
}

impl fmt::Display for NamedLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for NamedLayout {
    type Err = LayoutError;

    fn from_str(name: &str) -> Result<Self, LayoutError> {
        let found = Self::ALL.into_iter().find(|it| it.as_str() == name);
        found.ok_or_else(|| LayoutError::Unknown(name.to_owned()))
    }
}

impl<P> Layout<P> {
    fn halves(arrangement: Arrangement, first: Self, second: Self) -> Self {
        Self::Split(arrangement, Box::new(first), Box::new(second))
    }

    /// Several parts in a row or a column, halved until each has its place.
    pub fn split(arrangement: Arrangement, parts: Vec<Self>) -> Result<Self, LayoutError> {
        fn halved<P>(arrangement: Arrangement, mut parts: Vec<Layout<P>>) -> Option<Layout<P>> {
            if parts.len() < 2 {
                return parts.pop();
            }
            let second = parts.split_off(parts.len().div_ceil(2));
            let first = halved(arrangement, parts)?;
            Some(Layout::halves(
                arrangement,
                first,
                halved(arrangement, second)?,
            ))
        }
        match parts.len() {
            few @ (0 | 1) => Err(LayoutError::TooFewParts(few)),
            _ => halved(arrangement, parts).ok_or(LayoutError::TooFewParts(0)),
        }
    }

    /// The same arrangement of something else.
    pub fn map<Q>(self, other: &impl Fn(P) -> Q) -> Layout<Q> {
        match self {
            Self::Pane(pane) => Layout::Pane(other(pane)),
            Self::Split(arrangement, first, second) => {
                Layout::halves(arrangement, first.map(other), second.map(other))
            }
        }
    }

    pub(super) fn count(&self) -> usize {
        match self {
            Self::Pane(_) => 1,
            Self::Split(_, first, second) => first.count() + second.count(),
        }
    }

    /// The same with each pane's number, from left to right and from top to bottom.
    pub(super) fn numbered(self, next: &mut usize) -> Layout<(usize, P)> {
        match self {
            Self::Pane(pane) => {
                let number = *next;
                *next += 1;
                Layout::Pane((number, pane))
            }
            Self::Split(arrangement, first, second) => {
                let first = first.numbered(next);
                Layout::halves(arrangement, first, second.numbered(next))
            }
        }
    }

    /// The order in which its panes are opened: each beside one that is there
    /// already and still has the place of both.
    pub(super) fn steps(self) -> Vec<Step<P>> {
        let mut steps = Vec::new();
        self.take_steps(None, Place::default(), &mut steps);
        steps
    }

    fn take_steps(self, beside: Option<(usize, Side)>, mut place: Place, steps: &mut Vec<Step<P>>) {
        // The first pane has all of the place until the others take their halves,
        // the largest first.
        let mut layout = self;
        let mut others = Vec::new();
        let pane = loop {
            match layout {
                Self::Pane(pane) => break pane,
                Self::Split(arrangement, first, second) => {
                    let [here, there] = arrangement.sides();
                    others.push((there, *second, place.half(there)));
                    place = place.half(here);
                    layout = *first;
                }
            }
        };
        let first = steps.len();
        steps.push(Step {
            pane,
            beside,
            place,
        });
        for (side, other, place) in others {
            other.take_steps(Some((first, side)), place, steps);
        }
    }
}

/// One pane to be opened.
#[derive(Debug)]
pub(super) struct Step<P> {
    pub(super) pane: P,
    /// Beside the pane of which earlier step, and where.
    pub(super) beside: Option<(usize, Side)>,
    pub(super) place: Place,
}

/// Where in its layout a pane is: which half of the whole, which half of that, and
/// so on. Empty where it is all there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place(Vec<Side>);

impl Place {
    fn half(&self, side: Side) -> Self {
        let mut halves = self.0.clone();
        halves.push(side);
        Self(halves)
    }

    /// The halves, the largest first.
    pub fn halves(&self) -> &[Side] {
        &self.0
    }
}

impl fmt::Display for Place {
    /// For example `above left`, or `whole`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("whole");
        }
        for (number, side) in self.0.iter().enumerate() {
            let gap = if number == 0 { "" } else { " " };
            let side = match side {
                Side::Above => "above",
                Side::Below => "below",
                Side::Left => "left",
                Side::Right => "right",
            };
            write!(f, "{gap}{side}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The steps in words: which pane, beside which one, on which side, and where
    /// it is in the end.
    fn opened(layout: Layout<char>) -> String {
        let steps = layout.steps();
        let beside = |step: &Step<char>| match step.beside {
            Some((other, side)) => format!("{side:?} of {}", steps[other].pane),
            None => "new".to_owned(),
        };
        let words = steps
            .iter()
            .map(|step| format!("{}: {}, {}", step.pane, beside(step), step.place));
        words.collect::<Vec<_>>().join("; ")
    }

    fn named(layout: NamedLayout) -> String {
        let panes: Vec<char> = ('a'..).take(layout.places()).collect();
        opened(layout.arrange(panes).expect("as many as it has"))
    }

    #[test]
    fn every_named_layout_opens_each_pane_beside_one_that_has_room() {
        let cases = [
            (NamedLayout::Single, "a: new, whole"),
            (
                NamedLayout::HorizontalSplit,
                "a: new, left; b: Right of a, right",
            ),
            (
                NamedLayout::VerticalSplit,
                "a: new, above; b: Below of a, below",
            ),
            (
                NamedLayout::Quad,
                "a: new, above left; c: Below of a, below left; d: Right of c, below right; b: Right of a, above right",
            ),
            (
                NamedLayout::TripleRight,
                "a: new, left; b: Right of a, right above; c: Below of b, right below",
            ),
            (
                NamedLayout::TripleBottom,
                "a: new, above; b: Below of a, below left; c: Right of b, below right",
            ),
        ];
        assert_eq!(cases.len(), NamedLayout::ALL.len());
        for (layout, steps) in cases {
            assert_eq!(named(layout), steps, "{layout}");
            assert_eq!(layout.as_str().parse(), Ok(layout));
        }
    }

    #[test]
    fn panes_are_numbered_as_one_reads() {
        let quad = NamedLayout::Quad.arrange(vec!['a', 'b', 'c', 'd']);
        let steps = quad.expect("four").numbered(&mut 0).steps();
        let numbers: Vec<(usize, char)> = steps.into_iter().map(|step| step.pane).collect();
        assert_eq!(numbers, [(0, 'a'), (2, 'c'), (3, 'd'), (1, 'b')]);
    }

    #[test]
    fn a_row_of_four_is_halved_twice() {
        let panes = "abcd".chars().map(Layout::Pane).collect();
        let row = Layout::split(Arrangement::SideBySide, panes).expect("enough");
        assert_eq!(
            opened(row),
            "a: new, left left; c: Right of a, right left; d: Right of c, right right; b: Right of a, left right"
        );
    }

    #[test]
    fn what_cannot_be_is_said() {
        let error = "grid".parse::<NamedLayout>().expect_err("unknown");
        assert!(error.to_string().contains("triple_bottom"), "{error}");
        let error = NamedLayout::Quad
            .arrange(vec!['a'; 5])
            .expect_err("too many");
        assert!(error.to_string().contains("has 4 panes, and 5"), "{error}");
        let error = Layout::split(Arrangement::Stacked, vec![Layout::Pane('a')]);
        assert_eq!(error, Err(LayoutError::TooFewParts(1)));
    }

    #[test]
    fn places_that_nobody_described_get_default_panes() {
        let layout = NamedLayout::TripleRight.arrange(vec!["a"]).expect("fits");
        let panes: Vec<&str> = layout.steps().into_iter().map(|step| step.pane).collect();
        assert_eq!(panes, ["a", "", ""]);
    }
}
