//! Reading one table of the file: each value with its type, each mistake with its place.

use std::cell::RefCell;
use std::ops::Range;
use std::time::Duration;

use perfuse_analyze::Msg;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::ConfigError;
use super::keys::Section;
use super::secret::{Outside, Secret};

/// What all parts share.
pub(super) struct Source<'a> {
    pub(super) text: &'a str,
    pub(super) outside: &'a Outside<'a>,
    pub(super) errors: RefCell<Vec<ConfigError>>,
}

impl Source<'_> {
    pub(super) fn error(&self, span: Range<usize>, message: Msg) {
        self.errors.borrow_mut().push(ConfigError::new(self.text, span, true, message));
    }

    /// A mistake on a line that may hold a secret.
    fn error_unshown(&self, span: Range<usize>, message: Msg) {
        self.errors.borrow_mut().push(ConfigError::new(self.text, span, false, message));
    }
}

/// One table of the file.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) source: &'a Source<'a>,
    table: &'a DeTable<'a>,
    section: &'static Section,
    /// Where the table begins, for keys that are missing.
    at: usize,
    /// How many bytes of it are marked then.
    marked: usize,
}

/// Keys whose values are secret; their lines are not shown.
const SECRET: &[&str] = &["password", "token", "bearer", "url", "first", "second", "headers", "env", "template"];

impl<'a> Part<'a> {
    /// The part for a table; keys that the section does not have are mistakes.
    pub(super) fn new(
        source: &'a Source<'a>,
        table: &'a DeTable<'a>,
        section: &'static Section,
        span: Range<usize>,
    ) -> Self {
        let marked = source.text.get(span.clone()).and_then(|text| text.lines().next()).map_or(1, str::len);
        let part = Self { source, table, section, at: span.start, marked };
        for (key, _) in table {
            let name: &str = key.get_ref();
            if section.all().any(|known| known == name) {
                continue;
            }
            let message = Msg::new("config-unknown-key")
                .with("key", name)
                .with("section", section.name)
                .with("names", nearest(name, section.all()).join(", "));
            // A misspelt password is a password.
            source.error_unshown(key.span(), message);
        }
        part
    }

    /// Where the table begins.
    pub(super) fn span(&self) -> Range<usize> {
        self.at..self.at.saturating_add(self.marked)
    }

    /// Where the value of a key stands, or else the table.
    pub(super) fn span_of(&self, key: &str) -> Range<usize> {
        self.value(key).map_or_else(|| self.span(), Spanned::span)
    }

    fn value(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        debug_assert!(
            self.section.all().any(|known| known == key),
            "{key} stands in the table of {}",
            self.section.name
        );
        self.table.get(key)
    }

    /// Whether the key is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.get(key).is_some()
    }

    /// A value that is not what the key needs. `expected` is the end of a message id.
    pub(super) fn wrong(&self, key: &str, expected: &str) {
        self.wrong_at(self.span_of(key), key, Msg::new(format!("config-expected-{expected}")));
    }

    /// As [`Part::wrong`], with the words that there are.
    pub(super) fn wrong_word(&self, key: &str, expected: &str, words: &[&str]) {
        let expected = Msg::new(format!("config-expected-{expected}")).with("names", words.join(", "));
        self.wrong_at(self.span_of(key), key, expected);
    }

    fn wrong_at(&self, span: Range<usize>, key: &str, expected: Msg) {
        let message = Msg::new("config-wrong").with("key", key).with("expected", expected);
        if SECRET.contains(&key) {
            self.source.error_unshown(span, message);
        } else {
            self.source.error(span, message);
        }
    }

    fn missing<T>(&self, key: &str, value: Option<T>) -> Option<T> {
        if value.is_none() && !self.has(key) {
            let message = Msg::new("config-missing").with("key", key).with("section", self.section.name);
            self.source.error(self.span(), message);
        }
        value
    }

    /// A value of one type; a mistake if it is there and `read` does not take it.
    fn read<T>(&self, key: &str, expected: &str, read: impl Fn(&'a DeValue<'a>) -> Option<T>) -> Option<T> {
        let value = self.value(key)?;
        let found = read(value.get_ref());
        if found.is_none() {
            self.wrong(key, expected);
        }
        found
    }

    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.read(key, "text", |value| value.as_str().map(str::to_owned))
    }

    pub(super) fn need_text(&self, key: &str) -> Option<String> {
        let text = self.missing(key, self.text(key))?;
        if text.is_empty() {
            self.wrong(key, "some-text");
            return None;
        }
        Some(text)
    }

    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        self.read(key, "flag", DeValue::as_bool)
    }

    /// A whole number within a range.
    pub(super) fn integer(&self, key: &str, range: Range<u64>) -> Option<u64> {
        let value = self.value(key)?;
        let number = value
            .get_ref()
            .as_integer()
            .and_then(|number| u64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok());
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            let expected = Msg::new("config-expected-integer")
                .with("from", range.start.to_string())
                .with("to", (range.end - 1).to_string());
            self.wrong_at(value.span(), key, expected);
        }
        number
    }

    pub(super) fn small(&self, key: &str, range: Range<u64>) -> Option<u32> {
        self.integer(key, range).and_then(|number| u32::try_from(number).ok())
    }

    /// A finite number.
    pub(super) fn number(&self, key: &str) -> Option<f64> {
        self.read(key, "number", |value| {
            let text = match value {
                DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
                DeValue::Float(number) => number.as_str(),
                _ => return None,
            };
            text.replace('_', "").parse().ok().filter(|number: &f64| number.is_finite())
        })
    }

    /// A time such as `"30s"` or `"1h 30m"`, longer than nothing and not above a year.
    pub(super) fn duration(&self, key: &str) -> Option<Duration> {
        self.read(key, "duration", |value| value.as_str().and_then(duration))
    }

    pub(super) fn list(&self, key: &str) -> Vec<String> {
        let read = |value: &'a DeValue<'a>| {
            let each = value.as_array()?.iter().map(|one| one.get_ref().as_str().map(str::to_owned));
            each.collect::<Option<Vec<_>>>()
        };
        self.read(key, "list", read).unwrap_or_default()
    }

    pub(super) fn need_list(&self, key: &str) -> Vec<String> {
        let list = self.list(key);
        if list.is_empty() && self.has(key) && self.table.get(key).is_some_and(|value| value.get_ref().is_array()) {
            self.wrong(key, "some-list");
        }
        self.missing(key, Some(list).filter(|list| !list.is_empty())).unwrap_or_default()
    }

    /// A table of texts, such as headers and labels.
    pub(super) fn pairs(&self, key: &str) -> Vec<(String, String)> {
        let read = |value: &'a DeValue<'a>| {
            let each = value.as_table()?.iter();
            let pair = |(name, value): (&Spanned<_>, &'a Spanned<DeValue<'a>>)| {
                let name: &std::borrow::Cow<'_, str> = name.get_ref();
                Some((name.to_string(), value.get_ref().as_str()?.to_owned()))
            };
            each.map(pair).collect::<Option<Vec<_>>>()
        };
        self.read(key, "pairs", read).unwrap_or_default()
    }

    /// Whole numbers, one or a list of them.
    pub(super) fn integers(&self, key: &str) -> Vec<u64> {
        let one = |value: &DeValue<'_>| value.as_integer().and_then(|number| number.as_str().parse().ok());
        let read = |value: &'a DeValue<'a>| match value.as_array() {
            Some(all) => all.iter().map(|value| one(value.get_ref())).collect::<Option<Vec<u64>>>(),
            None => one(value).map(|number| vec![number]),
        };
        self.read(key, "integers", read).unwrap_or_default()
    }

    /// One of some words.
    pub(super) fn choice<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let word = self.text(key)?;
        let found = choices.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            let expected = Msg::new("config-expected-choice").with("names", names.join(", "));
            self.wrong_at(self.span_of(key), key, expected);
        }
        found
    }

    /// A regular expression. Its size is bounded by the library, its time is linear.
    pub(super) fn regex(&self, key: &str) -> Option<regex::Regex> {
        let text = self.text(key)?;
        let regex = regex::RegexBuilder::new(&text).size_limit(1 << 20).build();
        if regex.is_err() {
            self.wrong(key, "regex");
        }
        regex.ok()
    }

    /// A secret, or the file or the variable that has it: `password`, `password_file`, `password_env`.
    pub(super) fn secret(&self, key: &str) -> Option<Secret> {
        let (file_key, env_key) = (format!("{key}_file"), format!("{key}_env"));
        let given = [key, &file_key, &env_key].into_iter().filter(|key| self.has(key)).count();
        if given > 1 {
            self.source.error_unshown(self.span(), Msg::new("config-secret-twice").with("key", key));
            return None;
        }
        if let Some(file) = self.text(&file_key) {
            let read = (self.source.outside.file)(file.as_ref());
            return match read {
                Ok(text) => Some(Secret::new(text.trim_end_matches(['\n', '\r']))),
                Err(error) => {
                    let message = Msg::new("config-secret-file").with("file", file).with("problem", error.to_string());
                    self.source.error(self.span_of(&file_key), message);
                    None
                }
            };
        }
        if let Some(variable) = self.text(&env_key) {
            let value = (self.source.outside.variable)(&variable);
            if value.is_none() {
                let message = Msg::new("config-secret-variable").with("variable", variable);
                self.source.error(self.span_of(&env_key), message);
            }
            return value.map(Secret::new);
        }
        self.text(key).map(Secret::new)
    }

    pub(super) fn need_secret(&self, key: &str) -> Option<Secret> {
        let secret = self.secret(key);
        if secret.is_none() && ![key, &format!("{key}_file"), &format!("{key}_env")].iter().any(|key| self.has(key)) {
            self.missing::<()>(key, None);
        }
        secret
    }

    /// A table within.
    pub(super) fn part(&self, key: &str, section: &'static Section) -> Option<Part<'a>> {
        let table = self.read(key, "table", DeValue::as_table)?;
        Some(Part::new(self.source, table, section, self.span_of(key)))
    }

    /// The tables of an array of tables.
    pub(super) fn tables(&self, key: &str) -> Vec<(&'a DeTable<'a>, Range<usize>)> {
        let read = |value: &'a DeValue<'a>| {
            let each = value.as_array()?.iter().map(|one| Some((one.get_ref().as_table()?, one.span())));
            each.collect::<Option<Vec<_>>>()
        };
        self.read(key, "tables", read).unwrap_or_default()
    }

    /// The parts of an array of tables that have one section.
    pub(super) fn parts(&self, key: &str, section: &'static Section) -> Vec<Part<'a>> {
        self.tables(key).into_iter().map(|(table, span)| Part::new(self.source, table, section, span)).collect()
    }

    /// The parts of an array of tables whose section depends on their `kind`.
    pub(super) fn kinds(&self, key: &str, kinds: &'static [(&'static str, Section)]) -> Vec<(&'static str, Part<'a>)> {
        let mut parts = Vec::new();
        for (table, span) in self.tables(key) {
            let names = || kinds.iter().map(|(name, _)| *name);
            let Some(kind) = table.get("kind") else {
                let message = Msg::new("config-missing-kind")
                    .with("section", key)
                    .with("names", names().collect::<Vec<_>>().join(", "));
                self.source.error(span.start..span.start.saturating_add(key.len() + 4), message);
                continue;
            };
            let word = kind.get_ref().as_str().unwrap_or_default();
            if let Some((name, section)) = kinds.iter().find(|(name, _)| *name == word) {
                parts.push((*name, Part::new(self.source, table, section, span)));
            } else {
                let message = Msg::new("config-unknown-kind")
                    .with("kind", word)
                    .with("section", key)
                    .with("names", nearest(word, names()).join(", "));
                self.source.error(kind.span(), message);
            }
        }
        parts
    }

    pub(super) fn datetime(&self, key: &str) -> Option<toml::value::Datetime> {
        self.read(key, "datetime", |value| value.as_datetime().copied())
    }
}

/// The names that are most like a word, at most three; all of them if none is like it.
pub(super) fn nearest<'n>(word: &str, names: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let mut close: Vec<(usize, &str)> = names.map(|name| (strsim::damerau_levenshtein(word, name), name)).collect();
    close.sort_unstable();
    let like = |distance: usize| distance <= 3 && distance < word.len().max(2);
    if close.first().is_some_and(|(distance, _)| like(*distance)) {
        close.retain(|(distance, _)| like(*distance));
        close.truncate(3);
    }
    close.into_iter().map(|(_, name)| name).collect()
}

/// `1h30m`, `250ms`, `2d`: numbers with their units, added up; `None` for anything else, for nothing, and above a year.
pub fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = 0_u64;
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let after = &rest[digits..];
        let letters = after.find(|character: char| !character.is_ascii_alphabetic()).unwrap_or(after.len());
        let unit = match &after[..letters] {
            "ms" => 1,
            "s" => 1000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = after[letters..].trim_start();
    }
    (1..=366 * 86_400_000).contains(&total).then(|| Duration::from_millis(total))
}
