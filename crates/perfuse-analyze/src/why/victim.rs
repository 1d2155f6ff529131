//! Who is slow: from what the user named to the processes that it is.

use std::collections::BTreeSet;

use perfuse_format::Reading;
use perfuse_format::cgroup::ancestors;
use perfuse_format::netlink::sockdiag::{TcpSockets, state};
use perfuse_format::sys::net::SocketOwners;
use perfuse_format::tasks::TaskTable;

use super::Victim;
use crate::cell::{Entity, EntityKind};
use crate::listening::{self, Look, Place};
use crate::message::Msg;
use crate::run::{Run, cgroup_named, cgroup_of_unit};

/// What the user named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Select {
    /// Nobody: the whole host.
    Host,
    /// These processes.
    Pids(Vec<u32>),
    /// A process and all that descend from it, ended ones included.
    Tree(u32),
    /// A cgroup and what is below it, by path.
    Cgroup(String),
    /// The cgroup of a systemd unit, with or without `.service`.
    Unit(String),
    /// Whoever listens on this TCP port.
    Port(u16),
    /// Whoever receives at this UDP port, connected to nobody.
    Datagrams(u16),
    /// Whoever listens at this local socket: a path, or `@` and a name of no file.
    Local(String),
    /// The processes of this name, as `/proc/PID/comm` has it (of a longer name, its first 15 bytes), and what they started.
    Command(String),
}

impl Victim {
    /// Finds the processes; a message that says what is not there otherwise.
    pub fn select(run: &Run, select: &Select) -> Result<Self, Msg> {
        match select {
            Select::Host => Ok(Self::default()),
            Select::Pids(pids) => of_pids(run, pids),
            Select::Tree(pid) => Ok(tree(run, *pid)),
            Select::Cgroup(path) => of_group(run, &cgroup_named(run.snapshots, path)?),
            Select::Unit(unit) => of_group(run, &cgroup_of_unit(run.snapshots, unit)?),
            Select::Port(port) => of_port(run, *port),
            Select::Datagrams(port) => {
                let at = |place: &Place| matches!(place, Place::Udp(address) if address.port() == *port);
                of_sockets(run, listening::datagrams(run.snapshots), at, format!(":{port}/udp"))
            }
            Select::Local(path) => {
                let at = |place: &Place| matches!(place, Place::Local(name) if name == path);
                of_sockets(run, listening::local(run.snapshots), at, path.clone())
            }
            Select::Command(name) => of_command(run, name),
        }
    }
}

fn entity(run: &Run, pid: u32) -> Entity {
    let used = run.tasks.value().and_then(|tasks| tasks.processes.get(&pid));
    Entity::process(pid, used.map_or_else(|| pid.to_string(), |used| used.task.comm.clone()))
}

/// Whether any snapshot saw the process.
fn seen(run: &Run, pid: u32) -> bool {
    run.tasks.value().is_some_and(|tasks| tasks.processes.contains_key(&pid))
        || run.snapshots.iter().any(|snapshot| snapshot.has(&format!("/proc/{pid}/stat")))
}

fn of_pids(run: &Run, pids: &[u32]) -> Result<Victim, Msg> {
    if let Some(pid) = pids.iter().find(|pid| !seen(run, **pid)) {
        return Err(Msg::new("error-no-process").with("pid", pid.to_string()));
    }
    Ok(Victim { pids: pids.iter().copied().collect(), entity: pids.first().map(|pid| entity(run, *pid)) })
}

/// Parents are looked up in every snapshot: a child whose parent has ended is given to another one.
fn tree(run: &Run, root: u32) -> Victim {
    let mut pids = BTreeSet::from([root]);
    for table in run.snapshots.iter().filter_map(|snapshot| TaskTable::from_raw(snapshot).into_value()) {
        let mut grew = true;
        while grew {
            let children = table.processes.values().filter(|task| pids.contains(&task.ppid)).map(|task| task.pid);
            let new: Vec<u32> = children.filter(|pid| !pids.contains(pid)).collect();
            grew = !new.is_empty();
            pids.extend(new);
        }
    }
    Victim { pids, entity: Some(entity(run, root)) }
}

fn of_group(run: &Run, path: &str) -> Result<Victim, Msg> {
    let inside = |groups: &perfuse_format::proc::pid::PidCgroup| {
        groups.entries.iter().any(|(_, group)| ancestors(group).any(|up| up == path))
    };
    let pids: BTreeSet<u32> =
        run.pid_cgroups.iter().filter(|(_, groups)| inside(groups)).map(|(pid, _)| *pid).collect();
    if pids.is_empty() {
        return Err(Msg::new("error-empty-cgroup").with("path", path));
    }
    Ok(Victim { pids, entity: Some(Entity::cgroup(path)) })
}

fn of_command(run: &Run, name: &str) -> Result<Victim, Msg> {
    let short = name.as_bytes().get(..15).unwrap_or(name.as_bytes());
    let tasks = run.tasks.value().map(|tasks| tasks.processes.values());
    let named = tasks.into_iter().flatten().filter(|used| !used.ended && used.task.comm.as_bytes() == short);
    let pids: Vec<u32> = named.map(|used| used.task.pid).collect();
    let Some(first) = pids.first() else {
        return Err(Msg::new("error-no-command").with("name", name));
    };
    let all = pids.iter().flat_map(|pid| tree(run, *pid).pids).collect();
    Ok(Victim { pids: all, entity: Some(entity(run, *first)) })
}

fn of_port(run: &Run, port: u16) -> Result<Victim, Msg> {
    let owners = run.last::<SocketOwners>("@net/owners").into_value().unwrap_or_default();
    let sockets = match run.last::<TcpSockets>("@netlink/listen") {
        Reading::Value(sockets) => sockets.0,
        Reading::Missing(missing) => {
            return Err(Msg::new("error-no-sockets").with("reason", crate::message::missing(&missing)));
        }
    };
    let listening: Vec<_> =
        sockets.iter().filter(|socket| socket.state == state::LISTEN && socket.local.port() == port).collect();
    let pids: BTreeSet<u32> =
        listening.iter().filter_map(|socket| owners.0.get(&u64::from(socket.inode)).copied()).collect();
    let Some(first) = listening.first() else {
        return Err(Msg::new("error-no-listener").with("port", port.to_string()));
    };
    if pids.is_empty() {
        return Err(Msg::new("error-no-owner").with("port", port.to_string()));
    }
    Ok(at_socket(run, &pids, &first.local.to_string()))
}

/// Whoever has one of the sockets of a kind open that are at the place.
fn of_sockets(run: &Run, look: Reading<Look>, at: impl Fn(&Place) -> bool, shown: String) -> Result<Victim, Msg> {
    let sockets = look.into_value().map(|look| look.sockets).unwrap_or_default();
    let pids: BTreeSet<u32> = sockets.iter().filter(|one| at(&one.place)).filter_map(|one| one.pid).collect();
    if pids.is_empty() {
        return Err(Msg::new("error-no-socket").with("name", shown));
    }
    Ok(at_socket(run, &pids, &shown))
}

/// Processes that have a socket open, of which there is one at least, and what they started.
fn at_socket(run: &Run, pids: &BTreeSet<u32>, place: &str) -> Victim {
    // Its workers answer too.
    let mut all = pids.clone();
    for pid in pids {
        all.extend(tree(run, *pid).pids);
    }
    let name = pids.first().map(|pid| entity(run, *pid).name).unwrap_or_default();
    let entity = Entity {
        pid: pids.first().copied(),
        // Who it is says more than where it can be reached.
        ..Entity::new(EntityKind::Listener, format!("{name} ({place})"))
    };
    Victim { pids: all, entity: Some(entity) }
}
