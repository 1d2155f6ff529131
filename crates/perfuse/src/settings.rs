//! Thresholds from files and from the command line.

use std::io::ErrorKind::{NotFound, PermissionDenied};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use perfuse_analyze::threshold::{self, ThresholdError};
use perfuse_analyze::{Msg, Thresholds};
use perfuse_render::Texts;

use crate::cli::nearest;

/// Reads the files that exist of the standard places, or the one that was named, then the single settings.
pub(crate) fn thresholds(named: Option<&Path>, set: &[(String, f64)], texts: &Texts) -> anyhow::Result<Thresholds> {
    let mut thresholds = Thresholds::default();
    let files = named.map_or_else(standard_places, |named| vec![named.to_owned()]);
    for file in files {
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            // HOME may be someone else's, as it is under setpriv or sudo -u: that is no place of this user's.
            Err(error) if named.is_none() && matches!(error.kind(), NotFound | PermissionDenied) => continue,
            Err(error) => return Err(error).with_context(|| file.display().to_string()),
        };
        read(&text, &mut thresholds, texts).map_err(|problem| {
            let message = Msg::new("error-config").with("file", file.display().to_string()).with("problem", problem);
            anyhow!(texts.text(&message))
        })?;
    }
    for (key, value) in set {
        thresholds.set(key, *value).map_err(|error| anyhow!(words(&error, texts)))?;
    }
    Ok(thresholds)
}

fn standard_places() -> Vec<PathBuf> {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config"));
    let user = std::env::var_os("XDG_CONFIG_HOME").filter(|dir| !dir.is_empty()).map(PathBuf::from).or_else(home);
    let user = user.map(|dir| dir.join("perfuse/thresholds.toml"));
    std::iter::once(PathBuf::from("/etc/perfuse/thresholds.toml")).chain(user).collect()
}

/// Reads `[thresholds]` of a TOML text: `"cpu.hot-thread" = 0.9`, or nested tables. An error names line and column.
fn read(text: &str, thresholds: &mut Thresholds, texts: &Texts) -> Result<(), String> {
    let table: toml::Table = toml::from_str(text).map_err(|error| located(text, &error))?;
    let mut pending: Vec<(String, toml::Value)> = match table.get("thresholds") {
        Some(toml::Value::Table(inner)) => inner.clone().into_iter().collect(),
        _ => table.into_iter().collect(),
    };
    while let Some((key, value)) = pending.pop() {
        let number = match value {
            toml::Value::Table(inner) => {
                pending.extend(inner.into_iter().map(|(name, value)| (format!("{key}.{name}"), value)));
                continue;
            }
            toml::Value::Float(number) => number,
            // Thresholds are small numbers; 2^53 is far away.
            toml::Value::Integer(number) => number as f64,
            _ => {
                return Err(at_key(
                    text,
                    &key,
                    &texts.text(&Msg::new("error-threshold-type").with("key", key.as_str())),
                ));
            }
        };
        thresholds.set(&key, number).map_err(|error| at_key(text, &key, &words(&error, texts)))?;
    }
    Ok(())
}

/// `line 3, column 7: what`.
fn located(text: &str, error: &toml::de::Error) -> String {
    let Some(span) = error.span() else { return error.message().to_owned() };
    let before = &text[..span.start.min(text.len())];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("{line}:{column}: {}", error.message())
}

/// Puts the line on which a key stands before a problem with it.
fn at_key(text: &str, key: &str, problem: &str) -> String {
    let last = key.rsplit('.').next().unwrap_or(key);
    let holds = |line: &str| {
        let name = line.split('=').next().unwrap_or_default().trim().trim_matches('"');
        name == key || name == last
    };
    let line = text.lines().position(|line| line.contains('=') && holds(line));
    line.map_or_else(|| problem.to_owned(), |line| format!("{}: {problem}", line + 1))
}

fn words(error: &ThresholdError, texts: &Texts) -> String {
    let message = match error {
        ThresholdError::Unknown(key) => Msg::new("error-threshold-unknown")
            .with("names", nearest(key, threshold::all().map(|known| known.key)).join(", "))
            .with("key", key.as_str()),
        ThresholdError::Value(key) => Msg::new("error-threshold-value").with("key", key.as_str()),
    };
    texts.text(&message)
}

#[cfg(test)]
mod tests {
    use perfuse_render::Lang;

    use super::*;

    fn read_text(text: &str) -> Result<Thresholds, String> {
        let mut thresholds = Thresholds::default();
        read(text, &mut thresholds, &Texts::new(Lang::En)).map(|()| thresholds)
    }

    #[test]
    fn keys_may_be_quoted_or_nested() {
        for text in
            ["\"finding.min-wait\" = 0.2\n", "[finding]\nmin-wait = 0.2\n", "[thresholds]\nfinding.min-wait = 0.2\n"]
        {
            assert_eq!(read_text(text).unwrap().get("finding.min-wait").to_bits(), 0.2_f64.to_bits(), "{text}");
        }
        assert_eq!(read_text("finding.min-wait = 1").unwrap().get("finding.min-wait").to_bits(), 1.0_f64.to_bits());
    }

    #[test]
    fn errors_name_the_line() {
        assert!(read_text("[finding]\nmin-wiat = 1\n").unwrap_err().starts_with("2: "));
        assert!(read_text("[finding]\nmin-wiat = 1\n").unwrap_err().contains("finding.min-wait"));
        assert!(read_text("a = \n").unwrap_err().starts_with("1:"));
        assert!(read_text("[finding]\nmin-wait = -1\n").unwrap_err().starts_with("2: "));
        assert!(read_text("[finding]\n\nmin-wait = \"x\"\n").unwrap_err().starts_with("3: "));
    }
}
