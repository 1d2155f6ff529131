//! Probes that programs carry (SDT): what `-e sdt_GROUP:NAME` names becomes an event while it is recorded, from what the
//! cache of files knows of it. perf wants `perf probe` before.

use perfuse_analyze::Msg;
use perfuse_collect::Root;
use perfuse_collect::perf::tracepoints::Tracefs;
use perfuse_collect::perf::uprobes::Uprobes;
use perfuse_format::event::glob;
use perfuse_format::probecache::CachedProbe;

use super::notes::Notes;
use crate::perf::cache::Cache;
use crate::perf::options::Parsed;

/// Makes the events that the command line names and that are not there; they are gone when the result is dropped.
pub(super) fn make(parsed: &Parsed, root: &Root, notes: &Notes<'_>) -> Option<Uprobes> {
    let given = parsed.given.iter().filter(|given| given.id == "event").filter_map(|given| given.value.as_ref());
    let wanted: Vec<(String, String)> = given.flat_map(|value| named(&value.to_string_lossy())).collect();
    let tracefs = Tracefs::find(root).ok().filter(|_| !wanted.is_empty())?;
    let probes = Cache::of_user()?.probes();
    let mut made = Uprobes::new(root).ok()?;
    for (group, pattern) in wanted {
        let fits = |probe: &CachedProbe| probe.sdt && probe.group == group && glob::matches(&pattern, &probe.name);
        let mut refused = None;
        let mut names = Vec::new();
        for (_, probe) in probes.iter().filter(|(_, probe)| fits(probe)) {
            // Whoever made it before keeps it.
            if !names.contains(&probe.name.as_str()) && tracefs.id(&group, &probe.name).is_ok() {
                continue;
            }
            names.push(&probe.name);
            for definition in &probe.definitions {
                if let Err(error) = made.add(&group, &probe.name, definition) {
                    refused = Some((definition, error));
                }
            }
        }
        if let Some((definition, error)) = refused {
            let words = Msg::new("record-sdt-refused").with("event", format!("{group}:{pattern}"));
            notes.note(&words.with("definition", definition.as_str()).with("error", error.to_string()));
        }
    }
    (!made.is_empty()).then_some(made)
}

/// Groups and names of the SDT events in the text of `-e`.
fn named(text: &str) -> Vec<(String, String)> {
    let words = text.split([',', '{', '}', ' ']).filter(|word| word.starts_with("sdt_"));
    let parts = words.filter_map(|word| {
        let (group, rest) = word.split_once(':')?;
        let name = rest.split([':', '/']).next().unwrap_or(rest);
        Some((group.to_owned(), name.to_owned()))
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_among_other_events() {
        let of =
            |text: &str| named(text).into_iter().map(|(group, name)| format!("{group}|{name}")).collect::<Vec<_>>();
        assert_eq!(of("cs,{sdt_node:gc__start:u,sdt_a:b/name=x/}"), ["sdt_node|gc__start", "sdt_a|b"]);
        assert!(of("sched:sched_switch,sdt_").is_empty());
    }
}
