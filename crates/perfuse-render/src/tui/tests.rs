//! Screens against golden files, and the state machine key by key.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use unicode_width::UnicodeWidthStr;

use crossterm::event::KeyModifiers;

use super::*;
use crate::fixture::{checklist, context};
use crate::golden;

fn app(lang: Lang, sick: bool) -> App {
    let mut app = App::with_texts(Texts::core(lang));
    app.on_update(checklist(sick), context());
    app
}

fn press(app: &mut App, keys: &str) -> Flow {
    let mut flow = Flow::Continue;
    for key in keys.split_whitespace() {
        let code = match key {
            "enter" => KeyCode::Enter,
            "esc" => KeyCode::Esc,
            "tab" => KeyCode::Tab,
            "up" => KeyCode::Up,
            "down" => KeyCode::Down,
            "left" => KeyCode::Left,
            "right" => KeyCode::Right,
            "space" => KeyCode::Char(' '),
            "backspace" => KeyCode::Backspace,
            "end" => KeyCode::End,
            other => KeyCode::Char(other.chars().next().unwrap()),
        };
        flow = app.on_key(KeyEvent::from(code));
    }
    flow
}

fn screen(app: &App, columns: u16, rows: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| app.draw(frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let mut out = String::new();
    for row in 0..rows {
        let mut line = String::new();
        let mut column = 0;
        while column < columns {
            let symbol = buffer[(column, row)].symbol();
            line.push_str(symbol);
            // A wide character covers the cell after it.
            column += u16::try_from(symbol.width().max(1)).unwrap();
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[test]
fn the_first_screen_in_both_languages_and_four_sizes() {
    for lang in Lang::ALL {
        for (columns, rows) in [(60, 15), (80, 24), (80, 30), (140, 42)] {
            golden::check(
                &format!("tui-home-{}-{columns}x{rows}.txt", lang.id()),
                &screen(&app(lang, true), columns, rows),
            );
        }
    }
}

#[test]
fn a_cell_a_finding_and_help() {
    for lang in Lang::ALL {
        let mut app = app(lang, true);
        press(&mut app, "right enter");
        golden::check(&format!("tui-cell-{}.txt", lang.id()), &screen(&app, 80, 30));
        press(&mut app, "esc tab enter");
        golden::check(&format!("tui-finding-{}.txt", lang.id()), &screen(&app, 80, 24));
        press(&mut app, "?");
        golden::check(&format!("tui-help-{}.txt", lang.id()), &screen(&app, 80, 24));
    }
}

#[test]
fn keys_move_open_and_go_back() {
    let mut app = app(Lang::En, true);
    assert_eq!(press(&mut app, "down down right"), Flow::Continue);
    assert_eq!(app.selected_cell().unwrap().id, "network.saturation");
    press(&mut app, "up up up up left left left");
    assert_eq!(app.selected_cell().unwrap().id, "cpu.utilization");
    press(&mut app, "enter");
    assert_eq!(app.view, View::Cell("cpu.utilization".to_owned()));
    press(&mut app, "esc tab down down down enter");
    assert_eq!(app.view, View::Finding("capacity.full".to_owned(), "/var".to_owned()));
    press(&mut app, "esc tab end enter");
    assert_eq!(app.view, View::Cell("control.cgroup-freezer".to_owned()));
    assert_eq!(press(&mut app, "q"), Flow::Quit);
    let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    press(&mut app, "/");
    assert_eq!(app.on_key(interrupt), Flow::Quit);
}

#[test]
fn rows_are_sorted_and_filtered() {
    let mut app = app(Lang::En, true);
    press(&mut app, "s");
    assert_eq!(app.rows()[..2], [Resource::Capacity, Resource::Cpu]);
    press(&mut app, "s");
    assert_eq!(app.rows()[0], Resource::Cpu);
    assert_eq!(app.rows()[1], Resource::CpuInterconnect);
    press(&mut app, "s / d i s k enter");
    assert_eq!(app.rows(), [Resource::Disk]);
    assert_eq!(app.selected_cell().unwrap().id, "disk.utilization");
    press(&mut app, "esc");
    assert_eq!(app.rows().len(), 14);
    press(&mut app, "/ z z z");
    assert_eq!(app.rows(), []);
    assert!(screen(&app, 80, 24).contains("/zzz"));
    press(&mut app, "backspace backspace backspace enter enter");
    assert_ne!(app.view, View::Home);
}

#[test]
fn instances_are_sorted_by_their_columns() {
    let mut app = app(Lang::En, true);
    press(&mut app, "right enter s");
    let order = |app: &App| {
        let cell = panes::arranged(app, app.open_cell().unwrap());
        cell.instances.iter().map(|instance| instance.name.chars().next().unwrap()).collect::<String>()
    };
    assert_eq!(order(&app), "/e");
    press(&mut app, "s s s");
    assert_eq!(panes::sorted_by(&app), "run delay");
    assert_eq!(order(&app), "e/");
    press(&mut app, "/ b a t c h enter");
    assert_eq!(order(&app), "/");
}

#[test]
fn a_held_screen_stays_and_then_shows_the_newest() {
    let mut app = app(Lang::En, true);
    press(&mut app, "space");
    assert!(app.is_paused());
    app.on_update(checklist(false), context());
    assert!(screen(&app, 80, 24).contains("2 findings"));
    assert!(screen(&app, 80, 24).contains("PAUSED"));
    press(&mut app, "space");
    assert!(screen(&app, 80, 24).contains("Healthy"));
}

#[test]
fn colours_can_be_left_out() {
    let colors = |app: &App| {
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        terminal.draw(|frame| app.draw(frame)).unwrap();
        let cells = &terminal.backend().buffer().content;
        cells.iter().filter(|cell| cell.fg != ratatui::style::Color::Reset).count()
    };
    assert!(colors(&app(Lang::En, true)) > 0);
    let plain = app(Lang::En, true).with_color(false);
    assert_eq!(colors(&plain), 0);
    assert_eq!(screen(&plain, 80, 24), screen(&app(Lang::En, true), 80, 24));
}

#[test]
fn the_language_changes_everything_at_once() {
    let mut app = app(Lang::En, true);
    press(&mut app, "L");
    assert_eq!(app.lang(), Lang::Ko);
    let shown = screen(&app, 80, 24);
    assert!(shown.contains("메모리") && !shown.contains("Memory"), "{shown}");
}

#[test]
fn charts_grow_with_the_updates() {
    let mut app = app(Lang::En, false);
    for second in 1..700_u64 {
        let context = ReportContext { started_ns: context().started_ns + second * 1_000_000_000, ..context() };
        app.on_update(checklist(false), context);
    }
    let history = &app.report.as_ref().unwrap().cell("cpu.utilization").unwrap().history;
    assert_eq!(history.len(), HISTORY);
    assert!((history.last().unwrap().0 - 699.0).abs() < 1e-9);
}

#[test]
fn no_size_and_no_key_breaks_it() {
    let keys = [
        "up",
        "down",
        "left",
        "right",
        "enter",
        "esc",
        "tab",
        "space",
        "backspace",
        "end",
        "s",
        "/",
        "L",
        "?",
        "G",
        "x",
    ];
    let mut app = App::new(Lang::En);
    let mut random: u64 = 7;
    let mut next = |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    for round in 0..600 {
        if round % 40 == 20 {
            app.on_update(checklist(round % 80 == 20), context());
        }
        press(&mut app, keys[usize::try_from(next(16)).unwrap()]);
        let (columns, rows) = (u16::try_from(next(170) + 1).unwrap(), u16::try_from(next(60) + 1).unwrap());
        screen(&app, columns, rows);
    }
}
