//! Waiting for each other inside a process, or inside the kernel.

use anyhow::Result;

use crate::zoo::case::{Case, Family, Knob, Staged, Truth, Who};
use crate::zoo::world::{Launch, World};

const fn case(name: &'static str, what: &'static str, stage: fn(&mut World, &mut Knob) -> Result<Staged>) -> Case {
    Case { name, family: Family::Locks, what, stage }
}

/// The cases.
pub(super) const CASES: &[Case] = &[
    case("sleeping-holder", "a thread of the victim sleeps while it holds the lock of all others", sleeper),
    case("lock-behind-disk", "who holds the lock waits for a disk that another process keeps busy", behind),
    case("busy-holder", "the victim computes longer under the lock of all its threads", holder),
];

fn sleeper(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let control = world.control();
    let words = format!("lock threads=4 period_us={} {}", knob.around(10_000), control.word());
    let victim = world.victim(&Launch::new("shop", &words))?;
    let (pid, millis) = (victim.pid, knob.by(20, 50, 120));
    Staged::new(victim, move |_| {
        control.tell(millis)?;
        Ok(Truth::new(&["user-lock.saturation"], vec![Who::Pid(pid)]))
    })
}

fn behind(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let disk = world.filesystem(300)?;
    let words = format!("lock threads=4 path={}/ledger period_us={}", disk.mount, knob.around(20_000));
    let victim = world.victim(&Launch::new("shop", &words))?;
    let threads = knob.by(12, 32, 64);
    Staged::new(victim, move |world| {
        let words = format!("pour path={}/dump mib=128 threads={threads} size=1048576", disk.mount);
        let pid = world.start(&Launch::new("backup", &words))?;
        Ok(Truth::new(&["disk.saturation"], vec![Who::Pid(pid)]))
    })
}

fn holder(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let control = world.control();
    let words = format!("lock threads=8 period_us={} mode=burn {}", knob.around(20_000), control.word());
    let victim = world.victim(&Launch::new("shop", &words))?;
    let (pid, micros) = (victim.pid, knob.by(2_200, 3_000, 5_000));
    Staged::new(victim, move |_| {
        control.tell(micros)?;
        // All that the process does is done under one lock, on one CPU at a time: both are the truth.
        Ok(Truth::new(&["user-lock.saturation", "cpu.utilization"], vec![Who::Pid(pid)]))
    })
}
