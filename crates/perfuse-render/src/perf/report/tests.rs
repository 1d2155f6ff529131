//! The recording behind perf's own reports in these tests, made again by hand: the same stacks and periods.

use perfuse_analyze::hist::{ChainOptions, Collector, ColumnOptions, Columns, Context, Frame, Frames, Settings, Style};

use super::*;

/// `chain of functions, outermost first` and `samples`.
const STACKS: &[(&str, u64)] = &[
    ("__libc_start_call_main;main;top_a;leaf", 745),
    ("__libc_start_call_main;main;top_b;leaf", 118),
    ("__libc_start_call_main;main;asm_exc_page_fault;exc_page_fault", 8),
    ("__libc_start_call_main;main;asm_exc_page_fault;exc_page_fault;clear_page_rep", 7),
    ("ret_from_fork;schedule", 2),
];

fn place(frames: &mut Frames, name: &str) -> u32 {
    let kernel = name.contains("page") || name.contains("ret_") || name == "schedule";
    let (dso, file, level) = match name {
        _ if kernel => (0, "[kernel.kallsyms]", 'k'),
        "__libc_start_call_main" => (2, "libc.so.6", '.'),
        _ => (1, "work", '.'),
    };
    let start = name.bytes().fold(0_u64, |sum, byte| (sum * 31 + u64::from(byte)) & 0xffff_ffff);
    let (dso_name, name) = (frames.strings.id(file), frames.strings.id(name));
    let symbol = (start, start + 1);
    let unknown = Frame::unknown(0, level);
    frames.id(Frame { dso: Some(dso), dso_name, dso_path: dso_name, name, symbol, ..unknown })
}

pub(crate) fn hists(children: bool, caller: bool, sort: Option<&str>) -> Histograms {
    let mut frames = Frames::default();
    let work = u64::from(frames.strings.id("work"));
    let options = ColumnOptions { sort, children, samples: true, ..ColumnOptions::default() };
    let columns = Columns::new(&options).unwrap();
    let values: Vec<u64> = columns.sample_keys().map(|_| work).collect();
    let mut collector = Collector::new(values.len());
    for (chain, samples) in STACKS {
        let mut ids: Vec<u32> = chain.split(';').map(|name| place(&mut frames, name)).collect();
        let place = ids[ids.len() - 1];
        if !caller {
            ids.reverse();
        }
        let root = collector.root(Context { event: 0, filtered: false, values: &values }, 0);
        let end = ids.iter().fold(root, |node, &frame| collector.child(node, frame, 0));
        for _ in 0..*samples {
            collector.add(end, place, 0, 1_000_000);
        }
    }
    let settings = Settings {
        columns,
        children,
        caller_first: caller,
        chains: true,
        symbol_filter: None,
        relative: false,
        event_chains: vec![true],
        groups: Vec::new(),
        group_sort: 0,
        by_name: false,
    };
    Histograms::new(collector, frames, settings)
}

fn report(hists: &Histograms, options: &ReportOptions) -> String {
    let names = BTreeMap::new();
    let mut out = String::new();
    let events = [ReportEvent { name: "cpu-clock:ppp".to_owned(), several: false }];
    Layout::new(hists, options, &names).report(&events, 0, "Tip: none", &mut out);
    out
}

#[test]
fn a_table_with_call_chains_is_laid_out_as_perf_does_it() {
    let text = report(&hists(false, false, None), &ReportOptions::default());
    let expected = r"#
# Total Lost Samples: 0
#
# Samples: 880  of event 'cpu-clock:ppp'
# Event count (approx.): 880000000
#
# Overhead       Samples  Command  Shared Object      Symbol            
# ........  ............  .......  .................  ..................
#
    98.07%           863  work     work               [.] leaf
            |
            ---leaf
               |          
               |--84.66%--top_a
               |          main
               |          __libc_start_call_main
               |          
                --13.41%--top_b
                          main
                          __libc_start_call_main

     0.91%             8  work     [kernel.kallsyms]  [k] exc_page_fault
            |
            ---exc_page_fault
               asm_exc_page_fault
               main
               __libc_start_call_main

     0.80%             7  work     [kernel.kallsyms]  [k] clear_page_rep
            |
            ---clear_page_rep
               exc_page_fault
               asm_exc_page_fault
               main
               __libc_start_call_main

     0.23%             2  work     [kernel.kallsyms]  [k] schedule


#
# (Tip: none)
#
";
    assert_eq!(text, expected);
}

fn lines<'a>(text: &'a str, from: &str) -> Vec<&'a str> {
    text.lines().skip_while(|line| !line.contains(from)).take_while(|line| !line.is_empty()).collect()
}

#[test]
fn callers_stand_above_what_they_call() {
    let text = report(&hists(true, true, None), &ReportOptions::default());
    assert_eq!(
        lines(&text, "] main"),
        [
            "    99.77%     0.00%             0  work     work               [.] main",
            "            |",
            "            ---main",
            "               |          ",
            "               |--84.66%--top_a",
            "               |          leaf",
            "               |          ",
            "               |--13.41%--top_b",
            "               |          leaf",
            "               |          ",
            "                --1.70%--asm_exc_page_fault",
            "                          exc_page_fault",
            "                          |          ",
            "                           --0.80%--clear_page_rep",
        ]
    );
}

#[test]
fn the_other_styles_of_call_chains() {
    let with = |style, min_percent| ReportOptions {
        chain: ChainOptions { style, min_percent, ..ChainOptions::default() },
        ..ReportOptions::default()
    };
    let hists = hists(true, true, Some("comm"));
    let folded = report(&hists, &with(Style::Folded, 0.85));
    assert_eq!(
        lines(&folded, "  work"),
        [
            "   100.00%   100.00%           880  work   ",
            "84.66% __libc_start_call_main;main;top_a;leaf",
            "13.41% __libc_start_call_main;main;top_b;leaf",
            "0.91% __libc_start_call_main;main;asm_exc_page_fault;exc_page_fault",
        ]
    );
    let flat = report(&hists, &with(Style::Flat, 20.0));
    assert_eq!(lines(&flat, "84.66%")[1..3], ["                __libc_start_call_main", "                main"]);
    let fractal = report(&hists, &with(Style::Fractal, 5.0));
    assert_eq!(
        lines(&fractal, "  work"),
        [
            "   100.00%   100.00%           880  work   ",
            "            |          ",
            "            |--99.77%--__libc_start_call_main",
            "            |          main",
            "            |          |          ",
            "            |          |--84.85%--top_a",
            "            |          |          leaf",
            "            |          |          ",
            "            |          |--13.44%--top_b",
            "            |          |          leaf",
            "            |           --1.71%--[...]",
            "             --0.23%--[...]",
        ]
    );
}

#[test]
fn columns_are_separated_as_asked() {
    let options = ReportOptions { separator: Some(".".to_owned()), quiet: true, ..ReportOptions::default() };
    let options = ReportOptions { chain: ChainOptions { style: Style::None, ..options.chain }, ..options };
    let text = report(&hists(false, false, None), &options);
    assert!(text.starts_with(" 98.07%"), "{text}");
}

#[test]
fn shares_are_coloured_by_their_size() {
    let options = ReportOptions { color: true, ..ReportOptions::default() };
    let text = report(&hists(false, false, None), &options);
    assert!(text.contains("\u{1b}[31m   98.07%\u{1b}[m") || text.contains("\u{1b}[31m  98.07%\u{1b}[m"), "{text}");
    assert!(text.contains("--\u{1b}[31m84.66%\u{1b}[m--top_a"), "{text}");
}

#[test]
fn numbers_are_shortened_without_rounding() {
    assert_eq!([999, 1999, 31_999_999].map(short), [(999, ' '), (1, 'K'), (31, 'M')]);
}
