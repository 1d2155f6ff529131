//! Screens, and the state machine key by key.

use std::collections::BTreeMap;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use unicode_width::UnicodeWidthStr as _;

use super::super::report::ReportOptions;
use super::super::report::tests::hists;
use super::*;
use crate::i18n::Lang;

fn screen(tui: &mut ReportTui<'_>, columns: u16, rows: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| tui.draw(frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let line = |row: u16| {
        let mut line = String::new();
        let mut column = 0;
        while column < columns {
            let symbol = buffer[(column, row)].symbol();
            line.push_str(symbol);
            // A wide character covers the cell after it.
            column += u16::try_from(symbol.width().max(1)).unwrap();
        }
        line.trim_end().to_owned()
    };
    (0..rows).map(line).collect()
}

fn press(tui: &mut ReportTui<'_>, keys: &str) -> Flow {
    let mut flow = Flow::Continue;
    for key in keys.split_whitespace() {
        let code = match key {
            "enter" => KeyCode::Enter,
            "esc" => KeyCode::Esc,
            "up" => KeyCode::Up,
            "down" => KeyCode::Down,
            "end" => KeyCode::End,
            "pagedown" => KeyCode::PageDown,
            other => KeyCode::Char(other.chars().next().unwrap()),
        };
        flow = tui.on_key(KeyEvent::from(code));
    }
    flow
}

/// Runs `then` with a program over the recording of the tests of the layout; `events` of them have samples.
fn with(lang: Lang, events: usize, then: impl FnOnce(&mut ReportTui<'_>)) {
    let mut hists = hists(false, false, None);
    let names: Vec<ReportEvent> =
        (0..events).map(|event| ReportEvent { name: format!("event-{event}"), several: false }).collect();
    let table = hists.tables[0].clone();
    hists.tables.resize(events, table);
    let (options, threads, texts) = (ReportOptions::default(), BTreeMap::new(), Texts::new(lang));
    let layout = Layout::new(&hists, &options, &threads);
    then(&mut ReportTui::new(layout, &names, &texts));
}

#[test]
fn call_chains_open_below_their_line() {
    with(Lang::En, 1, |tui| {
        let first = screen(tui, 100, 12);
        assert!(first[0].starts_with("880 samples of event-0, event count (approx.) 880000000"), "{first:#?}");
        assert!(first[1].contains("Overhead") && first[1].contains("Shared Object"), "{first:#?}");
        assert!(first[2].starts_with("+ ███████▉    98.07%"), "{first:#?}");
        assert!(first[2].ends_with("[.] leaf"), "{first:#?}");
        press(tui, "enter");
        let opened = screen(tui, 100, 12);
        assert!(opened[2].starts_with("- "), "{opened:#?}");
        assert_eq!(opened[3].trim(), "- 98.07% leaf");
        assert_eq!([opened[4].trim(), opened[5].trim()], ["+ 84.66% top_a", "+ 13.41% top_b"]);
        press(tui, "down down enter");
        let deeper = screen(tui, 100, 12);
        assert_eq!(
            [deeper[4].trim(), deeper[5].trim(), deeper[6].trim()],
            ["- 84.66% top_a", "main", "__libc_start_call_main"]
        );
        press(tui, "c");
        assert_eq!(screen(tui, 100, 12), first);
        press(tui, "e");
        assert!(screen(tui, 100, 30).iter().filter(|line| line.contains("__libc_start_call_main")).count() >= 3);
    });
}

#[test]
fn search_and_zooms_leave_out_lines_and_are_taken_back_one_by_one() {
    with(Lang::En, 1, |tui| {
        press(tui, "/ p a g e enter");
        let found = screen(tui, 100, 12);
        assert!(found[2].contains("exc_page_fault") && found[3].contains("clear_page_rep"), "{found:#?}");
        assert_eq!(found[4], "");
        assert!(found[0].contains("functions with “page”"), "{found:#?}");
        press(tui, "d");
        assert!(screen(tui, 100, 12)[0].contains("file [kernel.kallsyms]"));
        assert_eq!(press(tui, "esc"), Flow::Continue);
        press(tui, "esc");
        assert_eq!(tui.rows.len(), 4);
        press(tui, "t");
        assert!(screen(tui, 120, 12)[0].contains("thread work"));
        press(tui, "t");
        press(tui, "/ n o n e enter");
        assert!(screen(tui, 100, 12).iter().any(|line| line.contains("Nothing is left")));
        assert_eq!([press(tui, "esc"), press(tui, "q")], [Flow::Continue, Flow::Quit]);
    });
}

#[test]
fn several_events_begin_with_a_menu() {
    with(Lang::En, 2, |tui| {
        let menu = screen(tui, 80, 8);
        assert!(menu[0].starts_with("Events of this recording") && menu[3].contains("event-1"), "{menu:#?}");
        press(tui, "down enter");
        assert!(screen(tui, 80, 8)[0].contains("event-1"));
        assert_eq!(press(tui, "P"), Flow::Write { event: 1 });
        press(tui, "q");
        assert!(screen(tui, 80, 8)[0].starts_with("Events"));
        assert_eq!(press(tui, "q"), Flow::Quit);
    });
}

#[test]
fn sorts_are_chosen_from_a_menu_and_help_tells_every_key() {
    with(Lang::En, 1, |tui| {
        assert_eq!(press(tui, "s down enter"), Flow::Sort("sym".to_owned()));
        press(tui, "h");
        let help = screen(tui, 90, 20).join("\n");
        for words in ["open everything", "close everything", "write the table", "sort by", "one step back"] {
            assert!(help.contains(words), "{help}");
        }
        press(tui, "q");
        assert_eq!(tui.view, View::Lines);
        assert_eq!(press(tui, "i"), Flow::Header);
        assert!(matches!(press(tui, "a"), Flow::Annotate { symbol, .. } if symbol == "leaf"));
    });
}

#[test]
fn every_word_is_there_in_both_languages() {
    for lang in Lang::ALL {
        with(lang, 1, |tui| {
            for keys in ["", "h", "q s", "q /"] {
                press(tui, keys);
                let text = screen(tui, 100, 16).join("\n");
                assert!(!text.contains("perf-report-tui"), "{text}");
            }
        });
    }
    with(Lang::Ko, 1, |tui| assert!(screen(tui, 100, 12)[0].contains("샘플 880개")));
}

#[test]
fn any_size_and_any_key_will_do() {
    with(Lang::En, 1, |tui| {
        for (columns, rows) in [(1, 1), (5, 2), (20, 3), (300, 80)] {
            press(tui, "e pagedown end up enter c");
            screen(tui, columns, rows);
        }
    });
}
