//! Programs that no rule knows by their name: those whose name only the machine knows,
//! those that look like a known one, and what they may run.

use super::invoke::Invocation;
use super::{Context, Field, Walk, base_name, quoted};
use crate::arguments::Arguments;
use crate::place::Places;
use crate::rules::PLAIN_PROGRAM;
use crate::text::{self, SOMETHING, UNKNOWN};
use crate::verdict::Tier;

impl Walk<'_> {
    /// A program whose name only the machine knows: rules are asked about
    /// every name that it could be.
    pub(super) fn unknown_program(
        &mut self,
        path: &str,
        arguments: &[Field],
        invocation: &Invocation<'_>,
        context: &Context,
    ) {
        self.note(
            "core/unknown-command",
            Tier::Review,
            format!(
                "Which program {} is can only be told when it runs.",
                quoted(path)
            ),
            invocation.span,
        );
        let name = base_name(path);
        let mut candidates: Vec<String> = Vec::new();
        // `*.sh` is any script, not one that rules know by its name.
        let any_ending = name
            .trim_start_matches([text::STAR, SOMETHING])
            .starts_with('.');
        if text::is_glob(name) && !any_ending && name.contains(|c: char| c.is_ascii_alphanumeric())
        {
            candidates.extend(self.rules.names_covered_by(name).map(str::to_owned));
        }
        // `${X}rm`: what is not known may be empty, or a path before the name.
        let rest = name.replace([UNKNOWN, SOMETHING], "");
        if !rest.is_empty() && rest != name {
            let last = name.rsplit([UNKNOWN, SOMETHING]).next().unwrap_or_default();
            if last != rest {
                candidates.push(last.to_owned());
            }
            candidates.push(rest);
        }
        for candidate in &candidates {
            if self.rules.knows(candidate) {
                self.run_program(candidate, candidate, arguments, invocation, context, true);
            }
        }
        // `$cmd -rf ~`: whatever it is, it is meant to remove.
        if candidates.is_empty() {
            let arguments = Arguments::new(arguments, &PLAIN_PROGRAM);
            let dire = Places::ROOT.0 | Places::HOME.0 | Places::DEVICE.0;
            if arguments.has_flag("-r|-R|--recursive|--force")
                && arguments
                    .operands()
                    .any(|operand| Places(dire).meets(operand.places(self.shell.here())))
            {
                self.note(
                    "core/unknown-destroyer",
                    Tier::Dangerous,
                    "An unknown program is let loose, with force, on what must not be lost.",
                    invocation.span,
                );
            }
        }
    }

    /// What follows an unknown program may be a command that it runs: where that would
    /// do harm, it is taken for one.
    pub(super) fn rest_of_an_unknown(
        &mut self,
        name: &str,
        fields: &[Field],
        invocation: &Invocation<'_>,
        context: &Context,
    ) {
        // zsh needs no blank behind the brace of `f(){rm -rf x}`.
        let braced = name.strip_prefix('{').filter(|name| self.rules.knows(name));
        let plain = braced.or_else(|| name.strip_prefix("zf_"));
        let inner = plain.into_iter().map(|name| (name, fields));
        let behind = (0..fields.len().min(8))
            .map(|at| (fields[at].text.as_str(), &fields[at + 1..]))
            .filter(|(_, rest)| !rest.is_empty());
        let candidates: Vec<(&str, &[Field])> = inner
            .chain(behind)
            .filter(|(name, _)| !name.starts_with('-') && self.rules.knows(base_name(name)))
            .take(3)
            .collect();
        for (name, rest) in candidates {
            let rest: Vec<Field> = rest
                .iter()
                .map(|field| match braced {
                    Some(_) => super::field(field.text.trim_end_matches('}'), field.span),
                    None => field.clone(),
                })
                .collect();
            self.only_danger(|walk| {
                let inner = super::deeper(context);
                walk.run_program(base_name(name), name, &rest, invocation, &inner, true);
            });
        }
    }
}

/// Takes up no room, so that two names look the same.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The plain name that a name with letters of another alphabet looks like.
pub(super) fn look_alike(name: &str) -> Option<String> {
    if name.is_ascii() {
        return None;
    }
    name.chars()
        .filter(|character| !is_invisible(*character))
        .map(|character| match character {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(character as u32 - 0xfee0),
            'а' | 'α' => Some('a'),
            'в' => Some('b'),
            'с' | 'ϲ' => Some('c'),
            'ԁ' => Some('d'),
            'е' => Some('e'),
            'һ' => Some('h'),
            'і' | 'ι' => Some('i'),
            'ј' => Some('j'),
            'к' => Some('k'),
            'ӏ' | 'ⅼ' => Some('l'),
            'м' | 'ⅿ' => Some('m'),
            'п' => Some('n'),
            'о' | 'ο' => Some('o'),
            'р' | 'ρ' => Some('p'),
            'г' => Some('r'),
            'ѕ' => Some('s'),
            'т' => Some('t'),
            'υ' => Some('u'),
            'ν' | 'ѵ' => Some('v'),
            'ԝ' => Some('w'),
            'х' => Some('x'),
            'у' => Some('y'),
            plain if plain.is_ascii() => Some(plain),
            _ => None,
        })
        .collect()
}
