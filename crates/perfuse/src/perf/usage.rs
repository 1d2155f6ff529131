//! The usage of a command of perf: its lines, its options in two columns, and what was wrong.

use std::fmt::Write as _;

use perfuse_analyze::Msg;
use perfuse_render::Texts;
use perfuse_render::layout::width;

use super::Command;
use super::options::{Opt, Takes, UsageError};

/// Column at which the words of an option begin, as in perf's own usage.
const WORDS: usize = 26;

/// The whole usage.
pub(super) fn help(program: &str, command: &Command, texts: &Texts) -> String {
    let base = format!("help-{}", command.name);
    let mut text = String::new();
    if let Some(about) = texts.try_text(&Msg::new(base.clone())) {
        let _ = write!(text, " {about}\n\n");
    }
    text.push_str(&lines(program, command, texts));
    text.push('\n');
    let mut options: Vec<&Opt> = command.options.iter().collect();
    // As perf has them: those with a letter first.
    options
        .sort_by_key(|option| (option.short.is_none(), option.short.map(|s| (s.to_ascii_lowercase(), s)), option.long));
    for option in options {
        let words = texts.try_text(&Msg::new(format!("{base}-{}", message_id(option)))).unwrap_or_default();
        text.push_str(&two_columns(&left(option), &words));
    }
    if let Some(after) = texts.try_text(&Msg::new(format!("{base}-after"))) {
        let _ = write!(text, "\n{after}\n");
    }
    text
}

/// What is wrong, and where to read on.
pub(super) fn refusal(program: &str, command: &Command, error: &UsageError, texts: &Texts) -> String {
    let wrong = format!("{}: {}\n\n", texts.word("error-prefix"), texts.text(&error.0));
    let more = Msg::new("usage-perf-more").with("command", format!("{program} {} -h", command.name));
    format!("{wrong}{}\n{}\n", lines(program, command, texts), texts.text(&more))
}

fn lines(program: &str, command: &Command, texts: &Texts) -> String {
    let mut text = String::new();
    let head = texts.word("help-usage");
    for (index, usage) in command.usage.iter().enumerate() {
        let start = if index == 0 { format!(" {head}: ") } else { " ".repeat(width(&head) + 3) };
        let _ = writeln!(text, "{start}{program} {} {usage}", command.name);
    }
    text
}

/// The id of an option in the language tables: capital letters are letters of their own (`-g`, `-G`), and words are joined
/// as everywhere (`--hide_kernel_symbols`).
pub(crate) fn message_id(option: &Opt) -> String {
    match (option.long, option.short) {
        (Some(long), _) => long.replace('_', "-"),
        (None, Some(short)) if short.is_ascii_uppercase() => format!("upper-{}", short.to_ascii_lowercase()),
        (None, short) => short.map(String::from).unwrap_or_default(),
    }
}

fn left(option: &Opt) -> String {
    let mut text = match (option.short, option.long) {
        (Some(short), Some(long)) => format!("    -{short}, --{long}"),
        (Some(short), None) => format!("    -{short}"),
        (None, long) => format!("        --{}", long.unwrap_or_default()),
    };
    match option.takes {
        Takes::Nothing => {}
        Takes::Value(name) | Takes::UnlessLast(name) => {
            let _ = write!(text, " <{name}>");
        }
        Takes::Optional(name) if option.long.is_some() => {
            let _ = write!(text, "[=<{name}>]");
        }
        Takes::Optional(name) => {
            let _ = write!(text, "[<{name}>]");
        }
    }
    text
}

fn two_columns(left: &str, words: &str) -> String {
    let mut text = left.to_owned();
    for (index, line) in words.lines().enumerate() {
        if index > 0 || width(left) + 1 >= WORDS {
            text.push('\n');
            text.push_str(&" ".repeat(WORDS));
        } else {
            text.push_str(&" ".repeat(WORDS - width(left)));
        }
        text.push_str(line);
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::super::options::{long_value, optional, short_switch, switch};
    use super::*;

    #[test]
    fn options_are_shown_as_perf_shows_them() {
        assert_eq!(left(&switch('a', "all-cpus")), "    -a, --all-cpus");
        assert_eq!(left(&long_value("filter", "filter")), "        --filter <filter>");
        assert_eq!(left(&optional('z', "compression-level", "n")), "    -z, --compression-level[=<n>]");
        assert_eq!(left(&short_switch('g')), "    -g");
        assert_eq!(two_columns("    -g", "call graphs"), format!("{:<26}call graphs\n", "    -g"));
        assert!(two_columns("    -z, --compression-level[=<n>]", "x").ends_with(&format!("\n{}x\n", " ".repeat(26))));
    }
}
