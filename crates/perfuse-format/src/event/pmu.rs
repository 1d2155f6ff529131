//! Events of PMUs: `cpu/event=0x0e,umask=0x01,inv,cmask=0x01/`, `msr/tsc/`, and named events without their PMU.

use super::error::Problem;
use super::grammar::{Fault, general, number, raw};
use super::host::{Pmu, PmuEvent, Pmus, Word};
use super::terms::{self, Owner, Term};
use super::{EventSpec, Mode, glob, names};

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
        return Ok(vec![event(&pmu, terms, mode)?]);
    }
    let mut events = Vec::new();
    let mut first_fault = None;
    for pmu in host.pmu_names().iter().filter_map(|candidate| host.pmu(candidate)) {
        if !stands_for(name, &pmu) {
            continue;
        }
        // As in perf, members of the family that do not know the terms are passed over.
        match event(&pmu, terms, mode) {
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

/// The events of a bare name that PMUs have among their named events; empty when none has.
pub(super) fn bare(name: &str, at: usize, host: &dyn Pmus, mode: Mode) -> Result<Vec<EventSpec>, Fault> {
    let mut events = Vec::new();
    for pmu in host.pmu_names().iter().filter_map(|candidate| host.pmu(candidate)) {
        if pmu.event(name).is_some() {
            events.push(event(&pmu, &[Term { at, name, value: None }], mode)?);
        }
    }
    Ok(events)
}

/// One event of one PMU.
fn event(pmu: &Pmu, terms: &[Term<'_>], mode: Mode) -> Result<EventSpec, Fault> {
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

/// Puts the terms of a named event in.
fn expand(event: &mut EventSpec, pmu: &Pmu, known: &PmuEvent, at: usize, mode: Mode) -> Result<(), Fault> {
    let bad = || (at, Problem::BadAlias { event: known.name.clone(), terms: known.terms.clone() });
    let inner = terms::parse(0, known.terms.trim()).map_err(|_| bad())?;
    let name = std::mem::take(&mut event.name);
    terms::apply(event, &inner, &Owner::Pmu, mode).map_err(|_| bad())?;
    event.name = name;
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
        let value = term.number("a number")?;
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
    Err((term.at, Problem::UnknownTerm { term: term.name.to_owned(), of: pmu.name.clone() }))
}

/// Kind and config of a general name that the PMU of a CPU counts.
fn of_cores(name: &str) -> Option<(u32, u64)> {
    use crate::perfdata::attr::kind;
    match names::symbol(name) {
        Some(meaning) => (meaning.kind == kind::HARDWARE).then_some((meaning.kind, meaning.config)),
        None => names::cache(name).map(|config| (kind::HW_CACHE, config)),
    }
}
