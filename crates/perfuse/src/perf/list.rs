//! `perf list`: the events that this machine counts, and a word about those that it does not.

use std::io::IsTerminal as _;

use perfuse_analyze::Msg;
use perfuse_collect::perf::pmu::HostEvents;
use perfuse_collect::perf::{OpenError, OpenFlags, PerfEvent, Reason};
use perfuse_collect::{Root, host};
use perfuse_format::event::{Pmu, Pmus, TraceDenied, glob, names};
use perfuse_format::perfdata::EventAttr;
use perfuse_format::perfdata::attr::{flag, kind};
use perfuse_format::probecache::CachedProbe;
use perfuse_format::vendor::VendorEvent;
use perfuse_render::perf::list::{
    Detail, Kind, Listed, ListedMetric, MetricList, json, lines, metrics, raw, raw_metrics,
};

use super::cache::{Cache, Entry};
use super::options::{Opt, Parsed, UsageError, long_switch, long_value, switch};
use super::{Command, tables};
use crate::console::{self, Console};

/// `perf list`.
pub(crate) const COMMAND: Command = Command {
    name: "list",
    usage: &["[<options>] [hw|sw|cache|tracepoint|pmu|sdt|metric|metricgroup|event_glob]"],
    options: OPTIONS,
    runs: false,
    run,
};

const OPTIONS: &[Opt] = &[
    switch('d', "desc"),
    switch('j', "json"),
    switch('v', "long-desc"),
    long_value("cputype", "hybrid cpu type"),
    long_switch("debug"),
    long_switch("deprecated"),
    long_switch("details"),
    long_switch("raw-dump"),
];

/// What is listed, and what was left out on the way.
struct List {
    host: HostEvents,
    events: Vec<Listed>,
    /// Metrics and groups, where they were asked for.
    metrics: Vec<(MetricList, Vec<ListedMetric>)>,
    texts: About,
    deprecated: bool,
    /// Events of tables whose PMU is not there.
    unmeasured: usize,
    /// Events that the CPU is not asked to count here, and why the first of them is refused.
    refused: usize,
    refusal: Option<OpenError>,
    tracing: Option<TraceDenied>,
    notes: Vec<Msg>,
}

/// Which descriptions are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    Nothing,
    Brief,
    Long,
}

fn run(parsed: &Parsed, console: &Console) -> anyhow::Result<u8> {
    let root = Root::default();
    let mut list = List {
        host: tables::host(&root),
        events: Vec::new(),
        metrics: Vec::new(),
        texts: match parsed.last("desc") {
            _ if parsed.on("long-desc") => About::Long,
            Some(given) if given.negated => About::Nothing,
            _ => About::Brief,
        },
        deprecated: parsed.on("deprecated"),
        unmeasured: 0,
        refused: 0,
        refusal: None,
        tracing: None,
        notes: Vec::new(),
    };
    if let Some(kind) = parsed.text("cputype")
        && list.host.pmu(&format!("cpu_{kind}")).is_none()
    {
        let no_such = Msg::new("list-cputype").with("kind", kind);
        return Err(UsageError(no_such).into());
    }
    if parsed.rest.is_empty() {
        list.all();
    }
    for word in &parsed.rest {
        list.word(&word.to_string_lossy());
    }
    let (as_raw, as_json) = (parsed.on("raw-dump"), parsed.on("json"));
    let text = if as_json {
        let metrics: Vec<ListedMetric> = list.metrics.iter().flat_map(|(_, metrics)| metrics.clone()).collect();
        json(&list.events, &metrics)
    } else if as_raw {
        list.metrics.iter().fold(raw(&list.events), |text, (what, some)| text + &raw_metrics(some, *what))
    } else {
        let known = std::io::stdout().is_terminal() || std::env::var_os("COLUMNS").is_some();
        // Two columns stay free, as in perf.
        let columns = if known { console.width } else { 80 } - 2;
        let detail = Detail { columns, encoding: parsed.on("details") };
        list.metrics.iter().fold(lines(&list.events, detail), |text, (what, some)| text + &metrics(some, *what, detail))
    };
    console::print(&text)?;
    // Shells that complete names read neither; a person does.
    if !as_raw {
        for note in list.notes(&host::hypervisor(&root)) {
            console.note(&note);
        }
    }
    Ok(0)
}

impl List {
    /// Everything.
    fn all(&mut self) {
        self.hardware("*");
        self.software("*");
        self.tools("*");
        self.caches("*");
        self.pmus("*");
        self.events.push(Listed::new(Kind::Raw, "rNNN"));
        self.events.push(Listed::new(Kind::Raw, "cpu/t1=v1[,t2=v2,t3 ...]/modifier"));
        self.events.push(Listed::new(Kind::Breakpoint, "mem:<addr>[/len][:access]"));
        self.tracepoints("*", "*");
        self.sdt("*", "*");
        if !self.host.tables().metrics.is_empty() {
            self.add_metrics(MetricList::Both);
        }
        self.notes.extend(tables::notes(&self.host));
    }

    /// What one word of the command line asks for.
    fn word(&mut self, word: &str) {
        match word {
            "tracepoint" => self.tracepoints("*", "*"),
            "hw" | "hardware" => self.hardware("*"),
            "sw" | "software" => {
                self.software("*");
                self.tools("*");
            }
            "tool" => self.tools("*"),
            "cache" | "hwcache" => self.caches("*"),
            "pmu" => self.pmus("*"),
            "sdt" => {
                self.sdt("*", "*");
                if self.events.is_empty() {
                    self.notes.push(Msg::new("list-sdt"));
                }
            }
            "metric" | "metrics" => self.add_metrics(MetricList::Metrics),
            "metricgroup" | "metricgroups" => self.add_metrics(MetricList::Groups),
            pattern => {
                let before = self.events.len() + self.refused + self.unmeasured;
                match pattern.split_once(':') {
                    Some((system, name)) => {
                        self.tracepoints(system, name);
                        self.sdt(system, name);
                    }
                    None => self.containing(&format!("*{pattern}*")),
                }
                if self.events.len() + self.refused + self.unmeasured == before && self.tracing.is_none() {
                    self.notes.push(Msg::new("list-nothing").with("pattern", pattern));
                }
            }
        }
    }

    fn containing(&mut self, pattern: &str) {
        self.hardware(pattern);
        self.software(pattern);
        self.tools(pattern);
        self.caches(pattern);
        self.pmus(pattern);
        self.tracepoints("*", pattern);
        self.sdt("*", pattern);
    }

    /// Probes that files of the cache carry, by name and build; what several files carry is told with each of them.
    fn sdt(&mut self, group: &str, pattern: &str) {
        let fits = |probe: &CachedProbe| {
            probe.sdt && glob::matches(group, &probe.group) && glob::matches(pattern, &probe.name)
        };
        let probes = Cache::of_user().map(|cache| cache.probes()).unwrap_or_default();
        let mut found: Vec<(String, Entry)> = probes
            .into_iter()
            .filter(|(_, probe)| fits(probe))
            .map(|(entry, probe)| (format!("{}:{}", probe.group, probe.name), entry))
            .collect();
        found.sort();
        for (at, (name, Entry { id, path })) in found.iter().enumerate() {
            let same = |other: usize| found.get(other).is_some_and(|(other, _)| other == name);
            let shared = same(at + 1) || at.checked_sub(1).is_some_and(same);
            let name = if shared { format!("{name}@{path}({id:.12})") } else { name.clone() };
            self.events.push(Listed::new(Kind::Sdt, name));
        }
    }

    fn hardware(&mut self, pattern: &str) {
        self.symbols(pattern, names::HARDWARE, kind::HARDWARE, Kind::Hardware);
    }

    fn software(&mut self, pattern: &str) {
        self.symbols(pattern, names::SOFTWARE, kind::SOFTWARE, Kind::Software);
    }

    /// The names of a table that match and that the kernel counts, in alphabetical order.
    fn symbols(&mut self, pattern: &str, table: &[names::Symbol], kind: u32, listed: Kind) {
        let mut table = table.to_vec();
        table.sort_unstable();
        for (name, alias, config) in table {
            let matches = glob::matches(pattern, name) || (!alias.is_empty() && glob::matches(pattern, alias));
            if matches && self.counts(kind, config) {
                self.events.push(Listed::new(listed, name).or(alias));
            }
        }
    }

    fn tools(&mut self, pattern: &str) {
        let matching = names::TOOLS.iter().filter(|(name, _)| glob::matches(pattern, name));
        self.events.extend(matching.map(|(name, _)| Listed::new(Kind::Tool, *name)));
    }

    fn caches(&mut self, pattern: &str) {
        let mut all: Vec<_> = names::caches().filter(|(name, _)| glob::matches(pattern, name)).collect();
        all.sort_unstable();
        for (name, config) in all {
            if self.counts(kind::HW_CACHE, config) {
                self.events.push(Listed::new(Kind::Cache, name));
            }
        }
    }

    /// The metrics of the CPU's model.
    fn add_metrics(&mut self, what: MetricList) {
        let tables = self.host.tables();
        if tables.metrics.is_empty() {
            let cpu = self.host.cpu().unwrap_or("?");
            self.notes.push(Msg::new("list-metric").with("cpu", cpu));
            return;
        }
        let listed = tables.metrics.iter().map(|metric| ListedMetric {
            name: metric.name.clone(),
            groups: metric.groups.clone(),
            about: self.about(&metric.brief, &metric.long),
            formula: metric.formula.clone(),
            scale_unit: metric.scale_unit.clone(),
        });
        let listed = listed.collect();
        self.metrics.push((what, listed));
    }

    /// The description that is wanted.
    fn about(&self, brief: &str, long: &str) -> String {
        match self.texts {
            About::Nothing => String::new(),
            About::Long if !long.is_empty() => long.to_owned(),
            _ if brief.is_empty() => long.to_owned(),
            _ => brief.to_owned(),
        }
    }

    /// Named events: those of sysfs, of the CPU's cores first and then all others by PMU and name; then those of the
    /// maker's tables, by topic and name.
    fn pmus(&mut self, pattern: &str) {
        let (pattern, mut cores, mut others) = (pattern.to_ascii_lowercase(), Vec::new(), Vec::new());
        let fits = |text: &str| glob::matches(&pattern, &text.to_ascii_lowercase());
        let pmus: Vec<Pmu> = self.host.pmu_names().iter().filter_map(|name| self.host.pmu(name)).collect();
        for pmu in &pmus {
            let is_cpu = pmu.name == "cpu";
            for event in &pmu.events {
                let full = format!("{}/{}/", pmu.name, event.name);
                let name = if is_cpu { event.name.clone() } else { full.clone() };
                if !fits(&name) && (is_cpu || !fits(&event.name)) {
                    continue;
                }
                let alias = if is_cpu { full } else { String::new() };
                let (pmu, terms) = (pmu.name.clone(), event.terms.clone());
                let listed = Listed { alias, pmu, terms, ..Listed::new(Kind::Pmu, name) };
                if is_cpu { cores.push(listed) } else { others.push(listed) }
            }
        }
        for mut part in [cores, others] {
            part.sort_unstable_by(|one, other| one.name.cmp(&other.name));
            self.events.extend(part);
        }
        let mut of_tables = Vec::new();
        for event in self.host.vendor_events().iter().filter(|event| fits(&event.name)) {
            if event.deprecated && !self.deprecated {
                continue;
            }
            match pmus.iter().find(|pmu| pmu.counts(event)) {
                Some(pmu) if pmu.event(&event.name).is_none() => of_tables.push(self.of_table(event)),
                Some(_) => {}
                None => self.unmeasured += 1,
            }
        }
        // What is not described stands with the rest, above.
        of_tables.sort_by(|one, other| {
            let key = |listed: &Listed| (!listed.about.is_empty(), listed.topic.clone(), listed.name.clone());
            key(one).cmp(&key(other))
        });
        of_tables.dedup_by(|one, other| one.name == other.name);
        self.events.extend(of_tables);
    }

    fn of_table(&self, event: &VendorEvent) -> Listed {
        Listed {
            pmu: event.pmu.clone(),
            terms: event.terms.clone(),
            topic: event.topic.clone(),
            about: self.about(&event.brief, &event.long),
            ..Listed::new(Kind::Pmu, &event.name)
        }
    }

    /// Tracepoints whose system and name match, in alphabetical order; without an id one cannot be opened.
    fn tracepoints(&mut self, system: &str, pattern: &str) {
        let systems = match self.host.systems() {
            Ok(systems) => systems,
            Err(why) => {
                self.tracing = Some(why);
                return;
            }
        };
        let mut found = Vec::new();
        for of in systems.iter().filter(|of| glob::matches(system, of)) {
            let all = self.host.tracepoints(of).unwrap_or_default();
            let matching = all.iter().filter(|name| glob::matches(pattern, name));
            let open =
                matching.filter(|name| !matches!(self.host.tracepoint_id(of, name), Err(TraceDenied::NotFound(_))));
            found.extend(open.map(|name| format!("{of}:{name}")));
        }
        found.sort_unstable();
        self.events.extend(found.into_iter().map(|name| Listed::new(Kind::Tracepoint, name)));
    }

    /// Whether the kernel opens the event for the own process; who may not look into the kernel tries without it.
    fn counts(&mut self, kind: u32, config: u64) -> bool {
        let mut attr = EventAttr { kind, config, flags: flag::DISABLED, ..EventAttr::default() };
        let mut opened = PerfEvent::open(&attr, 0, -1, None, OpenFlags::NONE);
        if matches!(&opened, Err(error) if matches!(error.reason, Reason::NoPermission { .. } | Reason::Forbidden)) {
            attr.flags |= flag::EXCLUDE_KERNEL;
            opened = PerfEvent::open(&attr, 0, -1, None, OpenFlags::NONE);
        }
        match opened {
            Ok(_) => true,
            Err(error) => {
                self.refused += 1;
                self.refusal.get_or_insert(error);
                false
            }
        }
    }

    /// What is to be said about what is not in the list.
    fn notes(&self, hypervisor: &str) -> Vec<Msg> {
        let mut notes = Vec::new();
        if let Some(refusal) = &self.refusal {
            let id = match refusal.reason {
                Reason::NoHardware if hypervisor.is_empty() => "list-no-hardware",
                Reason::NoHardware => "list-no-hardware-guest",
                _ => "list-refused",
            };
            let words = Msg::new(id).with("count", self.refused.to_string());
            notes.push(words.with("hypervisor", hypervisor).with("error", refusal.errno.to_string()));
        }
        if self.unmeasured > 0 {
            notes.push(Msg::new("list-table-no-pmu").with("count", self.unmeasured.to_string()));
        }
        if let Some(why) = &self.tracing {
            notes.push(Msg::new("list-no-tracepoints").with("why", crate::perf::words::denied_words(why)));
        }
        notes.extend(self.notes.iter().cloned());
        notes
    }
}
