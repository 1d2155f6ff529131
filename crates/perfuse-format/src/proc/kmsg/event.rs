//! What the records of the kernel log say happened.

use super::Record;

/// A task that the kernel named as the likely holder of what another one waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Its name.
    pub comm: String,
    /// Its thread id.
    pub tid: u32,
}

/// What a record of the log means for performance; the format strings are those of the kernel files named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A machine check (`arch/x86/kernel/cpu/mce`). `uncorrected` is `None` where the text does not say.
    MachineCheck {
        /// CPU that reported it.
        cpu: Option<u32>,
        /// Whether the hardware could not correct it.
        uncorrected: Option<bool>,
    },
    /// A CPU slowed itself down for heat (`therm_throt.c`).
    ThermalThrottle {
        /// CPU.
        cpu: Option<u32>,
    },
    /// Kernel code kept a CPU for longer than the watchdog allows (`kernel/watchdog.c`).
    SoftLockup {
        /// CPU.
        cpu: u32,
        /// Seconds that it was stuck.
        seconds: u64,
        /// The task on it.
        task: Owner,
    },
    /// A CPU did not even take interrupts (`kernel/watchdog.c`).
    HardLockup {
        /// CPU.
        cpu: Option<u32>,
    },
    /// A task was in uninterruptible sleep for longer than `kernel.hung_task_timeout_secs` (`kernel/hung_task.c`).
    HungTask {
        /// The task.
        task: Owner,
        /// Seconds that it was blocked at least.
        seconds: u64,
        /// Who holds what it waits for, where the kernel tells (Linux 6.15).
        blocker: Option<Owner>,
    },
    /// A CPU or task held up an RCU grace period (`kernel/rcu/tree_stall.h`).
    RcuStall,
    /// The OOM killer ended a process (`mm/oom_kill.c`).
    OomKill {
        /// Its process id.
        pid: u32,
        /// Its name.
        comm: String,
        /// `Some` when a memory cgroup's limit, not the host, was out of memory; empty where the text does not name it.
        cgroup: Option<String>,
    },
    /// An allocation of pages failed (`mm/page_alloc.c`).
    AllocationFailure {
        /// The task that asked.
        comm: String,
        /// 2^order pages were asked for.
        order: Option<u32>,
    },
    /// An error in a memory module (`drivers/edac`).
    MemoryError {
        /// Whether the hardware corrected it.
        corrected: bool,
    },
    /// A request to a block device failed (`block/blk-mq.c`) or a buffer could not be read or written (`fs/buffer.c`).
    IoError {
        /// Device, such as `sda`.
        device: String,
        /// The kind of error in the kernel's words, such as `critical medium`.
        error: String,
    },
    /// A filesystem found itself damaged or stopped.
    FilesystemError {
        /// Filesystem, such as `ext4`.
        filesystem: &'static str,
        /// Its device.
        device: String,
    },
    /// A disk left an array, or a controller stopped answering (md, libata, nvme, scsi).
    DeviceFailure {
        /// Device or port.
        device: String,
    },
    /// The link of an interface went down or came up.
    Link {
        /// Interface.
        interface: String,
        /// Whether it came up.
        up: bool,
    },
    /// The transmit queue of an interface stood still (`net/sched/sch_generic.c`).
    TransmitTimeout {
        /// Interface.
        interface: String,
    },
    /// The connection tracking table was full (`net/netfilter/nf_conntrack_core.c`).
    ConntrackFull,
    /// The neighbour table was full (`net/core/neighbour.c`).
    NeighbourTableFull,
    /// A listener's SYN queue was full (`net/ipv4/tcp_input.c`).
    SynFlood {
        /// Port.
        port: u16,
    },
    /// TCP was above `net.ipv4.tcp_mem`, or had too many orphans (`net/ipv4/tcp.c`).
    TcpMemory,
    /// The host's `fs.file-max` was reached (`fs/file_table.c`).
    FileMax,
    /// A fork was refused by a pids cgroup (`kernel/cgroup/pids.c`).
    ForkRejected {
        /// The cgroup.
        cgroup: String,
    },
    /// A PCI Express error (`drivers/pci/pcie/aer.c`).
    PcieError {
        /// PCI address.
        device: String,
        /// Whether the hardware corrected it.
        corrected: bool,
    },
    /// The bounce buffer for DMA was full (`kernel/dma/swiotlb.c`).
    BounceBufferFull,
}

/// An event with when and how it was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEvent {
    /// Microseconds since boot.
    pub time_us: u64,
    /// Sequence number of the record.
    pub sequence: u64,
    /// Level of the record: 0 worst.
    pub level: u8,
    /// What it means.
    pub event: Event,
    /// The record's text, for showing.
    pub text: String,
}

/// The events in `records`. Records that belong to one event (an OOM kill and its cgroup, a hung task and its blocker)
/// are joined. What programs wrote into the log (`facility` other than 0) is no event: anyone may write there.
pub fn events(records: &[Record]) -> Vec<LogEvent> {
    let mut found: Vec<LogEvent> = Vec::new();
    let mut oom_cgroup: Option<(u32, String)> = None;
    for record in records.iter().filter(|record| record.facility == 0) {
        let text = record.text.as_str();
        if let Some(details) = text.strip_prefix("oom-kill:") {
            oom_cgroup = memcg_of_oom(details);
            continue;
        }
        if let Some((tid, blocker)) = blocker(text) {
            let hung = found.iter_mut().rev().find_map(|event| match &mut event.event {
                Event::HungTask { task, blocker, .. } if task.tid == tid => Some(blocker),
                _ => None,
            });
            if let Some(slot) = hung {
                *slot = Some(blocker);
            }
            continue;
        }
        let Some(mut event) = classify(text) else { continue };
        if let Event::OomKill { pid, cgroup: Some(cgroup), .. } = &mut event
            && let Some((of, path)) = oom_cgroup.take()
            && of == *pid
        {
            *cgroup = path;
        }
        found.push(LogEvent {
            time_us: record.time_us,
            sequence: record.sequence,
            level: record.level,
            event,
            text: record.text.clone(),
        });
    }
    found
}

/// What one text means, if anything.
fn classify(text: &str) -> Option<Event> {
    hardware(text)
        .or_else(|| lockup(text))
        .or_else(|| memory(text))
        .or_else(|| storage(text))
        .or_else(|| network(text))
        .or_else(|| limit(text))
}

/// The text behind `marker`.
fn after<'a>(text: &'a str, marker: &str) -> Option<&'a str> {
    text.find(marker).map(|at| &text[at + marker.len()..])
}

/// The text between `open` and the next `close`.
fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let rest = after(text, open)?;
    rest.find(close).map(|end| &rest[..end])
}

/// The number that `text` begins with.
fn leading<T: std::str::FromStr>(text: &str) -> Option<T> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    text[..digits].parse().ok()
}

/// `name:number`; the name may hold colons itself.
fn owner(text: &str) -> Option<Owner> {
    let (comm, tid) = text.rsplit_once(':')?;
    Some(Owner { comm: comm.to_owned(), tid: leading(tid)? })
}

fn hardware(text: &str) -> Option<Event> {
    if text.contains("temperature above threshold") {
        return Some(Event::ThermalThrottle { cpu: after(text, "CPU").and_then(leading) });
    }
    if let Some(rest) = text.strip_prefix("EDAC ") {
        let corrected = rest.contains(" CE ");
        return (corrected || rest.contains(" UE ")).then_some(Event::MemoryError { corrected });
    }
    if text.contains("PCIe Bus Error: severity=") {
        let device = text.split(": ").next().unwrap_or_default().rsplit(' ').next().unwrap_or_default();
        let corrected = text.contains("severity=Corrected");
        return Some(Event::PcieError { device: device.to_owned(), corrected });
    }
    if !text.contains("[Hardware Error]") {
        return None;
    }
    let cpu = after(text, "CPU ").or_else(|| after(text, "CPU:")).and_then(leading);
    let check = |uncorrected| Some(Event::MachineCheck { cpu, uncorrected });
    if let Some(status) = after(text, " Bank ").and_then(|rest| after(rest, ": ")) {
        // Bit 61 (UC) of MCi_STATUS; Intel SDM volume 3, "IA32_MCi_STATUS".
        let digits = status.split(|c: char| !c.is_ascii_hexdigit()).next().unwrap_or_default();
        return check(u64::from_str_radix(digits, 16).ok().map(|status| status >> 61 & 1 == 1));
    }
    if let Some(severity) = after(text, "event severity: ") {
        return check(Some(!severity.starts_with("corrected") && !severity.starts_with("info")));
    }
    if text.contains("Uncorrected") || text.contains("Fatal") {
        return check(Some(true));
    }
    if text.contains("Corrected error") {
        return check(Some(false));
    }
    text.contains("Machine check events logged").then_some(Event::MachineCheck { cpu: None, uncorrected: None })
}

fn lockup(text: &str) -> Option<Event> {
    if let Some(rest) = after(text, "soft lockup - CPU#") {
        let task = rest.rfind('[').and_then(|open| owner(rest[open + 1..].trim_end().trim_end_matches(']')));
        return Some(Event::SoftLockup {
            cpu: leading(rest)?,
            seconds: after(rest, "stuck for ").and_then(leading)?,
            task: task?,
        });
    }
    if let Some(rest) = after(text, "hard LOCKUP on cpu") {
        return Some(Event::HardLockup { cpu: leading(rest.trim_start()) });
    }
    if let Some(rest) = after(text, "INFO: task ") {
        let (task, rest) = rest.split_once(" blocked for more than ")?;
        return Some(Event::HungTask { task: owner(task)?, seconds: leading(rest)?, blocker: None });
    }
    let rcu = text.contains("rcu") && text.contains("INFO:") && text.contains("stall");
    (rcu && (text.contains("detected stall") || text.contains("detected expedited stalls"))).then_some(Event::RcuStall)
}

/// `INFO: task A:1 is blocked on a mutex likely owned by task B:2.` (`kernel/hung_task.c`).
fn blocker(text: &str) -> Option<(u32, Owner)> {
    let rest = after(text, "INFO: task ")?;
    let (waiter, rest) = rest.split_once(" blocked on ")?;
    let waiter = waiter.trim_end_matches(" is");
    let waiter = waiter.rfind(" <").map_or(waiter, |at| &waiter[..at]);
    let holder = after(rest, "likely owned by task ")?;
    Some((owner(waiter)?.tid, owner(holder)?))
}

/// `constraint=CONSTRAINT_MEMCG,...,oom_memcg=/a,task_memcg=/a/b,task=x,pid=7,uid=0` (`mm/oom_kill.c`).
fn memcg_of_oom(details: &str) -> Option<(u32, String)> {
    let cgroup = between(details, ",oom_memcg=", ",task_memcg=")?;
    let pid = details.rfind(",pid=").and_then(|at| leading(&details[at + 5..]))?;
    Some((pid, cgroup.to_owned()))
}

fn memory(text: &str) -> Option<Event> {
    // "Killed process 7 (x) total-vm:..."; 4.18 announces it with "Kill process ... or sacrifice child" before.
    if let Some(rest) = after(text, "Killed process ") {
        let name = rest.find('(').zip(rest.rfind(") ").or_else(|| rest.rfind("),")).or_else(|| rest.rfind(')')));
        let comm = name.and_then(|(open, close)| rest.get(open + 1..close)).unwrap_or_default();
        let cgroup = text.starts_with("Memory cgroup").then(String::new);
        return Some(Event::OomKill { pid: leading(rest)?, comm: comm.to_owned(), cgroup });
    }
    if let Some(at) = text.find(": page allocation failure: ") {
        let order = after(text, "order:").and_then(leading);
        return Some(Event::AllocationFailure { comm: text[..at].to_owned(), order });
    }
    let slab = text.starts_with("SLUB: Unable to allocate memory");
    (slab || (text.contains("vmap allocation for size") && text.contains("failed")))
        .then(|| Event::AllocationFailure { comm: "kernel".to_owned(), order: None })
}

fn storage(text: &str) -> Option<Event> {
    if let Some((kind, rest)) = text.split_once(" error, dev ") {
        let device = rest.split(',').next().unwrap_or_default();
        let error = kind.rsplit(": ").next().unwrap_or_default();
        return Some(Event::IoError { device: device.to_owned(), error: error.to_owned() });
    }
    if let Some(rest) = after(text, "Buffer I/O error on dev ") {
        let device = rest.split(',').next().unwrap_or_default();
        return Some(Event::IoError { device: device.to_owned(), error: "buffer I/O".to_owned() });
    }
    filesystem(text).or_else(|| device_failure(text))
}

fn filesystem(text: &str) -> Option<Event> {
    let damaged = |filesystem, device: &str| Some(Event::FilesystemError { filesystem, device: device.to_owned() });
    for (mark, filesystem) in [
        ("EXT4-fs error (device ", "ext4"),
        ("EXT4-fs critical (device ", "ext4"),
        ("EXT3-fs error (device ", "ext3"),
        ("EXT2-fs error (device ", "ext2"),
        ("BTRFS error (device ", "btrfs"),
        ("BTRFS critical (device ", "btrfs"),
        ("F2FS-fs error (device ", "f2fs"),
        ("FAT-fs error (device ", "fat"),
    ] {
        if let Some(device) = between(text, mark, ")") {
            return damaged(filesystem, device);
        }
    }
    if let Some(device) = between(text, "EXT4-fs (", ")")
        && text.contains("Remounting filesystem read-only")
    {
        return damaged("ext4", device);
    }
    if let Some(device) = between(text, "XFS (", ")") {
        let bad =
            ["orruption", "metadata I/O error", "has been shut down", "Shutting down filesystem", "log I/O error"];
        return if bad.iter().any(|bad| text.contains(bad)) { damaged("xfs", device) } else { None };
    }
    let device = after(text, "Aborting journal on device ")?;
    damaged("jbd2", device.trim_end_matches('.'))
}

fn device_failure(text: &str) -> Option<Event> {
    let failed = |device: &str| Some(Event::DeviceFailure { device: device.to_owned() });
    if let Some(rest) = after(text, ": Disk failure on ") {
        return failed(rest.split(',').next().unwrap_or_default());
    }
    if let Some((device, rest)) = text.strip_prefix("nvme ").and_then(|rest| rest.split_once(": ")) {
        let bad = rest.contains("controller is down") || (rest.contains("QID") && rest.contains("timeout"));
        return if bad { failed(device) } else { None };
    }
    if text.starts_with("ata") {
        let (port, rest) = text.split_once(": ")?;
        return if rest.starts_with("exception Emask") || rest.starts_with("failed command") {
            failed(port)
        } else {
            None
        };
    }
    if text.starts_with("sd ") && text.contains("FAILED Result: hostbyte") {
        return failed(between(text, "[", "]")?);
    }
    None
}

fn network(text: &str) -> Option<Event> {
    if let Some(rest) = after(text, "NETDEV WATCHDOG: ") {
        let interface = rest.split([' ', ':']).next().unwrap_or_default();
        return Some(Event::TransmitTimeout { interface: interface.to_owned() });
    }
    if text.contains("nf_conntrack") && text.contains("table full") {
        return Some(Event::ConntrackFull);
    }
    if text.contains("neighbor table overflow") || text.contains("neighbour table overflow") {
        return Some(Event::NeighbourTableFull);
    }
    if let Some(rest) = after(text, "Possible SYN flooding on port ") {
        // Before 6.2 a bare port; since then address and port: `[::]:8080.`
        let place = rest.split(". ").next().unwrap_or_default();
        let port = place.rsplit(':').next().and_then(leading);
        return Some(Event::SynFlood { port: port? });
    }
    if text.starts_with("TCP: out of memory") || text.starts_with("TCP: too many orphaned sockets") {
        return Some(Event::TcpMemory);
    }
    link(text)
}

fn link(text: &str) -> Option<Event> {
    if let Some(rest) = after(text, "link status definitely ") {
        let up = rest.starts_with("up");
        let interface = after(rest, "interface ")?.split([',', ' ']).next().unwrap_or_default();
        return Some(Event::Link { interface: interface.to_owned(), up });
    }
    if let Some(rest) = after(text, "ADDRCONF(NETDEV_CHANGE): ") {
        let interface = rest.strip_suffix(": link becomes ready")?;
        return Some(Event::Link { interface: interface.to_owned(), up: true });
    }
    let lower = text.to_ascii_lowercase();
    let at = ["nic link is ", "link is ", "link down", "link up"].iter().find_map(|mark| lower.find(mark))?;
    let up = !lower[at..].contains("down");
    // `e1000e 0000:00:19.0 eth0: NIC Link is Down`, `igb 0000:01:00.0 igb: eth0 NIC Link is Up`: the interface is the
    // word before. A SATA link is `ata1: SATA link down`.
    let before = text.get(..at)?.trim_end().trim_end_matches(':');
    let interface = before.rsplit([' ', ':']).next().unwrap_or_default();
    let plausible = !interface.is_empty() && interface.len() <= 15 && interface != "SATA" && !interface.contains('.');
    plausible.then(|| Event::Link { interface: interface.to_owned(), up })
}

fn limit(text: &str) -> Option<Event> {
    if let Some(cgroup) = text.strip_prefix("cgroup: fork rejected by pids controller in ") {
        return Some(Event::ForkRejected { cgroup: cgroup.to_owned() });
    }
    if text.starts_with("VFS: file-max limit ") {
        return Some(Event::FileMax);
    }
    text.contains("swiotlb buffer is full").then_some(Event::BounceBufferFull)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(texts: &[&str]) -> Vec<Event> {
        let records: Vec<Record> =
            texts.iter().map(|text| Record { text: (*text).to_owned(), ..Record::default() }).collect();
        events(&records).into_iter().map(|event| event.event).collect()
    }

    fn one(text: &str) -> Event {
        let mut all = log(&[text]);
        assert_eq!(all.len(), 1, "{text}");
        all.remove(0)
    }

    fn task(comm: &str, tid: u32) -> Owner {
        Owner { comm: comm.to_owned(), tid }
    }

    #[test]
    fn lockups_name_cpu_and_task() {
        let soft = |text| one(text);
        assert_eq!(
            soft("watchdog: BUG: soft lockup - CPU#3 stuck for 22s! [kworker/3:1:1234]"),
            Event::SoftLockup { cpu: 3, seconds: 22, task: task("kworker/3:1", 1234) }
        );
        assert!(matches!(
            soft("NMI watchdog: Watchdog detected hard LOCKUP on cpu 7"),
            Event::HardLockup { cpu: Some(7) }
        ));
        for text in [
            "rcu: INFO: rcu_preempt self-detected stall on CPU",
            "INFO: rcu_sched detected stalls on CPUs/tasks: { 1} (detected by 0, t=21002 jiffies)",
            "rcu: INFO: rcu_sched detected expedited stalls on CPUs/tasks: { 2-... } 21 jiffies s: 5 root: 0x4/.",
        ] {
            assert_eq!(one(text), Event::RcuStall);
        }
    }

    #[test]
    fn a_hung_task_is_joined_with_its_blocker() {
        let events = log(&[
            "INFO: task my (odd) name:77 blocked for more than 122 seconds.",
            "      Not tainted 6.18.0 #1",
            "INFO: task my (odd) name:77 is blocked on a mutex likely owned by task holder: x:99.",
            "INFO: task other:5 <writer> blocked on an rw-semaphore likely owned by task w:6 <reader>",
        ]);
        let expected =
            Event::HungTask { task: task("my (odd) name", 77), seconds: 122, blocker: Some(task("holder: x", 99)) };
        assert_eq!(events, [expected]);
    }

    #[test]
    fn an_oom_kill_is_joined_with_its_cgroup() {
        let events = log(&[
            "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a b,task_memcg=/a b/c,task=eat,pid=41,uid=0",
            "Memory cgroup out of memory: Killed process 41 (e) at) total-vm:9kB, anon-rss:8kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:60kB oom_score_adj:0",
            "Out of memory: Killed process 42 (big) total-vm:9kB, anon-rss:8kB",
            "Killed process 43 (old kernel) total-vm:9kB, anon-rss:8kB",
        ]);
        assert_eq!(
            events,
            [
                Event::OomKill { pid: 41, comm: "e) at".into(), cgroup: Some("/a b".into()) },
                Event::OomKill { pid: 42, comm: "big".into(), cgroup: None },
                Event::OomKill { pid: 43, comm: "old kernel".into(), cgroup: None },
            ]
        );
        assert_eq!(
            one("swapper/0: page allocation failure: order:4, mode:0x40cc0(GFP_KERNEL|__GFP_COMP), nodemask=(null)"),
            Event::AllocationFailure { comm: "swapper/0".into(), order: Some(4) }
        );
    }

    #[test]
    fn machine_checks_tell_corrected_from_not() {
        let check = |text| match one(text) {
            Event::MachineCheck { cpu, uncorrected } => (cpu, uncorrected),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            check("mce: [Hardware Error]: CPU 1: Machine Check: 0 Bank 5: be00000000800400"),
            (Some(1), Some(true))
        );
        assert_eq!(
            check("mce: [Hardware Error]: CPU 2: Machine Check: 0 Bank 4: 8c00004000010090"),
            (Some(2), Some(false))
        );
        assert_eq!(check("mce: [Hardware Error]: Machine check events logged"), (None, None));
        assert_eq!(check("{1}[Hardware Error]: event severity: corrected"), (None, Some(false)));
        assert_eq!(check("{1}[Hardware Error]: event severity: fatal"), (None, Some(true)));
        assert!(log(&["[Hardware Error]: TSC 0 ADDR fef1 MISC 38a0"]).is_empty());
        assert_eq!(
            one("mce: CPU5: Core temperature above threshold, cpu clock throttled (total events = 9)"),
            Event::ThermalThrottle { cpu: Some(5) }
        );
        assert_eq!(one("EDAC MC0: 1 CE memory read error on CPU_SrcID#0_MC#0"), Event::MemoryError { corrected: true });
        assert_eq!(
            one("pcieport 0000:00:1c.0: PCIe Bus Error: severity=Uncorrected (Non-Fatal), type=Transaction Layer"),
            Event::PcieError { device: "0000:00:1c.0".into(), corrected: false }
        );
    }

    #[test]
    fn storage_errors_name_the_device() {
        let io = |text| match one(text) {
            Event::IoError { device, error } => (device, error),
            other => panic!("{other:?}"),
        };
        let expect = |device: &str, error: &str| (device.to_owned(), error.to_owned());
        let old = "blk_update_request: critical medium error, dev sda, sector 12 op 0x0:(READ) flags 0x0 phys_seg 1";
        assert_eq!(io(old), expect("sda", "critical medium"));
        assert_eq!(io("I/O error, dev loop0, sector 8 op 0x1:(WRITE) flags 0x800 phys_seg 1"), expect("loop0", "I/O"));
        assert_eq!(io("Buffer I/O error on dev sdb1, logical block 0, async page read"), expect("sdb1", "buffer I/O"));
        let damaged = |text| match one(text) {
            Event::FilesystemError { filesystem, device } => (filesystem, device),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            damaged("EXT4-fs error (device vda1): ext4_lookup:1785: inode #2: comm ls: x"),
            ("ext4", "vda1".into())
        );
        assert_eq!(damaged("EXT4-fs (sdc): Remounting filesystem read-only"), ("ext4", "sdc".into()));
        assert_eq!(damaged("XFS (dm-0): Corruption detected. Unmount and run xfs_repair"), ("xfs", "dm-0".into()));
        assert!(log(&["XFS (dm-0): Mounting V5 Filesystem", "EXT4-fs (vda): mounted filesystem r/w"]).is_empty());
        let failed = |text| matches!(one(text), Event::DeviceFailure { .. });
        assert!(failed("md/raid1:md0: Disk failure on sdb1, disabling device."));
        assert!(failed("nvme nvme0: I/O 832 QID 5 timeout, aborting"));
        assert!(failed("ata3.00: exception Emask 0x0 SAct 0x0 SErr 0x0 action 0x6 frozen"));
    }

    #[test]
    fn network_events_name_the_interface() {
        let link = |text| match one(text) {
            Event::Link { interface, up } => (interface, up),
            other => panic!("{other:?}"),
        };
        assert_eq!(link("e1000e 0000:00:19.0 eth0: NIC Link is Down"), ("eth0".into(), false));
        assert_eq!(link("igb 0000:01:00.0: igb: eth1 NIC Link is Up 1000 Mbps Full Duplex"), ("eth1".into(), true));
        assert_eq!(link("mlx5_core 0000:3b:00.0 ens1f0: Link down"), ("ens1f0".into(), false));
        assert_eq!(link("IPv6: ADDRCONF(NETDEV_CHANGE): veth9: link becomes ready"), ("veth9".into(), true));
        assert_eq!(link("bond0: (slave eth1): link status definitely down for interface eth1, disabling it").0, "eth1");
        assert!(log(&["ata1: SATA link down (SStatus 0 SControl 300)"]).is_empty());
        assert!(matches!(one("nf_conntrack: nf_conntrack: table full, dropping packet"), Event::ConntrackFull));
        assert_eq!(
            one("TCP: request_sock_TCP: Possible SYN flooding on port [::]:8080. Sending cookies."),
            Event::SynFlood { port: 8080 }
        );
        assert_eq!(
            one("TCP: request_sock_TCP: Possible SYN flooding on port 80. Sending cookies.  Check SNMP counters."),
            Event::SynFlood { port: 80 }
        );
        let timeout = "NETDEV WATCHDOG: eth0 (virtio_net): transmit queue 0 timed out";
        assert_eq!(one(timeout), Event::TransmitTimeout { interface: "eth0".into() });
    }

    #[test]
    fn limits_are_seen_and_programs_cannot_forge_events() {
        assert_eq!(
            one("cgroup: fork rejected by pids controller in /a/b"),
            Event::ForkRejected { cgroup: "/a/b".into() }
        );
        assert_eq!(one("VFS: file-max limit 4096 reached"), Event::FileMax);
        let forged = Record { facility: 1, text: "Killed process 1 (x)".to_owned(), ..Record::default() };
        assert!(events(&[forged]).is_empty());
    }

    #[test]
    fn cut_texts_are_no_events() {
        for text in [
            "watchdog: BUG: soft lockup - CPU#",
            "watchdog: BUG: soft lockup - CPU#1 stuck for 5s! []",
            "INFO: task ",
            "INFO: task a:b blocked for more than x",
            "Killed process ",
            "TCP: Possible SYN flooding on port ",
            "XFS (",
            "link is ",
        ] {
            assert!(log(&[text]).is_empty(), "{text}");
        }
    }
}
