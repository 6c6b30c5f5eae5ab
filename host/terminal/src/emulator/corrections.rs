//! Where the emulator's library is wrong about what a terminal does, or does not know it:
//! put right before it hears of it. Everything else is passed on: a new version of the
//! library may have more of it, which would be lost here.

use alacritty_terminal::Term;
use alacritty_terminal::event::EventListener;
use alacritty_terminal::grid::Dimensions;
use alacritty_terminal::index::{Column, Line};
use alacritty_terminal::term::TermMode;
use alacritty_terminal::vte::ansi::{
    Attr, CharsetIndex, ClearMode, CursorShape, CursorStyle, Handler, Hyperlink, KeyboardModes,
    KeyboardModesApplyBehavior, LineClearMode, Mode, ModifyOtherKeys, NamedPrivateMode,
    PrivateMode, Rgb, ScpCharPath, ScpUpdateMode, StandardCharset, TabulationClearMode,
    cursor_icon::CursorIcon,
};

/// The alternate screen as programs knew it before 1049: it is shown, and the cursor stays
/// where it is, coming and going.
const OLD_ALTERNATE_SCREENS: [u16; 2] = [47, 1047];

/// A terminal of the library's, corrected.
pub(super) struct Corrected<'a, L>(pub(super) &'a mut Term<L>);

impl<L: EventListener> Corrected<'_, L> {
    fn home(&mut self) {
        self.0.goto(0, 0);
    }

    fn show_alternate_screen(&mut self, alternate: bool) {
        if self.0.mode().contains(TermMode::ALT_SCREEN) != alternate {
            let point = self.0.grid().cursor.point;
            self.0.swap_alt();
            self.0.grid_mut().cursor.point = point;
        }
    }
}

macro_rules! passed_on {
    ($($name:ident($($argument:ident: $type:ty),*);)*) => {
        $(
            #[inline]
            fn $name(&mut self, $($argument: $type),*) {
                self.0.$name($($argument),*);
            }
        )*
    };
}

impl<L: EventListener> Handler for Corrected<'_, L> {
    /// The library clears what is left of the cursor where more are to be deleted than there are.
    fn delete_chars(&mut self, count: usize) {
        let left = self.0.columns() - self.0.grid().cursor.point.column.0;
        self.0.delete_chars(count.min(left));
    }

    /// The library leaves the first row where the cursor is in the second one.
    fn clear_screen(&mut self, mode: ClearMode) {
        let second = matches!(mode, ClearMode::Above) && self.0.grid().cursor.point.line == 1;
        self.0.clear_screen(mode);
        if second {
            self.0.grid_mut().reset_region(..Line(1));
        }
    }

    /// The library leaves the cursor and the margins.
    fn decaln(&mut self) {
        self.0.decaln();
        self.0.set_scrolling_region(1, None);
        self.home();
    }

    /// The library stays where it is before the first stop, and still wants to wrap.
    fn move_backward_tabs(&mut self, count: u16) {
        for _ in 0..count {
            let before = self.0.grid().cursor.point.column;
            self.0.move_backward_tabs(1);
            let cursor = &mut self.0.grid_mut().cursor;
            cursor.input_needs_wrap = false;
            if cursor.point.column == before {
                cursor.point.column = Column(0);
                break;
            }
        }
    }

    /// The library keeps the last column of a full line, also where nothing wraps and the
    /// cursor is on it.
    fn clear_line(&mut self, mode: LineClearMode) {
        if !self.0.mode().contains(TermMode::LINE_WRAP) {
            self.0.grid_mut().cursor.input_needs_wrap = false;
        }
        self.0.clear_line(mode);
    }

    fn set_private_mode(&mut self, mode: PrivateMode) {
        if OLD_ALTERNATE_SCREENS.contains(&mode.raw()) {
            self.show_alternate_screen(true);
        } else {
            self.0.set_private_mode(mode);
        }
    }

    /// The library leaves the cursor where origin mode ends.
    fn unset_private_mode(&mut self, mode: PrivateMode) {
        if OLD_ALTERNATE_SCREENS.contains(&mode.raw()) {
            self.show_alternate_screen(false);
            return;
        }
        self.0.unset_private_mode(mode);
        if mode == NamedPrivateMode::Origin.into() {
            self.home();
        }
    }

    passed_on! {
        set_title(value: Option<String>);
        set_cursor_style(value: Option<CursorStyle>);
        set_cursor_shape(shape: CursorShape);
        input(c: char);
        goto(line: i32, col: usize);
        goto_line(line: i32);
        goto_col(col: usize);
        insert_blank(value: usize);
        move_up(value: usize);
        move_down(value: usize);
        identify_terminal(intermediate: Option<char>);
        device_status(value: usize);
        move_forward(col: usize);
        move_backward(col: usize);
        move_down_and_cr(row: usize);
        move_up_and_cr(row: usize);
        put_tab(count: u16);
        backspace();
        carriage_return();
        linefeed();
        bell();
        substitute();
        newline();
        set_horizontal_tabstop();
        scroll_up(value: usize);
        scroll_down(value: usize);
        insert_blank_lines(value: usize);
        delete_lines(value: usize);
        erase_chars(value: usize);
        move_forward_tabs(count: u16);
        save_cursor_position();
        restore_cursor_position();
        clear_tabs(mode: TabulationClearMode);
        set_tabs(interval: u16);
        reset_state();
        reverse_index();
        terminal_attribute(attr: Attr);
        set_mode(mode: Mode);
        unset_mode(mode: Mode);
        report_mode(mode: Mode);
        report_private_mode(mode: PrivateMode);
        set_scrolling_region(top: usize, bottom: Option<usize>);
        set_keypad_application_mode();
        unset_keypad_application_mode();
        set_active_charset(value: CharsetIndex);
        configure_charset(value: CharsetIndex, second: StandardCharset);
        set_color(value: usize, second: Rgb);
        dynamic_color_sequence(value: String, second: usize, third: &str);
        reset_color(value: usize);
        clipboard_store(value: u8, second: &[u8]);
        clipboard_load(value: u8, second: &str);
        push_title();
        pop_title();
        text_area_size_pixels();
        text_area_size_chars();
        set_hyperlink(value: Option<Hyperlink>);
        set_mouse_cursor_icon(value: CursorIcon);
        report_keyboard_mode();
        push_keyboard_mode(mode: KeyboardModes);
        pop_keyboard_modes(to_pop: u16);
        set_keyboard_mode(mode: KeyboardModes, behavior: KeyboardModesApplyBehavior);
        set_modify_other_keys(mode: ModifyOtherKeys);
        report_modify_other_keys();
        set_scp(char_path: ScpCharPath, update_mode: ScpUpdateMode);
    }
}
