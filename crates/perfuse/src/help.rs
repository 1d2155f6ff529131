//! Puts the words of a language into the command table, and says clap's errors in it.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command, CommandFactory as _};
use perfuse_analyze::Msg;
use perfuse_render::Texts;

use crate::cli::Cli;
use crate::perf::{self, options::Takes};

/// The command table with the help of a language.
pub(crate) fn command(texts: &Texts) -> Command {
    localize(table(), texts, "help", true)
}

/// All commands: those that clap reads, and those of perf, which it only describes (help, manual pages, completions).
fn table() -> Command {
    // clap adds --help and --version only when it builds; after that they can be given their words.
    let mut command = Cli::command().subcommands(perf::COMMANDS.iter().map(described));
    command.build();
    command
}

fn described(command: &perf::Command) -> Command {
    let mut described = Command::new(command.name);
    for option in command.options {
        let id = perf::message_id(option);
        let mut arg = Arg::new(id).action(ArgAction::SetTrue);
        if let Some(short) = option.short {
            arg = arg.short(short);
        }
        if let Some(long) = option.long {
            arg = arg.long(long);
        }
        described = described.arg(match option.takes {
            Takes::Nothing => arg,
            Takes::Value(name) => arg.action(ArgAction::Append).value_name(name),
            Takes::UnlessLast(name) => arg.action(ArgAction::Append).value_name(name).num_args(0..=1),
            Takes::Optional(name) => {
                arg.action(ArgAction::Append).value_name(name).num_args(0..=1).require_equals(true)
            }
        });
    }
    let rest = Arg::new("arguments").num_args(0..).trailing_var_arg(command.runs).hide(true);
    described.arg(rest)
}

fn localize(command: Command, texts: &Texts, base: &str, top: bool) -> Command {
    let template = format!("{{about}}\n\n{}: {{usage}}\n\n{{all-args}}{{after-help}}", texts.word("help-usage"));
    let mut command = command.help_template(template).subcommand_help_heading(texts.word("help-commands"));
    if let Some(about) = texts.try_text(&Msg::new(base)) {
        command = command.about(about);
    }
    if let Some(after) = texts.try_text(&Msg::new(format!("{base}-after"))) {
        command = command.after_help(format!("\n{after}"));
    }
    let ids: Vec<(String, bool, bool)> = command
        .get_arguments()
        .map(|arg| (arg.get_id().to_string(), arg.is_positional(), arg.is_global_set()))
        .collect();
    for (id, positional, global) in ids {
        let own = if global || id == "help" || id == "version" { "help" } else { base };
        let words = texts.try_text(&Msg::new(format!("{own}-{}", id.replace('_', "-"))));
        let heading = texts.word(if positional { "help-arguments" } else { "help-options" });
        command = command.mut_arg(id, |arg| {
            let arg = arg.help_heading(heading);
            match words {
                Some(words) => arg.help(words),
                None => arg,
            }
        });
    }
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    for name in names {
        let base = if top { format!("help-{name}") } else { format!("{base}-{name}") };
        command = command.mut_subcommand(name, |sub| localize(sub, texts, &base, false));
    }
    command
}

/// A wrong command line, in words: what is wrong, the nearest valid names, and where to read on.
pub(crate) fn usage_error(error: &clap::Error, texts: &Texts) -> String {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => Some(texts.join(", ")),
        Some(ContextValue::StyledStr(text)) => Some(text.to_string()),
        _ => None,
    };
    let argument = context(ContextKind::InvalidArg).unwrap_or_default();
    let value = context(ContextKind::InvalidValue).unwrap_or_default();
    let message = match error.kind() {
        ErrorKind::InvalidSubcommand => Msg::new("usage-unknown-command")
            .with("name", context(ContextKind::InvalidSubcommand).unwrap_or_default())
            .with("commands", commands().join(", ")),
        ErrorKind::UnknownArgument if !argument.starts_with('-') => {
            Msg::new("usage-surplus-word").with("word", argument)
        }
        ErrorKind::UnknownArgument => Msg::new("usage-unknown-option").with("name", argument),
        ErrorKind::InvalidValue if value.is_empty() => Msg::new("usage-value-missing").with("name", argument),
        ErrorKind::InvalidValue => Msg::new("usage-value")
            .with("name", argument)
            .with("value", value)
            .with("expected", context(ContextKind::ValidValue).unwrap_or_default()),
        ErrorKind::ValueValidation => Msg::new("usage-value")
            .with("name", argument)
            .with("value", value)
            .with("expected", std::error::Error::source(error).map(ToString::to_string).unwrap_or_default()),
        ErrorKind::ArgumentConflict => Msg::new("usage-conflict")
            .with("name", argument)
            .with("other", context(ContextKind::PriorArg).unwrap_or_default()),
        ErrorKind::MissingRequiredArgument => Msg::new("usage-required").with("name", argument),
        _ => return error.render().to_string(),
    };
    let near = [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue];
    let suggestion = near.into_iter().find_map(context).filter(|text| !text.is_empty());
    let suggestion = suggestion.map(|near| texts.text(&Msg::new("usage-nearest").with("names", near)));
    let lines = [Some(texts.text(&message)), suggestion, Some(texts.word("usage-more"))];
    lines.into_iter().flatten().map(|line| line + "\n").collect()
}

/// Names of the commands that this program has.
fn commands() -> Vec<String> {
    table().get_subcommands().filter(|sub| !sub.is_hide_set()).map(|sub| sub.get_name().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use perfuse_render::Lang;

    use super::*;

    /// Walks the table and names every command and argument whose help is not in the language.
    fn missing(command: &Command, texts: &Texts, base: &str, top: bool, found: &mut Vec<String>) {
        if command.is_hide_set() {
            return;
        }
        if !texts.has(base) {
            found.push(base.to_owned());
        }
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
            let id = arg.get_id().as_str().replace('_', "-");
            let own = if arg.is_global_set() || id == "help" || id == "version" { "help" } else { base };
            let id = format!("{own}-{id}");
            if !texts.has(&id) {
                found.push(id);
            }
        }
        for sub in command.get_subcommands() {
            let name = sub.get_name();
            let base = if top { format!("help-{name}") } else { format!("{base}-{name}") };
            missing(sub, texts, &base, false, found);
        }
    }

    #[test]
    fn every_command_and_option_has_its_help_in_every_language() {
        for lang in Lang::ALL {
            let mut found = Vec::new();
            missing(&table(), &Texts::new(lang), "help", true, &mut found);
            assert!(found.is_empty(), "{}: {found:?}", lang.id());
        }
    }

    #[test]
    fn errors_name_the_nearest() {
        let texts = Texts::new(Lang::En);
        let wrong = |line: &[&str]| {
            let error = command(&texts).try_get_matches_from(line).unwrap_err();
            usage_error(&error, &texts)
        };
        assert!(wrong(&["perfuse", "explian"]).contains("explain"));
        assert!(wrong(&["perfuse", "use", "--jsno"]).contains("--json"));
        assert!(wrong(&["perfuse", "use", "--cell", "cpu.satur"]).contains("cpu.saturation"));
        assert!(wrong(&["perfuse", "use", "--duration", "x"]).contains("500ms"));
        assert!(wrong(&["perfuse", "annotete"]).contains("use, why, explain, cheatsheet"));
    }
}
