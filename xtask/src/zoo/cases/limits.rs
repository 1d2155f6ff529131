//! Hard limits: what is refused.

use anyhow::Result;

use crate::tools;
use crate::zoo::case::{Case, Family, Knob, Staged, Truth, Who};
use crate::zoo::world::{Launch, World};

const fn case(name: &'static str, what: &'static str, stage: fn(&mut World, &mut Knob) -> Result<Staged>) -> Case {
    Case { name, family: Family::Limits, what, stage }
}

/// The cases.
pub(super) const CASES: &[Case] = &[
    case("open-files", "the victim may not open as many files as it needs (EMFILE)", files),
    case("pids-limit", "the victim's cgroup may not have another task (EAGAIN)", tasks),
    case("local-ports", "no local port is left for another connection (EADDRNOTAVAIL)", ports),
    case("inodes", "another process uses up the inodes of the filesystem (ENOSPC)", inodes),
];

fn files(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let words = format!("open files={} period_us=10000", knob.around(40));
    let victim = world.victim(&Launch::new("shop", &words))?;
    let (pid, limit) = (victim.pid, knob.by(28, 20, 12));
    Staged::new(victim, move |_| {
        let limit = format!("--nofile={limit}:{limit}");
        tools::run_quiet(std::process::Command::new("prlimit").args(["--pid", &pid.to_string(), &limit]))?;
        Ok(Truth::new(&["fds.errors", "control.nofile"], vec![Who::Pid(pid)]))
    })
}

fn tasks(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let cgroup = world.cgroup("pids", "shop")?;
    let words = format!("fork period_us={}", knob.around(40_000));
    let victim = world.victim(&Launch::new("shop", &words).within(&cgroup))?;
    let pid = victim.pid;
    Staged::new(victim, move |_| {
        // The victim's own two threads, and no child.
        cgroup.set(("pids.max", "2"), ("pids.max", "2"))?;
        Ok(Truth::new(&["tasks.errors", "control.pids-limit"], vec![Who::Cgroup(cgroup.path), Who::Pid(pid)]))
    })
}

fn ports(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let network = world.network()?;
    let inside = format!("ip netns exec {}", network.namespace);
    let address = format!("{}:8080", network.theirs);
    world.start(&Launch::new("till", &format!("server address={address}")).by(&inside))?;
    let words = format!("client address={address} connect=1 threads=2 period_us={}", knob.around(20_000));
    let victim = world.victim(&Launch::new("shop", &words).by(&inside))?;
    let (pid, last) = (victim.pid, knob.by(40_100, 40_050, 40_010));
    Staged::new(victim, move |_| {
        for setting in ["net.ipv4.tcp_tw_reuse=0".to_owned(), format!("net.ipv4.ip_local_port_range=40000\t{last}")] {
            let mut command = std::process::Command::new("ip");
            tools::run_quiet(command.args(["netns", "exec", &network.namespace, "sysctl", "-q", "-w", &setting]))?;
        }
        let culprits = vec![Who::Kernel("port".to_owned()), Who::Pid(pid)];
        Ok(Truth::new(&["network.errors", "control.ephemeral-ports"], culprits))
    })
}

fn inodes(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let disk = world.filesystem(24)?;
    let words = format!("create path={} size=2048 keep=1000000 period_us={}", disk.mount, knob.around(20_000));
    let victim = world.victim(&Launch::new("shop", &words))?;
    Staged::new(victim, move |world| {
        let pid = world.start(&Launch::new("spool", &format!("litter path={}/lost+found", disk.mount)))?;
        let culprits = vec![Who::Mount(disk.mount), Who::Device(disk.device), Who::Pid(pid)];
        Ok(Truth::new(&["capacity.errors"], culprits))
    })
}
