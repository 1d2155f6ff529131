use crossterm::event::{KeyCode, KeyEvent};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::i18n::{Lang, Texts};

fn head() -> TopHead {
    TopHead {
        rate: 120.4,
        kernel: 25.0,
        exact: 0.0,
        lost: (1, 2),
        dropped: (0, 0),
        events: "99Hz cpu-clock".to_owned(),
        target: "(all, 2 CPUs)".to_owned(),
    }
}

fn tables() -> Vec<TopTable> {
    let line = |text: &str, share, chains: &[&str]| TopLine {
        text: text.to_owned(),
        share,
        chains: chains.iter().map(|text| (*text).to_owned()).collect(),
        symbol: text.rsplit(' ').next().filter(|name| *name == "weigh").map(str::to_owned),
        dso: "burn".to_owned(),
    };
    let lines = vec![
        line("    75.00%  burn  [.] weigh", 75.0, &["       |", "       ---main"]),
        line("    25.00%  [kernel]  [k] read", 25.0, &[]),
    ];
    let heads = "  Overhead  Object  Symbol".to_owned();
    vec![TopTable { event: "cpu-clock".to_owned(), index: 3, heads, lines }]
}

#[test]
fn the_screen_is_perfs() {
    let mut out = String::new();
    stdio(&head(), &tables(), 1, true, &mut out);
    let expected = "\x1b[H\x1b[2J
   PerfTop:     120 irqs/sec  kernel:25.0%  exact:  0.0% lost: 1/2 drop: 0/0 [99Hz cpu-clock],  (all, 2 CPUs)
-------------------------------------------------------------------------------

    75.00%  burn  [.] weigh
       |
       ---main
";
    assert_eq!(out, expected);
}

fn screen(tui: &mut TopTui<'_>, width: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, 10)).unwrap();
    terminal.draw(|frame| tui.draw(frame)).unwrap();
    terminal.backend().to_string()
}

#[test]
fn keys_do_what_the_help_says() {
    let texts = Texts::new(Lang::En);
    let mut tui = TopTui::new(&texts).with_color(false);
    let key = |tui: &mut TopTui<'_>, code| tui.on_key(KeyEvent::from(code));
    assert!(!screen(&mut tui, 90).contains("weigh"));
    tui.update(head(), tables(), "own cost 1 %".to_owned());
    let first = screen(&mut tui, 90);
    assert!(first.contains("+    75.00%  burn") && first.contains("own cost 1 %"), "{first}");
    let weigh = Flow::Annotate { symbol: "weigh".to_owned(), dso: "burn".to_owned(), event: 3 };
    assert_eq!(key(&mut tui, KeyCode::Char('a')), weigh);
    key(&mut tui, KeyCode::Enter);
    assert!(screen(&mut tui, 90).contains("---main"));
    key(&mut tui, KeyCode::Down);
    assert_eq!(key(&mut tui, KeyCode::Char('a')), weigh, "a line of a call chain belongs to its function");
    key(&mut tui, KeyCode::End);
    assert_eq!(key(&mut tui, KeyCode::Char('a')), Flow::Continue);
    assert!(tui.message.is_some(), "a line without a function says so");
    key(&mut tui, KeyCode::Char('c'));
    assert!(!screen(&mut tui, 90).contains("---main"));
    for letter in "/read".chars() {
        key(&mut tui, KeyCode::Char(letter));
    }
    key(&mut tui, KeyCode::Enter);
    let found = screen(&mut tui, 90);
    assert!(found.contains("read") && !found.contains("weigh"), "{found}");
    key(&mut tui, KeyCode::Char('f'));
    tui.update(head(), Vec::new(), String::new());
    assert!(screen(&mut tui, 30).contains("25.00%"), "the screen is held");
    for letter in "d5".chars() {
        key(&mut tui, KeyCode::Char(letter));
    }
    assert_eq!(key(&mut tui, KeyCode::Enter), Flow::Delay(5));
    let flows = ['z', 'K', 'U', 'P'].map(|letter| key(&mut tui, KeyCode::Char(letter)));
    assert_eq!(flows, [Flow::Zero, Flow::Kernel, Flow::User, Flow::Write]);
    key(&mut tui, KeyCode::Char('?'));
    assert!(!screen(&mut tui, 90).contains("PerfTop:     0"));
    assert_eq!(key(&mut tui, KeyCode::Esc), Flow::Continue);
    assert_eq!(key(&mut tui, KeyCode::Char('q')), Flow::Quit);
}
