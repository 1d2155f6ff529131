//! Probes of the kernel without kprobes: the tracepoint of the function's name with its typed arguments, a program at the
//! function's entry or return, or the function tracer's event. Whether a kernel takes one is only known by loading it.

use std::fmt::Write as _;
use std::path::Path;

use perfuse_analyze::{Arg, Msg};
use perfuse_collect::Root;
use perfuse_collect::bpf::{LiveError, LiveHook, LivePlan, LiveProgram};
use perfuse_collect::perf::function::{FunctionDenied, open_function};
use perfuse_collect::perf::probes::{ProbeDenied, ProbeEvents, ProbeKind};
use perfuse_format::btf::{Btf, Kind, Type};
use perfuse_format::live::{Aggregation, Hooked, Method, Scope, StoredProbe};
use perfuse_format::probe::{Definition, KernelFunction, Place, Spot, Target, TraceArgument, TraceProbe, event_name};

use super::super::tables::stored_probes;
use super::add::{place, unnamed};
use super::failure::{Failure, NOT_FOUND, of_types, status_of};
use super::kernel::with_types;
use super::request::Request;
use crate::console::{self, Console};

/// Where the kernel shows that it has kprobes.
const UNIT: &str = "/sys/bus/event_source/devices/kprobe/type";

/// Whether the kernel has kprobes.
pub(super) fn has_kprobes() -> bool {
    Path::new(UNIT).exists()
}

/// Whether probes of the kernel have to be made here: there are no kprobes, which only a kernel without tracefs does not
/// tell.
pub(super) fn replaces_kprobes() -> bool {
    let Ok(events) = ProbeEvents::find(&Root::default()) else { return false };
    matches!(events.lines(ProbeKind::Kernel), Err(ProbeDenied::NotBuilt { .. }))
}

/// `--add` of probes that are kept in files.
pub(super) fn add(request: &Request, definitions: &[Definition], console: &Console) -> Result<(), NotTyped> {
    let failed = |path: String, error: &std::io::Error| {
        Failure::new(status_of(error), Msg::new("probe-io").with("path", path).with("error", error.to_string()))
    };
    let store = stored_probes().ok_or_else(|| Failure::new(NOT_FOUND, Msg::new("probe-no-store")))?;
    let mut known: Vec<String> = store.all().iter().map(|one| one.probe.name()).collect();
    let mut made = Vec::new();
    for definition in definitions {
        let mut found = find(definition, request.via)?;
        let group = found.probe.group.clone();
        let exists = |name: &str| known.contains(&format!("{group}:{name}"));
        let base = found.probe.event.strip_suffix("__return").unwrap_or(&found.probe.event).to_owned();
        let event = event_name(&base, found.probe.ret, request.force, &exists);
        found.probe.event = event.map_err(|problem| unnamed(definition, &group, problem))?;
        known.push(found.probe.name());
        made.push((definition, found));
    }
    let mut text = format!("Added new event{}\n", if made.len() > 1 { "s:" } else { ":" });
    for (definition, found) in &made {
        if !request.quiet {
            found.notes.iter().for_each(|note| console.note(note));
        }
        let probe = &found.probe;
        let arguments: Vec<String> = definition.arguments.iter().map(|argument| format!(" {argument}")).collect();
        let with = if arguments.is_empty() { "" } else { " with" };
        let place = place(&definition.place, &probe.event);
        let _ = writeln!(text, "  {:<20} (on {place}{with}{})", probe.name(), arguments.concat());
        if request.dry_run {
            continue;
        }
        let id = store.free_id().ok_or_else(|| Failure::new(NOT_FOUND, Msg::new("probe-no-store")))?;
        let stored = StoredProbe { id, hook: found.hook.clone(), probe: probe.clone(), given: definition.text.clone() };
        let put = store.put(&stored);
        put.map_err(|error| failed(store.directory().display().to_string(), &error))?;
    }
    if let Some((_, last)) = made.last() {
        let name = last.probe.name();
        let _ =
            write!(text, "\nYou can now use it in all perf tools, such as:\n\n\tperf record -e {name} -aR sleep 1\n\n");
    }
    if !request.quiet {
        console::say(&text);
    }
    Ok(())
}

/// A probe that a program can be attached for.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) probe: TraceProbe,
    pub(super) hook: Hooked,
    pub(super) notes: Vec<Msg>,
}

/// Why there is none.
#[derive(Debug)]
pub(super) enum NotTyped {
    /// The kernel's types do not know the name, or the place is none that they can tell.
    Unknown,
    /// Something else, with its words.
    Failed(Box<Failure>),
}

impl From<Failure> for NotTyped {
    fn from(failure: Failure) -> Self {
        Self::Failed(Box::new(failure))
    }
}

/// A way to attach, and what it answered.
struct Tried {
    method: Method,
    answer: Answer,
}

enum Answer {
    /// The kernel's types, or the function tracer, do not have it.
    Unknown,
    /// The arguments are not those of this way.
    Arguments(Failure),
    /// This way has no arguments at all.
    NoArguments,
    /// The kernel refuses it.
    Refused(String),
    /// What is needed for it is not there.
    Missing(Box<Failure>),
}

/// The first way that really loads.
pub(super) fn find(definition: &Definition, via: Option<Method>) -> Result<Found, NotTyped> {
    let (name, ret) = match &definition.place {
        Place::Function { name, file: None, spot: Spot::Entry | Spot::Offset(0) } => (name, false),
        Place::Function { name, file: None, spot: Spot::Return } => (name, true),
        _ => return Err(NotTyped::Unknown),
    };
    let methods: &[Method] = if ret { &[Method::Fexit] } else { &[Method::TpBtf, Method::Fentry, Method::Ftrace] };
    let mut tried = Vec::new();
    let wanted = |method: &&Method| via.is_none_or(|via| via == **method);
    for method in methods.iter().filter(wanted) {
        match attempt(definition, name, *method, via.is_none()) {
            Ok(found) => return Ok(found),
            Err(answer) => tried.push(Tried { method: *method, answer }),
        }
    }
    // A name that the types do not know is looked up among the symbols, unless the function tracer was asked for.
    let unknown = |one: &Tried| one.method == Method::Ftrace || matches!(one.answer, Answer::Unknown);
    if tried.iter().all(unknown) && (tried.is_empty() || via != Some(Method::Ftrace)) {
        return Err(NotTyped::Unknown);
    }
    Err(explain(definition, name, ret, tried).into())
}

/// Tries one way.
fn attempt(definition: &Definition, name: &str, method: Method, explained: bool) -> Result<Found, Answer> {
    let hook = Hooked { method, name: name.to_owned() };
    let arguments = match method {
        Method::Ftrace => traced(definition, name)?,
        _ => loaded(definition, &hook)?,
    };
    let symbol = name.to_owned();
    let probe = TraceProbe {
        ret: method == Method::Fexit,
        active: None,
        group: definition.group.clone().unwrap_or_else(|| "probe".to_owned()),
        event: definition.event.clone().unwrap_or_else(|| {
            let end = if method == Method::Fexit { "__return" } else { "" };
            format!("{name}{end}")
        }),
        target: Target::Symbol { module: None, symbol, offset: 0 },
        arguments,
    };
    let notes = match method {
        // What was asked for needs no explanation.
        _ if !explained => Vec::new(),
        Method::TpBtf => vec![Msg::new("probe-typed-tracepoint").with("name", name)],
        _ => vec![Msg::new("probe-typed-function").with("name", name).with("how", what(method))],
    };
    Ok(Found { probe, hook, notes })
}

/// Loads a program that counts; the arguments that one there can fetch.
fn loaded(definition: &Definition, hook: &Hooked) -> Result<Vec<TraceArgument>, Answer> {
    let arguments = with_types(None, |btf, _| arguments(btf, definition, &hook.name, hook.method));
    let arguments = arguments.map_err(|failure| Answer::Missing(Box::new(failure)))??;
    let scope = Scope::of_arguments(&arguments);
    let plan = LivePlan { hook: LiveHook::Typed(hook.clone()), scope, filter: None, pids: Vec::new() };
    match LiveProgram::aggregate(&plan, &Aggregation::default(), false) {
        Ok(_) => Ok(arguments),
        Err(error) => Err(Answer::Refused(short(&error))),
    }
}

/// Opens the function tracer's event for the function; it has no arguments.
fn traced(definition: &Definition, name: &str) -> Result<Vec<TraceArgument>, Answer> {
    match open_function(&Root::default(), name, 0, -1) {
        Ok(_) if definition.arguments.is_empty() => Ok(Vec::new()),
        Ok(_) => Err(Answer::NoArguments),
        Err(FunctionDenied::Unknown(_)) => Err(Answer::Unknown),
        Err(FunctionDenied::Tracefs(denied)) => {
            Err(Answer::Missing(Box::new(Failure::from(ProbeDenied::Tracefs(denied)))))
        }
        Err(FunctionDenied::Open(error)) => Err(Answer::Refused(error.errno.to_string())),
        Err(FunctionDenied::Filter(errno)) => Err(Answer::Refused(errno.to_string())),
    }
}

/// A way, as people know it.
fn what(method: Method) -> &'static str {
    if method == Method::Ftrace { "ftrace:function" } else { method.name() }
}

/// The arguments of a definition, by the prototype that a way has.
fn arguments(btf: &Btf<'_>, definition: &Definition, name: &str, method: Method) -> Result<Vec<TraceArgument>, Answer> {
    let (prototype, skip) = prototype(btf, name, method).ok_or(Answer::Unknown)?;
    let function = KernelFunction::of_prototype(btf, prototype, skip);
    let mut all = Vec::new();
    for argument in &definition.arguments {
        // A program at the return has the arguments too.
        let fetches = function.fetches(argument, false);
        all.extend(fetches.map_err(|error| Answer::Arguments(of_types(definition, &error)))?);
    }
    Ok(all)
}

/// The prototype of a tracepoint, whose first argument programs do not see, or of a function.
fn prototype<'b>(btf: &'b Btf<'b>, name: &str, method: Method) -> Option<(Type<'b>, usize)> {
    let (of, skip) = match method {
        Method::TpBtf => {
            // That of the type has no names of arguments; the function that calls whoever is attached has them.
            let typedef = format!("btf_trace_{name}");
            let plain = btf.all().find(|of| of.kind() == Kind::Typedef && of.name_bytes() == typedef.as_bytes());
            let plain = plain?.target()?.target()?;
            let named = btf.function(&format!("__traceiter_{name}")).and_then(|of| of.target());
            (named.unwrap_or(plain), 1)
        }
        Method::Fentry | Method::Fexit | Method::Kprobe | Method::Ftrace => (btf.function(name)?.target()?, 0),
    };
    (of.kind() == Kind::FuncProto).then_some((of, skip))
}

/// The end of what the kernel said: the verifier tells every step.
fn short(error: &LiveError) -> String {
    let text = error.to_string();
    let skip = text.chars().count().saturating_sub(160);
    if skip == 0 { text } else { format!("...{}", text.chars().skip(skip).collect::<String>()) }
}

/// What was tried, and what each way answered.
fn explain(definition: &Definition, name: &str, ret: bool, tried: Vec<Tried>) -> Failure {
    let why = Arg::Msg(Box::new(Msg::new("probe-typed-none")));
    let none = Msg::new("probe-try-missing").with("what", "kprobe_events").with("why", why);
    let mut lines: Vec<Msg> = if has_kprobes() { Vec::new() } else { vec![none] };
    for one in tried {
        let what = what(one.method);
        lines.push(match one.answer {
            // The types know the name, and not what is asked of it: that is what is wrong.
            Answer::Arguments(failure) => return failure,
            Answer::Unknown if one.method == Method::Ftrace => {
                Msg::new("probe-try-untraced").with("what", what).with("name", name)
            }
            Answer::Unknown => Msg::new("probe-try-no-function").with("what", what).with("name", name),
            Answer::NoArguments => Msg::new("probe-try-no-arguments").with("what", what),
            Answer::Refused(error) => Msg::new("probe-try-refused").with("what", what).with("error", error),
            Answer::Missing(failure) => {
                let why = failure.words.into_iter().next().unwrap_or_else(|| Msg::new("probe-machine"));
                Msg::new("probe-try-missing").with("what", what).with("why", Arg::Msg(Box::new(why)))
            }
        });
    }
    if ret {
        lines.push(Msg::new("probe-try-entry").with("what", what(Method::Ftrace)));
    }
    let words = Msg::new("probe-typed-nothing").with("name", name);
    let failure = Failure::new(NOT_FOUND, words).at(definition, definition.place_at);
    let failure = lines.into_iter().fold(failure, |failure, line| {
        failure.also(Msg::new("probe-typed-line").with("line", Arg::Msg(Box::new(line))))
    });
    if has_kprobes() { failure } else { failure.also(Msg::new("probe-no-kprobes-remedy")) }
}
