//! The grammar from the outside in: lists, groups, single events with their modifiers.

use super::error::{EventError, Expected, Problem, TermsOf};
use super::host::{Pmus, TraceDenied};
use super::terms::{self, Owner, Term};
use super::{EventSpec, Group, MAX_EVENTS, Mode, RecordTerms, glob, modifier, names, pmu};
use crate::perfdata::attr::{EventAttr, flag, kind, sample_type};

/// A mistake at a place of the text.
pub(super) type Fault = (usize, Problem);

/// Parses a whole text; groups are numbered from `first_group` on.
pub(super) fn parse(text: &str, host: &dyn Pmus, mode: Mode, first_group: usize) -> Result<Vec<EventSpec>, EventError> {
    let mut parser = Parser { text, host, mode, at: 0, groups: first_group, events: Vec::new() };
    match parser.list() {
        Ok(()) => Ok(parser.events),
        Err((at, problem)) => {
            let candidates = candidates(&problem, host);
            Err(EventError { text: text.to_owned(), at: at.min(text.len()), problem, candidates })
        }
    }
}

/// What can be named where the mistake is.
fn candidates(problem: &Problem, host: &dyn Pmus) -> Vec<String> {
    match problem {
        Problem::UnknownEvent { .. } => {
            let mut all = every_name(host);
            all.extend(every_tracepoint(host));
            all
        }
        Problem::UnknownTracepoint { why, .. } if missing(why) => every_tracepoint(host),
        Problem::UnknownPmu { .. } => host.pmu_names(),
        Problem::UnknownTerm { of, .. } => {
            let mut all: Vec<String> = terms::NAMES.iter().map(|name| (*name).to_owned()).collect();
            if let TermsOf::Pmu(name) = of
                && let Some(of_pmu) = host.pmu(name)
            {
                let of_vendor = host.vendor_events().iter().filter(|event| of_pmu.counts(event));
                all.extend(of_vendor.map(|event| event.name.clone()));
                all.extend(of_pmu.formats.into_iter().map(|format| format.name));
                all.extend(of_pmu.events.into_iter().map(|event| event.name));
            }
            all
        }
        _ => Vec::new(),
    }
}

/// Whether the host could be asked and said no.
fn missing(why: &TraceDenied) -> bool {
    matches!(why, TraceDenied::NotFound(_))
}

/// Every name that stands for an event by itself.
fn every_name(host: &dyn Pmus) -> Vec<String> {
    let symbols = names::HARDWARE.iter().chain(names::SOFTWARE).flat_map(|(name, alias, _)| [*name, *alias]);
    let tools = names::TOOLS.iter().map(|(name, _)| *name);
    let mut all: Vec<String> = symbols.chain(tools).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    all.extend(names::caches().map(|(name, _)| name));
    for pmu in host.pmu_names().iter().filter_map(|name| host.pmu(name)) {
        all.extend(pmu.events.iter().map(|event| format!("{}/{}/", pmu.name, event.name)));
    }
    all.extend(host.vendor_events().iter().map(|event| event.name.clone()));
    all
}

/// `system:name` of all tracepoints; none when they cannot be listed.
fn every_tracepoint(host: &dyn Pmus) -> Vec<String> {
    let systems = host.systems().unwrap_or_default();
    let names = systems.iter().flat_map(|system| {
        let names = host.tracepoints(system).unwrap_or_default();
        names.into_iter().map(move |name| format!("{system}:{name}"))
    });
    names.collect()
}

struct Parser<'a> {
    text: &'a str,
    host: &'a dyn Pmus,
    mode: Mode,
    at: usize,
    groups: usize,
    events: Vec<EventSpec>,
}

/// One event's text, cut at the slashes.
struct Cut<'a> {
    /// Where it starts.
    at: usize,
    /// All of it, without blanks around.
    whole: &'a str,
    /// Before the first slash.
    head: &'a str,
    /// Between the slashes, with its place.
    config: Option<(usize, &'a str)>,
    /// After the second slash, with its place.
    tail: (usize, &'a str),
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// Events and groups with commas between them, to the end of the text.
    fn list(&mut self) -> Result<(), Fault> {
        loop {
            self.skip_blanks();
            match self.group_name() {
                Some(length) => self.group(length)?,
                None => self.event()?,
            }
            self.skip_blanks();
            match self.rest().chars().next() {
                None => return Ok(()),
                Some(',') => self.at += 1,
                Some(_) => return Err((self.at, Problem::Expected { expected: Expected::CommaOrEnd })),
            }
        }
    }

    /// The length of the name before the brace when a group starts here.
    fn group_name(&self) -> Option<usize> {
        let rest = self.rest();
        let end = rest.find(['{', ',', '}', '/'])?;
        (rest.as_bytes().get(end) == Some(&b'{')).then_some(end)
    }

    /// `name{event,event}:modifiers`.
    fn group(&mut self, name_length: usize) -> Result<(), Fault> {
        let name = self.rest().get(..name_length).unwrap_or_default().trim();
        self.at += name_length + 1;
        let first = self.events.len();
        loop {
            self.skip_blanks();
            if self.rest().starts_with('{') {
                return Err((self.at, Problem::Expected { expected: Expected::NoNesting }));
            }
            self.event()?;
            self.skip_blanks();
            match self.rest().chars().next() {
                Some(',') => self.at += 1,
                Some('}') => break,
                _ => {
                    return Err((self.at, Problem::Expected { expected: Expected::CommaOrBrace }));
                }
            }
        }
        self.at += 1;
        let rest = self.rest();
        let letters = rest.get(..rest.find([',', '{', '}', '/']).unwrap_or(rest.len())).unwrap_or_default();
        let (at, letters) = modifiers(self.at, letters)?;
        self.at += letters.len() + (at - self.at);
        let index = self.groups;
        self.groups += 1;
        for (place, event) in self.events.iter_mut().skip(first).enumerate() {
            let leader = place == 0;
            let named = (!name.is_empty()).then(|| name.to_owned());
            event.group = Some(Group { index, leader, name: named });
            if !letters.is_empty() {
                modifier::add(event, letters, leader).map_err(|problem| (at, problem))?;
            }
        }
        Ok(())
    }

    /// One event (or all that a pattern stands for) with its modifiers.
    fn event(&mut self) -> Result<(), Fault> {
        let first = self.events.len();
        let cut = self.cut()?;
        let (modifiers_at, letters) = self.meaning(&cut)?;
        if cut.config.is_none() && letters.starts_with(':') {
            return Err((modifiers_at, Problem::UnknownModifier { letter: ':' }));
        }
        let (modifiers_at, letters) = modifiers(modifiers_at, letters)?;
        for event in self.events.iter_mut().skip(first) {
            if event.name.is_empty() {
                cut.whole.clone_into(&mut event.name);
            }
            if !letters.is_empty() {
                modifier::apply(event, letters, true).map_err(|problem| (modifiers_at, problem))?;
            }
        }
        Ok(())
    }

    /// Takes one event's text off: up to a comma or brace outside of slashes. In `mem:ADDRESS/LENGTH` the slash has no
    /// second one.
    fn cut(&mut self) -> Result<Cut<'a>, Fault> {
        let (start, rest) = (self.at, self.rest());
        let stop = |from: usize, set: &[char]| {
            rest.get(from..).and_then(|text| text.find(set)).map_or(rest.len(), |length| from + length)
        };
        let first = if rest.starts_with("mem:") { stop(0, &[',', '{', '}']) } else { stop(0, &[',', '{', '}', '/']) };
        let (mut end, mut config) = (first, None);
        let mut tail = (start + first, "");
        if rest.as_bytes().get(first) == Some(&b'/') {
            let inside = first + 1;
            let close = rest.get(inside..).and_then(|text| text.find('/')).map(|length| inside + length);
            let Some(close) = close else {
                return Err((start + rest.len(), Problem::Expected { expected: Expected::ClosingSlash }));
            };
            config = Some((start + inside, rest.get(inside..close).unwrap_or_default()));
            end = stop(close + 1, &[',', '{', '}', '/']);
            tail = (start + close + 1, rest.get(close + 1..end).unwrap_or_default().trim_end());
        }
        self.at = start + end;
        let whole = rest.get(..end).unwrap_or_default().trim_end();
        if whole.is_empty() {
            return Err((start, Problem::Expected { expected: Expected::Event }));
        }
        let head = rest.get(..first).unwrap_or_default().trim_end();
        Ok(Cut { at: start, whole, head, config, tail })
    }

    /// Adds the events that the text means; the modifiers that are left, with their place.
    fn meaning(&mut self, cut: &Cut<'a>) -> Result<(usize, &'a str), Fault> {
        if let Some(breakpoint) = cut.head.strip_prefix("mem:") {
            return self.breakpoint(cut, breakpoint);
        }
        let (first, after) = match cut.head.split_once(':') {
            Some((first, after)) => (first, Some((cut.at + first.len() + 1, after))),
            None => (cut.head, None),
        };
        let mut left = match cut.config {
            Some(_) => cut.tail,
            None => after.unwrap_or((cut.at + first.len(), "")),
        };
        // With terms, what follows the name stands after the second slash: `cs:u/period=1/` is no event.
        let plain = cut.config.is_none() || after.is_none();
        if plain && self.symbol(cut, first)? {
            return Ok(left);
        }
        if let Some((second_at, second)) = after {
            let (name, rest) = match second.split_once(':') {
                Some((name, rest)) => (name, Some((second_at + name.len() + 1, rest))),
                None => (second, None),
            };
            if cut.config.is_none() {
                left = rest.unwrap_or((second_at + name.len(), ""));
            } else if rest.is_some() {
                return Err((second_at + name.len(), Problem::Expected { expected: Expected::Slash }));
            }
            match (number(first), number(name)) {
                (Some(kind), Some(config)) => self.numeric(cut, kind, config)?,
                _ => self.tracepoint(cut, first, (second_at, name))?,
            }
            return Ok(left);
        }
        if cut.config.is_some() {
            let (host, mode) = (self.host, self.mode);
            let terms = parse_terms(cut)?;
            for event in pmu::named(first, cut.at, &terms, host, mode)? {
                self.push(cut.at, event)?;
            }
            return Ok(left);
        }
        Err((cut.at, Problem::UnknownEvent { name: first.to_owned() }))
    }

    fn push(&mut self, at: usize, event: EventSpec) -> Result<(), Fault> {
        if self.events.len() >= MAX_EVENTS {
            return Err((at, Problem::TooMany { max: MAX_EVENTS }));
        }
        self.events.push(event);
        Ok(())
    }

    /// A name without a colon: symbol, raw code, cache, or named event of a PMU. Whether it was one.
    fn symbol(&mut self, cut: &Cut<'_>, name: &str) -> Result<bool, Fault> {
        let mut event = if let Some(meaning) = names::symbol(name) {
            let mut event = general(meaning.kind, meaning.config);
            event.tool = meaning.tool;
            event
        } else if let Some(code) = raw(name) {
            general(kind::RAW, code.map_err(|problem| (cut.at, problem))?)
        } else if let Some(config) = names::cache(name) {
            let mut event = general(kind::HW_CACHE, config);
            name.clone_into(&mut event.name);
            event
        } else if cut.config.is_none() {
            let events = pmu::bare(name, cut.at, self.host, self.mode)?;
            let found = !events.is_empty();
            for event in events {
                self.push(cut.at, event)?;
            }
            return Ok(found);
        } else {
            return Ok(false);
        };
        terms::apply(&mut event, &parse_terms(cut)?, &Owner::General, self.mode)?;
        self.push(cut.at, event)?;
        Ok(true)
    }

    /// `type:config`, both as numbers.
    fn numeric(&mut self, cut: &Cut<'_>, kind: u64, config: u64) -> Result<(), Fault> {
        let kind = u32::try_from(kind).map_err(|_| (cut.at, Problem::Number))?;
        let mut event = general(kind, config);
        terms::apply(&mut event, &parse_terms(cut)?, &Owner::General, self.mode)?;
        self.push(cut.at, event)
    }

    /// `system:name`, each of which may be a pattern.
    fn tracepoint(&mut self, cut: &Cut<'_>, system: &str, (name_at, name): (usize, &str)) -> Result<(), Fault> {
        if name.is_empty() {
            return Err((name_at, Problem::Expected { expected: Expected::TracepointName }));
        }
        let unknown = |at: usize, why: TraceDenied| {
            let (system, name) = (system.to_owned(), name.to_owned());
            (at, Problem::UnknownTracepoint { system, name, why: Box::new(why) })
        };
        let terms = parse_terms(cut)?;
        let systems = if glob::is_pattern(system) {
            let all = self.host.systems().map_err(|why| unknown(cut.at, why))?;
            all.into_iter().filter(|of| glob::matches(system, of)).collect()
        } else {
            vec![system.to_owned()]
        };
        let mut found = false;
        for of in &systems {
            let names = if glob::is_pattern(name) {
                let all = self.host.tracepoints(of).map_err(|why| self.no_system(cut, name, unknown(cut.at, why)))?;
                all.into_iter().filter(|event| glob::matches(name, event)).collect()
            } else {
                vec![name.to_owned()]
            };
            for event in names {
                let id = match self.host.tracepoint_id(of, &event) {
                    Ok(id) => id,
                    // With a pattern for systems the name need not be in each of them, and a pattern for names may
                    // match some of ftrace's own events, which have no id.
                    Err(TraceDenied::NotFound(_)) if systems.len() > 1 || glob::is_pattern(name) => continue,
                    Err(why) => return Err(self.no_system(cut, name, unknown(cut.at, why))),
                };
                let mut spec = general(kind::TRACEPOINT, id);
                spec.name = format!("{of}:{event}");
                spec.attr.sample_period = 1;
                spec.attr.sample_type = sampled_data();
                terms::apply(&mut spec, &terms, &Owner::Tracepoint, self.mode)?;
                found = true;
                self.push(cut.at, spec)?;
            }
        }
        if found {
            return Ok(());
        }
        Err(unknown(cut.at, TraceDenied::NotFound(format!("events/{system}/{name}"))))
    }

    /// `nosuch:u` is rather an unknown event with a modifier than an unknown tracepoint.
    fn no_system(&self, cut: &Cut<'_>, name: &str, fault: Fault) -> Fault {
        let Problem::UnknownTracepoint { system, why, .. } = &fault.1 else { return fault };
        if missing(why) && modifier::check(name).is_ok() && self.host.tracepoints(system).is_err() {
            return (cut.at, Problem::UnknownEvent { name: system.clone() });
        }
        fault
    }

    /// `mem:ADDRESS[/LENGTH][:ACCESS]`; the text after `mem:`.
    fn breakpoint(&mut self, cut: &Cut<'a>, text: &'a str) -> Result<(usize, &'a str), Fault> {
        let at = cut.at + "mem:".len();
        let end = text.find([':', '/']).unwrap_or(text.len());
        let (address, mut rest) = text.split_at(end);
        let mut event = general(kind::BREAKPOINT, 0);
        event.attr.config1 = number(address).ok_or((at, Problem::Expected { expected: Expected::Address }))?;
        event.attr.sample_period = 1;
        let mut place = at + end;
        let mut length = None;
        if let Some(after) = rest.strip_prefix('/') {
            let end = after.find(':').unwrap_or(after.len());
            let (digits, then) = after.split_at(end);
            length = Some(number(digits).ok_or((place + 1, Problem::Expected { expected: Expected::Length }))?);
            (place, rest) = (place + 1 + end, then);
            // perf names such an event by what stands before the slash.
            event.name = format!("mem:{address}");
        }
        let mut access = (place, "");
        if let Some(after) = rest.strip_prefix(':') {
            let end = after.find(|letter| !matches!(letter, 'r' | 'w' | 'x')).unwrap_or(after.len());
            let (letters, then) = after.split_at(end);
            if !letters.is_empty() {
                access = (place + 1, letters);
                (place, rest) = (place + 1 + end, then);
            }
        }
        event.attr.bp_type = access_type(access.1).ok_or_else(|| {
            let access_text = access.1.to_owned();
            (access.0, Problem::BadAccess { access: access_text })
        })?;
        // Execution is watched over an instruction pointer's length, data over 4 bytes.
        let default = if event.attr.bp_type == 4 { 8 } else { 4 };
        event.attr.config2 = length.unwrap_or(default);
        self.push(cut.at, event)?;
        Ok((place + usize::from(rest.starts_with(':')), rest.strip_prefix(':').unwrap_or(rest)))
    }
}

/// `bp_type` of the letters: r 1, w 2, x 4; nothing is r and w.
fn access_type(letters: &str) -> Option<u32> {
    if letters.is_empty() {
        return Some(3);
    }
    let mut bits = 0;
    for letter in letters.bytes() {
        let bit = match letter {
            b'r' => 1,
            b'w' => 2,
            b'x' => 4,
            _ => return None,
        };
        if bits & bit != 0 {
            return None;
        }
        bits |= bit;
    }
    Some(bits)
}

/// What the samples of a tracepoint must have to be understood.
fn sampled_data() -> u64 {
    sample_type::RAW | sample_type::TIME | sample_type::CPU | sample_type::PERIOD
}

/// An event before its terms and modifiers. Guests are left out unless somebody asks for them.
pub(super) fn general(kind: u32, config: u64) -> EventSpec {
    let mut attr = EventAttr { kind, config, flags: flag::EXCLUDE_GUEST, ..EventAttr::default() };
    if kind == kind::SOFTWARE && config == names::BPF_OUTPUT {
        attr.sample_type = sampled_data();
        attr.sample_period = 1;
    }
    EventSpec {
        name: String::new(),
        attr,
        group: None,
        terms: RecordTerms::default(),
        scale: 1.0,
        unit: String::new(),
        pmu: None,
        cpus: None,
        per_package: false,
        snapshot: false,
        tool: None,
        precise_max: false,
        sample_read: false,
        weak: false,
        bpf_counter: false,
        exclude_gh: false,
    }
}

/// The terms between the slashes; none without slashes.
fn parse_terms<'a>(cut: &Cut<'a>) -> Result<Vec<Term<'a>>, Fault> {
    cut.config.map_or_else(|| Ok(Vec::new()), |(at, text)| terms::parse(at, text))
}

/// Takes an optional colon off and checks the letters; the letters with their place.
fn modifiers(at: usize, text: &str) -> Result<(usize, &str), Fault> {
    let (at, letters) = text.strip_prefix(':').map_or((at, text), |letters| (at + 1, letters));
    let letters = letters.trim_end();
    modifier::check(letters).map_err(|(place, problem)| (at + place, problem))?;
    Ok((at, letters))
}

/// A decimal number, or a hexadecimal one after `0x`, of 64 bits.
pub(super) fn number(text: &str) -> Option<u64> {
    let (digits, radix) =
        text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).map_or((text, 10), |rest| (rest, 16));
    if digits.starts_with('+') { None } else { u64::from_str_radix(digits, radix).ok() }
}

/// `r` and hexadecimal digits: the CPU's own code. `None` when it is no such name.
pub(super) fn raw(name: &str) -> Option<Result<u64, Problem>> {
    let digits = name.strip_prefix('r')?;
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    let hexadecimal = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    hexadecimal.then(|| u64::from_str_radix(digits, 16).map_err(|_| Problem::Number))
}
