//! Tickets that an agent writes with the tools of another MCP server: a tracker's.

use quarterdeck_core::hooks::Ticket;
use serde_json::Value;

use super::payload::short;

/// What trackers call the number or key of a ticket, the ones that people see first.
const IDS: [&str; 6] = ["key", "identifier", "number", "iid", "id", "ticket_id"];

/// What trackers call its heading.
const TITLES: [&str; 4] = ["title", "summary", "subject", "name"];

/// Whether this is a tool of an MCP server, `mcp__SERVER__TOOL`, that creates tickets.
pub(super) fn is_written_by(tool: &str) -> bool {
    let Some((_, name)) = (tool.strip_prefix("mcp__")).and_then(|rest| rest.rsplit_once("__"))
    else {
        return false;
    };
    let name = name.to_ascii_lowercase().replace('-', "_");
    let is = |words: &[&str]| name.split('_').any(|word| words.contains(&word));
    let comments = ["comment", "link", "attachment", "type", "relation"];
    (is(&["create", "add", "new"]) && is(&["issue", "ticket"]) && !is(&comments))
        || ["createissue", "createticket", "createjiraissue"].contains(&&*name)
}

/// The ticket; none where the answer names none, for then nobody knows that there is one.
pub(super) fn read(given: &Value, answer: &Value) -> Option<Ticket> {
    let answer = object_in(answer)?;
    let id = id_in(&answer).or_else(|| {
        ["issue", "ticket", "data"]
            .iter()
            .find_map(|inner| id_in(&answer[*inner]))
    })?;
    let text = |names: &[&str]| {
        (names.iter()).find_map(|name| short(&given[*name]).or_else(|| short(&answer[*name])))
    };
    let assignee = text(&["assignee", "assigned_to", "assignee_name"]);
    Some(Ticket {
        id,
        title: text(&TITLES).unwrap_or_default(),
        priority: text(&["priority"]),
        assigned_to: assignee.or_else(|| short(&given["assignees"][0])),
    })
}

/// The answer of an MCP tool: an object, or a text with one, in a list of contents or not.
fn object_in(answer: &Value) -> Option<Value> {
    match answer {
        Value::Object(fields) => match fields.get("structuredContent").or(fields.get("content")) {
            Some(inner) => object_in(inner),
            None => Some(answer.clone()),
        },
        Value::Array(contents) => contents
            .iter()
            .find_map(|content| object_in(&content["text"])),
        Value::String(text) => serde_json::from_str(text).ok().filter(Value::is_object),
        _ => None,
    }
}

fn id_in(object: &Value) -> Option<String> {
    IDS.iter().find_map(|name| match &object[*name] {
        Value::Number(number) => Some(number.to_string()),
        text => short(text),
    })
}
