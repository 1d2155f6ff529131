//! Events of PMUs: `cpu/event=0x0e,umask=0x01,inv,cmask=0x01/`, `msr/tsc/`, and named events without their PMU.

use super::error::{Expected, Problem, TermsOf};
use super::grammar::{Fault, general, number, raw};
use super::host::{Pmu, PmuEvent, Pmus, Word};
use super::terms::{self, Owner, Term};
use super::{EventSpec, Mode, glob, names};
use crate::vendor::VendorEvent;

/// The events of `name/terms/`: of the PMU with this name; or else of all PMUs that the name stands for: a pattern, or
/// the name without a number at its end (`uncore_imc` for `uncore_imc_0` and `uncore_imc_1`) and without `uncore_`.
pub(super) fn named(
    name: &str,
    at: usize,
    terms: &[Term<'_>],
    host: &dyn Pmus,
    mode: Mode,
) -> Result<Vec<EventSpec>, Fault> {
    if let Some(pmu) = host.pmu(name) {
        return Ok(vec![event(&pmu, terms, host, mode)?]);
    }
    let mut events = Vec::new();
    let mut first_fault = None;
    for pmu in host.pmu_names().iter().filter_map(|candidate| host.pmu(candidate)) {
        if !stands_for(name, &pmu) {
            continue;
        }
        // As in perf, members of the family that do not know the terms are passed over.
        match event(&pmu, terms, host, mode) {
            Ok(event) => events.push(event),
            Err(fault) => first_fault = first_fault.or(Some(fault)),
        }
    }
    match first_fault {
        _ if !events.is_empty() => Ok(events),
        Some(fault) => Err(fault),
        None => Err((at, Problem::UnknownPmu { name: name.to_owned() })),
    }
}

/// Whether a name that is no PMU's own stands for this PMU.
fn stands_for(name: &str, pmu: &Pmu) -> bool {
    let short = pmu.name.strip_prefix("uncore_").filter(|_| !name.starts_with("uncore_")).unwrap_or(&pmu.name);
    let numbered = |full: &str| {
        let Some(rest) = full.strip_prefix(name) else { return false };
        let digits = rest.strip_prefix('_').unwrap_or(rest);
        rest.is_empty() || (!digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()))
    };
    let alias = pmu.alias.as_deref();
    if glob::is_pattern(name) {
        return glob::matches(name, &pmu.name)
            || glob::matches(name, short)
            || alias.is_some_and(|alias| glob::matches(name, alias));
    }
    numbered(short) || alias.is_some_and(numbered)
}

/// The events of a bare name that PMUs have among their named events, or the CPU's maker in its tables; empty when
/// nobody has.
pub(super) fn bare(name: &str, at: usize, host: &dyn Pmus, mode: Mode) -> Result<Vec<EventSpec>, Fault> {
    let mut events = Vec::new();
    let all: Vec<Pmu> = host.pmu_names().iter().filter_map(|candidate| host.pmu(candidate)).collect();
    let term = [Term { at, name, value: None }];
    for pmu in all.iter().filter(|pmu| pmu.event(name).is_some()) {
        events.push(event(pmu, &term, host, mode)?);
    }
    if !events.is_empty() {
        return Ok(events);
    }
    let mut missing = None;
    for known in host.vendor_events().iter().filter(|known| known.name.eq_ignore_ascii_case(name)) {
        let mut counting = all.iter().filter(|pmu| pmu.counts(known)).peekable();
        if counting.peek().is_none() {
            missing.get_or_insert(known);
        }
        for pmu in counting {
            let mut event = event(pmu, &term, host, mode)?;
            // Several PMUs of a kind are one event, by the name that was asked for.
            name.clone_into(&mut event.name);
            events.push(event);
        }
    }
    match missing {
        Some(known) if events.is_empty() => {
            let pmu = if known.pmu.is_empty() { "cpu".to_owned() } else { known.pmu.clone() };
            Err((at, Problem::NoPmu { event: known.name.clone(), pmu }))
        }
        _ => Ok(events),
    }
}

impl Pmu {
    /// Whether it is one of those that count an event of a vendor's table.
    pub fn counts(&self, event: &VendorEvent) -> bool {
        if event.pmu.is_empty() { self.is_core() } else { self.name == event.pmu || stands_for(&event.pmu, self) }
    }
}

/// One event of one PMU.
fn event(pmu: &Pmu, terms: &[Term<'_>], host: &dyn Pmus, mode: Mode) -> Result<EventSpec, Fault> {
    let mut event = general(pmu.kind, 0);
    event.pmu = Some(pmu.name.clone());
    event.cpus.clone_from(&pmu.cpus);
    // Words of the attribute first, so that `config=` does not wipe out the terms that stand before it.
    terms::apply(&mut event, terms, &Owner::Pmu, mode)?;
    for term in terms {
        if term.name.starts_with('@') || terms::NAMES.contains(&term.name) {
            continue;
        }
        if let Some(known) = alias(pmu, term) {
            expand(&mut event, pmu, known, term.at, mode)?;
        } else if let Some(known) = of_vendor(pmu, term, host) {
            expand(&mut event, pmu, &known, term.at, mode)?;
        } else {
            own_term(&mut event, pmu, term)?;
        }
    }
    Ok(event)
}

/// The named event that a term means: its name alone, or `event=NAME`.
fn alias<'p>(pmu: &'p Pmu, term: &Term<'_>) -> Option<&'p PmuEvent> {
    match term.value {
        None | Some((_, "1")) => pmu.event(term.name),
        Some((_, value)) if term.name == "event" && number(value).is_none() => pmu.event(value),
        Some(_) => None,
    }
}

/// The event of a vendor's table that a term means; what the PMU itself knows comes first.
fn of_vendor(pmu: &Pmu, term: &Term<'_>, host: &dyn Pmus) -> Option<PmuEvent> {
    let name = match term.value {
        None if pmu.format(term.name).is_none() && raw(term.name).is_none() && of_cores(term.name).is_none() => {
            term.name
        }
        Some((_, value)) if term.name == "event" && number(value).is_none() => value,
        _ => return None,
    };
    let known = |event: &&VendorEvent| event.name.eq_ignore_ascii_case(name) && pmu.counts(event);
    host.vendor_events().iter().find(known).map(|event| PmuEvent {
        name: event.name.clone(),
        terms: event.terms.clone(),
        scale: event.scale,
        unit: event.unit.clone(),
        per_package: event.per_package,
        snapshot: false,
    })
}

/// Puts the terms of a named event in.
fn expand(event: &mut EventSpec, pmu: &Pmu, known: &PmuEvent, at: usize, mode: Mode) -> Result<(), Fault> {
    let bad = || (at, Problem::BadAlias { event: known.name.clone(), terms: known.terms.clone() });
    let inner = terms::parse(0, known.terms.trim()).map_err(|_| bad())?;
    let name = std::mem::take(&mut event.name);
    let asked_for = event.terms.period.take();
    terms::apply(event, &inner, &Owner::Pmu, mode).map_err(|_| bad())?;
    event.name = name;
    event.terms.weak_period = event.terms.period.or(event.terms.weak_period);
    event.terms.period = asked_for;
    for term in inner.iter().filter(|term| !terms::NAMES.contains(&term.name)) {
        own_term(event, pmu, term).map_err(|_| bad())?;
    }
    event.scale = known.scale.unwrap_or(event.scale);
    if let Some(unit) = &known.unit {
        event.unit.clone_from(unit);
    }
    event.per_package |= known.per_package;
    event.snapshot |= known.snapshot;
    Ok(())
}

/// A term of the PMU's own format, a raw code, or (on a CPU's own PMU) a general hardware name.
fn own_term(event: &mut EventSpec, pmu: &Pmu, term: &Term<'_>) -> Result<(), Fault> {
    if let Some(format) = pmu.format(term.name) {
        let too_large =
            |max| (term.value.map_or(term.at, |value| value.0), Problem::TooLarge { term: term.name.to_owned(), max });
        let value = term.number(Expected::Number)?;
        if value > format.max() {
            return Err(too_large(format.max()));
        }
        let word = match format.word {
            Word::Config => &mut event.attr.config,
            Word::Config1 => &mut event.attr.config1,
            Word::Config2 => &mut event.attr.config2,
            Word::Config3 => &mut event.attr.config3,
        };
        // Bits add up, in perf too: `mem-loads,ldlat=30` has the bits of both 30 and the event's own 3.
        *word |= format.spread(value);
        return Ok(());
    }
    if term.value.is_none() {
        if let Some(code) = raw(term.name) {
            event.attr.config |= code.map_err(|problem| (term.at, problem))?;
            return Ok(());
        }
        if pmu.is_core()
            && let Some((kind, config)) = of_cores(term.name)
        {
            (event.attr.kind, event.attr.config) = (kind, config);
            return Ok(());
        }
    }
    Err((term.at, Problem::UnknownTerm { term: term.name.to_owned(), of: TermsOf::Pmu(pmu.name.clone()) }))
}

/// Kind and config of a general name that the PMU of a CPU counts.
fn of_cores(name: &str) -> Option<(u32, u64)> {
    use crate::perfdata::attr::kind;
    match names::symbol(name) {
        Some(meaning) => (meaning.kind == kind::HARDWARE).then_some((meaning.kind, meaning.config)),
        None => names::cache(name).map(|config| (kind::HW_CACHE, config)),
    }
}
