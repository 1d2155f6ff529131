use crossterm::event::{KeyCode, KeyEvent};
use perfuse_analyze::annotate::{Asm, Code, Counts, Flow as Leads, Histogram, PercentType, Row, Source, rows};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::i18n::{Lang, Texts};

fn asm(offset: u64, name: &str, operands: &str, flow: Leads, target: Option<u64>, line: u32) -> Asm {
    let target_name =
        target.map(|target| if target < 0x2000 { format!("f+{:#x}", target - 0x1000) } else { "g".to_owned() });
    let label = target_name.as_ref().map(|name| format!(" <{name}>")).unwrap_or_default();
    Asm {
        offset,
        bytes: vec![0x90],
        name: name.to_owned(),
        operands: operands.to_owned(),
        text: format!("{name:<6} {operands}{label}").trim_end().to_owned(),
        flow,
        target,
        target_name,
        data_name: operands.contains("%rip").then(|| "sink".to_owned()),
        source: Source { function: Some("f".to_owned()), line: Some(("/src/a.c".to_owned(), line)) },
    }
}

fn code() -> Code {
    Code {
        section: ".text".to_owned(),
        start: 0x1000,
        end: 0x1012,
        label: "f".to_owned(),
        asm: vec![
            asm(0, "xor", "%eax,%eax", Leads::Next, None, 3),
            asm(2, "add", "0x2e44(%rip),%rax", Leads::Next, None, 4),
            asm(6, "jne", "1002", Leads::Jump, Some(0x1002), 4),
            asm(8, "call", "2000", Leads::Call, Some(0x2000), 5),
            asm(0xd, "rep stos", "%al,%es:(%rdi)", Leads::Next, None, 5),
            asm(0xf, "nopl", "0x0(%rax)", Leads::Next, None, 5),
            asm(0x11, "ret", "", Leads::Return, None, 6),
        ],
    }
}

fn histogram(offsets: &[(u64, u64, u64)]) -> Histogram {
    let mut histogram = Histogram::default();
    for &(offset, samples, period) in offsets {
        histogram.offsets.insert(offset, Counts { samples, period });
        histogram.total.samples += samples;
        histogram.total.period += period;
    }
    histogram
}

const OPTIONS: AnnotateOptions = AnnotateOptions {
    percent: PercentType::DEFAULT,
    samples: false,
    period: false,
    full_paths: false,
    lines: false,
    color: false,
};

fn with<T>(events: usize, work: impl FnOnce(Annotated<'_>) -> T) -> T {
    let code = code();
    let mut text = |_: &str, line: u32| Some(format!("line {line}"));
    let rows: Vec<Row> = rows(&code, false, Some(&mut text));
    let histograms = [histogram(&[(2, 6, 600), (3, 1, 100), (8, 3, 300)]), histogram(&[(0, 1, 7)])];
    let all = Counts { samples: 20, period: 2000 };
    let columns: Vec<EventColumn<'_>> =
        histograms.iter().take(events).map(|histogram| EventColumn { histogram, all }).collect();
    work(Annotated {
        code: &code,
        rows: &rows,
        name: "f",
        dso: "/bin/prog",
        event: if events > 1 { "cycles, faults" } else { "cycles" },
        frequency: Some(99),
        several: events > 1,
        events: &columns,
    })
}

#[test]
fn stdio_is_perfs() {
    let mut out = String::new();
    with(1, |shown| stdio(&shown, OPTIONS, &mut out));
    let expected = " Percent |\tSource code & Disassembly of prog for cycles (10 samples, percent: local period)
------------------------------------------------------------------------------------------------
         :
         :
         :
         : 3    Disassembly of section .text:
         :
         : 5    0000000000001000 <f>:
         : 6    f():
         : 3    line 1
         : 4    line 2
         : 5    line 3
    0.00 :   1000:   xor    %eax,%eax
         : 4    line 4
   70.00 :   1002:   add    0x2e44(%rip),%rax
    0.00 :   1006:   jne    1002 <f+0x2>
         : 5    line 5
   30.00 :   1008:   call   2000 <g>
    0.00 :   100d:   rep stos %al,%es:(%rdi)
    0.00 :   100f:   nopl   0x0(%rax)
         : 6    line 6
    0.00 :   1011:   ret
";
    assert_eq!(out, expected);
}

#[test]
fn lines_are_summed_up() {
    let mut out = String::new();
    let options = AnnotateOptions { lines: true, samples: true, ..OPTIONS };
    with(2, |shown| stdio(&shown, options, &mut out));
    let summary = "
Sorted summary for file /bin/prog
----------------------------------------------

   70.00    0.00 a.c:4
   30.00    0.00 a.c:5
    0.00  100.00 a.c:3
 Samples         |\tSource";
    assert!(out.starts_with(summary), "{out}");
    assert!(out.contains("\n       7       0 :   1002:   add    0x2e44(%rip),%rax // a.c:4\n"), "{out}");
}

#[test]
fn stdio2_has_offsets_arrows_and_names() {
    let mut out = String::new();
    with(1, |shown| stdio2(&shown, OPTIONS, &mut out));
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "Samples: 20  of event 'cycles', 99 Hz, Event count (approx.): 2000, [percent: local period]");
    assert_eq!(lines[1], "f() /bin/prog");
    assert_eq!(lines[2], "Percent        ");
    assert_eq!(lines[9].trim_end(), "            line 1");
    let code: Vec<&str> =
        lines.iter().skip(12).filter(|line| !line.contains("line")).map(|line| line.trim_end()).collect();
    let expected = [
        "              xor  %eax,%eax",
        " 70.00   2:   add  sink,%rax",
        "            ↑ jne  2",
        " 30.00      → call g",
        "              rep  stos %al,%es:(%rdi)",
        "              nop",
        "            ← ret",
    ];
    assert_eq!(code, expected);
}

fn screen(tui: &mut AnnotateTui<'_>, width: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, 12)).unwrap();
    terminal.draw(|frame| tui.draw(frame)).unwrap();
    terminal.backend().to_string()
}

#[test]
fn the_terminal_begins_at_the_hottest_line_and_follows_jumps() {
    let texts = Texts::new(Lang::En);
    with(1, |shown| {
        let mut tui = AnnotateTui::new(shown, OPTIONS, &texts).with_color(false);
        let key = |tui: &mut AnnotateTui<'_>, code| tui.on_key(KeyEvent::from(code));
        assert!(screen(&mut tui, 80).contains("70.00"));
        key(&mut tui, KeyCode::Char('s'));
        assert!(!screen(&mut tui, 80).contains("line 4"));
        key(&mut tui, KeyCode::Down);
        let wired = screen(&mut tui, 80);
        assert!(wired.contains("►  add  sink,%rax") && wired.contains("└↑ jne  2"), "{wired}");
        key(&mut tui, KeyCode::Enter);
        assert_eq!(key(&mut tui, KeyCode::Esc), Flow::Continue);
        key(&mut tui, KeyCode::Char('l'));
        let hottest = screen(&mut tui, 80);
        assert!(hottest.find("70.00").unwrap() < hottest.find("30.00").unwrap(), "{hottest}");
        key(&mut tui, KeyCode::Esc);
        key(&mut tui, KeyCode::Char('t'));
        assert!(screen(&mut tui, 80).contains("700 "));
        for letter in "/stos".chars() {
            key(&mut tui, KeyCode::Char(letter));
        }
        key(&mut tui, KeyCode::Enter);
        assert_eq!(key(&mut tui, KeyCode::Char('n')), Flow::Continue);
        assert!(screen(&mut tui, 80).contains("rep  stos"));
        key(&mut tui, KeyCode::Char('h'));
        assert!(!screen(&mut tui, 20).is_empty());
        key(&mut tui, KeyCode::Char('x'));
        assert_eq!(key(&mut tui, KeyCode::Char('P')), Flow::Write);
        assert_eq!(key(&mut tui, KeyCode::Char('q')), Flow::Back);
    });
}
