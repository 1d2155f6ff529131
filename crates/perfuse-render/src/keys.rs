//! What every screen makes of a key before it looks at the key itself.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// A key event, as all screens understand it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pressed {
    /// A key that was let go, which some terminals tell: nothing.
    Nothing,
    /// Ctrl-C, which is no signal while a screen has the terminal: out of the program.
    Out,
    /// This key.
    Key(KeyCode),
}

impl From<KeyEvent> for Pressed {
    fn from(key: KeyEvent) -> Self {
        match key.code {
            _ if key.kind == KeyEventKind::Release => Self::Nothing,
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Self::Out,
            code => Self::Key(code),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_count_when_they_are_pressed() {
        let c = KeyCode::Char('c');
        assert_eq!(Pressed::from(KeyEvent::new(c, KeyModifiers::NONE)), Pressed::Key(c));
        assert_eq!(Pressed::from(KeyEvent::new(c, KeyModifiers::CONTROL)), Pressed::Out);
        let released = KeyEvent::new_with_kind(c, KeyModifiers::CONTROL, KeyEventKind::Release);
        assert_eq!(Pressed::from(released), Pressed::Nothing);
    }
}
