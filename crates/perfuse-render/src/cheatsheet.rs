//! The 102 one-liners of perf with what each costs, as text and as one page to print.

use std::fmt::Write as _;
use std::sync::LazyLock;

use anstyle::{AnsiColor, Style};
use maud::{DOCTYPE, PreEscaped, html};

use crate::i18n::Lang;
use crate::layout::{pad, wrap};

/// What a command costs the system that it looks at, from cheap to dear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Overhead {
    /// Lists what there is; measures nothing.
    List,
    /// Reads a recording afterwards.
    Report,
    /// Defines or removes a probe, which costs from the moment that it is recorded.
    Define,
    /// Adds one to a counter at each event.
    Count,
    /// Takes details of some of the events.
    Sample,
    /// Takes details of every event.
    Trace,
}

impl Overhead {
    /// All, from cheap to dear.
    pub const ALL: [Self; 6] = [Self::List, Self::Report, Self::Define, Self::Count, Self::Sample, Self::Trace];

    /// The word in the table; the same in every language, so that it can be searched for.
    pub fn id(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Report => "report",
            Self::Define => "define",
            Self::Count => "count",
            Self::Sample => "sample",
            Self::Trace => "trace",
        }
    }

    /// What the class means, for the legend.
    pub fn explained(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Self::List, Lang::En) => "shows what there is; measures nothing",
            (Self::List, Lang::Ko) => "있는 것을 보여 줄 뿐 측정하지 않습니다",
            (Self::Report, Lang::En) => "reads a recording afterwards",
            (Self::Report, Lang::Ko) => "기록해 둔 파일을 나중에 읽습니다",
            (Self::Define, Lang::En) => "sets up a probe, which costs from when it is recorded",
            (Self::Define, Lang::Ko) => "프로브를 준비합니다. 비용은 기록할 때부터 듭니다",
            (Self::Count, Lang::En) => "adds one to a counter at each event",
            (Self::Count, Lang::Ko) => "이벤트마다 카운터를 1 늘립니다",
            (Self::Sample, Lang::En) => "takes details (address, stack) of some events",
            (Self::Sample, Lang::Ko) => "일부 이벤트에서만 상세 정보(주소, 스택)를 얻습니다",
            (Self::Trace, Lang::En) => "takes details of every event: mind the event rate",
            (Self::Trace, Lang::Ko) => "모든 이벤트의 상세 정보를 얻습니다. 이벤트 빈도에 주의하십시오",
        }
    }

    fn style(self) -> Style {
        let color = match self {
            Self::List | Self::Report => return Style::new().dimmed(),
            Self::Define => AnsiColor::Cyan,
            Self::Count => AnsiColor::Green,
            Self::Sample => AnsiColor::Yellow,
            Self::Trace => AnsiColor::Red,
        };
        Style::new().fg_color(Some(color.into()))
    }
}

/// A chapter of the sheet: the letter of its ids, and its title.
const CATEGORIES: [(char, &str, &str); 8] = [
    ('L', "Listing events", "이벤트 목록"),
    ('C', "Counting events", "이벤트 집계"),
    ('P', "Profiling", "프로파일링"),
    ('S', "Static tracing", "정적 트레이싱"),
    ('D', "Dynamic tracing", "동적 트레이싱"),
    ('M', "Mixed", "혼합"),
    ('X', "Special", "특수"),
    ('R', "Reporting", "보고"),
];

/// One command of the sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OneLiner {
    /// Letter of the category and number in it: `C01`.
    pub id: &'static str,
    /// What it costs.
    pub overhead: Overhead,
    /// What it shows, in English.
    pub en: &'static str,
    /// The same in Korean.
    pub ko: &'static str,
    /// The command, to be typed as it stands.
    pub command: &'static str,
}

impl OneLiner {
    /// What it shows.
    pub fn description(&self, lang: Lang) -> &'static str {
        match lang {
            Lang::En => self.en,
            Lang::Ko => self.ko,
        }
    }
}

/// All 102, in the order of the sheet.
pub fn one_liners() -> &'static [OneLiner] {
    static TABLE: LazyLock<Vec<OneLiner>> =
        LazyLock::new(|| include_str!("../handbook/one-liners.tsv").lines().filter_map(parse).collect());
    &TABLE
}

/// One line of the table; a test asserts that none is lost.
fn parse(line: &'static str) -> Option<OneLiner> {
    let mut fields = line.split('\t');
    let (id, class) = (fields.next()?, fields.next()?);
    let overhead = Overhead::ALL.into_iter().find(|overhead| overhead.id() == class)?;
    Some(OneLiner { id, overhead, en: fields.next()?, ko: fields.next()?, command: fields.next()? })
}

/// The chapters with their commands.
fn chapters(lang: Lang) -> impl Iterator<Item = (&'static str, Vec<&'static OneLiner>)> {
    CATEGORIES.into_iter().map(move |(letter, en, ko)| {
        let own = one_liners().iter().filter(|one| one.id.starts_with(letter)).collect();
        (if lang == Lang::Ko { ko } else { en }, own)
    })
}

fn title(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "perf in 102 lines",
        Lang::Ko => "perf 한 줄 명령 102개",
    }
}

fn legend_title(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "Overhead, from cheap to dear",
        Lang::Ko => "오버헤드 (낮은 것부터 높은 순)",
    }
}

/// The sheet for a terminal of `width` columns. Commands are never wrapped, so that they can be copied.
pub fn text(lang: Lang, color: bool, width: usize) -> String {
    let paint = |style: Style, text: &str| {
        if color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    };
    let mut out = format!("{}\n\n{}\n", paint(Style::new().bold(), title(lang)), legend_title(lang));
    for overhead in Overhead::ALL {
        let word = paint(overhead.style(), &pad(overhead.id(), 7));
        let _ = writeln!(out, "  {word} {}", overhead.explained(lang));
    }
    for (title, own) in chapters(lang) {
        let _ = writeln!(out, "\n{}", paint(Style::new().bold(), title));
        for one in own {
            let described = wrap(one.description(lang), width.saturating_sub(14).max(20));
            for (index, line) in described.iter().enumerate() {
                let head = if index == 0 {
                    format!("{} {}", pad(one.id, 4), paint(one.overhead.style(), &pad(one.overhead.id(), 6)))
                } else {
                    " ".repeat(11)
                };
                let _ = writeln!(out, "  {head} {line}");
            }
            let _ = writeln!(out, "       {}", paint(Style::new().bold(), one.command));
        }
    }
    out
}

/// The sheet as one self-contained page; in print it is one side of A4 landscape.
pub fn html(lang: Lang) -> String {
    let page = html! {
        (DOCTYPE)
        html lang=(lang.id()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title(lang)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (title(lang)) }
                    p.legend {
                        (legend_title(lang)) ": "
                        @for overhead in Overhead::ALL {
                            span.item { b class=(overhead.id()) { (overhead.id()) } " " (overhead.explained(lang)) }
                        }
                    }
                }
                main {
                    @for (title, own) in chapters(lang) {
                        section {
                            h2 { (title) }
                            @for one in own {
                                div.one {
                                    p { b class=(one.overhead.id()) { (one.id) " " (one.overhead.id()) } " " (one.description(lang)) }
                                    code { (one.command) }
                                }
                            }
                        }
                    }
                }
            }
        }
    };
    page.into_string()
}

const STYLE: &str = "
@page { size: A4 landscape; margin: 6mm }
body { font: 7.5pt/1.25 'Noto Sans KR', 'Noto Sans', 'Apple SD Gothic Neo', 'Malgun Gothic', sans-serif; margin: 1em; color: #111; background: #fff }
h1 { font-size: 13pt; margin: 0 0 .2em }
h2 { font-size: 9pt; margin: .6em 0 .2em; border-bottom: 1px solid #888; break-after: avoid }
main { columns: 3; column-gap: 5mm; column-rule: 1px solid #ddd }
p { margin: 0 }
.legend { margin-bottom: .4em }
.item { white-space: nowrap; margin-right: 1em }
.one { break-inside: avoid; margin: 0 0 .35em }
code { display: block; font: 6.5pt/1.2 'DejaVu Sans Mono', 'D2Coding', monospace; background: #f2f2f2; padding: .1em .3em; overflow-wrap: anywhere }
b { font-size: 6.5pt }
.list, .report { color: #555 } .define { color: #05697a } .count { color: #14691f } .sample { color: #7d5600 } .trace { color: #a3141b }
@media print {
  body { margin: 0; font-size: 6.2pt; line-height: 1.2 }
  h1 { font-size: 10pt; display: inline }
  h2 { font-size: 7pt; margin: .35em 0 .1em }
  .legend { margin: 0 0 .2em; font-size: 5.5pt }
  main { columns: 4; column-gap: 3mm }
  .one { margin-bottom: .22em }
  b { font-size: 5.2pt }
  code { font-size: 5.4pt; padding: 0 .2em; background: none; border-left: 1.5px solid #bbb }
}
@media screen and (max-width: 900px) { main { columns: 1 } }
";

#[cfg(test)]
mod tests {
    use super::*;

    fn count(letter: char) -> usize {
        one_liners().iter().filter(|one| one.id.starts_with(letter)).count()
    }

    #[test]
    fn there_are_102_in_eight_categories() {
        let lines = include_str!("../handbook/one-liners.tsv").lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!((lines, one_liners().len()), (102, 102));
        let counts: Vec<_> = CATEGORIES.iter().map(|(letter, ..)| (*letter, count(*letter))).collect();
        assert_eq!(counts, [('L', 2), ('C', 18), ('P', 19), ('S', 24), ('D', 21), ('M', 4), ('X', 2), ('R', 12)]);
    }

    #[test]
    fn ids_count_up_within_their_category() {
        for (letter, ..) in CATEGORIES {
            let ids = one_liners().iter().map(|one| one.id).filter(|id| id.starts_with(letter));
            for (index, id) in ids.enumerate() {
                assert_eq!(id, format!("{letter}{:02}", index + 1));
            }
        }
    }

    #[test]
    fn the_class_follows_from_the_command() {
        for one in one_liners() {
            let words: Vec<&str> = one.command.split_whitespace().collect();
            let allowed: &[Overhead] = match words[..2] {
                ["perf", "list" | "buildid-cache"] => &[Overhead::List],
                ["perf", "stat"] => &[Overhead::Count],
                ["perf", "probe"] => &[Overhead::List, Overhead::Define],
                ["perf", "report" | "script" | "annotate"] => &[Overhead::Report],
                ["perf", "c2c"] => &[Overhead::Sample, Overhead::Report],
                _ => &[Overhead::Sample, Overhead::Trace],
            };
            assert!(allowed.contains(&one.overhead), "{}: {:?}", one.id, one.overhead);
        }
    }

    #[test]
    fn both_languages_describe_every_command() {
        for one in one_liners() {
            assert!(one.en.is_ascii() && one.en.len() > 8, "{}", one.id);
            assert!(one.ko.chars().any(|c| ('가'..='힣').contains(&c)), "{}", one.id);
        }
    }

    #[test]
    fn commands_stand_whole_on_one_line_and_escaped_in_html() {
        for lang in Lang::ALL {
            let sheet = text(lang, false, 60);
            let page = html(lang);
            for one in one_liners() {
                assert!(sheet.lines().any(|line| line.trim() == one.command), "{}", one.id);
                let escaped = html! { (one.command) }.into_string();
                assert!(page.contains(&format!("<code>{escaped}</code>")), "{}", one.id);
            }
        }
    }

    #[test]
    fn colour_adds_nothing_but_colour() {
        let plain = text(Lang::Ko, false, 100);
        let painted = text(Lang::Ko, true, 100);
        assert!(painted.contains('\u{1b}') && !plain.contains('\u{1b}'));
        let stripped = anstyle_free(&painted);
        assert_eq!(stripped, plain);
    }

    /// The text without escape sequences of colour.
    fn anstyle_free(text: &str) -> String {
        let mut parts = text.split('\u{1b}');
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |out, part| out + part.split_once('m').map_or("", |(_, rest)| rest))
    }
}
