//! Golden pages, and what must hold at every width.

use super::*;
use crate::Lang;
use crate::fixture::{checklist, context};
use crate::golden;
use crate::layout::width;

fn report(sick: bool, lang: Lang) -> (Report, Texts) {
    let texts = Texts::core(lang);
    (Report::new(&checklist(sick), &context(), &texts), texts)
}

#[test]
fn the_page_in_both_languages_and_widths() {
    for lang in Lang::ALL {
        let (report, texts) = report(true, lang);
        for columns in [80, 140] {
            let page = render(&report, &texts, TextOptions { color: false, width: columns });
            golden::check(&format!("use-{}-{columns}.txt", lang.id()), &page);
        }
    }
}

#[test]
fn no_line_is_wider_than_the_page_and_no_name_steers_the_terminal() {
    for lang in Lang::ALL {
        let (report, texts) = report(true, lang);
        for columns in 60..=200 {
            let options = TextOptions { color: false, width: columns };
            let drill = cell(&report, "cpu.saturation", &texts, options).unwrap();
            for line in render(&report, &texts, options).lines().chain(drill.lines()) {
                assert!(width(line) <= columns, "{columns} {}: {} {line:?}", lang.id(), width(line));
                assert!(!line.chars().any(char::is_control), "{line:?}");
                assert!(!line.ends_with(' '), "{line:?}");
            }
        }
    }
}

#[test]
fn colours_change_nothing_but_colour() {
    let (report, texts) = report(true, Lang::En);
    let plain = render(&report, &texts, TextOptions { color: false, width: 100 });
    let colored = render(&report, &texts, TextOptions { color: true, width: 100 });
    assert_ne!(plain, colored);
    let mut stripped = String::new();
    let mut rest = colored.as_str();
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        stripped.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    stripped.push_str(rest);
    assert_eq!(stripped, plain);
}

#[test]
fn every_cell_and_control_stands_on_the_page() {
    let (report, texts) = report(false, Lang::En);
    let page = render(&report, &texts, TextOptions { color: false, width: 200 });
    for cell in report.all() {
        let command = cell.by_hand.split_whitespace().next().unwrap();
        assert!(page.contains(command), "{}", cell.id);
    }
    assert!(page.contains("Healthy"));
    assert!(cell(&report, "no.cell", &texts, TextOptions::default()).is_none());
    assert!(cell(&report, "cpu-quota", &texts, TextOptions::default()).is_some());
}

#[test]
fn the_drill_down_in_both_languages() {
    for lang in Lang::ALL {
        let (report, texts) = report(true, lang);
        let options = TextOptions { color: false, width: 80 };
        golden::check(&format!("cell-{}.txt", lang.id()), &cell(&report, "cpu.saturation", &texts, options).unwrap());
    }
}
