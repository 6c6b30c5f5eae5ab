//! What serde says of wrong arguments, in words of those who wrote them.

/// The message, without the names of Rust's types.
pub(super) fn in_words(message: &str) -> String {
    let parts = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))
        .and_then(|rest| rest.rsplit_once(", expected "));
    match parts {
        Some((given, expected)) => {
            format!("{} is given, {} is expected", what(given), wanted(expected))
        }
        None => message.to_owned(),
    }
}

/// What there is, of serde's `Unexpected`.
fn what(given: &str) -> String {
    match given.split_once(' ') {
        None if given == "map" => "an object".to_owned(),
        None if given == "sequence" => "a list".to_owned(),
        Some(("string", text)) => format!("the text {text}"),
        Some(("integer" | "boolean", value)) => value.to_owned(),
        Some(("floating", rest)) => rest.trim_start_matches("point ").to_owned(),
        _ => given.to_owned(),
    }
}

/// What there should be, of serde's `Expected`.
fn wanted(expected: &str) -> &str {
    match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number from 0",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" | "a borrowed string" | "string or map" | "path string" => "text",
        "a sequence" => "a list",
        "a map" => "an object",
        named if named.starts_with("struct ") => "an object",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn types_are_told_as_json_has_them() {
        for (said, expected) in [
            (
                "invalid type: floating point `1.5`, expected u64",
                "`1.5` is given, a whole number from 0 is expected",
            ),
            (
                "invalid value: integer `-1`, expected u16",
                "`-1` is given, a whole number from 0 to 65535 is expected",
            ),
            (
                "invalid type: string \"a, expected b\", expected usize",
                "the text \"a, expected b\" is given, a whole number from 0 is expected",
            ),
            (
                "invalid type: map, expected a sequence",
                "an object is given, a list is expected",
            ),
            (
                "invalid type: null, expected struct Target",
                "null is given, an object is expected",
            ),
            ("missing field `tasks`", "missing field `tasks`"),
            (
                "unknown field `x`, expected one of `a`, `b`",
                "unknown field `x`, expected one of `a`, `b`",
            ),
        ] {
            assert_eq!(in_words(said), expected);
        }
    }
}
