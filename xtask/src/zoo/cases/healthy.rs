//! Hosts that are busy, full or idle, and on which nobody is held up.

use anyhow::Result;

use crate::zoo::case::{Case, Family, Knob, Staged, Truth};
use crate::zoo::world::{Launch, World};

const fn case(name: &'static str, what: &'static str, stage: fn(&mut World, &mut Knob) -> Result<Staged>) -> Case {
    Case { name, family: Family::Healthy, what, stage }
}

/// The cases.
pub(super) const CASES: &[Case] = &[
    case("idle", "nothing happens", idle),
    case("busy", "the victim keeps most of each CPU busy, and nothing waits", busy),
    case("page-cache", "another process fills the page cache", cache),
    case("niced-batch", "idle-class batch work takes all CPU time that is left", batch),
    case("busy-device", "another process keeps a device busy all the time that serves others as fast as ever", device),
];

fn idle(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let victim = world.victim(&Launch::new("shop", &format!("work work_us={} period_us=20000", knob.around(500))))?;
    Staged::new(victim, |_| Ok(Truth::healthy()))
}

fn busy(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let work = knob.by(7_500, 8_000, 8_500);
    let launch = Launch::new("shop", &format!("work threads=2 work_us={work} period_us=10000 pinned=1"));
    let victim = world.victim(&launch)?;
    Staged::new(victim, |_| Ok(Truth::healthy()))
}

fn cache(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let victim = world.victim(&Launch::new("shop", &format!("work work_us={} period_us=10000", knob.around(800))))?;
    let mib = knob.by(256, 512, 1024);
    Staged::new(victim, move |world| {
        let words = format!("read path={} mib={mib} size=1048576 period_us=0", world.path("film"));
        world.start(&Launch::new("player", &words).by("taskset -c 1"))?;
        Ok(Truth::healthy())
    })
}

fn batch(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let victim = world.victim(&Launch::new("shop", &format!("work work_us={} period_us=10000", knob.around(1500))))?;
    let threads = knob.by(1, 2, 4);
    Staged::new(victim, move |world| {
        world.start(&Launch::new("batch", &format!("hog threads={threads}")).by("chrt -i 0"))?;
        Ok(Truth::healthy())
    })
}

fn device(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let disk = world.filesystem(200)?;
    let words = format!("store path={}/orders mib=32 read=1 period_us={}", disk.mount, knob.around(10_000));
    let victim = world.victim(&Launch::new("shop", &words))?;
    Staged::new(victim, move |world| {
        let words = format!("pour path={}/scan mib=64 threads=1 read=1 size=16384", disk.mount);
        world.start(&Launch::new("scrub", &words))?;
        Ok(Truth::healthy())
    })
}
