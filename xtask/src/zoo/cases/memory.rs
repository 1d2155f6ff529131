//! Memory that a limit withholds.

use anyhow::Result;

use crate::zoo::case::{Case, Family, Knob, Staged, Truth, Who};
use crate::zoo::world::{Cgroup, Launch, World};

const fn case(name: &'static str, what: &'static str, stage: fn(&mut World, &mut Knob) -> Result<Staged>) -> Case {
    Case { name, family: Family::Memory, what, stage }
}

/// The cases.
pub(super) const CASES: &[Case] = &[
    case("swap-leak", "another process of the victim's cgroup leaks until the cgroup swaps (to zram)", leak),
    case("swap-thrash", "the memory limit of the victim's cgroup is lowered below what it uses (zram swap)", thrash),
    case("cache-thrash", "the memory limit of the victim's cgroup leaves no room for the files that it reads", cache),
];

fn limit(cgroup: &Cgroup, mib: u64) -> Result<()> {
    let bytes = (mib << 20).to_string();
    cgroup.set(("memory.limit_in_bytes", &bytes), ("memory.max", &bytes))
}

fn leak(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    world.swap(2048)?;
    let cgroup = world.cgroup("memory", "shop")?;
    limit(&cgroup, 120)?;
    let words = format!("touch mib=80 pages={} period_us=10000", knob.around(300));
    let victim = world.victim(&Launch::new("shop", &words).within(&cgroup))?;
    let rate = knob.by(60, 100, 150);
    Staged::new(victim, move |world| {
        let leaking = Launch::new("report", &format!("leak mib={rate} most=1500")).within(&cgroup);
        let pid = world.start(&leaking)?;
        Ok(Truth::new(&["control.memory-limit", "memory.saturation"], vec![Who::Cgroup(cgroup.path), Who::Pid(pid)]))
    })
}

fn thrash(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    world.swap(512)?;
    let cgroup = world.cgroup("memory", "shop")?;
    limit(&cgroup, 160)?;
    let words = format!("touch mib=80 pages={} period_us=10000", knob.around(200));
    let victim = world.victim(&Launch::new("shop", &words).within(&cgroup))?;
    let mib = knob.by(65, 50, 35);
    Staged::new(victim, move |_| {
        limit(&cgroup, mib)?;
        Ok(Truth::new(&["control.memory-limit"], vec![Who::Cgroup(cgroup.path)]))
    })
}

fn cache(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let cgroup = world.cgroup("memory", "shop")?;
    limit(&cgroup, 200)?;
    let words = format!("read path={} mib=80 reads={} period_us=10000", world.path("data"), knob.around(6));
    let victim = world.victim(&Launch::new("shop", &words).within(&cgroup))?;
    let mib = knob.by(48, 32, 16);
    Staged::new(victim, move |_| {
        limit(&cgroup, mib)?;
        Ok(Truth::new(&["control.memory-limit"], vec![Who::Cgroup(cgroup.path)]))
    })
}
