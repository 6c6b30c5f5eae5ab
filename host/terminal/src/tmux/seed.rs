//! What a pane shows already when a session is attached to it, as the bytes that
//! draw it. Pure.

use crate::opening::Seed;
use crate::request::Size;

/// What tmux is asked for about a pane. The title comes last: it may hold anything.
pub(super) const FORMAT: &str = "#{pane_width} #{pane_height} #{cursor_x} #{cursor_y} \
#{cursor_flag} #{alternate_on} #{keypad_cursor_flag} #{keypad_flag} #{insert_flag} #{wrap_flag} \
#{origin_flag} #{mouse_standard_flag} #{mouse_button_flag} #{mouse_all_flag} #{mouse_sgr_flag} \
#{scroll_region_upper} #{scroll_region_lower} #{window_panes} #{pane_pid} #{pane_title}";

/// A pane's state at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PaneState {
    pub(super) size: Size,
    pub(super) pid: u32,
    /// The only pane of its window.
    pub(super) alone: bool,
    alternate: bool,
    cursor: (u16, u16),
    region: (u16, u16),
    origin: bool,
    /// Modes, as the bytes that set them.
    modes: Vec<u8>,
    title: String,
}

impl PaneState {
    /// Reads an answer in [`FORMAT`].
    pub(super) fn parse(answer: &str) -> Option<Self> {
        let mut fields = answer.splitn(20, ' ');
        let mut number = || fields.next()?.parse::<u32>().ok();
        let mut small = || u16::try_from(number()?).ok();
        let size = Size::new(small()?, small()?).ok()?;
        let cursor = (small()?, small()?);
        let mut flag = || small().map(|flag| flag != 0);
        let (cursor_shown, alternate) = (flag()?, flag()?);
        let mut modes = Vec::new();
        let mut mode = |set: bool, sequence: &[u8]| {
            if set {
                modes.extend_from_slice(sequence);
            }
        };
        mode(!cursor_shown, b"\x1b[?25l");
        mode(flag()?, b"\x1b[?1h");
        mode(flag()?, b"\x1b=");
        mode(flag()?, b"\x1b[4h");
        mode(!flag()?, b"\x1b[?7l");
        let origin = flag()?;
        mode(flag()?, b"\x1b[?1000h");
        mode(flag()?, b"\x1b[?1002h");
        mode(flag()?, b"\x1b[?1003h");
        mode(flag()?, b"\x1b[?1006h");
        let region = (small()?, small()?);
        let alone = small()? == 1;
        let pid = number()?;
        let title = fields.next().unwrap_or_default();
        Some(Self {
            size,
            pid,
            alone,
            alternate,
            cursor,
            region,
            origin,
            modes,
            title: title.chars().filter(|c| !c.is_control()).collect(),
        })
    }
}

/// A captured screen has the letters of line drawing between SO and SI.
const LINE_DRAWING_BETWEEN_SHIFTS: &[u8] = b"\x1b)0";

/// The bytes that draw a pane as it is.
///
/// `shown` is the screen with the lines above it, `hidden` the main screen
/// while the alternate one is shown, and `begun` the beginning of a sequence
/// whose end the program has not written yet.
pub(super) fn seed(state: &PaneState, shown: &[u8], hidden: &[u8], begun: &[u8]) -> Seed {
    let rows = usize::from(state.size.rows());
    let mut lines: Vec<&[u8]> = shown.split(|&byte| byte == b'\n').collect();
    let alternate = if state.alternate {
        let screen = lines.split_off(lines.len().saturating_sub(rows));
        lines.extend(hidden.split(|&byte| byte == b'\n'));
        Some(screen)
    } else {
        None
    };
    let used = lines
        .iter()
        .rposition(|line| !line.is_empty())
        .map_or(0, |last| last + 1);
    let (text, blank) = lines.split_at(used);
    let mut printed = LINE_DRAWING_BETWEEN_SHIFTS.to_vec();
    printed.extend(text.join(&b"\r\n"[..]));
    let mut drawn = Vec::new();
    if !text.is_empty() {
        drawn.extend(b"\r\n".repeat(blank.len()));
    }
    drawn.extend_from_slice(b"\x1b[0m");
    if let Some(screen) = alternate {
        drawn.extend_from_slice(b"\x1b[?1049h\x1b[H");
        drawn.extend(screen.join(&b"\r\n"[..]));
        drawn.extend_from_slice(b"\x1b[0m");
    }
    drawn.extend_from_slice(b"\x1b)B");
    drawn.extend(format!("\x1b]2;{}\x1b\\", state.title).bytes());
    drawn.extend_from_slice(&state.modes);
    let (upper, lower) = state.region;
    if (upper, lower) != (0, state.size.rows() - 1) {
        drawn.extend(format!("\x1b[{};{}r", upper + 1, lower + 1).bytes());
    }
    let (column, mut row) = state.cursor;
    if state.origin {
        drawn.extend_from_slice(b"\x1b[?6h");
        row = row.saturating_sub(upper);
    }
    drawn.extend(format!("\x1b[{};{}H", row + 1, column + 1).bytes());
    drawn.extend_from_slice(begun);
    Seed { printed, drawn }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::emulator::Emulator;

    fn state(answer: &str) -> PaneState {
        PaneState::parse(answer).expect("a state")
    }

    fn screen(state: &PaneState, shown: &str, hidden: &str, begun: &str) -> crate::Screen {
        let seed = seed(state, shown.as_bytes(), hidden.as_bytes(), begun.as_bytes());
        let mut emulator = Emulator::new(state.size, 100);
        emulator.advance(&seed.printed);
        emulator.advance(&seed.drawn);
        emulator.screen()
    }

    #[test]
    fn a_shells_screen_with_lines_above_it() {
        let state = state("20 3 2 1 1 0 0 0 0 1 0 0 0 0 0 0 2 1 77 a title of words");
        let screen = screen(&state, "above\n\x1b[32mone\x1b[39m\n$ \n", "", "");
        assert_eq!(screen.text(), "one\n$");
        assert_eq!((screen.cursor.row, screen.cursor.column), (1, 2));
        assert_eq!(screen.title.as_deref(), Some("a title of words"));
        assert!(!screen.full_screen && screen.cursor_visible);
        assert_eq!((state.pid, state.alone), (77, true));
    }

    #[test]
    fn an_editors_screen_over_a_shells() {
        let state = state("20 2 0 0 0 1 1 1 0 1 0 1 0 0 1 0 0 2 77 vim");
        let seed = seed(&state, b"above\n~\n~", b"$ vim\n", b"\x1b[3");
        assert_eq!(seed.printed, b"\x1b)0above\r\n$ vim");
        let mut emulator = Emulator::new(state.size, 100);
        emulator.advance(&seed.printed);
        emulator.advance(&seed.drawn);
        emulator.advance(b"4mx");
        let screen = emulator.screen();
        assert_eq!(screen.text(), "x\n~");
        assert!(screen.full_screen && !screen.cursor_visible);
        assert!(emulator.input_modes().application_cursor);
        emulator.advance(b"\x1b[?1049l");
        assert_eq!(emulator.screen().text(), "$ vim");
    }

    #[test]
    fn lines_and_corners() {
        let state = state("20 2 0 0 1 0 0 0 0 1 0 0 0 0 0 0 1 1 77 ");
        assert_eq!(screen(&state, "\x0elqk\x0flqk", "", "").text(), "┌─┐lqk");
    }

    #[test]
    fn an_empty_pane() {
        let state = state("20 2 0 0 1 0 0 0 0 1 0 0 0 0 0 0 1 1 77 ");
        assert_eq!(screen(&state, "\n", "", "").text(), "");
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(answer in "([0-9]{1,6} ){0,19}.{0,10} .{0,10}", shown in any::<Vec<u8>>()) {
            if let Some(state) = PaneState::parse(&answer) {
                let _ = seed(&state, &shown, &shown, &shown);
            }
        }
    }
}
