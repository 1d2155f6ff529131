//! Services that stand behind services, and real ones.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::tools;
use crate::zoo::case::{Case, Family, Knob, Staged, Truth, Who};
use crate::zoo::world::{self, Launch, Victim, World};

const fn case(name: &'static str, what: &'static str, stage: fn(&mut World, &mut Knob) -> Result<Staged>) -> Case {
    Case { name, family: Family::Services, what, stage }
}

/// The cases.
pub(super) const CASES: &[Case] = &[
    case("slow-server", "a server of this host sleeps before it answers", slow),
    case("stopped-server", "a server of this host is stopped by a signal", stopped),
    case("busy-server", "a server of this host computes long before it answers", busy),
    case("queue-consumer", "the consumer of the victim's queue is slower than the victim", consumer),
    case("chain-quota", "the server that the victim waits for is held back by its CFS quota", quota),
    case("chain-disk", "the server that the victim waits for waits for a disk that another process keeps busy", disk),
    case("chain-upstream", "the server that the victim waits for waits for a slow one on another host", upstream),
    case("postgres-lock", "a transaction of PostgreSQL locks a table and idles", postgres),
    case("redis-keys", "a client of Redis lists all keys over and over", redis),
    case("jvm-heap", "the live objects of a Java program fill nearly all of its heap", heap),
];

/// A client of a local server.
fn client(world: &mut World, knob: &mut Knob) -> Result<Victim> {
    let socket = world.path("till.sock");
    world::wait_for(&socket)?;
    world.victim(&Launch::new("shop", &format!("client address={socket} threads=2 period_us={}", knob.around(20_000))))
}

fn slow(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let control = world.control();
    let words = format!("server address={} {}", world.path("till.sock"), control.word());
    let server = world.start(&Launch::new("till", &words))?;
    let victim = client(world, knob)?;
    let micros = knob.by(15_000, 30_000, 100_000);
    Staged::new(victim, move |_| {
        control.tell(micros)?;
        Ok(Truth::new(&["dependency.saturation"], vec![Who::Pid(server)]))
    })
}

fn stopped(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let server = world.start(&Launch::new("till", &format!("server address={}", world.path("till.sock"))))?;
    let victim = client(world, knob)?;
    Staged::new(victim, move |_| {
        tools::run_quiet(std::process::Command::new("kill").args(["-STOP", &server.to_string()]))?;
        Ok(Truth::new(&["dependency.saturation"], vec![Who::Pid(server)]))
    })
}

fn busy(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let control = world.control();
    let words = format!("server address={} mode=burn {}", world.path("till.sock"), control.word());
    let server = world.start(&Launch::new("till", &words))?;
    let victim = client(world, knob)?;
    let micros = knob.by(12_000, 18_000, 30_000);
    Staged::new(victim, move |_| {
        control.tell(micros)?;
        Ok(Truth::new(&["cpu.utilization"], vec![Who::Pid(server)]))
    })
}

fn consumer(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let (socket, control) = (world.path("queue.sock"), world.control());
    let words = format!("drain address={socket} mode=burn work_us=200 {}", control.word());
    let consumer = world.start(&Launch::new("mailer", &words))?;
    world::wait_for(&socket)?;
    let words = format!("stream address={socket} period_us={}", knob.around(5_000));
    let victim = world.victim(&Launch::new("shop", &words))?;
    let micros = knob.by(6_500, 9_000, 20_000);
    Staged::new(victim, move |_| {
        control.tell(micros)?;
        Ok(Truth::new(&["cpu.utilization", "queue.saturation"], vec![Who::Pid(consumer)]))
    })
}

fn quota(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let cgroup = world.cgroup("cpu", "till")?;
    let words = format!("server address={} work_us=4000", world.path("till.sock"));
    world.start(&Launch::new("till", &words).within(&cgroup))?;
    let victim = client(world, knob)?;
    let micros = knob.by(25_000, 15_000, 8_000);
    Staged::new(victim, move |_| {
        cgroup.set(("cpu.cfs_quota_us", &micros.to_string()), ("cpu.max", &format!("{micros} 100000")))?;
        Ok(Truth::new(&["control.cpu-quota"], vec![Who::Cgroup(cgroup.path)]))
    })
}

fn disk(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let disk = world.filesystem(300)?;
    let words = format!("server address={} file={}/ledger", world.path("till.sock"), disk.mount);
    world.start(&Launch::new("till", &words))?;
    let victim = client(world, knob)?;
    let threads = knob.by(12, 32, 64);
    Staged::new(victim, move |world| {
        let words = format!("pour path={}/dump mib=128 threads={threads} size=1048576", disk.mount);
        let pid = world.start(&Launch::new("backup", &words))?;
        Ok(Truth::new(&["disk.saturation"], vec![Who::Pid(pid)]))
    })
}

fn upstream(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let (network, control) = (world.network()?, world.control());
    let address = format!("{}:8080", network.theirs);
    let far = Launch::new("pricing", &format!("server address={address} {}", control.word()));
    let far = world.start(&far.by(&format!("ip netns exec {}", network.namespace)))?;
    let words = format!("server address={} upstream={address}", world.path("till.sock"));
    world.start(&Launch::new("till", &words))?;
    let victim = client(world, knob)?;
    let micros = knob.by(15_000, 30_000, 100_000);
    Staged::new(victim, move |_| {
        control.tell(micros)?;
        Ok(Truth::new(&["dependency.saturation"], vec![Who::Address(network.theirs), Who::Pid(far)]))
    })
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn postgres(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let data = world.path("postgres");
    std::fs::create_dir(&data)?;
    world::open_to_all(&world.scratch)?;
    tools::run_quiet(std::process::Command::new("chown").args(["postgres", &data]))?;
    let user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"];
    let initdb = format!("initdb --auth=trust --no-sync -D {data}/data");
    tools::run_quiet(std::process::Command::new(user[0]).args(&user[1..]).args(words(&initdb)).current_dir(&data))?;
    let mut server: Vec<String> = user.iter().map(|word| (*word).to_owned()).collect();
    server.extend(words("--pdeathsig KILL postgres -c listen_addresses= -c fsync=off"));
    server.extend(words(&format!("-D {data}/data -k {data}")));
    let (server, _) = world.spawn(&server, false, &[])?;
    // Killed, it leaves shared memory behind.
    world.ask_to_end(server);
    let socket = format!("{data}/.s.PGSQL.5432");
    world::wait_for(&socket)?;
    // It listens a moment before it answers.
    world::sleep(Duration::from_millis(500))?;
    let client = format!("postgres-client socket={socket} period_us={}", knob.around(20_000));
    let victim = world.victim(&Launch::new("shop", &client))?;
    Staged::new(victim, move |world| {
        world.start(&Launch::new("admin", &format!("postgres-holder socket={socket}")))?;
        // The transaction begins.
        world::sleep(Duration::from_millis(300))?;
        let mut culprits = vec![Who::Pid(server)];
        culprits.extend(world::children(server).into_iter().map(Who::Pid));
        Ok(Truth::new(&["dependency.saturation", "user-lock.saturation"], culprits))
    })
}

fn redis(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let server = format!(
        "setpriv --pdeathsig KILL redis-server --port {port} --bind 127.0.0.1 --save  --appendonly no --enable-debug-command yes"
    );
    let server: Vec<String> = server.split(' ').map(str::to_owned).collect();
    let (server, _) = world.spawn(&server, false, &[])?;
    let address = format!("127.0.0.1:{port}");
    let end = Instant::now() + Duration::from_secs(5);
    while std::net::TcpStream::connect(&address).is_err() {
        if Instant::now() > end {
            bail!("Redis does not answer");
        }
        world::sleep(Duration::from_millis(50))?;
    }
    let keys = knob.by(200_000, 500_000, 1_000_000);
    tools::run_quiet(std::process::Command::new("redis-cli").args([
        "-p",
        &port.to_string(),
        "debug",
        "populate",
        &keys.to_string(),
    ]))?;
    let client = format!("redis-client address={address} period_us={}", knob.around(5_000));
    let victim = world.victim(&Launch::new("shop", &client))?;
    Staged::new(victim, move |world| {
        world.start(&Launch::new("admin", &format!("redis-keys address={address}")))?;
        Ok(Truth::new(&["cpu.utilization"], vec![Who::Pid(server)]))
    })
}

fn heap(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    std::fs::write(world.scratch.join("Shop.java"), include_str!("Shop.java"))?;
    tools::run_quiet(std::process::Command::new("javac").arg("Shop.java").current_dir(&world.scratch))?;
    let control = world.control();
    let java = words(&format!(
        "setpriv --pdeathsig KILL java -Xmx48m -Xms48m -XX:+UseSerialGC -cp . Shop {} {}",
        control.word().trim_start_matches("control="),
        knob.around(3_000)
    ));
    let victim = world.victim_program(&java)?;
    let (pid, kib) = (victim.pid, knob.by(42_500, 43_500, 44_200));
    Staged::new(victim, move |_| {
        control.tell(kib)?;
        Ok(Truth::new(&["cpu.utilization", "heap.saturation"], vec![Who::Pid(pid)]))
    })
}
