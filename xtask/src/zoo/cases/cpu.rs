//! The CPU: taken by others, by oneself, or withheld by a limit.

use anyhow::Result;

use crate::tools;
use crate::zoo::case::{Case, Family, Knob, Staged, Truth, Who};
use crate::zoo::world::{Launch, World};

const fn case(name: &'static str, what: &'static str, stage: fn(&mut World, &mut Knob) -> Result<Staged>) -> Case {
    Case { name, family: Family::Cpu, what, stage }
}

/// The cases.
pub(super) const CASES: &[Case] = &[
    case("cpu-hog", "another process computes on every CPU", |world, knob| neighbour(world, knob, "user", "")),
    case("syscall-storm", "another process makes system calls without end", |world, knob| {
        neighbour(world, knob, "calls", "")
    }),
    case("fault-storm", "another process maps and touches new memory without end", |world, knob| {
        neighbour(world, knob, "faults", "")
    }),
    case("nice-neighbour", "another process computes with a nice value of -5", |world, knob| {
        neighbour(world, knob, "user", "nice -n -5")
    }),
    case("short-lived", "another process starts programs without end", short_lived),
    case("many-workers", "thirty processes compute a little each", many),
    case("low-weight", "the victim's cgroup has a small weight, and another process computes", weight),
    case("realtime-neighbour", "a real-time process takes most of each CPU", realtime),
    case("hot-thread", "all requests go through one thread, which gets more to do", hot_thread),
    case("own-work", "each operation of the victim computes far more", |world, knob| own(world, knob, "user")),
    case("own-calls", "each operation of the victim makes far more system calls", |world, knob| {
        own(world, knob, "calls")
    }),
    case("cpu-quota", "the CFS quota of the victim's cgroup is lowered", quota),
    case("affinity-funnel", "all threads of the victim are bound to one CPU", funnel),
    case("cpuset", "the cpuset of the victim's cgroup is cut to one CPU", cpuset),
    case("affinity-neighbour", "victim and a busy process are bound to the same CPU", crowd),
    case("frozen", "the victim's cgroup is frozen", frozen),
];

/// A victim that computes a quarter of the time in each of two threads.
fn worker(knob: &mut Knob) -> Launch {
    let work = knob.around(1200);
    Launch::new("shop", &format!("work threads=2 period_us=5000 work_us={work}"))
}

fn neighbour(world: &mut World, knob: &mut Knob, mode: &'static str, by: &'static str) -> Result<Staged> {
    let victim = world.victim(&worker(knob))?;
    let threads = knob.by(4, 8, 16);
    Staged::new(victim, move |world| {
        let hog = world.start(&Launch::new("batch", &format!("hog threads={threads} mode={mode}")).by(by))?;
        Ok(Truth::new(&["cpu.saturation"], vec![Who::Pid(hog)]))
    })
}

fn short_lived(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let victim = world.victim(&worker(knob))?;
    let threads = knob.by(4, 8, 16);
    Staged::new(victim, move |world| {
        let spawner = world.start(&Launch::new("cron", &format!("spawn threads={threads}")))?;
        Ok(Truth::new(&["cpu.saturation"], vec![Who::Pid(spawner)]))
    })
}

fn many(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let victim = world.victim(&worker(knob))?;
    let share = knob.by(8, 15, 30);
    Staged::new(victim, move |world| {
        let worker = Launch::new("worker", &format!("hog share={share}"));
        let workers: Vec<Who> = (0..30).map(|_| world.start(&worker).map(Who::Pid)).collect::<Result<_>>()?;
        Ok(Truth::new(&["cpu.saturation"], workers))
    })
}

fn weight(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let cgroup = world.cgroup("cpu", "shop")?;
    let shares = knob.by(100, 30, 10);
    cgroup.set(("cpu.shares", &shares.to_string()), ("cpu.weight", &(shares / 10).to_string()))?;
    let victim = world.victim(&worker(knob).within(&cgroup))?;
    Staged::new(victim, move |world| {
        let hog = world.start(&Launch::new("batch", "hog threads=4"))?;
        Ok(Truth::new(&["cpu.saturation"], vec![Who::Pid(hog)]))
    })
}

fn realtime(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let victim = world.victim(&worker(knob))?;
    let share = knob.by(50, 65, 80);
    Staged::new(victim, move |world| {
        let hog = Launch::new("audio", &format!("hog threads=2 share={share}")).by("chrt -f 10");
        Ok(Truth::new(&["cpu.saturation"], vec![Who::Pid(world.start(&hog)?)]))
    })
}

fn hot_thread(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let control = world.control();
    let words = format!("relay threads=4 period_us=20000 work_us={} {}", knob.around(800), control.word());
    let victim = world.victim(&Launch::new("shop", &words))?;
    let (pid, extra) = (victim.pid, knob.by(4_000, 4_600, 6_000));
    Staged::new(victim, move |_| {
        control.tell(extra)?;
        Ok(Truth::new(&["cpu.utilization"], vec![Who::Pid(pid)]))
    })
}

fn own(world: &mut World, knob: &mut Knob, mode: &str) -> Result<Staged> {
    let control = world.control();
    let words = format!("work period_us=20000 work_us={} mode={mode} {}", knob.around(800), control.word());
    let victim = world.victim(&Launch::new("shop", &words))?;
    let (pid, extra) = (victim.pid, knob.by(12_000, 18_000, 25_000));
    Staged::new(victim, move |_| {
        control.tell(extra)?;
        Ok(Truth::new(&["cpu.utilization"], vec![Who::Pid(pid)]))
    })
}

fn quota(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let cgroup = world.cgroup("cpu", "shop")?;
    let victim = world.victim(&worker(knob).within(&cgroup))?;
    let micros = knob.by(35_000, 22_000, 10_000);
    Staged::new(victim, move |_| {
        cgroup.set(("cpu.cfs_quota_us", &micros.to_string()), ("cpu.max", &format!("{micros} 100000")))?;
        Ok(Truth::new(&["control.cpu-quota"], vec![Who::Cgroup(cgroup.path)]))
    })
}

fn bind(pid: u32) -> Result<()> {
    tools::run_quiet(std::process::Command::new("taskset").args(["-a", "-c", "-p", "0", &pid.to_string()]))
}

fn funnel(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let words = format!("work threads=4 period_us=8000 work_us={}", knob.by(2_050, 2_300, 2_800));
    let victim = world.victim(&Launch::new("shop", &words))?;
    let pid = victim.pid;
    Staged::new(victim, move |_| {
        bind(pid)?;
        Ok(Truth::new(&["control.cpuset"], vec![Who::Pid(pid)]))
    })
}

fn cpuset(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let cgroup = world.cgroup("cpuset", "shop")?;
    let words = format!("work threads=4 period_us=8000 work_us={}", knob.by(2_050, 2_300, 2_800));
    let victim = world.victim(&Launch::new("shop", &words).within(&cgroup))?;
    let pid = victim.pid;
    Staged::new(victim, move |_| {
        cgroup.set(("cpuset.cpus", "0"), ("cpuset.cpus", "0"))?;
        Ok(Truth::new(&["control.cpuset"], vec![Who::Cgroup(cgroup.path), Who::Pid(pid)]))
    })
}

fn crowd(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let victim = world.victim(&worker(knob))?;
    let (pid, threads) = (victim.pid, knob.by(1, 2, 4));
    Staged::new(victim, move |world| {
        bind(pid)?;
        let hog = world.start(&Launch::new("batch", &format!("hog threads={threads}")).by("taskset -c 0"))?;
        Ok(Truth::new(&["control.cpuset", "cpu.saturation"], vec![Who::Pid(hog), Who::Pid(pid)]))
    })
}

fn frozen(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let cgroup = world.cgroup("freezer", "shop")?;
    let victim = world.victim(&worker(knob).within(&cgroup))?;
    Staged::new(victim, move |world| {
        let (file, value, thawed) =
            if cgroup.v2 { ("cgroup.freeze", "1", "0") } else { ("freezer.state", "FROZEN", "THAWED") };
        world.set_back(&cgroup.directory.join(file), value, thawed)?;
        Ok(Truth::new(&["control.cgroup-freezer"], vec![Who::Cgroup(cgroup.path)]))
    })
}
