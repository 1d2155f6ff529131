//! The built-in handbook: what a cell, a control, a verdict or a term means, where it comes from, its traps, and what to
//! do next.
//!
//! The texts are the files of `handbook/en` and `handbook/ko`. An entry is
//!
//! ```text
//! ## cpu.saturation                     the id, the same in every language
//! CPU saturation; scheduling latency    the title, then other names that lead here
//! How long runnable threads ...         what it means
//! src: ...                              where the number comes from
//! trap: ...                             what misleads
//! next: ...                             what to do
//! $ perf record ...                     commands that look closer
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use anstyle::Style;
use perfuse_analyze::table::{CELLS, CONTROLS};

use crate::i18n::Lang;
use crate::layout::{pad, width, wrap};

/// How an entry is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// With escape sequences of colour.
    pub color: bool,
    /// Columns of the terminal.
    pub width: usize,
}

/// One entry in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Stable id.
    pub id: &'static str,
    /// Title.
    pub title: &'static str,
    /// Other names that lead here.
    pub names: Vec<&'static str>,
    /// What it means.
    pub meaning: String,
    /// Where the number comes from.
    pub source: String,
    /// What misleads.
    pub traps: String,
    /// What to do next.
    pub next: String,
    /// Commands that look closer.
    pub commands: Vec<&'static str>,
}

impl Entry {
    /// What one would have typed, for a cell or a control.
    pub fn by_hand(&self) -> Option<&'static str> {
        let cell = CELLS.iter().find(|cell| cell.id == self.id).map(|cell| cell.by_hand);
        cell.or_else(|| CONTROLS.iter().find(|control| control.id == self.id).map(|control| control.by_hand))
    }
}

/// A name that the handbook does not have, and the ones that come nearest, the best first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no entry {query:?} in the handbook")]
pub struct Unknown {
    /// What was asked.
    pub query: String,
    /// Ids of entries.
    pub nearest: Vec<&'static str>,
}

/// The texts of one language.
struct Book {
    entries: Vec<Entry>,
    /// Simplified name to index.
    index: BTreeMap<String, usize>,
}

/// The books in the order of [`Lang::ALL`].
static BOOKS: LazyLock<[Book; 2]> = LazyLock::new(|| {
    [
        Book::new(&[
            include_str!("../handbook/en/cells.md"),
            include_str!("../handbook/en/controls.md"),
            include_str!("../handbook/en/verdicts.md"),
            include_str!("../handbook/en/terms.md"),
            include_str!("../handbook/en/status.md"),
        ]),
        Book::new(&[
            include_str!("../handbook/ko/cells.md"),
            include_str!("../handbook/ko/controls.md"),
            include_str!("../handbook/ko/verdicts.md"),
            include_str!("../handbook/ko/terms.md"),
            include_str!("../handbook/ko/status.md"),
        ]),
    ]
});

fn book(lang: Lang) -> &'static Book {
    match lang {
        Lang::En => &BOOKS[0],
        Lang::Ko => &BOOKS[1],
    }
}

impl Book {
    fn new(files: &[&'static str]) -> Self {
        let entries: Vec<Entry> = files.iter().flat_map(|file| parse(file)).collect();
        let mut index = BTreeMap::new();
        for (at, entry) in entries.iter().enumerate() {
            // `cpu-quota` means the control, `bottleneck` the verdict; an id wins over another entry's alias.
            let short = entry.id.strip_prefix("control.").or(entry.id.strip_prefix("verdict."));
            for name in std::iter::once(entry.id).chain(short) {
                index.insert(simplified(name), at);
            }
        }
        for (at, entry) in entries.iter().enumerate() {
            for name in std::iter::once(entry.title).chain(entry.names.iter().copied()) {
                index.entry(simplified(name)).or_insert(at);
            }
        }
        Self { entries, index }
    }
}

/// The entries of one file.
fn parse(text: &'static str) -> Vec<Entry> {
    text.split("\n## ").map(|part| part.strip_prefix("## ").unwrap_or(part)).filter_map(entry).collect()
}

fn entry(text: &'static str) -> Option<Entry> {
    let mut lines = text.lines();
    let id = lines.next()?.trim();
    let mut names = lines.next()?.split(';').map(str::trim);
    let title = names.next()?;
    let mut entry = Entry {
        id,
        title,
        names: names.collect(),
        meaning: String::new(),
        source: String::new(),
        traps: String::new(),
        next: String::new(),
        commands: Vec::new(),
    };
    for line in lines.filter(|line| !line.is_empty()) {
        let (part, text) = match line.split_once(' ') {
            Some(("src:", text)) => (&mut entry.source, text),
            Some(("trap:", text)) => (&mut entry.traps, text),
            Some(("next:", text)) => (&mut entry.next, text),
            Some(("$", command)) => {
                entry.commands.push(command);
                continue;
            }
            _ => (&mut entry.meaning, line),
        };
        if !part.is_empty() {
            part.push(' ');
        }
        part.push_str(text);
    }
    Some(entry)
}

/// Names that differ only in case, blanks, hyphens or underscores are one.
fn simplified(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, ' ' | '-' | '_' | '\t')).flat_map(char::to_lowercase).collect()
}

/// The ids of all entries: cells, controls, verdicts, then terms.
pub fn ids() -> impl Iterator<Item = &'static str> {
    book(Lang::En).entries.iter().map(|entry| entry.id)
}

/// The entry that `name` leads to: an id, a title or another name, in either language.
pub fn find(name: &str, lang: Lang) -> Option<&'static Entry> {
    let name = simplified(name);
    let own = book(lang);
    if let Some(at) = own.index.get(&name) {
        return own.entries.get(*at);
    }
    let others = Lang::ALL.into_iter().filter(|other| *other != lang);
    let id = others.map(book).find_map(|book| book.entries.get(*book.index.get(&name)?))?.id;
    own.entries.iter().find(|entry| entry.id == id)
}

/// The entry of `query`; for a resource (`cpu`, `storage-controller`) those of its three cells.
pub fn explain(query: &str, lang: Lang, options: Options) -> Result<String, Unknown> {
    let resource = format!("{}.", query.trim().to_lowercase());
    let cells = CELLS.iter().filter(|cell| cell.id.starts_with(&resource)).filter_map(|cell| find(cell.id, lang));
    let mut entries: Vec<&Entry> = cells.collect();
    // `io-interconnect` is a term as well as a resource.
    if let Some(entry) = find(query, lang).filter(|entry| entries.iter().all(|cell| cell.id != entry.id)) {
        entries.insert(0, entry);
    }
    if entries.is_empty() {
        return Err(Unknown { query: query.to_owned(), nearest: nearest(query) });
    }
    let parts: Vec<String> = entries.into_iter().map(|entry| laid_out(entry, lang, options)).collect();
    Ok(parts.join("\n"))
}

/// A list of all entries with their titles.
pub fn list(lang: Lang) -> String {
    let entries = &book(lang).entries;
    let columns = entries.iter().map(|entry| width(entry.id)).max().unwrap_or(0);
    entries.iter().fold(String::new(), |mut out, entry| {
        let _ = writeln!(out, "{}  {}", pad(entry.id, columns), entry.title);
        out
    })
}

/// The ids whose own or other names come nearest to `query`.
fn nearest(query: &str) -> Vec<&'static str> {
    let query = simplified(query);
    let mut scored: Vec<(f64, &'static str)> = Vec::new();
    for book in BOOKS.iter() {
        for (name, at) in &book.index {
            let Some(entry) = book.entries.get(*at) else { continue };
            let part = query.chars().count() >= 3 && name.contains(&query);
            let score = if part { 0.95 } else { strsim::jaro_winkler(&query, name) };
            if score >= 0.8 {
                scored.push((score, entry.id));
            }
        }
    }
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    let mut ids: Vec<&'static str> = Vec::new();
    for (_, id) in scored {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids.truncate(5);
    ids
}

fn laid_out(entry: &Entry, lang: Lang, options: Options) -> String {
    let bold = Style::new().bold();
    let dim = Style::new().dimmed();
    let paint = |style: Style, text: &str| {
        if options.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    };
    let label = |en, ko| if lang == Lang::Ko { ko } else { en };
    let parts = [
        (label("Source", "출처"), &entry.source),
        (label("Traps", "함정"), &entry.traps),
        (label("Next", "다음 단계"), &entry.next),
    ];
    let by_hand = label("By hand", "직접 확인");
    let indent = parts.iter().map(|(name, _)| width(name)).chain([width(by_hand)]).max().unwrap_or(0) + 2;
    let columns = options.width.clamp(40, 100);

    let mut out = format!("{}  {}\n\n", paint(bold, entry.title), paint(dim, entry.id));
    for line in wrap(&entry.meaning, columns) {
        out.push_str(&line);
        out.push('\n');
    }
    for (name, text) in parts.iter().filter(|(_, text)| !text.is_empty()) {
        out.push('\n');
        for (index, line) in wrap(text, columns - indent).iter().enumerate() {
            let head = if index == 0 { paint(bold, &pad(name, indent)) } else { " ".repeat(indent) };
            let _ = writeln!(out, "{head}{line}");
        }
    }
    for command in &entry.commands {
        let _ = writeln!(out, "{}{} {}", " ".repeat(indent), paint(dim, "$"), paint(bold, command));
    }
    if let Some(command) = entry.by_hand() {
        let _ = writeln!(out, "\n{}{command}", paint(bold, &pad(by_hand, indent)));
    }
    out
}

#[cfg(test)]
mod tests;
