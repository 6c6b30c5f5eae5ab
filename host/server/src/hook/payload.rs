//! Reading fields of an event. What is wrong is told by the field's name.

use quarterdeck_core::hooks::{HookEvent, HookMoment, Todo};
use serde_json::Value;

use super::HookAgent;

/// Longer texts are cut: events are kept in memory and sent to every listener.
const LONGEST_TEXT: usize = 4_000;
/// Entries of a list of things to do that are passed on.
const MOST_TODOS: usize = 500;

/// A text, cut to a bearable length.
pub(super) fn short(value: &Value) -> Option<String> {
    let text = value.as_str().filter(|text| !text.is_empty())?;
    let end = text.floor_char_boundary(LONGEST_TEXT);
    Some(text[..end].to_owned())
}

/// The event that `what` makes of the fields `session` and `cwd`.
pub(super) fn event(
    agent: HookAgent,
    session: &Value,
    cwd: &Value,
    what: HookMoment,
) -> Option<HookEvent> {
    Some(HookEvent {
        agent: agent.as_str().to_owned(),
        session: short(session).unwrap_or_else(|| "unnamed".to_owned()),
        cwd: short(cwd),
        process: None,
        what,
    })
}

/// A command of a shell tool. One that is given as a list of arguments is put
/// together as a shell would have to be given it.
pub(super) fn command(
    agent: HookAgent,
    tool: &str,
    arguments: &Value,
) -> Result<HookMoment, String> {
    let command = match arguments.get("command") {
        Some(Value::String(command)) => command.clone(),
        Some(Value::Array(words)) => words
            .iter()
            .map(Value::as_str)
            .collect::<Option<Vec<_>>>()
            .and_then(|words| shlex::try_join(words).ok())
            .ok_or_else(|| {
                format!(
                    "the command of tool {tool} is a list that holds something other than texts"
                )
            })?,
        Some(_) => return Err(format!("the command of tool {tool} is no text")),
        None => return Err(format!("tool {tool} has no command")),
    };
    Ok(HookMoment::Command {
        command,
        can_ask: agent.can_ask(),
    })
}

/// What is typed into a shell that an agent has left running: nobody can tell what reads
/// it there, so it is judged as a command line. Keys alone are none.
pub(super) fn typed(
    agent: HookAgent,
    tool: &str,
    text: &Value,
) -> Result<Option<HookMoment>, String> {
    let text = match text {
        Value::Null => return Ok(None),
        text => text
            .as_str()
            .ok_or_else(|| format!("the input of tool {tool} is no text"))?,
    };
    if text.chars().all(|c| c.is_control() || c.is_whitespace()) {
        return Ok(None);
    }
    Ok(Some(HookMoment::Command {
        command: text.to_owned(),
        can_ask: agent.can_ask(),
    }))
}

/// A list of things to do, whose entries call their text `content`.
pub(super) fn todos(list: &Value, content: &str) -> HookMoment {
    let entries = list.as_array().map_or(&[][..], Vec::as_slice);
    let todos = entries
        .iter()
        .take(MOST_TODOS)
        .enumerate()
        .filter_map(|(place, entry)| {
            Some(Todo {
                id: short(&entry["id"]).unwrap_or_else(|| (place + 1).to_string()),
                content: short(&entry[content])?,
                status: short(&entry["status"]).unwrap_or_else(|| "pending".to_owned()),
                priority: short(&entry["priority"]),
            })
        })
        .collect();
    HookMoment::Todos { todos }
}
