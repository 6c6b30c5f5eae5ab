//! Windows, tabs and how tabs are divided. Pure: it knows sessions by their ids only.

use quarterdeck_iterm2::proto::{
    Frame, ListSessionsResponse, Point, SplitTreeNode, list_sessions_response,
};

use crate::split::{Place, Split, pixels, summary};

/// Columns and rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cells {
    pub(crate) columns: u16,
    pub(crate) rows: u16,
}

/// What a window is opened with.
pub(crate) const FIRST_SIZE: Cells = Cells {
    columns: 80,
    rows: 25,
};

/// Below this iTerm2 does not divide a pane any more.
const SMALLEST: Cells = Cells {
    columns: 4,
    rows: 2,
};

/// The size of a character in pixels, for frames.
pub(crate) const CELL_WIDTH: i32 = 7;
pub(crate) const CELL_HEIGHT: i32 = 15;

#[derive(Debug, Clone, Default)]
pub(crate) struct Layout {
    pub(crate) windows: Vec<Window>,
    /// Sessions that run without being shown.
    pub(crate) buried: Vec<String>,
    last_tab: u32,
    last_window: i32,
}

#[derive(Debug, Clone)]
pub(crate) struct Window {
    pub(crate) id: String,
    pub(crate) number: i32,
    pub(crate) tabs: Vec<Tab>,
    pub(crate) selected: String,
    pub(crate) size: Cells,
    pub(crate) origin: (i32, i32),
    pub(crate) full_screen: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Tab {
    pub(crate) id: String,
    pub(crate) root: Split,
    pub(crate) active: String,
}

impl Tab {
    pub(crate) fn places(&self, size: Cells) -> Vec<Place> {
        let mut places = Vec::new();
        self.root.place(0, 0, size, &mut places);
        places
    }
}

impl Window {
    pub(crate) fn frame(&self) -> Frame {
        Frame {
            origin: Some(Point {
                x: Some(self.origin.0),
                y: Some(self.origin.1),
            }),
            size: Some(pixels(self.size)),
        }
    }

    /// Gives the window a place and about a size in pixels.
    pub(crate) fn set_frame(&mut self, origin: (i32, i32), width: i32, height: i32) {
        let cells =
            |pixels: i32, cell: i32| u16::try_from(pixels / cell).unwrap_or(1).clamp(2, 1000);
        self.origin = origin;
        self.size = Cells {
            columns: cells(width, CELL_WIDTH),
            rows: cells(height, CELL_HEIGHT),
        };
    }

    fn list(&self, title: &dyn Fn(&str) -> String) -> list_sessions_response::Window {
        let tab = |tab: &Tab| list_sessions_response::Tab {
            tab_id: Some(tab.id.clone()),
            root: Some(tab.root.tree(&tab.places(self.size), title)),
            tmux_window_id: Some("-1".to_owned()),
            tmux_connection_id: None,
            minimized_sessions: Vec::new(),
            active_session_id: None,
        };
        list_sessions_response::Window {
            tabs: self.tabs.iter().map(tab).collect(),
            window_id: Some(self.id.clone()),
            frame: Some(self.frame()),
            number: Some(self.number),
            selected_tab_id: None,
        }
    }
}

impl Layout {
    /// Opens a window with one tab for a session; returns the tab's id.
    pub(crate) fn open_window(&mut self, id: &str, session: &str) -> String {
        let tab = self.new_tab(session);
        let tab_id = tab.id.clone();
        self.windows.push(Window {
            id: id.to_owned(),
            number: self.last_window,
            tabs: vec![tab],
            selected: tab_id.clone(),
            size: FIRST_SIZE,
            origin: (20 * self.last_window, 20 * self.last_window),
            full_screen: false,
        });
        self.last_window += 1;
        tab_id
    }

    fn new_tab(&mut self, session: &str) -> Tab {
        self.last_tab += 1;
        Tab {
            id: self.last_tab.to_string(),
            root: Split::of(session),
            active: session.to_owned(),
        }
    }

    /// Opens a tab in a window that exists; returns its id, or none if there is no such window.
    pub(crate) fn open_tab(
        &mut self,
        window: &str,
        at: Option<usize>,
        select: bool,
        session: &str,
    ) -> Option<String> {
        let window = self.windows.iter().position(|known| known.id == window)?;
        let tab = self.new_tab(session);
        let id = tab.id.clone();
        let window = &mut self.windows[window];
        let at = at.filter(|at| *at <= window.tabs.len());
        window.tabs.insert(at.unwrap_or(window.tabs.len()), tab);
        if select {
            window.selected = id.clone();
        }
        Some(id)
    }

    pub(crate) fn window(&self, id: &str) -> Option<&Window> {
        self.windows.iter().find(|window| window.id == id)
    }

    pub(crate) fn window_mut(&mut self, id: &str) -> Option<&mut Window> {
        self.windows.iter_mut().find(|window| window.id == id)
    }

    pub(crate) fn tab(&self, id: &str) -> Option<(&Window, &Tab)> {
        self.windows.iter().find_map(|window| {
            let tab = window.tabs.iter().find(|tab| tab.id == id)?;
            Some((window, tab))
        })
    }

    pub(crate) fn tab_mut(&mut self, id: &str) -> Option<&mut Tab> {
        self.windows
            .iter_mut()
            .find_map(|window| window.tabs.iter_mut().find(|tab| tab.id == id))
    }

    /// The window and tab that show a session.
    pub(crate) fn showing(&self, session: &str) -> Option<(&Window, &Tab)> {
        self.windows.iter().find_map(|window| {
            let tab = window
                .tabs
                .iter()
                .find(|tab| tab.root.sessions().iter().any(|id| id == session))?;
            Some((window, tab))
        })
    }

    /// Where a session lies, with its size.
    pub(crate) fn place(&self, session: &str) -> Option<Place> {
        let (window, tab) = self.showing(session)?;
        let places = tab.places(window.size);
        places.into_iter().find(|place| place.session == session)
    }

    /// Divides a pane; false if it is too small or unknown.
    pub(crate) fn divide(
        &mut self,
        session: &str,
        vertical: bool,
        before: bool,
        new: &str,
    ) -> bool {
        let Some(place) = self.place(session) else {
            return false;
        };
        let too_small = if vertical {
            place.size.columns < 2 * SMALLEST.columns + 1
        } else {
            place.size.rows < 2 * SMALLEST.rows + 1
        };
        let tab = self.showing(session).map(|(_, tab)| tab.id.clone());
        let Some(tab) = tab.and_then(|id| self.tab_mut(&id)).filter(|_| !too_small) else {
            return false;
        };
        new.clone_into(&mut tab.active);
        tab.root.divide(session, vertical, before, new)
    }

    /// Takes a session out; what is left empty goes too.
    pub(crate) fn remove(&mut self, session: &str) {
        self.buried.retain(|id| id != session);
        for window in &mut self.windows {
            for tab in &mut window.tabs {
                tab.root.remove(session);
                if tab.active == session {
                    tab.active = tab.root.sessions().first().cloned().unwrap_or_default();
                }
            }
        }
        self.remove_empty();
    }

    fn remove_empty(&mut self) {
        for window in &mut self.windows {
            window.tabs.retain(|tab| !tab.root.parts.is_empty());
            if !window.tabs.iter().any(|tab| tab.id == window.selected)
                && let Some(first) = window.tabs.first()
            {
                window.selected = first.id.clone();
            }
        }
        self.windows.retain(|window| !window.tabs.is_empty());
    }

    /// Takes a session off the screen without ending it.
    pub(crate) fn bury(&mut self, session: &str) {
        self.remove(session);
        self.buried.push(session.to_owned());
    }

    /// A session goes by another id from now on.
    pub(crate) fn rename(&mut self, old: &str, new: &str) {
        for tab in self.windows.iter_mut().flat_map(|window| &mut window.tabs) {
            tab.root.rename(old, new);
            if tab.active == old {
                new.clone_into(&mut tab.active);
            }
        }
    }

    /// After a restart of the application tabs have other ids.
    pub(crate) fn number_tabs_anew(&mut self) {
        for window in &mut self.windows {
            for tab in &mut window.tabs {
                self.last_tab += 1;
                let id = self.last_tab.to_string();
                if window.selected == tab.id {
                    window.selected = id.clone();
                }
                tab.id = id;
            }
        }
    }

    /// Takes sizes over from a tree; false if its shape is not the tab's.
    pub(crate) fn weigh(&mut self, tab: &str, tree: &SplitTreeNode) -> bool {
        let Some(tab) = self.tab_mut(tab) else {
            return false;
        };
        let mut root = tab.root.clone();
        let fits = root.weigh(tree);
        if fits {
            tab.root = root;
        }
        fits
    }

    /// Gives windows the tabs that are named for them, in that order. All must exist.
    pub(crate) fn reorder(&mut self, assignments: &[(String, Vec<String>)]) {
        for (window, tab_ids) in assignments {
            let mut moved = Vec::new();
            for id in tab_ids {
                for from in &mut self.windows {
                    if let Some(at) = from.tabs.iter().position(|tab| &tab.id == id) {
                        moved.push(from.tabs.remove(at));
                    }
                }
            }
            if let Some(window) = self.window_mut(window) {
                moved.append(&mut window.tabs);
                window.tabs = moved;
            }
        }
        self.remove_empty();
    }

    /// A tab gets a window of its own; false if it has that, or is unknown.
    pub(crate) fn move_tab_to_new_window(&mut self, tab: &str, window: &str) -> bool {
        let Some((from, moved)) = self.tab(tab).filter(|(from, _)| from.tabs.len() > 1) else {
            return false;
        };
        let (moved, size) = (moved.clone(), from.size);
        let shown = moved.active.clone();
        for from in &mut self.windows {
            from.tabs.retain(|known| known.id != tab);
        }
        self.open_window(window, &shown);
        if let Some(window) = self.window_mut(window) {
            window.selected.clone_from(&moved.id);
            window.tabs = vec![moved];
            window.size = size;
        }
        self.remove_empty();
        true
    }

    /// The pane beside a tab's active one: `left`, `right`, `above` or `below` it.
    pub(crate) fn neighbour(&self, tab: &str, direction: &str) -> Option<String> {
        let (window, tab) = self.tab(tab)?;
        let places = tab.places(window.size);
        let from = places.iter().find(|place| place.session == tab.active)?;
        let is_beside = |place: &&Place| {
            let same_rows =
                place.row < from.row + from.size.rows && from.row < place.row + place.size.rows;
            let same_columns = place.column < from.column + from.size.columns
                && from.column < place.column + place.size.columns;
            match direction {
                "left" => same_rows && place.column + place.size.columns + 1 == from.column,
                "right" => same_rows && from.column + from.size.columns + 1 == place.column,
                "above" => same_columns && place.row + place.size.rows + 1 == from.row,
                "below" => same_columns && from.row + from.size.rows + 1 == place.row,
                _ => false,
            }
        };
        let beside = places.iter().find(is_beside)?;
        Some(beside.session.clone())
    }

    pub(crate) fn list(&self, title: &dyn Fn(&str) -> String) -> ListSessionsResponse {
        ListSessionsResponse {
            windows: self
                .windows
                .iter()
                .map(|window| window.list(title))
                .collect(),
            buried_sessions: self
                .buried
                .iter()
                .map(|id| summary(id, &[], title))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout() -> Layout {
        let mut layout = Layout::default();
        layout.open_window("w", "a");
        layout
    }

    fn places(layout: &Layout) -> Vec<(String, u16, u16, u16, u16)> {
        let window = &layout.windows[0];
        let places = window.tabs[0].places(window.size);
        let tuple = |place: Place| {
            (
                place.session,
                place.column,
                place.row,
                place.size.columns,
                place.size.rows,
            )
        };
        places.into_iter().map(tuple).collect()
    }

    #[test]
    fn panes_divided_the_same_way_are_siblings() {
        let mut layout = layout();
        assert!(layout.divide("a", true, false, "b"));
        assert!(layout.divide("a", true, true, "c"));
        let root = &layout.windows[0].tabs[0].root;
        assert_eq!(root.sessions(), ["c", "a", "b"]);
        assert_eq!(root.parts.len(), 3);
        assert_eq!(
            places(&layout),
            [
                ("c".into(), 0, 0, 26, 25),
                ("a".into(), 27, 0, 26, 25),
                ("b".into(), 54, 0, 26, 25),
            ]
        );
    }

    #[test]
    fn a_pane_divided_the_other_way_becomes_a_split_and_closing_undoes_it() {
        let mut layout = layout();
        assert!(layout.divide("a", true, false, "b"));
        assert!(layout.divide("b", false, false, "c"));
        assert_eq!(
            places(&layout),
            [
                ("a".into(), 0, 0, 39, 25),
                ("b".into(), 40, 0, 40, 12),
                ("c".into(), 40, 13, 40, 12),
            ]
        );
        layout.remove("b");
        assert_eq!(layout.windows[0].tabs[0].root.parts.len(), 2);
        layout.remove("a");
        assert_eq!(places(&layout), [("c".into(), 0, 0, 80, 25)]);
        layout.remove("c");
        assert!(layout.windows.is_empty());
    }

    #[test]
    fn a_small_pane_is_not_divided() {
        let mut layout = layout();
        let mut divided = 0;
        while layout.divide("a", false, false, &format!("b{divided}")) {
            divided += 1;
            assert!(divided < 30, "a pane was divided for ever");
        }
        assert!(layout.place("a").is_some_and(|place| place.size.rows >= 2));
    }
}
