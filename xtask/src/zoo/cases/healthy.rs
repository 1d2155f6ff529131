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
    case("quota-elsewhere", "another process is held back by its own quota, as is meant", elsewhere),
    case("throttle-elsewhere", "another process is held back by its own I/O limit, as is meant", trickle),
    case("sleepers", "two hundred processes sleep", sleepers),
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

fn elsewhere(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let victim = world.victim(&Launch::new("shop", &format!("work work_us={} period_us=10000", knob.around(800))))?;
    let micros = knob.by(10_000, 20_000, 30_000);
    Staged::new(victim, move |world| {
        let cgroup = world.cgroup("cpu", "batch")?;
        cgroup.set(("cpu.cfs_quota_us", &micros.to_string()), ("cpu.max", &format!("{micros} 100000")))?;
        world.start(&Launch::new("batch", "hog").within(&cgroup))?;
        Ok(Truth::healthy())
    })
}

fn trickle(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let victim = world.victim(&Launch::new("shop", &format!("work work_us={} period_us=10000", knob.around(800))))?;
    let bytes = knob.by(4_000_000, 2_000_000, 1_000_000);
    Staged::new(victim, move |world| {
        let disk = world.filesystem(120)?;
        let cgroup = world.cgroup("blkio", "batch")?;
        let number = &disk.number;
        cgroup.set(
            ("blkio.throttle.write_bps_device", &format!("{number} {bytes}")),
            ("io.max", &format!("{number} wbps={bytes}")),
        )?;
        let words = format!("pour path={}/dump mib=1 threads=2 size=65536", disk.mount);
        world.start(&Launch::new("backup", &words).within(&cgroup))?;
        Ok(Truth::healthy())
    })
}

fn sleepers(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let victim = world.victim(&Launch::new("shop", &format!("work work_us={} period_us=10000", knob.around(800))))?;
    Staged::new(victim, |world| {
        let words: Vec<String> = ["setpriv", "--pdeathsig", "KILL", "sleep", "300"].map(str::to_owned).into();
        for _ in 0..200 {
            world.spawn(&words, false, &[])?;
        }
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
