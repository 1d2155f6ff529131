//! Probes that tracefs cannot hold, as they are kept in files: one a file, named by group and event.
//!
//! ```text
//! perfuse-probe 1
//! id 64999
//! hook tp_btf sched_switch
//! probe p:probe/sched_switch sched_switch+0 pid=+2456($arg3):s32
//! given sched_switch next->pid
//! ```

use crate::parse::{FromBytes, ParseError, lines};
use crate::probe::TraceProbe;

/// The first line, with the version of the layout.
const HEAD: &[u8] = b"perfuse-probe 1";

/// By what a probe is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// A tracepoint with typed arguments.
    TpBtf,
    /// The entry of a function (trampoline).
    Fentry,
    /// The return of a function.
    Fexit,
    /// A breakpoint of the kernel.
    Kprobe,
    /// The entry of a function, by the event of the function tracer: no program, no arguments.
    Ftrace,
}

impl Method {
    /// All, in the order in which they are tried.
    pub const ALL: [Self; 5] = [Self::Kprobe, Self::TpBtf, Self::Fentry, Self::Fexit, Self::Ftrace];

    /// As BPF programs name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::TpBtf => "tp_btf",
            Self::Fentry => "fentry",
            Self::Fexit => "fexit",
            Self::Kprobe => "kprobe",
            Self::Ftrace => "ftrace",
        }
    }

    /// Whether hits have the address of the function; a tracepoint stands in no function of its own.
    pub fn has_address(self) -> bool {
        self != Self::TpBtf
    }

    /// By its name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }
}

/// Where a program is attached.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Hooked {
    /// How.
    pub method: Method,
    /// The tracepoint or function.
    pub name: String,
}

/// A probe that is kept in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredProbe {
    /// The number of the event in recordings.
    pub id: u16,
    /// Where it is attached.
    pub hook: Hooked,
    /// What it fetches, as a line of tracefs: arguments by their numbers (`$arg1`).
    pub probe: TraceProbe,
    /// The definition as it was given.
    pub given: String,
}

impl StoredProbe {
    /// Whether its samples are put out by a program, and not by an event of the kernel.
    pub fn by_program(&self) -> bool {
        self.hook.method != Method::Ftrace
    }

    /// The text of its file.
    pub fn to_text(&self) -> String {
        let Self { id, hook, probe, given } = self;
        // A definition has no line breaks that mean anything.
        let given = given.replace(['\n', '\r'], " ");
        format!("perfuse-probe 1\nid {id}\nhook {} {}\nprobe {probe}\ngiven {given}\n", hook.method.name(), hook.name)
    }
}

impl FromBytes for StoredProbe {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let (mut id, mut hook, mut probe, mut given) = (None, None, None, String::new());
        let mut last = 0;
        for (number, line) in lines(bytes) {
            last = number;
            let bad = |expected| ParseError::new(number, expected, line);
            if number == 1 {
                if line != HEAD {
                    return Err(bad("perfuse-probe 1"));
                }
                continue;
            }
            let text = str::from_utf8(line).map_err(|_| bad("UTF-8"))?;
            let (key, value) = text.split_once(' ').unwrap_or((text, ""));
            match key {
                "id" => id = Some(value.parse().map_err(|_| bad("a number below 65536"))?),
                "hook" => {
                    let parts = value.split_once(' ').filter(|(_, name)| is_name(name));
                    let found = parts.and_then(|(method, name)| {
                        Some(Hooked { method: Method::by_name(method)?, name: name.to_owned() })
                    });
                    hook = Some(found.ok_or_else(|| bad("a way to attach, and a name"))?);
                }
                "probe" => probe = Some(TraceProbe::parse(value).map_err(|_| bad("a line of kprobe_events"))?),
                "given" => value.clone_into(&mut given),
                "" => {}
                _ => return Err(bad("id, hook, probe or given")),
            }
        }
        let missing = |expected| ParseError::new(last + 1, expected, b"");
        Ok(Self {
            id: id.ok_or_else(|| missing("id"))?,
            hook: hook.ok_or_else(|| missing("hook"))?,
            probe: probe.ok_or_else(|| missing("probe"))?,
            given,
        })
    }
}

/// A name of a function or tracepoint.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.$".contains(&byte))
}
