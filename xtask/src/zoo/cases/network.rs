//! Sockets, queues, and those on the other side.

use anyhow::Result;

use crate::zoo::case::{Case, Family, Knob, Staged, Truth, Who};
use crate::zoo::world::{Launch, Network, World};

const fn case(name: &'static str, what: &'static str, stage: fn(&mut World, &mut Knob) -> Result<Staged>) -> Case {
    Case { name, family: Family::Network, what, stage }
}

/// The cases.
pub(super) const CASES: &[Case] = &[
    case("listen-backlog", "the server accepts slowly, and few may wait", backlog),
    case("shaper", "a token bucket limits the interface to the other host", shaper),
    case("policer", "the interface to the other host drops what a small queue cannot hold", policer),
    case("no-answer", "packets of the other host do not come back any more", no_answer),
    case("udp-buffer", "the receive buffer of the victim holds only a few datagrams", datagrams),
    case("slow-reader", "the receiver of a stream reads slowly", reader),
    case("slow-upstream", "a server on another host takes its time", upstream),
];

/// A port that is free now.
fn port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn backlog(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let (port, control) = (port()?, world.control());
    let words = format!("server address=127.0.0.1:{port} backlog=2 mode=accept {}", control.word());
    let server = world.start(&Launch::new("till", &words))?;
    let words = format!("client address=127.0.0.1:{port} connect=1 threads=8 period_us={}", knob.around(40_000));
    let victim = world.victim(&Launch::new("shop", &words))?;
    let millis = knob.by(20, 50, 120);
    Staged::new(victim, move |_| {
        control.tell(millis)?;
        Ok(Truth::new(&["control.listen-backlog"], vec![Who::Pid(server), Who::Address(format!(":{port}"))]))
    })
}

fn shaper(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let network = world.network()?;
    let address = format!("{}:8080", network.theirs);
    let server = Launch::new("till", &format!("server address={address}"));
    world.start(&server.by(&format!("ip netns exec {}", network.namespace)))?;
    let words = format!("client address={address} request=16384 threads=2 period_us={}", knob.around(20_000));
    let victim = world.victim(&Launch::new("shop", &words))?;
    let rate = knob.by(9, 5, 2);
    Staged::new(victim, move |world| {
        let device = &network.interface;
        let words = format!("tc qdisc add dev {device} root tbf rate {rate}mbit burst 16k latency 400ms");
        world.run(&words, &format!("tc qdisc delete dev {device} root"))?;
        Ok(Truth::new(&["control.qdisc"], vec![Who::Interface(network.interface)]))
    })
}

fn policer(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let network = world.network()?;
    let address = format!("{}:8080", network.theirs);
    let server = Launch::new("till", &format!("server address={address}"));
    world.start(&server.by(&format!("ip netns exec {}", network.namespace)))?;
    let words = format!("client address={address} request=32768 threads=2 period_us={}", knob.around(40_000));
    let victim = world.victim(&Launch::new("shop", &words))?;
    let rate = knob.by(30, 20, 12);
    Staged::new(victim, move |world| {
        let device = &network.interface;
        // Segments are cut before the queue, as on the way through a real one.
        let words = format!("tc qdisc add dev {device} root tbf rate {rate}mbit burst 5k limit 5000");
        world.run(&words, &format!("tc qdisc delete dev {device} root"))?;
        Ok(Truth::new(&["network.saturation", "control.qdisc"], vec![Who::Interface(network.interface)]))
    })
}

fn no_answer(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let network = world.network()?;
    let address = format!("{}:8080", network.theirs);
    let server = Launch::new("till", &format!("server address={address}"));
    world.start(&server.by(&format!("ip netns exec {}", network.namespace)))?;
    let words = format!("client address={address} connect=1 threads=4 period_us={}", knob.around(40_000));
    let victim = world.victim(&Launch::new("shop", &words))?;
    Staged::new(victim, move |world| {
        let Network { namespace, theirs, .. } = network;
        world.run(&format!("ip -n {namespace} route add blackhole 10.213.77.1/32"), "")?;
        Ok(Truth::new(&["network.saturation", "dependency.saturation"], vec![Who::Address(theirs)]))
    })
}

fn datagrams(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let (port, control) = (port()?, world.control());
    let words = format!("datagrams address=127.0.0.1:{port} work_us=100 {}", control.word());
    let victim = world.victim(&Launch::new("shop", &words))?;
    let words = format!("burst address=127.0.0.1:{port} count={} period_us=40000", knob.around(60));
    world.start(&Launch::new("meter", &words))?;
    let (pid, bytes) = (victim.pid, knob.by(16_384, 8_192, 2_304));
    Staged::new(victim, move |_| {
        control.tell(bytes)?;
        Ok(Truth::new(&["network.saturation"], vec![Who::Pid(pid), Who::Address(format!(":{port}"))]))
    })
}

fn reader(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let (port, control) = (port()?, world.control());
    let words = format!("drain address=127.0.0.1:{port} {}", control.word());
    let reader = world.start(&Launch::new("archive", &words))?;
    let words = format!("stream address=127.0.0.1:{port} period_us={} size=65536", knob.around(4_000));
    let victim = world.victim(&Launch::new("shop", &words))?;
    let micros = knob.by(4_000, 8_000, 20_000);
    Staged::new(victim, move |_| {
        control.tell(micros)?;
        Ok(Truth::new(&["network.saturation"], vec![Who::Pid(reader)]))
    })
}

fn upstream(world: &mut World, knob: &mut Knob) -> Result<Staged> {
    let (network, control) = (world.network()?, world.control());
    let address = format!("{}:8080", network.theirs);
    let server = Launch::new("pricing", &format!("server address={address} {}", control.word()));
    let server = world.start(&server.by(&format!("ip netns exec {}", network.namespace)))?;
    let words = format!("client address={address} threads=2 period_us={}", knob.around(20_000));
    let victim = world.victim(&Launch::new("shop", &words))?;
    let micros = knob.by(15_000, 30_000, 100_000);
    Staged::new(victim, move |_| {
        control.tell(micros)?;
        Ok(Truth::new(&["dependency.saturation"], vec![Who::Address(network.theirs), Who::Pid(server)]))
    })
}
