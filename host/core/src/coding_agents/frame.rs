//! Reading one screen of an agent's program: what it does, and what stands in its
//! prompt box. Pure.

use quarterdeck_terminal::Screen;
use regex::Regex;

use super::activity::Activity;
use super::rules::{AgentRules, BoxRules, Rule};

/// A screen at one moment, as far as rules look at it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// Rows from the top, without blanks at their ends.
    pub rows: Vec<String>,
    /// The title that the program gave the terminal.
    pub title: Option<String>,
}

/// What a frame shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// What the agent does.
    pub activity: Activity,
    /// Why that is believed, for people.
    pub why: String,
    /// When a limit is lifted, in the program's own words.
    pub resets: Option<String>,
}

/// What stands in a prompt box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoxText {
    /// What was typed, wrapped as it is shown; empty where only a placeholder stands.
    pub text: String,
    /// How many pastes are shown as a word.
    pub pastes: usize,
    /// Its first row.
    row: usize,
}

impl Frame {
    /// What a session shows.
    pub(crate) fn of_screen(screen: &Screen) -> Self {
        Self {
            rows: screen.rows.iter().map(|row| row.text.clone()).collect(),
            title: screen.title.clone(),
        }
    }

    /// A frame of a text.
    pub fn of_text(text: &str) -> Self {
        Self {
            rows: text
                .lines()
                .map(|line| line.trim_end().to_owned())
                .collect(),
            title: None,
        }
    }

    /// What the agent does whose rules these are; `None` where no rule fits.
    pub fn sighting(&self, rules: &AgentRules) -> Option<Sighting> {
        let box_row = self.box_text(rules).map(|it| it.row);
        rules.rules.iter().find_map(|rule| {
            let resets = self.fits(rule, box_row)?;
            Some(Sighting {
                activity: rule.is,
                why: rule.why.clone(),
                resets,
            })
        })
    }

    /// What stands in the prompt box; `None` where none is shown.
    pub fn box_text(&self, rules: &AgentRules) -> Option<BoxText> {
        let shape = rules.prompt_box.as_ref()?;
        let row = (0..self.rows.len()).rev().find(|row| {
            shape.begins.is_match(&self.rows[*row])
                && shape.above.as_ref().is_none_or(|above| {
                    row.checked_sub(1)
                        .is_some_and(|before| above.is_match(&self.rows[before]))
                })
        })?;
        let mut text = group(&shape.begins, &self.rows[row]);
        for line in &self.rows[row + 1..] {
            let over = shape.ends.as_ref().is_some_and(|ends| ends.is_match(line));
            if over || !shape.goes_on.is_match(line) {
                break;
            }
            text.push('\n');
            text.push_str(&group(&shape.goes_on, line));
        }
        Some(BoxText::of(shape, text, row))
    }

    /// Whether a rule fits, and if so when a limit is lifted.
    fn fits(&self, rule: &Rule, box_row: Option<usize>) -> Option<Option<String>> {
        if let Some(title) = &rule.title
            && !self.title.as_deref().is_some_and(|it| title.is_match(it))
        {
            return None;
        }
        if rule
            .box_shown
            .is_some_and(|wanted| wanted != box_row.is_some())
        {
            return None;
        }
        let last = self.rows.iter().rposition(|row| !row.is_empty());
        let end = last.map_or(0, |last| last + 1);
        let seen = &self.rows[end.saturating_sub(rule.lines)..end];
        let found = |pattern: &Regex| seen.iter().any(|row| pattern.is_match(row));
        if !rule.all.iter().all(found) || rule.none.iter().any(found) {
            return None;
        }
        let matched = |row: &String| rule.any.iter().any(|pattern| pattern.is_match(row));
        let at = seen.iter().rposition(matched);
        if !rule.any.is_empty() && at.is_none() {
            return None;
        }
        if let Some(at) = at {
            let first = end - seen.len();
            let below_end = box_row.unwrap_or(end).max(first + at + 1).min(end);
            let below = &self.rows[first + at + 1..below_end];
            let answered = |row: &String| rule.not_below.iter().any(|it| it.is_match(row));
            if below.iter().any(answered) {
                return None;
            }
        }
        Some(rule.resets.as_ref().and_then(|resets| {
            // As one line: it may have been wrapped in the middle.
            let words: Vec<&str> = seen.iter().flat_map(|row| row.split_whitespace()).collect();
            let line = words.join(" ");
            let last = resets.captures_iter(&line).last()?;
            let when = last.name("when").or_else(|| last.name("words"))?;
            Some(when.as_str().to_owned())
        }))
    }
}

impl BoxText {
    fn of(shape: &BoxRules, text: String, row: usize) -> Self {
        let first = text.lines().map(str::trim).find(|line| !line.is_empty());
        let placeholder = (shape.placeholder.as_ref().zip(first))
            .is_some_and(|(placeholder, first)| placeholder.is_match(first));
        let text = match placeholder {
            true => String::new(),
            false => text,
        };
        Self {
            pastes: (shape.pasted.as_ref()).map_or(0, |it| it.find_iter(&text).count()),
            text,
            row,
        }
    }

    /// Whether nothing was typed.
    pub fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// How often `prompt` stands here: as it is, its end where the box is too small for
    /// it, or a word for a long paste.
    pub fn times(&self, prompt: &str) -> usize {
        const END: usize = 40;
        if self.pastes > 0 {
            return self.pastes;
        }
        let (shown, wanted) = (letters(&self.text), letters(prompt));
        let skipped = wanted.chars().count().saturating_sub(END);
        let end: String = wanted.chars().skip(skipped).collect();
        match end.is_empty() {
            true => 0,
            // A prompt may repeat its own end: then it stands there as often.
            false => shown.matches(&end).count() / wanted.matches(&end).count().max(1),
        }
    }

    /// Whether nothing stands here that is not of `prompt`, which does. A few signs more
    /// may be the program's own.
    pub fn holds_no_more_than(&self, prompt: &str) -> bool {
        const OWN: usize = 3;
        self.pastes > 0
            || letters(&self.text).chars().count() <= letters(prompt).chars().count() + OWN
    }
}

/// A text without blanks, so that it does not matter how it was wrapped.
fn letters(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

fn group(pattern: &Regex, row: &str) -> String {
    let text = pattern.captures(row).and_then(|found| found.name("text"));
    text.map_or_else(String::new, |text| text.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::rules::AllRules;
    use super::*;

    fn claude(screen: &str) -> Option<BoxText> {
        let (rules, _) = AllRules::load(None);
        Frame::of_text(screen).box_text(rules.of("claude")?)
    }

    #[test]
    fn the_box_is_told_from_what_was_said_before() {
        let screen = "❯ an earlier prompt\n\n● its answer\n\n─────\n❯ a draft that\n  goes on\n─────\n  ? for shortcuts";
        assert_eq!(claude(screen).expect("a box").text, "a draft that\ngoes on");
        let empty = "❯ an earlier prompt\n\n● its answer\n\n─────\n❯\n─────\n  ? for shortcuts";
        assert!(claude(empty).expect("a box").is_empty());
        assert_eq!(claude("❯ an earlier prompt\n● its answer"), None);
    }

    #[test]
    fn what_a_program_says_of_itself_below_the_box_is_not_in_it() {
        let (rules, _) = AllRules::load(None);
        let codex = |screen: &str| {
            let shown = Frame::of_text(screen).box_text(rules.of("codex")?)?;
            shown.holds_no_more_than("say: hello").then_some(shown)
        };
        for below in [
            "gpt-5 default · ~/project",
            "gpt-5 default · 100% left · ~/project",
        ] {
            let shown = codex(&format!("\n› say: hello\n\n  {below}")).expect(below);
            assert_eq!(shown.times("say: hello"), 1, "{below}");
        }
        assert_eq!(codex("\n› say: hello\n  and more · of it\n\n  gpt-5"), None);
    }

    #[test]
    fn a_prompt_is_recognised_however_it_is_wrapped() {
        let holds = |text: &str, prompt: &str| {
            let text = format!("─────\n❯ {text}\n─────");
            claude(&text).expect("a box").times(prompt) == 1
        };
        assert!(holds(
            "fix the te\n  sts and\n\n  say so",
            "fix the tests and\n\nsay so"
        ));
        assert!(holds("[Pasted text #3 +12 lines]", "whatever"));
        assert!(!holds("fix the te", "fix the tests"));
        assert!(!holds("", "fix the tests"));
        assert!(!holds("fix the testsfix the tests", "fix the tests"));
        assert!(holds("go go go", "go go go"));
        let draft = claude("─────\n❯ something elsesay hello\n─────").expect("a box");
        assert!(draft.times("say hello") == 1 && !draft.holds_no_more_than("say hello"));
        let long = format!(
            "{}the very end of it, which is what fits into the small box",
            "x".repeat(900)
        );
        assert!(holds(
            "xxthe very end of it, which is what fits into the small box",
            &long
        ));
    }
}
