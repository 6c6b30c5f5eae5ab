//! Calls of functions as text: `iterm2.set_name(name: "x")`.

use serde_json::{Map, Value};

#[derive(Debug, PartialEq)]
pub(crate) struct Invocation {
    pub(crate) function: String,
    pub(crate) arguments: Map<String, Value>,
}

impl Invocation {
    /// None if it is no call whose arguments are JSON values.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (function, rest) = text.split_once('(')?;
        let mut rest = rest.trim_start();
        let mut arguments = Map::new();
        while !rest.starts_with(')') {
            let (name, value) = rest.split_once(':')?;
            let end = end_of_value(value)?;
            let parsed = serde_json::from_str(&value[..end]).ok()?;
            arguments.insert(name.trim().to_owned(), parsed);
            rest = &value[end..];
            rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        }
        Some(Self {
            function: function.trim().to_owned(),
            arguments,
        })
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.arguments.get(name)?.as_str()
    }
}

/// Where a value ends: at a comma or bracket that is not within it.
fn end_of_value(text: &str) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0_u32, false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => (),
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.checked_sub(1)?,
            ',' | ')' if depth == 0 => return Some(at),
            _ => (),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in r#"[a-z(:,){}\[\]"\\ é]{0,40}"#) {
            let _ = Invocation::parse(&text);
        }
    }

    #[test]
    fn arguments_are_json_values_by_name() {
        let call = Invocation::parse("iterm2.f(a: \"x), y: 1\", b: [1, 2],c:true)");
        let call = call.expect("a call");
        assert_eq!(call.function, "iterm2.f");
        assert_eq!(call.text("a"), Some("x), y: 1"));
        assert_eq!(Value::Object(call.arguments)["b"][1], 2);
        assert_eq!(
            Invocation::parse("f()").map(|call| call.arguments.len()),
            Some(0)
        );
        for junk in ["", "f", "f(", "f(a", "f(a: )", "f(a: \"x)", "f(a: b)"] {
            assert_eq!(Invocation::parse(junk), None, "{junk}");
        }
    }
}
