//! The fields of `perf script -F`: which are printed for which type of event.

use perfuse_format::perfdata::attr::kind;

/// A set of fields, a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fields(u64);

macro_rules! fields {
    ($($(#[$doc:meta])* $constant:ident = $bit:literal, $name:literal;)*) => {
        impl Fields {
            $($(#[$doc])* pub const $constant: Self = Self(1 << $bit);)*
        }
        /// Names on the command line, in the order of perf's list.
        const NAMES: &[(&str, Fields)] = &[$(($name, Fields::$constant)),*];
    };
}

fields! {
    /// Name of the thread.
    COMM = 0, "comm";
    /// Thread.
    TID = 1, "tid";
    /// Process.
    PID = 2, "pid";
    /// Time.
    TIME = 3, "time";
    /// CPU.
    CPU = 4, "cpu";
    /// Name of the event.
    EVENT = 5, "event";
    /// The tracepoint's own fields.
    TRACE = 6, "trace";
    /// Instruction pointer, or the call chain.
    IP = 7, "ip";
    /// Function.
    SYM = 8, "sym";
    /// File.
    DSO = 9, "dso";
    /// Data address.
    ADDR = 10, "addr";
    /// Bytes from the start of the function.
    SYMOFF = 11, "symoff";
    /// Source file and line.
    SRCLINE = 12, "srcline";
    /// Period.
    PERIOD = 13, "period";
    /// Registers at the interrupt.
    IREGS = 14, "iregs";
    /// User registers.
    UREGS = 15, "uregs";
    /// Branches.
    BRSTACK = 16, "brstack";
    /// Branches with functions.
    BRSTACKSYM = 17, "brstacksym";
    /// Flags of a traced branch.
    FLAGS = 18, "flags";
    /// Where the data came from.
    DATA_SRC = 19, "data_src";
    /// Cost of the access.
    WEIGHT = 20, "weight";
    /// What a BPF program put out.
    BPF_OUTPUT = 21, "bpf-output";
    /// Branches with offsets in their files.
    BRSTACKOFF = 22, "brstackoff";
    /// Indented call tree of traced branches.
    CALLINDENT = 23, "callindent";
    /// Events that perf itself made from instruction traces.
    SYNTH = 24, "synth";
    /// Physical data address.
    PHYS_ADDR = 25, "phys_addr";
    /// Bits of the record's header.
    MISC = 27, "misc";
    /// Instructions per cycle of instruction traces.
    IPC = 28, "ipc";
    /// Time of day.
    TOD = 29, "tod";
    /// Size of the data page.
    DATA_PAGE_SIZE = 30, "data_page_size";
    /// Size of the code page.
    CODE_PAGE_SIZE = 31, "code_page_size";
    /// Latency of the instruction.
    INS_LAT = 32, "ins_lat";
    /// Bytes of the instruction.
    INSN = 33, "insn";
    /// How many they are.
    INSNLEN = 34, "insnlen";
    /// Instructions between the branches.
    BRSTACKINSN = 35, "brstackinsn";
    /// The same, with their lengths.
    BRSTACKINSNLEN = 36, "brstackinsnlen";
    /// Text of the source line.
    SRCCODE = 37, "srccode";
}

/// Fields of perf that are not there; they are refused with a reason.
pub const WITHOUT: &[&str] = &["metric"];

impl Fields {
    /// No field.
    pub const NONE: Self = Self(0);

    /// Both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Without the other set.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// What is in both.
    #[must_use]
    #[inline]
    pub const fn only(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether any field of the other set is in it.
    #[inline]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether there is none.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    fn of_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, field)| *field)
    }
}

/// All names that `-F` knows.
pub fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(name, _)| *name)
}

/// Types of events that have fields of their own, in perf's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Generalized hardware events.
    Hardware,
    /// Software events.
    Software,
    /// Tracepoints.
    Tracepoint,
    /// Caches.
    Cache,
    /// Event codes of the CPU.
    Raw,
    /// Breakpoints.
    Breakpoint,
    /// What perf makes from instruction traces.
    Synth,
    /// Any other PMU.
    Other,
}

const OUTPUTS: [Output; 8] = [
    Output::Hardware,
    Output::Software,
    Output::Tracepoint,
    Output::Cache,
    Output::Raw,
    Output::Breakpoint,
    Output::Other,
    Output::Synth,
];

impl Output {
    /// Of `perf_event_attr.type`.
    pub fn of(type_number: u32) -> Self {
        match type_number {
            kind::HARDWARE => Self::Hardware,
            kind::SOFTWARE => Self::Software,
            kind::TRACEPOINT => Self::Tracepoint,
            kind::HW_CACHE => Self::Cache,
            kind::RAW => Self::Raw,
            kind::BREAKPOINT => Self::Breakpoint,
            _ => Self::Other,
        }
    }

    /// As perf names it in its complaints.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hardware => "hardware",
            Self::Software => "software",
            Self::Tracepoint => "tracepoint",
            Self::Cache => "hardware-cache",
            _ => "unknown",
        }
    }

    fn of_prefix(prefix: &str) -> Option<Self> {
        Some(match prefix {
            "hw" => Self::Hardware,
            "sw" => Self::Software,
            "trace" => Self::Tracepoint,
            "raw" => Self::Raw,
            "break" => Self::Breakpoint,
            "synth" => Self::Synth,
            _ => return None,
        })
    }

    /// What is printed where nothing was asked for.
    fn defaults(self) -> Fields {
        let line = Fields::COMM.and(Fields::TID).and(Fields::CPU).and(Fields::TIME).and(Fields::EVENT);
        let place = Fields::IP.and(Fields::SYM).and(Fields::SYMOFF).and(Fields::DSO);
        let sample = line.and(place).and(Fields::PERIOD);
        match self {
            Self::Tracepoint => line.and(Fields::TRACE),
            Self::Software => sample.and(Fields::BPF_OUTPUT),
            Self::Synth => line.and(place).and(Fields::SYNTH),
            Self::Raw => sample
                .and(Fields::ADDR)
                .and(Fields::DATA_SRC)
                .and(Fields::WEIGHT)
                .and(Fields::PHYS_ADDR)
                .and(Fields::DATA_PAGE_SIZE)
                .and(Fields::CODE_PAGE_SIZE)
                .and(Fields::INS_LAT),
            _ => sample,
        }
    }

    /// What no event of the type can have.
    fn impossible(self) -> Fields {
        match self {
            Self::Tracepoint => Fields::NONE,
            Self::Software => Fields::TRACE,
            _ => Fields::TRACE.and(Fields::BPF_OUTPUT),
        }
    }
}

/// Fields of one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chosen {
    /// What is printed.
    pub fields: Fields,
    /// What was asked for by name: if an event cannot have it, that is an error.
    pub asked: Fields,
    /// Whether the user chose anything.
    pub by_user: bool,
    /// Whether only this type was named and no field: then an event of the type must be there.
    pub must_exist: bool,
}

/// Fields of every type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    chosen: [Chosen; 8],
    /// Whether `flags` is printed.
    pub flags: bool,
}

/// Why a list of fields is refused, in perf's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// A prefix that is no type.
    #[error("Invalid event type in field string.")]
    Type,
    /// Nothing at all.
    #[error("Cannot set fields to 'none' for all event types.")]
    Nothing,
    /// `+x` beside `x`.
    #[error("Cannot mix +-field with overridden fields")]
    Mixed,
    /// No such field.
    #[error("Invalid field requested: {0}")]
    Unknown(String),
    /// A field of perf that this program does not have.
    #[error("field {0} would need metrics of sampled groups, which this program does not compute")]
    Without(String),
    /// Not possible for the type that was named.
    #[error("'{0}' not valid for {1} events.")]
    Impossible(String, &'static str),
}

impl Default for Layout {
    fn default() -> Self {
        let chosen = |output: Output| Chosen {
            fields: output.defaults(),
            asked: Fields::NONE,
            by_user: false,
            must_exist: false,
        };
        Self { chosen: OUTPUTS.map(chosen), flags: false }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Set,
    Add,
    Remove,
}

impl Layout {
    fn at(output: Output) -> usize {
        OUTPUTS.iter().position(|known| *known == output).unwrap_or_default()
    }

    /// Fields of a type.
    pub fn of(&self, output: Output) -> Chosen {
        self.chosen[Self::at(output)]
    }

    /// The same, to be changed.
    pub fn of_mut(&mut self, output: Output) -> &mut Chosen {
        &mut self.chosen[Self::at(output)]
    }

    /// Takes one `-F` list: `comm,time`, `+srcline,-period`, `sw:comm`. Gives what perf warns of.
    pub fn choose(&mut self, list: &str) -> Result<Vec<String>, FieldError> {
        let mut warnings = Vec::new();
        let (only, words) = match list.split_once(':') {
            Some((prefix, words)) => (Some(Output::of_prefix(prefix).ok_or(FieldError::Type)?), words),
            None if list.is_empty() => return Err(FieldError::Nothing),
            None => (None, list),
        };
        // Any sign keeps what was there before, even the dash in `bpf-output`: so does perf.
        if !words.contains(['+', '-']) {
            self.begin(only, &mut warnings);
        }
        let mut before: Option<Change> = None;
        for word in words.split(',').filter(|word| !word.is_empty()) {
            let (change, name) = match word.as_bytes().first() {
                Some(b'+') => (Change::Add, &word[1..]),
                Some(b'-') => (Change::Remove, &word[1..]),
                _ => (Change::Set, word),
            };
            if before.is_some_and(|before| (before == Change::Set) != (change == Change::Set)) {
                return Err(FieldError::Mixed);
            }
            before = Some(change);
            self.change(only, change, name, &mut warnings)?;
        }
        Ok(warnings)
    }

    /// A list without signs stands for itself: what was there before is gone.
    fn begin(&mut self, only: Option<Output>, warnings: &mut Vec<String>) {
        if let Some(output) = only {
            let chosen = self.of_mut(output);
            if chosen.by_user {
                warnings.push(format!("Overriding previous field request for {} events.", output.name()));
            }
            *chosen = Chosen { fields: Fields::NONE, by_user: true, must_exist: true, ..*chosen };
            return;
        }
        if self.chosen.iter().any(|chosen| chosen.by_user) {
            warnings.push("Overriding previous field request for all events.".to_owned());
        }
        for chosen in &mut self.chosen {
            *chosen = Chosen { fields: Fields::NONE, by_user: true, must_exist: false, ..*chosen };
        }
    }

    fn change(
        &mut self,
        only: Option<Output>,
        change: Change,
        name: &str,
        warnings: &mut Vec<String>,
    ) -> Result<(), FieldError> {
        let Some(field) = Fields::of_name(name) else {
            let known = WITHOUT.contains(&name);
            return Err(if known {
                FieldError::Without(name.to_owned())
            } else {
                FieldError::Unknown(name.to_owned())
            });
        };
        if field == Fields::FLAGS {
            self.flags = change != Change::Remove;
            return Ok(());
        }
        let apply = |chosen: &mut Chosen| {
            chosen.fields = match change {
                Change::Remove => chosen.fields.without(field),
                _ => chosen.fields.and(field),
            };
            chosen.by_user = true;
            chosen.must_exist = false;
        };
        if let Some(output) = only {
            if output.impossible().has(field) {
                return Err(FieldError::Impossible(name.to_owned(), output.name()));
            }
            apply(self.of_mut(output));
            return Ok(());
        }
        for output in OUTPUTS {
            if output.impossible().has(field) {
                warnings.push(format!("'{name}' not valid for {} events. Ignoring.", output.name()));
                continue;
            }
            let chosen = self.of_mut(output);
            apply(chosen);
            chosen.asked = match change {
                Change::Remove => chosen.asked.without(field),
                _ => chosen.asked.and(field),
            };
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(lists: &[&str]) -> Result<Layout, FieldError> {
        let mut layout = Layout::default();
        for list in lists {
            layout.choose(list)?;
        }
        Ok(layout)
    }

    #[test]
    fn names_are_unique_and_each_has_its_own_bit() {
        let mut seen = Fields::NONE;
        for (name, field) in NAMES {
            assert!(!seen.has(*field), "{name}");
            seen = seen.and(*field);
            assert_eq!(NAMES.iter().filter(|(other, _)| other == name).count(), 1);
        }
    }

    #[test]
    fn a_list_replaces_and_signs_change() {
        let set = layout(&["comm,ip"]).unwrap().of(Output::Software);
        assert_eq!((set.fields, set.by_user), (Fields::COMM.and(Fields::IP), true));
        let changed = layout(&["-period,+srcline"]).unwrap().of(Output::Hardware).fields;
        assert!(changed.has(Fields::SRCLINE) && !changed.has(Fields::PERIOD) && changed.has(Fields::COMM));
        let one = layout(&["sw:comm"]).unwrap();
        assert_eq!(one.of(Output::Software).fields, Fields::COMM);
        assert_eq!(one.of(Output::Hardware), Layout::default().of(Output::Hardware));
        assert!(layout(&["bpf-output"]).unwrap().of(Output::Software).fields.has(Fields::COMM));
        assert!(layout(&["+flags"]).unwrap().flags);
    }

    #[test]
    fn what_perf_refuses_is_refused() {
        assert_eq!(layout(&["zz:comm"]), Err(FieldError::Type));
        assert_eq!(layout(&[""]), Err(FieldError::Nothing));
        assert_eq!(layout(&["comm,-ip"]), Err(FieldError::Mixed));
        assert_eq!(layout(&["help"]), Err(FieldError::Unknown("help".to_owned())));
        assert_eq!(layout(&["sw:trace"]), Err(FieldError::Impossible("trace".to_owned(), "software")));
        assert_eq!(layout(&["metric"]), Err(FieldError::Without("metric".to_owned())));
        assert!(layout(&["hw:"]).unwrap().of(Output::Hardware).must_exist);
    }

    #[test]
    fn a_field_that_a_type_cannot_have_is_told_and_left_out() {
        let mut layout = Layout::default();
        let warnings = layout.choose("time,event,trace").unwrap();
        let expected = ["hardware", "software", "hardware-cache", "unknown", "unknown", "unknown", "unknown"];
        let expected = expected.map(|name| format!("'trace' not valid for {name} events. Ignoring."));
        assert_eq!(warnings, expected);
        assert!(layout.of(Output::Tracepoint).fields.has(Fields::TRACE));
        assert!(!layout.of(Output::Software).fields.has(Fields::TRACE));
    }
}
