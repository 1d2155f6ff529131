//! The controls memory-limit, hugepages and swap.

use std::collections::BTreeSet;

use perfuse_format::cgroup::Layout;
use perfuse_format::parse::Number;
use perfuse_format::proc::meminfo::MemInfo;
use perfuse_format::proc::swaps::Swaps;
use perfuse_format::{Missing, Why};

use super::facts::{Facts, vm_evidence};
use super::groups::{Group, latest, quoted};
use crate::cell::{Cell, Entity, Evidence, Instance, Quantity, Verdict};
use crate::checklist::Output;
use crate::message::Msg;
use crate::run::Run;

pub(super) fn evaluate(run: &Run, facts: &Facts, out: &mut Output) {
    out.cell(memory_limit(run, facts));
    out.cell(hugepages(run, facts));
    out.cell(swap(run, facts));
}

const LIMIT: &str = "control.memory-limit";

/// How close every limited group is to its limit, and how often it hit it.
fn memory_limit(run: &Run, facts: &Facts) -> Cell {
    let hierarchies = match run.cgroups.as_ref().ok() {
        Ok(hierarchies) => hierarchies,
        Err(missing) => return Cell::unmeasurable(LIMIT, &missing),
    };
    if hierarchies.layout() == Layout::None {
        return Cell::not_applicable(LIMIT, Msg::new("memory-no-cgroups"));
    }
    let mut limited: Vec<(&Group, f64)> =
        facts.groups.iter().filter_map(|group| Some((group, group.used_ratio()?))).collect();
    if limited.is_empty() {
        return Cell::not_applicable(LIMIT, Msg::new("memory-no-limits"));
    }
    // A group that hits its limit stands before one that is merely full.
    limited.sort_by(|a, b| b.0.hits().total_cmp(&a.0.hits()).then(b.1.total_cmp(&a.1)).then(a.0.path.cmp(&b.0.path)));
    let verdict_of = |group: &Group, used: f64| {
        let hit = group.hits() >= run.threshold("memory.limit-hits").max(f64::MIN_POSITIVE);
        match (group.oom_kills.unwrap_or(0) > 0, hit || used > 1.0 - run.threshold("memory.low-headroom")) {
            (true, _) => Verdict::Error,
            (false, true) => Verdict::Watch,
            (false, false) => Verdict::Ok,
        }
    };
    let verdict = limited.iter().map(|(group, used)| verdict_of(group, *used)).max().unwrap_or(Verdict::Ok);
    let Some((worst, used)) = limited.first() else {
        return Cell::not_applicable(LIMIT, Msg::new("memory-no-limits"));
    };
    let mut cell = Cell::measured(LIMIT, verdict, Quantity::ratio(*used));
    cell.note = Some(Msg::new("memory-tightest-cgroup").with("cgroup", &worst.path));
    cell.instances = limited
        .iter()
        .map(|(group, used)| {
            Instance::new(group.path.clone(), Quantity::ratio(*used), verdict_of(group, *used))
                .detail("memory_limit", Quantity::bytes(group.tightest().unwrap_or(0) as f64))
                .detail("limit_hits_per_s", Quantity::rate(group.hits()))
                .detail("oom_kills", Quantity::count(group.oom_kills.unwrap_or(0) as f64))
        })
        .collect();
    let (file, metric) = worst.hits_file();
    let by_hand = format!("cat {}   # twice", quoted(&file));
    cell.evidence.push(Evidence::new(file, metric, Quantity::rate(worst.hits())).by_hand(by_hand));
    let file = worst.limit_file();
    let by_hand = format!("cat {}", quoted(&file));
    let limit = Quantity::bytes(worst.tightest().unwrap_or(0) as f64);
    cell.evidence.push(Evidence::new(file, "limit", limit).by_hand(by_hand));
    cell.culprits =
        limited.iter().filter(|(group, _)| group.hits() > 0.0).take(5).map(|(group, _)| group.entity()).collect();
    cell
}

const HUGEPAGES: &str = "control.hugepages";
const POOLS: &str = "/sys/kernel/mm/hugepages/";

/// How much of each pool of reserved huge pages is in use. A pool is there to be used: full is worth a look only.
fn hugepages(run: &Run, facts: &Facts) -> Cell {
    let sizes: BTreeSet<&str> = run
        .snapshots
        .iter()
        .flat_map(|snapshot| snapshot.under(POOLS))
        .filter_map(|(rest, _)| rest.strip_suffix("/nr_hugepages"))
        .collect();
    let mut pools: Vec<(String, Pool)> =
        sizes.into_iter().filter_map(|size| Some((size.to_owned(), pool(run, size)?))).collect();
    if pools.is_empty() {
        // An older kernel, or /sys is not mounted: the default size only.
        match facts.memory.as_ref().ok() {
            Err(missing) => return Cell::unmeasurable(HUGEPAGES, &missing),
            Ok(memory) => match default_pool(memory) {
                Some(found) => pools.push(("default".to_owned(), found)),
                None => return Cell::not_applicable(HUGEPAGES, Msg::new("memory-no-hugepages")),
            },
        }
    }
    pools.retain(|(_, pool)| pool.total > 0);
    let full = run.threshold("memory.hugepages-used");
    let Some(worst) = pools.iter().map(|(_, pool)| pool.used()).max_by(f64::total_cmp) else {
        return Cell::not_applicable(HUGEPAGES, Msg::new("memory-no-hugepages"));
    };
    let verdict_of = |used: f64| if used >= full { Verdict::Watch } else { Verdict::Ok };
    let mut cell = Cell::measured(HUGEPAGES, verdict_of(worst), Quantity::ratio(worst));
    for (name, pool) in &pools {
        let count = |number: u64| Quantity::count(number as f64);
        let instance = Instance::new(name.clone(), Quantity::ratio(pool.used()), verdict_of(pool.used()))
            .detail("huge_pages", count(pool.total))
            .detail("huge_pages_free", count(pool.free))
            .detail("huge_pages_reserved", count(pool.reserved))
            .detail("huge_pages_surplus", count(pool.surplus));
        cell.instances.push(instance);
        let (source, by_hand) = if name == "default" {
            ("/proc/meminfo".to_owned(), "grep HugePages /proc/meminfo".to_owned())
        } else {
            (format!("{POOLS}{name}/free_hugepages"), format!("grep . {POOLS}{name}/*_hugepages"))
        };
        cell.evidence.push(Evidence::new(source, "free", count(pool.free)).by_hand(by_hand));
    }
    cell.instances.sort_by(|a, b| b.value.number.total_cmp(&a.value.number).then(a.name.cmp(&b.name)));
    cell
}

/// A pool of huge pages of one size.
struct Pool {
    total: u64,
    free: u64,
    reserved: u64,
    surplus: u64,
}

impl Pool {
    /// Share that is in use or promised.
    fn used(&self) -> f64 {
        let left = self.free.saturating_sub(self.reserved).min(self.total);
        1.0 - left as f64 / self.total.max(1) as f64
    }
}

fn pool(run: &Run, size: &str) -> Option<Pool> {
    let number = |file: &str| latest::<Number>(run, &format!("{POOLS}{size}/{file}")).map(|number| number.0);
    Some(Pool {
        total: number("nr_hugepages")?,
        free: number("free_hugepages")?,
        reserved: number("resv_hugepages").unwrap_or(0),
        surplus: number("surplus_hugepages").unwrap_or(0),
    })
}

fn default_pool(memory: &MemInfo) -> Option<Pool> {
    Some(Pool {
        total: memory.get("HugePages_Total")?,
        free: memory.get("HugePages_Free")?,
        reserved: memory.get("HugePages_Rsvd").unwrap_or(0),
        surplus: memory.get("HugePages_Surp").unwrap_or(0),
    })
}

const SWAP: &str = "control.swap";

/// How full swap is, and whether pages move. Pages that lie in swap hurt nobody; pages that come back do.
fn swap(run: &Run, facts: &Facts) -> Cell {
    let swaps = run.last::<Swaps>("/proc/swaps");
    let totals = facts.memory.as_ref().ok().and_then(|memory| {
        let (total, free) = (memory.reading("SwapTotal").ok()?, memory.reading("SwapFree").ok()?);
        Ok((total, free.min(total)))
    });
    let (total, free) = match (totals, swaps.value()) {
        (Ok(totals), _) => totals,
        (Err(_), Some(swaps)) => {
            let sum = |part: fn(&perfuse_format::proc::swaps::Swap) -> u64| {
                swaps.0.iter().map(part).fold(0_u64, u64::saturating_add)
            };
            (sum(|swap| swap.size), sum(|swap| swap.size.saturating_sub(swap.used)))
        }
        (Err(missing), None) => return Cell::unmeasurable(SWAP, &missing),
    };
    if total == 0 {
        return Cell::not_applicable(SWAP, Msg::new("memory-no-swap"));
    }
    let page = run.host.page_size as f64;
    let used = 1.0 - free as f64 / total as f64;
    let swap_in = facts.vm_rate("pswpin").map(|pages| pages * page);
    let moving = swap_in.is_some_and(|bytes| bytes >= run.threshold("memory.swap-rate").max(1.0));
    let verdict = if moving || used >= run.threshold("memory.swap-used") { Verdict::Watch } else { Verdict::Ok };
    let mut cell = Cell::measured(SWAP, verdict, Quantity::ratio(used));
    cell.instances = swaps
        .value()
        .into_iter()
        .flat_map(|swaps| &swaps.0)
        .map(|swap| {
            let share = if swap.size == 0 { 0.0 } else { swap.used as f64 / swap.size as f64 };
            Instance::new(swap.path.clone(), Quantity::ratio(share), Verdict::Ok)
                .detail("size_bytes", Quantity::bytes(swap.size as f64))
                .detail("used_bytes", Quantity::bytes(swap.used as f64))
        })
        .collect();
    let by_hand = "grep Swap /proc/meminfo";
    cell.evidence.push(Evidence::new("/proc/meminfo", "SwapFree", Quantity::bytes(free as f64)).by_hand(by_hand));
    for key in ["pswpin", "pswpout"] {
        match facts.vm_rate(key) {
            Some(rate) => cell.evidence.push(vm_evidence(key, rate)),
            None => cell.note = Some(no_rate(facts)),
        }
    }
    cell.culprits = swapped(run);
    cell
}

fn no_rate(facts: &Facts) -> Msg {
    let missing = facts.vmstat.why_missing().cloned();
    crate::message::missing(&missing.unwrap_or_else(|| Missing::new(Why::Absent, "/proc/vmstat: pswpin")))
}

/// Of the largest processes those with the most in swap.
fn swapped(run: &Run) -> Vec<Entity> {
    use perfuse_format::proc::meminfo::SmapsRollup;
    let Some(tasks) = run.tasks.value() else { return Vec::new() };
    let mut found: Vec<(u64, Entity)> = tasks
        .processes
        .values()
        .filter(|used| run.in_scope(used.task.pid))
        .filter_map(|used| {
            let pid = used.task.pid;
            let swap = latest::<SmapsRollup>(run, &format!("/proc/{pid}/smaps_rollup"))?.swap_pss;
            let detail = Msg::new("memory-user-swap").with("swap", Quantity::bytes(swap as f64));
            (swap > 0).then(|| (swap, Entity::process(pid, used.task.comm.clone()).detail(detail)))
        })
        .collect();
    found.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.pid.cmp(&b.1.pid)));
    found.into_iter().take(5).map(|(_, entity)| entity).collect()
}
