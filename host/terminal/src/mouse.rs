//! What the mouse does, in the bytes that programs read.

/// How a program wants to be told about the mouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MouseMode {
    /// It has not asked to be told.
    #[default]
    Off,
    /// As X10 and xterm's first protocol did it: three bytes, no farther than
    /// column and row 223.
    X10,
    /// As numbers (mode 1006), which most programs ask for.
    Sgr,
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MouseAction {
    /// A button goes down.
    Press,
    /// It comes up.
    Release,
    /// The mouse moves with the button down.
    Drag,
}

/// One event of the mouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MouseReport {
    /// What happens.
    pub action: MouseAction,
    /// The button as xterm numbers it: 0 left, 1 middle, 2 right, 64 wheel up,
    /// 65 wheel down.
    pub button: u8,
    /// Column from 0.
    pub column: u16,
    /// Row from 0.
    pub row: u16,
    /// Keys held down meanwhile.
    pub shift: bool,
    /// See `shift`.
    pub alt: bool,
    /// See `shift`.
    pub control: bool,
}

/// The last row and column that X10's bytes reach, from 0.
const X10_REACH: u16 = 222;

impl MouseReport {
    /// The bytes to write (xterm's control sequences, "Mouse Tracking"). A
    /// program that has asked for nothing gets what nearly all understand, SGR.
    /// `None` where X10 cannot say it.
    pub fn encode(self, mode: MouseMode) -> Option<Vec<u8>> {
        let mut code = u16::from(self.button);
        code += [(self.shift, 4), (self.alt, 8), (self.control, 16)]
            .iter()
            .filter(|(held, _)| *held)
            .map(|(_, bit)| bit)
            .sum::<u16>();
        if self.action == MouseAction::Drag {
            code += 32;
        }
        if mode == MouseMode::X10 {
            // It does not say which button comes up.
            let code = match self.action {
                MouseAction::Release => code & !0b11 | 0b11,
                _ => code,
            };
            let byte = |number: u16| u8::try_from(number + 32).ok();
            let place = |at: u16| (at <= X10_REACH).then(|| byte(at + 1)).flatten();
            let place = [byte(code)?, place(self.column)?, place(self.row)?];
            return Some([b"\x1b[M".as_slice(), &place].concat());
        }
        let end = match self.action {
            MouseAction::Release => 'm',
            MouseAction::Press | MouseAction::Drag => 'M',
        };
        let (column, row) = (u32::from(self.column) + 1, u32::from(self.row) + 1);
        Some(format!("\x1b[<{code};{column};{row}{end}").into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEFT: MouseReport = MouseReport {
        action: MouseAction::Press,
        button: 0,
        column: 10,
        row: 5,
        shift: false,
        alt: false,
        control: false,
    };

    fn sgr(report: MouseReport) -> String {
        let bytes = report
            .encode(MouseMode::Sgr)
            .expect("SGR reaches everywhere");
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn sgr_counts_from_one_and_adds_the_modifiers() {
        assert_eq!(sgr(LEFT), "\x1b[<0;11;6M");
        let release = MouseReport {
            action: MouseAction::Release,
            ..LEFT
        };
        assert_eq!(sgr(release), "\x1b[<0;11;6m");
        let drag = MouseReport {
            action: MouseAction::Drag,
            button: 2,
            shift: true,
            alt: true,
            control: true,
            ..LEFT
        };
        assert_eq!(sgr(drag), "\x1b[<62;11;6M");
        let wheel = MouseReport { button: 65, ..LEFT };
        assert_eq!(sgr(wheel), "\x1b[<65;11;6M");
    }

    #[test]
    fn x10_says_it_in_three_bytes_as_far_as_they_reach() {
        assert_eq!(LEFT.encode(MouseMode::X10), Some(b"\x1b[M +&".to_vec()));
        let release = MouseReport {
            action: MouseAction::Release,
            ..LEFT
        };
        assert_eq!(release.encode(MouseMode::X10), Some(b"\x1b[M#+&".to_vec()));
        let farthest = MouseReport {
            column: 222,
            ..LEFT
        };
        let bytes = farthest.encode(MouseMode::X10).expect("reached");
        assert_eq!(bytes[4], 255);
        let beyond = MouseReport {
            column: 223,
            ..LEFT
        };
        assert_eq!(beyond.encode(MouseMode::X10), None);
    }
}
