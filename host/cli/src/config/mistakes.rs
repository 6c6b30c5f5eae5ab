//! Values of the right type that cannot work all the same.

use quarterdeck_core::{BackendChoice, ClientLimit};
use quarterdeck_server::mcp::ToolFamily;

use super::Config;
use crate::logging;

/// What rate limits can be for, beside tool families.
const HTTP: &str = "http";

impl Config {
    /// The first setting with a value that cannot work, and what to do about it.
    pub(super) fn mistake(&self) -> Option<(&'static str, String)> {
        if self.tools.is_empty() {
            let problem = "clients would see no tool: name at least one family".to_owned();
            return Some(("tools", problem));
        }
        if let Err(error) = self.sessions.backend.parse::<BackendChoice>() {
            return Some(("sessions.backend", error.to_string()));
        }
        if self.sessions.tmux_socket.contains('/') {
            let problem = "tmux -L takes a name without a slash".to_owned();
            return Some(("sessions.tmux_socket", problem));
        }
        if let Some(origin) = self
            .streams
            .origins
            .iter()
            .find(|origin| !is_origin(origin))
        {
            return Some((
                "streams.origins",
                format!("{origin:?} is no origin of web pages: write http://HOST:PORT"),
            ));
        }
        if let Some(name) = self
            .rate_limits
            .apply_to
            .iter()
            .find(|name| !is_limited(name))
        {
            let families = ToolFamily::ALL.iter().map(|family| family.as_str());
            let names: Vec<&str> = families.chain([HTTP]).collect();
            return Some((
                "rate_limits.apply_to",
                format!("{name:?} is none of {}", names.join(", ")),
            ));
        }
        let limits = self.rate_limits.clients.iter();
        if let Some(error) = limits
            .map(|text| text.parse::<ClientLimit>())
            .find_map(Result::err)
        {
            return Some(("rate_limits.clients", error.to_string()));
        }
        logging::mistake_in(&self.log.level).map(|problem| ("log.level", problem))
    }
}

/// Browsers send a scheme, a host and a port, or `null` for pages without.
fn is_origin(text: &str) -> bool {
    let host = text.split_once("://").map(|(_, host)| host);
    text == "null" || host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '*']))
}

fn is_limited(name: &str) -> bool {
    name == HTTP || ToolFamily::ALL.iter().any(|family| family.as_str() == name)
}
