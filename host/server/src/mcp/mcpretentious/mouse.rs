//! `mcpretentious-mouse`.

use std::fmt;
use std::sync::Arc;

use quarterdeck_core::mouse::{MouseAction, MouseReport};
use quarterdeck_core::{Caller, Host, HostError};
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::tool::{Effect, ForeignTool, Outcome};
use super::terminal_id::TerminalId;
use super::{PlainText, said};

pub(super) struct Mouse;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Arguments {
    /// The terminal ID
    #[serde(alias = "terminal_id")]
    terminal_id: TerminalId,
    /// What the mouse does
    event: Event,
    /// Column, from 0
    x: u16,
    /// Row, from 0
    y: u16,
    /// left, middle, right, scrollUp, scrollDown, or button-0 to button-127
    button: Button,
    /// Shift is held
    #[serde(default)]
    shift: bool,
    /// Alt is held
    #[serde(default)]
    alt: bool,
    /// Ctrl is held
    #[serde(default)]
    ctrl: bool,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Event {
    Press,
    Release,
    Drag,
}

/// A button by its name or by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
enum Button {
    Left,
    Middle,
    Right,
    ScrollUp,
    ScrollDown,
    Number(u8),
}

impl TryFrom<String> for Button {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let number = |digits: &str| digits.parse().ok().filter(|number| *number <= 127);
        match name.as_str() {
            "left" => Ok(Self::Left),
            "middle" => Ok(Self::Middle),
            "right" => Ok(Self::Right),
            "scrollUp" => Ok(Self::ScrollUp),
            "scrollDown" => Ok(Self::ScrollDown),
            other => other
                .strip_prefix("button-")
                .and_then(number)
                .map(Self::Number)
                .ok_or_else(|| {
                    format!(
                        "Unknown button: {name}. Available buttons: left, middle, right, scrollUp, scrollDown, button-0 to button-127"
                    )
                }),
        }
    }
}

impl Button {
    /// xterm's number.
    fn code(self) -> u8 {
        match self {
            Self::Left => 0,
            Self::Middle => 1,
            Self::Right => 2,
            Self::ScrollUp => 64,
            Self::ScrollDown => 65,
            Self::Number(code) => code,
        }
    }
}

impl fmt::Display for Button {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Left => f.write_str("left"),
            Self::Middle => f.write_str("middle"),
            Self::Right => f.write_str("right"),
            Self::ScrollUp => f.write_str("scrollUp"),
            Self::ScrollDown => f.write_str("scrollDown"),
            Self::Number(code) => write!(f, "button {code}"),
        }
    }
}

impl ForeignTool for Mouse {
    const NAME: &'static str = "mcpretentious-mouse";
    const DESCRIPTION: &'static str =
        "Sends a mouse event to the program in a terminal: press, release or drag at a cell.";
    const EFFECT: Effect = Effect::RunsAnything;
    type Arguments = Arguments;
    type Dialect = PlainText;

    async fn call(host: Arc<Host>, caller: Caller, arguments: Arguments) -> Outcome {
        let session = arguments.terminal_id.session(&host, &caller).await?;
        is_on_screen("x", arguments.x, "columns", session.size.columns())?;
        is_on_screen("y", arguments.y, "rows", session.size.rows())?;
        let report = MouseReport {
            action: match arguments.event {
                Event::Press => MouseAction::Press,
                Event::Release => MouseAction::Release,
                Event::Drag => MouseAction::Drag,
            },
            button: arguments.button.code(),
            column: arguments.x,
            row: arguments.y,
            shift: arguments.shift,
            alt: arguments.alt,
            control: arguments.ctrl,
        };
        host.point(session.id.as_str(), report, &caller)
            .await
            .map_err(|error| arguments.terminal_id.name_in(error))?;
        said(told(&arguments))
    }
}

fn is_on_screen(name: &str, at: u16, of: &str, count: u16) -> Result<(), HostError> {
    if at < count {
        return Ok(());
    }
    Err(HostError::InvalidParameters(format!(
        "{name} is {at}, and the terminal has {count} {of}, counted from 0: give 0 to {}",
        count - 1
    )))
}

/// The words that clients match on.
fn told(arguments: &Arguments) -> String {
    let event = match arguments.event {
        Event::Press => "press",
        Event::Release => "release",
        Event::Drag => "drag",
    };
    let held: Vec<&str> = [
        (arguments.shift, "Shift"),
        (arguments.alt, "Alt"),
        (arguments.ctrl, "Ctrl"),
    ]
    .iter()
    .filter_map(|(held, name)| held.then_some(*name))
    .collect();
    let with = match held.as_slice() {
        [] => String::new(),
        held => format!(" with {}", held.join("+")),
    };
    let Arguments { button, x, y, .. } = arguments;
    format!("Mouse {event}: {button}{with} at ({x}, {y})")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answered(button: &str, modifiers: bool) -> String {
        let arguments = json!({
            "terminalId": "pty:x", "event": "press", "x": 10, "y": 5, "button": button,
            "shift": modifiers, "alt": modifiers, "ctrl": modifiers,
        });
        told(&serde_json::from_value(arguments).expect("arguments"))
    }

    #[test]
    fn answers_are_the_words_that_clients_match() {
        assert_eq!(answered("left", false), "Mouse press: left at (10, 5)");
        assert_eq!(
            answered("left", true),
            "Mouse press: left with Shift+Alt+Ctrl at (10, 5)"
        );
        assert_eq!(
            answered("button-3", false),
            "Mouse press: button 3 at (10, 5)"
        );
    }

    #[test]
    fn buttons_have_the_numbers_of_xterm() {
        let code = |name: &str| Button::try_from(name.to_owned()).map(Button::code);
        assert_eq!(code("scrollDown"), Ok(65));
        assert_eq!(code("button-127"), Ok(127));
        for unknown in ["button-128", "button-", "thumb"] {
            assert!(code(unknown).expect_err(unknown).contains("scrollUp"));
        }
    }
}
