//! Windows, tabs and how they are divided.

use crate::calls::ask;
use crate::client::Client;
use crate::error::CallError;
use crate::ids::{SessionId, TabId, WindowId};
use crate::proto::{
    FocusRequest, ListSessionsRequest, ListSessionsResponse, SessionSummary, SplitTreeNode,
    split_tree_node::split_tree_link::Child,
};

/// All windows, and the sessions that run without being shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The windows.
    pub windows: Vec<Window>,
    /// Sessions that are not shown; of these only id and title are known.
    pub buried: Vec<Pane>,
}

/// A window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Its id.
    pub id: WindowId,
    /// Counted from 0.
    pub number: i32,
    /// Its tabs, left to right.
    pub tabs: Vec<Tab>,
}

/// A tab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tab {
    /// Its id.
    pub id: TabId,
    /// How it is divided.
    pub root: SplitTree,
    /// Sessions that make room for a maximised one.
    pub minimized: Vec<Pane>,
}

/// How a tab is divided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SplitTree {
    /// Not any further.
    Pane(Pane),
    /// Into these.
    Split {
        /// The dividers stand upright: the parts lie side by side.
        vertical: bool,
        /// Left to right, or top to bottom.
        parts: Vec<SplitTree>,
    },
}

/// A pane with its session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pane {
    /// The session.
    pub session: SessionId,
    /// What its tab shows.
    pub title: String,
    /// Columns and rows; none where it is not shown.
    pub size: Option<(u16, u16)>,
}

impl Layout {
    pub(crate) fn of(list: ListSessionsResponse) -> Self {
        let tab = |tab: crate::proto::list_sessions_response::Tab| Tab {
            id: TabId(tab.tab_id.unwrap_or_default()),
            root: SplitTree::of(tab.root.unwrap_or_default()),
            minimized: tab.minimized_sessions.into_iter().map(Pane::of).collect(),
        };
        let window = |window: crate::proto::list_sessions_response::Window| Window {
            id: WindowId(window.window_id.unwrap_or_default()),
            number: window.number.unwrap_or_default(),
            tabs: window.tabs.into_iter().map(tab).collect(),
        };
        Self {
            windows: list.windows.into_iter().map(window).collect(),
            buried: list.buried_sessions.into_iter().map(Pane::of).collect(),
        }
    }

    /// Every session, shown or not.
    pub fn panes(&self) -> Vec<&Pane> {
        let tabs = self.windows.iter().flat_map(|window| &window.tabs);
        tabs.flat_map(Tab::panes).chain(&self.buried).collect()
    }

    /// A session by its id.
    pub fn pane(&self, session: &SessionId) -> Option<&Pane> {
        let mut panes = self.panes().into_iter();
        panes.find(|pane| &pane.session == session)
    }
}

impl Tab {
    /// Its sessions, maximised or not.
    pub fn panes(&self) -> Vec<&Pane> {
        let mut panes = Vec::new();
        self.root.gather(&mut panes);
        panes.extend(&self.minimized);
        panes
    }
}

impl SplitTree {
    fn of(node: SplitTreeNode) -> Self {
        let vertical = node.vertical();
        let part = |child| match child {
            Child::Session(summary) => Self::Pane(Pane::of(summary)),
            Child::Node(node) => Self::of(node),
        };
        let children = node.links.into_iter().filter_map(|link| link.child);
        let mut parts: Vec<Self> = children.map(part).collect();
        if parts.len() == 1 {
            parts.remove(0)
        } else {
            Self::Split { vertical, parts }
        }
    }

    fn gather<'a>(&'a self, panes: &mut Vec<&'a Pane>) {
        match self {
            Self::Pane(pane) => panes.push(pane),
            Self::Split { parts, .. } => parts.iter().for_each(|part| part.gather(panes)),
        }
    }
}

impl Pane {
    fn of(summary: SessionSummary) -> Self {
        let extent = |extent: i32| u16::try_from(extent).ok();
        let size = summary
            .grid_size
            .and_then(|size| Some((extent(size.width())?, extent(size.height())?)));
        Self {
            session: SessionId(summary.unique_identifier.unwrap_or_default()),
            title: summary.title.unwrap_or_default(),
            size,
        }
    }
}

impl Client {
    /// All windows with their tabs and panes.
    pub async fn list_sessions(&self) -> Result<Layout, CallError> {
        let list = ask!(
            self,
            "the list of sessions",
            ListSessionsRequest(ListSessionsRequest {}),
            ListSessionsResponse
        );
        Ok(Layout::of(list))
    }

    /// What has the focus, as the notices that would lead there.
    pub async fn focus(&self) -> Result<Vec<crate::Notice>, CallError> {
        let focus = ask!(
            self,
            "what has the focus",
            FocusRequest(FocusRequest {}),
            FocusResponse
        );
        let notice = |change| {
            crate::Notice::of(crate::proto::Notification {
                focus_changed_notification: Some(change),
                ..Default::default()
            })
        };
        Ok(focus.notifications.into_iter().filter_map(notice).collect())
    }
}
