//! Storage: taken by others, withheld by a limit, or full.

use anyhow::Result;

use crate::zoo::case::{Case, Family, Knob, Staged, Truth, Who};
use crate::zoo::world::{Launch, World};

const fn case(name: &'static str, what: &'static str, stage: fn(&mut World, &mut Knob) -> Result<Staged>) -> Case {
    Case { name, family: Family::Disk, what, stage }
}

/// The cases.
pub(super) const CASES: &[Case] = &[
    case("disk-hog", "another process keeps the queue of the device full with writes", |world, knob| {
        hog(world, knob, 0)
    }),
    case("disk-reader", "another process keeps the queue of the device full with reads", |world, knob| {
        hog(world, knob, 1)
    }),
    case("journal-hog", "another process makes the filesystem commit its journal without end", journal),
    case("io-throttle", "the cgroup of the victim may write only so many bytes a second", |world, knob| {
        throttle(world, 0, "write_bps_device", "wbps", knob.by(600_000, 300_000, 100_000))
    }),
    case("io-throttle-reads", "the cgroup of the victim may make only so many reads a second", |world, knob| {
        throttle(world, 1, "read_iops_device", "riops", knob.by(80, 50, 20))
    }),
    case("disk-full", "another process fills the filesystem", full),
    case("dirty-limit", "the host may keep hardly any dirty pages", dirty),
];

fn hog(world: &mut World, knob: &mut Knob, read: u32) -> Result<Staged> {
    let disk = world.filesystem(300)?;
    let words = format!("store path={}/orders mib=32 read={read} period_us={}", disk.mount, knob.around(10_000));
    let victim = world.victim(&Launch::new("shop", &words))?;
    let threads = knob.by(12, 32, 64);
    Staged::new(victim, move |world| {
        let words = format!("pour path={}/dump mib=128 threads={threads} size=1048576 read={read}", disk.mount);
        let pid = world.start(&Launch::new("backup", &words))?;
        Ok(Truth::new(&["disk.saturation"], vec![Who::Pid(pid)]))
    })
}

fn journal(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let disk = world.filesystem(300)?;
    let words = format!("create path={} size=8192 period_us={}", disk.mount, knob.around(20_000));
    let victim = world.victim(&Launch::new("shop", &words))?;
    let size = knob.by(4, 8, 16);
    Staged::new(victim, move |world| {
        let words = format!("create path={}/lost+found size={} period_us=1000", disk.mount, size << 20);
        let pid = world.start(&Launch::new("mailer", &words))?;
        Ok(Truth::new(&["disk.saturation"], vec![Who::Pid(pid), Who::Device(disk.device)]))
    })
}

fn throttle(world: &mut World, read: u32, v1: &'static str, v2: &'static str, limit: u64) -> Result<Staged> {
    let disk = world.filesystem(120)?;
    let cgroup = world.cgroup("blkio", "shop")?;
    let words = format!("store path={}/orders mib=32 read={read} period_us=10000 size=8192", disk.mount);
    let victim = world.victim(&Launch::new("shop", &words).within(&cgroup))?;
    Staged::new(victim, move |_| {
        let number = &disk.number;
        cgroup.set(
            (&format!("blkio.throttle.{v1}"), &format!("{number} {limit}")),
            ("io.max", &format!("{number} {v2}={limit}")),
        )?;
        Ok(Truth::new(&["control.io-throttle"], vec![Who::Cgroup(cgroup.path)]))
    })
}

fn full(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let disk = world.filesystem(300)?;
    let words = format!("create path={} size={} keep=1000000 period_us=20000", disk.mount, knob.around(64 << 10));
    let victim = world.victim(&Launch::new("shop", &words))?;
    Staged::new(victim, move |world| {
        let pid = world.start(&Launch::new("export", &format!("fill path={}/export", disk.mount)))?;
        let culprits = vec![Who::Mount(disk.mount), Who::Device(disk.device), Who::Pid(pid)];
        Ok(Truth::new(&["capacity.errors"], culprits))
    })
}

fn dirty(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let size = knob.around(2 << 20);
    let words = format!("create path={} size={size} period_us=20000 buffered=1", world.path(""));
    let victim = world.victim(&Launch::new("shop", &words))?;
    let pid = victim.pid;
    let bytes = knob.by(4 << 20, 2 << 20, 1 << 20);
    Staged::new(victim, move |world| {
        // Writing the number of bytes sets the ratio to 0, and the other way round: the ratio is what comes back.
        world.keep("/proc/sys/vm/dirty_ratio")?;
        world.keep("/proc/sys/vm/dirty_background_ratio")?;
        std::fs::write("/proc/sys/vm/dirty_background_bytes", (bytes / 2).to_string())?;
        std::fs::write("/proc/sys/vm/dirty_bytes", bytes.to_string())?;
        Ok(Truth::new(
            &["control.dirty-limit"],
            vec![Who::Kernel("dirty".to_owned()), Who::Device("vda".to_owned()), Who::Pid(pid)],
        ))
    })
}
