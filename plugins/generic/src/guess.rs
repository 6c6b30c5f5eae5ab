//! What a line says that no rule knows.

use policy_progress_text::scan::{leading_fraction, leading_number, percentage};

use crate::Settings;

/// What was read off a line.
#[derive(Debug)]
pub(crate) struct Guess<'line> {
    pub(crate) label: &'line str,
    pub(crate) count: Option<(u64, u64)>,
    pub(crate) percent: Option<f64>,
}

/// Something found in a line, and where.
struct Found<T> {
    what: T,
    start: usize,
    end: usize,
}

/// Longer lines are text or data, not progress.
const PROGRESS_BYTES: usize = 512;

pub(crate) fn guess<'line>(line: &'line str, settings: &Settings) -> Option<Guess<'line>> {
    // Whatever counts has a digit or a bar in it.
    if line.len() > PROGRESS_BYTES {
        return None;
    }
    let bar = settings.bars.then(|| bar(line)).flatten();
    let count = settings.steps.then(|| steps(line)).flatten();
    let count = count.or_else(|| settings.fractions.then(|| fraction(line)).flatten());
    let percent = settings.percentages.then(|| percentage(line)).flatten();

    let starts = [
        bar.as_ref().map(|bar| bar.start),
        count.as_ref().map(|count| count.start),
        percent.map(|(_, start)| start),
    ];
    let start = starts.into_iter().flatten().min()?;
    let end = bar
        .as_ref()
        .map(|bar| bar.end)
        .max(count.as_ref().map(|count| count.end));
    let percent = match (percent, &count, bar) {
        (Some((percent, _)), _, _) => Some(percent),
        (None, Some(_), _) => None,
        (None, None, bar) => bar.map(|bar| bar.what),
    };
    Some(Guess {
        label: label(line, start, end.unwrap_or(line.len())),
        count: count.map(|count| count.what),
        percent,
    })
}

/// What stands before, or else after.
fn label(line: &str, start: usize, end: usize) -> &str {
    const FRAME: [char; 10] = [' ', ':', '[', ']', '(', ')', '|', '-', '\t', '='];

    let before = line[..start].trim_matches(FRAME);
    if before.is_empty() {
        line[end..].trim_matches(FRAME)
    } else {
        before
    }
}

/// `step 3 of 10`, `3 of 10`: both numbers, with only a blank, a bracket or the
/// line's ends around them.
fn steps(line: &str) -> Option<Found<(u64, u64)>> {
    let middle = line.find(" of ")?;
    let start = digits_before(line, middle)?;
    let (done, _) = leading_number(&line[start..middle])?;
    let (total, rest) = leading_number(&line[middle + " of ".len()..])?;
    let fits =
        done <= total && total > 0 && frees(line[..start].chars().next_back(), rest.chars().next());
    fits.then_some(Found {
        what: (done, total),
        start,
        end: line.len() - rest.len(),
    })
}

/// `3/10`, free on both sides: no date, no path.
fn fraction(line: &str) -> Option<Found<(u64, u64)>> {
    memchr_slashes(line).find_map(|slash| {
        let start = digits_before(line, slash)?;
        let ((done, total), rest) = leading_fraction(&line[start..])?;
        let free = frees(line[..start].chars().next_back(), rest.chars().next());
        free.then_some(Found {
            what: (done, total),
            start,
            end: line.len() - rest.len(),
        })
    })
}

fn memchr_slashes(line: &str) -> impl Iterator<Item = usize> + '_ {
    line.bytes()
        .enumerate()
        .filter_map(|(index, byte)| (byte == b'/').then_some(index))
}

/// Where the number begins that ends at `end`.
fn digits_before(line: &str, end: usize) -> Option<usize> {
    let text = line[..end].trim_end();
    let start = text
        .bytes()
        .rposition(|byte| !byte.is_ascii_digit() && byte != b',')
        .map_or(0, |before| before + 1);
    (start < text.len()).then_some(start)
}

fn frees(before: Option<char>, after: Option<char>) -> bool {
    before.is_none_or(|before| " [(|\t#".contains(before))
        && after.is_none_or(|after| " ])|:,;\t".contains(after))
}

/// `[####    ]`, `[===>   ]`, `|███▏  |`, and the same in round brackets: marks,
/// then blanks or dots, at least five in all. Nothing but blanks is no bar yet.
fn bar(line: &str) -> Option<Found<f64>> {
    line.char_indices().find_map(|(start, open)| {
        let close = match open {
            '[' => ']',
            '|' => '|',
            '(' => ')',
            _ => return None,
        };
        let inside_start = start + open.len_utf8();
        let length = line[inside_start..].find(close)?;
        let full = share(&line[inside_start..inside_start + length])?;
        Some(Found {
            what: full * 100.0,
            start,
            end: inside_start + length + close.len_utf8(),
        })
    })
}

/// How much of a bar is drawn, between 0 and 1.
fn share(inside: &str) -> Option<f64> {
    let full = |mark: char| {
        matches!(
            mark,
            '#' | '=' | '>' | '\u{2588}'..='\u{258f}' | '■' | '━' | '●'
        )
    };
    let empty = |mark: char| matches!(mark, ' ' | '.' | '-' | '░' | '▒' | '□' | '─' | '○');
    let all = inside.chars().count();
    let drawn = inside.chars().take_while(|&mark| full(mark)).count();
    let bar = all >= 5 && drawn > 0 && inside.chars().skip(drawn).all(empty);
    #[allow(clippy::cast_precision_loss, reason = "a line is short")]
    bar.then(|| drawn as f64 / all as f64)
}
