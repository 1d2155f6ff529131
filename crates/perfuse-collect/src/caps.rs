//! What this kernel and this user allow: each thing is tried, cheaply and without a trace, once a run.

use std::fs::File;
use std::io::{Error, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use perfuse_format::perfdata::EventAttr;
use perfuse_format::perfdata::attr::flag;
use perfuse_format::sys::capability::{Capabilities, Capability, id};
use perfuse_format::{Missing, Why};

use crate::bpf;
use crate::netlink::{Netlink, Protocol};
use crate::perf::{OpenFlags, PerfEvent};
use crate::root::Root;

/// The source of a snapshot.
pub const SOURCE: &str = "@capabilities";

/// Tries everything. What is no file is only tried on the running system itself.
pub fn probe(root: &Root) -> Capabilities {
    let mut all = Vec::new();
    if root.is_live() {
        all.extend(bpf::probe());
        all.push(perf_event());
        all.push(perf_event_hw());
        all.push(taskstats());
        all.push(sock_diag());
    }
    all.push(tracefs(root));
    all.push(psi(root));
    all.push(delayacct(root));
    all.push(schedstat(root));
    all.push(kmsg(root));
    all.push(ptrace(root));
    all.push(kallsyms(root));
    all.push(cgroup2(root));
    all.push(edac(root));
    let place = |one: &Capability| id::ALL.iter().position(|known| *known == one.id).unwrap_or(usize::MAX);
    all.sort_by_key(place);
    Capabilities(all)
}

/// The reason behind an error of the operating system.
fn missing(error: &Error, source: &str) -> Missing {
    Missing::from_errno(error.raw_os_error().unwrap_or(libc::EIO), source.to_owned()).with_detail(error.to_string())
}

/// The first `most` bytes of a file, which may be a large one of `/proc`.
fn beginning(path: &Path, most: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Available if the file can be read; else the reason.
fn readable(name: &'static str, root: &Root, path: &str) -> Capability {
    match beginning(&root.join(path), 64) {
        Ok(_) => Capability::yes(name),
        Err(error) => Capability::no(name, &missing(&error, path)),
    }
}

/// Software events of the own process.
pub fn perf_event() -> Capability {
    event(id::PERF_EVENT, 1, "software events")
}

/// Hardware cycles of the own process, in user mode: what any user may count where there is a PMU.
pub fn perf_event_hw() -> Capability {
    event(id::PERF_EVENT_HW, 0, "CPU cycles")
}

fn event(name: &'static str, kind: u32, what: &str) -> Capability {
    let attr = EventAttr { kind, flags: flag::DISABLED | flag::EXCLUDE_KERNEL, ..EventAttr::default() };
    match PerfEvent::open(&attr, 0, -1, None, OpenFlags::NONE) {
        Ok(_) => Capability::yes(name),
        Err(error) => {
            let source = format!("perf_event_open of {what}");
            Capability::no(name, &Missing::from_errno(error.errno.0, source).with_detail(error.errno.to_string()))
        }
    }
}

/// Where tracefs is, or whether it could be mounted for oneself.
pub fn tracefs(root: &Root) -> Capability {
    let mounts = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
    let mut refused = None;
    for mount in mounts {
        match std::fs::read_dir(root.join(mount).join("events")) {
            Ok(_) => return Capability::yes(id::TRACEFS),
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => refused = Some((error, mount)),
            Err(_) => {}
        }
    }
    if let Some((error, mount)) = refused {
        return Capability::no(id::TRACEFS, &missing(&error, mount));
    }
    let private = root.is_live() && bpf::can_mount_tracefs();
    if private {
        let mut yes = Capability::yes(id::TRACEFS);
        "not mounted; used through a mount of its own".clone_into(&mut yes.detail);
        return yes;
    }
    Capability::no(id::TRACEFS, &Missing::new(Why::Absent, mounts[0]).with_detail("not mounted"))
}

/// Pressure stall information.
pub fn psi(root: &Root) -> Capability {
    let path = "/proc/pressure/cpu";
    match beginning(&root.join(path), 64) {
        Ok(_) => Capability::yes(id::PSI),
        Err(error) => {
            let mut reason = missing(&error, path);
            // Built in and off gives this errno; not built, or off since boot, gives no file.
            if error.raw_os_error() == Some(libc::EOPNOTSUPP) {
                reason.why = Why::Disabled;
            }
            Capability::no(id::PSI, &reason)
        }
    }
}

/// Task delay accounting: a switch since Linux 5.14, before that a boot parameter that no file shows.
pub fn delayacct(root: &Root) -> Capability {
    let path = "/proc/sys/kernel/task_delayacct";
    match beginning(&root.join(path), 16) {
        Ok(bytes) if bytes.trim_ascii() == b"0" => {
            Capability::no(id::DELAYACCT, &Missing::new(Why::Disabled, path).with_detail("kernel.task_delayacct is 0"))
        }
        Ok(_) => Capability::yes(id::DELAYACCT),
        Err(error) => Capability::unknown(id::DELAYACCT, &missing(&error, path)),
    }
}

/// Scheduler statistics of CPUs.
pub fn schedstat(root: &Root) -> Capability {
    readable(id::SCHEDSTAT, root, "/proc/schedstat")
}

/// The kernel log. Opening it moves no reader's position.
pub fn kmsg(root: &Root) -> Capability {
    let path = "/dev/kmsg";
    match File::options().read(true).custom_flags(libc::O_NONBLOCK).open(root.join(path)) {
        Ok(_) => Capability::yes(id::KMSG),
        Err(error) => Capability::no(id::KMSG, &missing(&error, path)),
    }
}

/// Generic netlink: `CTRL_CMD_GETFAMILY` of `GENL_ID_CTRL`.
const GENL_CONTROL: u16 = 0x10;

/// The taskstats family of generic netlink.
pub fn taskstats() -> Capability {
    let mut families = Vec::new();
    // struct genlmsghdr: command 3, version 1
    match Netlink::new(Protocol::Generic).dump(GENL_CONTROL, &[3, 1, 0, 0], &mut families) {
        Ok(()) if families.windows(10).any(|name| name == b"TASKSTATS\0") => Capability::yes(id::TASKSTATS),
        Ok(()) => Capability::no(id::TASKSTATS, &Missing::new(Why::Unsupported, "generic netlink family TASKSTATS")),
        Err(errno) => {
            let reason = Missing::from_errno(errno.raw_os_error(), "generic netlink").with_detail(errno.to_string());
            Capability::unknown(id::TASKSTATS, &reason)
        }
    }
}

/// Socket diagnosis: asks for IPv4 TCP sockets in no state at all, so that the answer is empty.
pub fn sock_diag() -> Capability {
    // struct inet_diag_req_v2: family, protocol, ext, pad, states (none), id of 48 bytes
    let mut request = [0_u8; 56];
    request[0] = 2; // AF_INET
    request[1] = 6; // IPPROTO_TCP
    let mut answer = Vec::new();
    match Netlink::new(Protocol::SockDiag).dump(20, &request, &mut answer) {
        Ok(()) => Capability::yes(id::SOCK_DIAG),
        Err(errno) => {
            let reason = Missing::from_errno(errno.raw_os_error(), "sock_diag").with_detail(errno.to_string());
            Capability::no(id::SOCK_DIAG, &reason)
        }
    }
}

/// Whether the I/O counters and descriptors of other users' processes can be read: `CAP_SYS_PTRACE`, number 19.
pub fn ptrace(root: &Root) -> Capability {
    let path = "/proc/self/status";
    match beginning(&root.join(path), 64 * 1024) {
        Ok(status) if bpf::effective(&status).is_some_and(|mask| mask >> 19 & 1 != 0) => Capability::yes(id::PTRACE),
        Ok(_) => Capability::no(id::PTRACE, &Missing::new(Why::NoPermission, path).with_detail("lacks CAP_SYS_PTRACE")),
        Err(error) => Capability::unknown(id::PTRACE, &missing(&error, path)),
    }
}

/// Kernel symbols with addresses: to those who may not see them, the kernel shows zeros.
pub fn kallsyms(root: &Root) -> Capability {
    let path = "/proc/kallsyms";
    match beginning(&root.join(path), 4096) {
        Ok(bytes) => {
            let mut addresses = bytes.split(|&byte| byte == b'\n').filter_map(|line| line.split(|&b| b == b' ').next());
            if addresses.any(|address| address.iter().any(|digit| digit.is_ascii_hexdigit() && *digit != b'0')) {
                Capability::yes(id::KALLSYMS)
            } else {
                let reason = Missing::new(Why::NoPermission, path).with_detail("addresses are hidden");
                Capability::no(id::KALLSYMS, &reason)
            }
        }
        Err(error) => Capability::no(id::KALLSYMS, &missing(&error, path)),
    }
}

/// A mounted cgroup v2 hierarchy.
pub fn cgroup2(root: &Root) -> Capability {
    let path = "/proc/self/mountinfo";
    match std::fs::read(root.join(path)) {
        Ok(bytes) if bytes.windows(11).any(|words| words == b" - cgroup2 ") => Capability::yes(id::CGROUP2),
        Ok(_) => Capability::no(id::CGROUP2, &Missing::new(Why::Absent, "cgroup2").with_detail("not mounted")),
        Err(error) => Capability::unknown(id::CGROUP2, &missing(&error, path)),
    }
}

/// Counters of memory errors: a directory per memory controller that a driver watches.
pub fn edac(root: &Root) -> Capability {
    let path = "/sys/devices/system/edac/mc";
    match std::fs::read_dir(root.join(path)) {
        Ok(mut entries) => {
            let controller =
                |name: &[u8]| name.strip_prefix(b"mc").is_some_and(|rest| rest.iter().all(u8::is_ascii_digit));
            if entries.any(|entry| entry.is_ok_and(|entry| controller(entry.file_name().as_encoded_bytes()))) {
                Capability::yes(id::EDAC)
            } else {
                let reason = Missing::new(Why::Absent, path).with_detail("no driver watches a memory controller");
                Capability::no(id::EDAC, &reason)
            }
        }
        Err(error) => Capability::no(id::EDAC, &missing(&error, path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use perfuse_format::sys::capability::State;

    /// A root with these files.
    fn root(files: &[(&str, &str)]) -> (tempfile::TempDir, Root) {
        let directory = tempfile::tempdir().unwrap();
        let root = Root::at(directory.path());
        for (path, text) in files {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        (directory, root)
    }

    #[test]
    fn an_empty_host_has_nothing_and_says_so() {
        let (_directory, root) = root(&[]);
        let all = probe(&root);
        assert!(all.0.iter().all(|one| one.state != State::Yes && one.why.is_some()), "{all:?}");
        assert!(all.get(id::BPF).is_none(), "not tried on another root");
    }

    #[test]
    fn files_decide() {
        let (_directory, root) = root(&[
            ("/proc/pressure/cpu", "some avg10=0.00\n"),
            ("/proc/sys/kernel/task_delayacct", "0\n"),
            ("/proc/kallsyms", "0000000000000000 T a\n0000000000000000 T b\n"),
            ("/proc/self/mountinfo", "30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"),
            ("/sys/devices/system/edac/mc/mc0/ce_count", "0\n"),
            ("/sys/kernel/debug/tracing/events/header_page", ""),
        ]);
        assert!(psi(&root).available());
        assert_eq!(delayacct(&root).why, Some(Why::Disabled));
        assert_eq!(kallsyms(&root).why, Some(Why::NoPermission));
        assert!(cgroup2(&root).available() && edac(&root).available() && tracefs(&root).available());
        assert_eq!(schedstat(&root).why, Some(Why::Absent));
    }

    #[test]
    fn the_running_system_answers_for_each_id() {
        let all = probe(&Root::default());
        assert_eq!(all.0.iter().map(|one| one.id.as_ref()).collect::<Vec<_>>(), id::ALL);
        for one in &all.0 {
            assert_eq!(one.state == State::Yes, one.why.is_none(), "{one:?}");
        }
    }
}
