//! What a command line of `perf probe` asks for.

use std::path::Path;

use perfuse_analyze::Msg;
use perfuse_format::live::Method;
use perfuse_symbol::SymbolOptions;

use super::super::options::{Parsed, UsageError};
use super::super::recorded::symbol_options;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// Put probes there.
    Add,
    /// Print the lines that would be written (`-D`).
    Define,
    /// Remove probes that a filter takes.
    Delete(String),
    /// List probes.
    List(Option<String>),
    /// List functions.
    Functions(Option<String>),
    /// Show source lines.
    Lines(String),
    /// Show variables.
    Variables(Vec<String>),
}

/// Where the probes belong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Where {
    /// The kernel.
    Kernel,
    /// A module of the kernel, by name or file.
    Module(String),
    /// A program or library.
    File(String),
}

/// The whole command line.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "switches of the command line, each of its own")]
pub(super) struct Request {
    pub(super) action: Action,
    /// Definitions, in their order.
    pub(super) definitions: Vec<String>,
    /// How many of them, from the first, are values of an option: to perf a mistake in one is a wrong command line.
    pub(super) by_option: usize,
    pub(super) place: Where,
    pub(super) symbols: SymbolOptions,
    pub(super) force: bool,
    pub(super) dry_run: bool,
    pub(super) verbose: bool,
    pub(super) quiet: bool,
    pub(super) inlines: bool,
    pub(super) externs: bool,
    pub(super) range: bool,
    /// `--filter`, for variables and functions.
    pub(super) filter: Option<String>,
    /// `-s`: where sources are.
    pub(super) source: Option<String>,
    /// Most places of one definition.
    pub(super) most: usize,
    /// `--via`: how a probe of the kernel is attached, and no other way is tried.
    pub(super) via: Option<Method>,
}

fn wrong(message: Msg) -> UsageError {
    UsageError(message)
}

/// The names of the options that are commands of their own.
const COMMANDS: [&str; 7] = ["add", "definition", "del", "list", "funcs", "line", "vars"];

impl Request {
    pub(super) fn of(parsed: &Parsed) -> Result<Self, UsageError> {
        if parsed.on("bootconfig") {
            return Err(wrong(Msg::new("probe-bootconfig")));
        }
        let given: Vec<_> = parsed.given.iter().filter(|given| COMMANDS.contains(&given.id.as_str())).collect();
        let mut names: Vec<&str> = given.iter().map(|given| given.id.as_str()).collect();
        names.dedup();
        names.sort_unstable();
        names.dedup();
        if let [first, second, ..] = names.as_slice() {
            let words = Msg::new("probe-two-commands").with("first", format!("--{first}"));
            return Err(wrong(words.with("second", format!("--{second}"))));
        }
        let text = |value: &std::ffi::OsString| value.to_string_lossy().into_owned();
        let values: Vec<String> = given.iter().filter_map(|given| given.value.as_ref().map(text)).collect();
        let mut rest: Vec<String> = parsed.rest.iter().map(text).collect();
        let mut place = Self::place(parsed, &mut rest)?;
        let command = names.first().copied();
        let mut definitions = Vec::new();
        let either = |values: &[String]| {
            // Several filters take what any of them takes.
            let joined: Vec<String> = values.iter().map(|value| format!("({value})")).collect();
            (!joined.is_empty()).then(|| if values.len() == 1 { values[0].clone() } else { joined.join("|") })
        };
        let first = || values.last().cloned().unwrap_or_default();
        let action = match command {
            Some("add") | None => Action::Add,
            Some("definition") => Action::Define,
            Some("del") => Action::Delete(either(&values).unwrap_or_default()),
            Some("list") => Action::List(either(&values)),
            Some("funcs") => Action::Functions(either(&values)),
            Some("line") => Action::Lines(first()),
            _ => Action::Variables(values.clone()),
        };
        let adds = matches!(action, Action::Add | Action::Define);
        if adds {
            definitions = values;
        }
        let by_option = definitions.len();
        if !rest.is_empty() {
            if !adds {
                let name = format!("--{}", command.unwrap_or_default());
                return Err(wrong(Msg::new("probe-rest").with("command", name).with("rest", rest.join(" "))));
            }
            definitions.push(rest.join(" "));
        }
        if adds && definitions.is_empty() {
            return Err(wrong(Msg::new("probe-nothing")));
        }
        let namespace = parsed.number("target-ns")?;
        if let Where::File(path) = &mut place {
            *path = absolute(path, namespace)?;
        }
        Ok(Self {
            action,
            definitions,
            by_option,
            place,
            symbols: symbol_options(parsed),
            force: parsed.on("force"),
            dry_run: parsed.on("dry-run"),
            verbose: parsed.on("verbose"),
            quiet: parsed.on("quiet"),
            inlines: !parsed.on("no-inlines"),
            externs: parsed.on("externs"),
            range: parsed.on("range"),
            filter: parsed.text("filter"),
            source: parsed.text("source"),
            via: via(parsed)?,
            // `--max` alone is perf's `--max-probes`, cut short; of --live it is the number of hits.
            most: parsed
                .number("max-probes")?
                .or(if parsed.on("live") { None } else { parsed.number("max")? })
                .unwrap_or(128),
        })
    }

    /// Where the probes belong: `-x`, `-m`, or a first word that is a path.
    fn place(parsed: &Parsed, rest: &mut Vec<String>) -> Result<Where, UsageError> {
        let (file, module) = (parsed.text("exec"), parsed.text("module"));
        if file.is_some() && module.is_some() {
            let words = Msg::new("probe-two-commands").with("first", "--exec");
            return Err(wrong(words.with("second", "--module")));
        }
        if let Some(file) = file {
            return Ok(Where::File(file));
        }
        if let Some(module) = module {
            return Ok(Where::Module(module));
        }
        if rest.first().is_some_and(|word| word.starts_with('/') && !word.contains([':', ';'])) {
            let path = rest.remove(0);
            let module = Path::new(&path).extension().is_some_and(|end| end == "ko");
            return Ok(if module { Where::Module(path) } else { Where::File(path) });
        }
        Ok(Where::Kernel)
    }
}

/// `--via`.
fn via(parsed: &Parsed) -> Result<Option<Method>, UsageError> {
    let Some(text) = parsed.text("via") else { return Ok(None) };
    let known = Method::ALL.map(Method::name).join(", ");
    let method = Method::by_name(&text);
    method.map(Some).ok_or_else(|| UsageError::value("via", &text, Msg::new("probe-via").with("known", known)))
}

/// The real path of a file, in the view of the process where one is given.
fn absolute(path: &str, namespace: Option<i32>) -> Result<String, UsageError> {
    let seen = match namespace {
        Some(pid) => format!("/proc/{pid}/root{}{path}", if path.starts_with('/') { "" } else { "/" }),
        None => path.to_owned(),
    };
    let failed =
        |error: &std::io::Error| wrong(Msg::new("probe-no-file").with("path", path).with("error", error.to_string()));
    if namespace.is_some() {
        // Resolved by the kernel in that view: links in it lead to files of that view.
        return match std::fs::metadata(&seen) {
            Ok(_) => Ok(seen),
            Err(error) => Err(failed(&error)),
        };
    }
    let real = std::fs::canonicalize(&seen).map_err(|error| failed(&error))?;
    Ok(real.to_string_lossy().into_owned())
}
