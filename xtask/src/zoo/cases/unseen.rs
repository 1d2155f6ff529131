//! Cases that were written when the rules were done, to see how the rules do on what they were not written for.

use std::process::Command;

use anyhow::Result;

use crate::tools;
use crate::zoo::case::{Case, Family, Knob, Staged, Truth, Who};
use crate::zoo::world::{self, Launch, Network, World};

const fn case(
    family: Family,
    name: &'static str,
    what: &'static str,
    stage: fn(&mut World, &mut Knob) -> Result<Staged>,
) -> Case {
    Case { name, family, what, stage }
}

/// The cases.
pub(super) const CASES: &[Case] = &[
    case(Family::Cpu, "burst-hog", "another process computes on every CPU for a part of every two seconds", bursts),
    case(Family::Cpu, "rt-runtime", "the cgroup of the real-time victim may run for less of each second", runtime),
    case(Family::Cpu, "stop-flapping", "the victim is stopped and continued by signals", flapping),
    case(Family::Memory, "address-space", "the victim may not have as much address space as it asks for", space),
    case(Family::Disk, "tmpfs-full", "another process fills the tmpfs that the victim writes to", tmpfs),
    case(Family::Disk, "sync-neighbours", "many processes append to files of the same filesystem and sync them", syncs),
    case(Family::Network, "dns-silence", "answers to datagrams do not come back any more", silence),
    case(Family::Limits, "user-processes", "the user of the victim may not have another process (EAGAIN)", processes),
    case(
        Family::Locks,
        "file-lock",
        "another process sleeps with the lock of a file that the victim locks too",
        file_lock,
    ),
    case(
        Family::Locks,
        "semaphore",
        "another process sleeps with the System V semaphore that the victim takes",
        semaphore,
    ),
    case(Family::Services, "full-pipe", "the reader of the victim's pipe is slower than the victim", pipe),
    case(Family::Services, "stopped-tcp-server", "a TCP server of this host is stopped by a signal", stopped_tcp),
    case(Family::Services, "slow-accept-local", "a server accepts connections at its local socket slowly", accept),
    case(
        Family::Services,
        "flapping-server",
        "a server of this host is stopped and continued by signals",
        flapping_server,
    ),
    case(Family::Healthy, "quiet-peer", "a thread of the victim waits for a server that has nothing to tell", quiet),
    case(Family::Healthy, "idle-consumer", "the victim waits for work most of the time", idle_consumer),
    case(Family::Healthy, "full-elsewhere", "another process fills a tmpfs that nobody else uses", full_elsewhere),
];

fn worker(knob: &mut Knob) -> Launch {
    Launch::new("shop", &format!("work threads=2 period_us=5000 work_us={}", knob.around(1200)))
}

fn bursts(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let victim = world.victim(&worker(knob))?;
    let share = knob.by(25, 40, 60);
    Staged::new(victim, move |world| {
        let hog = world.start(&Launch::new("cron", &format!("hog threads=6 period_ms=2000 share={share}")))?;
        Ok(Truth::new(&["cpu.saturation"], vec![Who::Pid(hog)]))
    })
}

fn runtime(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let cgroup = world.cgroup("cpu", "shop")?;
    anyhow::ensure!(!cgroup.v2, "cgroups of version 2 have no limit of real-time work");
    std::fs::write(cgroup.directory.join("cpu.rt_runtime_us"), "900000")?;
    let victim = world.victim(&worker(knob).within(&cgroup).by("chrt -f 5"))?;
    let micros = knob.by(120_000, 80_000, 40_000);
    Staged::new(victim, move |_| {
        std::fs::write(cgroup.directory.join("cpu.rt_runtime_us"), micros.to_string())?;
        Ok(Truth::new(&["control.cpu-quota", "control.rt-runtime"], vec![Who::Cgroup(cgroup.path)]))
    })
}

/// Whoever stops and continues a process.
fn flap(knob: &Knob, pid: u32) -> Launch {
    let (stop, go) = knob.by((150, 150), (250, 120), (600, 100));
    Launch::new("nanny", &format!("flap pid={pid} stop_ms={stop} go_ms={go}"))
}

fn flapping(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let victim = world.victim(&worker(knob))?;
    let (pid, nanny) = (victim.pid, flap(knob, victim.pid));
    Staged::new(victim, move |world| {
        let sender = world.start(&nanny)?;
        Ok(Truth::new(&["tasks.saturation", "control.stop-signal"], vec![Who::Pid(pid), Who::Pid(sender)]))
    })
}

fn space(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let words = format!("grow mib={} period_us=10000", knob.around(200));
    let victim = world.victim(&Launch::new("shop", &words))?;
    let pid = victim.pid;
    Staged::new(victim, move |_| {
        let limit = format!("--as={}", 100 << 20);
        tools::run_quiet(Command::new("prlimit").args(["--pid", &pid.to_string(), &limit]))?;
        Ok(Truth::new(&["memory.errors", "control.address-space"], vec![Who::Pid(pid)]))
    })
}

/// A tmpfs of its own, of `mib`.
fn small_tmpfs(world: &mut World, mib: u64) -> Result<String> {
    let mount = world.path("spool");
    std::fs::create_dir_all(&mount)?;
    world.run(&format!("mount -t tmpfs -o size={mib}m spool {mount}"), &format!("umount {mount}"))?;
    Ok(mount)
}

fn tmpfs(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let mount = small_tmpfs(world, 64)?;
    let words = format!("create path={mount} size={} keep=1000000 period_us=20000", knob.around(16 << 10));
    let victim = world.victim(&Launch::new("shop", &words))?;
    Staged::new(victim, move |world| {
        let pid = world.start(&Launch::new("export", &format!("fill path={mount}/export")))?;
        Ok(Truth::new(&["capacity.errors"], vec![Who::Mount(mount), Who::Pid(pid)]))
    })
}

fn syncs(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let disk = world.filesystem(300)?;
    let words = format!("create path={} size=8192 period_us={}", disk.mount, knob.around(20_000));
    let victim = world.victim(&Launch::new("shop", &words))?;
    let count = knob.by(8, 16, 24);
    Staged::new(victim, move |world| {
        let mut culprits = vec![Who::Device(disk.device)];
        for number in 0..count {
            let directory = format!("{}/mail-{number}", disk.mount);
            std::fs::create_dir(&directory)?;
            let words = format!("create path={directory} size=65536 period_us=5000");
            culprits.push(Who::Pid(world.start(&Launch::new("mailer", &words))?));
        }
        Ok(Truth::new(&["disk.saturation"], culprits))
    })
}

fn silence(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let network = world.network()?;
    let address = format!("{}:5300", network.theirs);
    let server = Launch::new("named", &format!("echo address={address}"));
    world.start(&server.by(&format!("ip netns exec {}", network.namespace)))?;
    world::sleep(std::time::Duration::from_millis(300))?;
    let words = format!("resolve address={address} period_us={}", knob.around(20_000));
    let victim = world.victim(&Launch::new("shop", &words))?;
    Staged::new(victim, move |world| {
        let Network { namespace, theirs, .. } = network;
        world.run(&format!("ip -n {namespace} route add blackhole 10.213.77.1/32"), "")?;
        Ok(Truth::new(&["network.saturation", "dependency.saturation"], vec![Who::Address(theirs)]))
    })
}

fn processes(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    world::open_to_all(&world.scratch)?;
    let words = format!("fork period_us={}", knob.around(40_000));
    let user = "setpriv --reuid=61234 --regid=61234 --clear-groups";
    let victim = world.victim(&Launch::new("shop", &words).by(user))?;
    let pid = victim.pid;
    Staged::new(victim, move |_| {
        // Its own two threads, and no child.
        let limit = format!("{user} prlimit --pid {pid} --nproc=2:2");
        tools::run_quiet(Command::new("setpriv").args(limit.split(' ').skip(1)))?;
        Ok(Truth::new(&["tasks.errors", "control.nproc"], vec![Who::Pid(pid)]))
    })
}

fn file_lock(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let path = world.path("ledger");
    let words = format!("ledger path={path} period_us={}", knob.around(10_000));
    let victim = world.victim(&Launch::new("shop", &words))?;
    let micros = knob.by(20_000, 50_000, 120_000);
    Staged::new(victim, move |world| {
        let holder = world.start(&Launch::new("auditor", &format!("auditor path={path} hold_us={micros}")))?;
        let accepted = &["kernel-lock.saturation", "user-lock.saturation", "dependency.saturation"];
        Ok(Truth::new(accepted, vec![Who::Pid(holder)]))
    })
}

fn semaphore(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let script = world.path("shop.pl");
    std::fs::write(&script, include_str!("shop.pl"))?;
    let key = 0x2a00_0000 + std::process::id();
    let perl = |role: &str, micros: u64| {
        let words = format!("setpriv --pdeathsig KILL perl {script} {role} {key} {micros}");
        words.split(' ').map(str::to_owned).collect::<Vec<_>>()
    };
    let victim = world.victim_program(&perl("victim", knob.around(10_000)))?;
    world.at_the_end(&format!("ipcrm -S {key}"))?;
    let holder = perl("holder", knob.by(20_000, 50_000, 120_000));
    Staged::new(victim, move |world| {
        let (pid, _) = world.spawn(&holder, false, &[])?;
        Ok(Truth::new(&["user-lock.saturation", "dependency.saturation"], vec![Who::Pid(pid)]))
    })
}

/// A named pipe.
fn fifo(world: &mut World) -> Result<String> {
    let path = world.path("queue");
    tools::run_quiet(Command::new("mkfifo").arg(&path))?;
    Ok(path)
}

fn pipe(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let (path, control) = (fifo(world)?, world.control());
    let reader = world.start(&Launch::new("mailer", &format!("swallow path={path} {}", control.word())))?;
    let victim = world.victim(&Launch::new("shop", &format!("feed path={path} period_us={}", knob.around(5_000))))?;
    let micros = knob.by(8_000, 15_000, 40_000);
    Staged::new(victim, move |_| {
        control.tell(micros)?;
        Ok(Truth::new(&["dependency.saturation", "queue.saturation"], vec![Who::Pid(reader)]))
    })
}

fn stopped_tcp(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let server = world.start(&Launch::new("till", &format!("server address=127.0.0.1:{port}")))?;
    world::sleep(std::time::Duration::from_millis(300))?;
    let words = format!("client address=127.0.0.1:{port} threads=2 period_us={}", knob.around(20_000));
    let victim = world.victim(&Launch::new("shop", &words))?;
    Staged::new(victim, move |_| {
        tools::run_quiet(Command::new("kill").args(["-STOP", &server.to_string()]))?;
        Ok(Truth::new(&["dependency.saturation", "control.stop-signal"], vec![Who::Pid(server)]))
    })
}

fn accept(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let (socket, control) = (world.path("till.sock"), world.control());
    let words = format!("server address={socket} mode=accept {}", control.word());
    let server = world.start(&Launch::new("till", &words))?;
    world::wait_for(&socket)?;
    let words = format!("client address={socket} connect=1 threads=4 period_us={}", knob.around(40_000));
    let victim = world.victim(&Launch::new("shop", &words))?;
    let millis = knob.by(20, 50, 120);
    Staged::new(victim, move |_| {
        control.tell(millis)?;
        let accepted = &["dependency.saturation", "control.listen-backlog"];
        Ok(Truth::new(accepted, vec![Who::Pid(server)]))
    })
}

fn flapping_server(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let socket = world.path("till.sock");
    let server = world.start(&Launch::new("till", &format!("server address={socket}")))?;
    world::wait_for(&socket)?;
    let words = format!("client address={socket} threads=2 period_us={}", knob.around(20_000));
    let victim = world.victim(&Launch::new("shop", &words))?;
    let nanny = flap(knob, server);
    Staged::new(victim, move |world| {
        let sender = world.start(&nanny)?;
        let accepted = &["dependency.saturation", "tasks.saturation", "control.stop-signal"];
        Ok(Truth::new(accepted, vec![Who::Pid(server), Who::Pid(sender)]))
    })
}

fn quiet(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let socket = world.path("news.sock");
    world.start(&Launch::new("news", &format!("server address={socket}")))?;
    world::wait_for(&socket)?;
    let words = format!("subscriber address={socket} period_us=10000 work_us={}", knob.around(800));
    let victim = world.victim(&Launch::new("shop", &words))?;
    Staged::new(victim, |_| Ok(Truth::healthy()))
}

fn idle_consumer(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let path = fifo(world)?;
    world.start(&Launch::new("orders", &format!("feed path={path} period_us={}", knob.around(20_000))))?;
    let victim = world.victim(&Launch::new("shop", &format!("consumer path={path} work_us=500")))?;
    Staged::new(victim, |_| Ok(Truth::healthy()))
}

fn full_elsewhere(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let victim = world.victim(&Launch::new("shop", &format!("work work_us={} period_us=10000", knob.around(800))))?;
    Staged::new(victim, |world| {
        let mount = small_tmpfs(world, 32)?;
        world.start(&Launch::new("export", &format!("fill path={mount}/export")))?;
        Ok(Truth::healthy())
    })
}
