//! The checklist as data: every cell and every control, once. Reports, the handbook, help texts, exporters and
//! tests are derived from these tables.

/// A resource of the checklist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each variant is the word of the checklist")]
pub enum Resource {
    Cpu,
    Memory,
    Network,
    Disk,
    Capacity,
    StorageController,
    NetworkController,
    CpuInterconnect,
    MemoryInterconnect,
    IoInterconnect,
    KernelLock,
    UserLock,
    Tasks,
    Fds,
    /// Another service, not on this host. It has no cells: only findings name it.
    Dependency,
    /// A database. As all that follow, it has no cells: the application itself tells of it.
    Database,
    /// A pool of connections or threads.
    Pool,
    /// A queue of messages, and those who take them.
    Queue,
    /// A heap with a garbage collector.
    Heap,
}

impl Resource {
    /// All that have cells, in the order of the checklist: physical first.
    pub const ALL: [Self; 14] = [
        Self::Cpu,
        Self::Memory,
        Self::Network,
        Self::Disk,
        Self::Capacity,
        Self::StorageController,
        Self::NetworkController,
        Self::CpuInterconnect,
        Self::MemoryInterconnect,
        Self::IoInterconnect,
        Self::KernelLock,
        Self::UserLock,
        Self::Tasks,
        Self::Fds,
    ];

    /// The word in ids and JSON.
    pub fn id(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Network => "network",
            Self::Disk => "disk",
            Self::Capacity => "capacity",
            Self::StorageController => "storage-controller",
            Self::NetworkController => "network-controller",
            Self::CpuInterconnect => "cpu-interconnect",
            Self::MemoryInterconnect => "memory-interconnect",
            Self::IoInterconnect => "io-interconnect",
            Self::KernelLock => "kernel-lock",
            Self::UserLock => "user-lock",
            Self::Tasks => "tasks",
            Self::Fds => "fds",
            Self::Dependency => "dependency",
            Self::Database => "database",
            Self::Pool => "pool",
            Self::Queue => "queue",
            Self::Heap => "heap",
        }
    }

    /// Whether it is hardware.
    pub fn is_physical(self) -> bool {
        !matches!(
            self,
            Self::KernelLock
                | Self::UserLock
                | Self::Tasks
                | Self::Fds
                | Self::Dependency
                | Self::Database
                | Self::Pool
                | Self::Queue
                | Self::Heap
        )
    }
}

/// The three questions of the USE method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each variant is the word of the method")]
pub enum Kind {
    Utilization,
    Saturation,
    Errors,
}

impl Kind {
    /// All, in order.
    pub const ALL: [Self; 3] = [Self::Utilization, Self::Saturation, Self::Errors];

    /// The word in ids and JSON.
    pub fn id(self) -> &'static str {
        match self {
            Self::Utilization => "utilization",
            Self::Saturation => "saturation",
            Self::Errors => "errors",
        }
    }
}

/// One cell of the checklist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CellSpec {
    /// `cpu.saturation`.
    pub id: &'static str,
    /// Resource.
    pub resource: Resource,
    /// Kind.
    pub kind: Kind,
    /// What one would have typed.
    pub by_hand: &'static str,
}

/// One resource control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControlSpec {
    /// `control.cpu-quota`.
    pub id: &'static str,
    /// The resource that it limits.
    pub resource: Resource,
    /// What one would have typed.
    pub by_hand: &'static str,
}

macro_rules! cells {
    ($($resource:ident $name:literal: $u:literal, $s:literal, $e:literal;)*) => {
        /// The 42 cells, in the order of the checklist.
        pub const CELLS: [CellSpec; 42] = [$(
            CellSpec { id: concat!($name, ".utilization"), resource: Resource::$resource, kind: Kind::Utilization, by_hand: $u },
            CellSpec { id: concat!($name, ".saturation"), resource: Resource::$resource, kind: Kind::Saturation, by_hand: $s },
            CellSpec { id: concat!($name, ".errors"), resource: Resource::$resource, kind: Kind::Errors, by_hand: $e },
        )*];
    };
}

cells! {
    Cpu "cpu": "mpstat -P ALL 1", "cat /proc/pressure/cpu; vmstat 1   # r > CPUs", "perf record -a -e 'ras:*' -e 'mce:*'; dmesg | grep -iE 'mce|soft lockup'";
    Memory "memory": "free -m; cat /sys/fs/cgroup/*/memory.current", "cat /proc/pressure/memory; vmstat 1   # si so", "dmesg | grep -i 'killed process'; grep oom_kill /proc/vmstat";
    Network "network": "nicstat 1; sar -n DEV 1", "nstat -az | grep -E 'Retrans|Overflow|Drop'; ss -ti; tc -s qdisc", "ip -s link; ethtool -S eth0";
    Disk "disk": "iostat -xz 1   # %util", "cat /proc/pressure/io; iostat -xz 1   # aqu-sz await", "dmesg | grep -i 'I/O error'; cat /sys/fs/ext4/*/errors_count";
    Capacity "capacity": "df -h; df -i; swapon -s", "grep -E 'balance_dirty|Dirty' /proc/vmstat /proc/meminfo", "strace -f -e trace=file -p PID   # ENOSPC";
    StorageController "storage-controller": "iostat -xz 1   # sum of the disks of one controller", "iostat -xz 1", "dmesg | grep -iE 'ata|scsi|nvme'; cat /sys/bus/pci/devices/*/aer_dev_*";
    NetworkController "network-controller": "sar -n DEV 1   # sum of the ports of one controller", "ethtool -S eth0 | grep -iE 'drop|full|buf'", "cat /sys/bus/pci/devices/*/aer_dev_*; devlink health";
    CpuInterconnect "cpu-interconnect": "perf stat -a -e 'uncore_upi*/*/'  sleep 5; numastat", "perf stat -a -M memory_bound sleep 5", "perf stat -a -e uncore_upi_0/event=0x0c/ sleep 5";
    MemoryInterconnect "memory-interconnect": "perf stat -a -e 'uncore_imc*/cas_count_*/' sleep 5", "perf stat -a -e cycles,instructions sleep 5   # IPC < 0.2", "edac-util -v";
    IoInterconnect "io-interconnect": "lspci -vv | grep -E 'LnkCap|LnkSta'", "perf stat -a -e 'uncore_iio*/*/' sleep 5", "cat /sys/bus/pci/devices/*/aer_dev_fatal";
    KernelLock "kernel-lock": "perf lock contention -a -b sleep 5", "perf lock contention -a -b sleep 5", "dmesg | grep -E 'soft lockup|hung_task|rcu.*stall'";
    UserLock "user-lock": "perf record -g -p PID; valgrind --tool=drd PROGRAM", "perf trace -s -e futex -a sleep 5", "gdb -p PID -batch -ex 'thread apply all bt'";
    Tasks "tasks": "ps -eLf | wc -l; cat /proc/sys/kernel/threads-max", "perf trace -s -e clone -a sleep 5", "strace -f -e trace=process -p PID   # EAGAIN";
    Fds "fds": "cat /proc/sys/fs/file-nr; ls /proc/PID/fd | wc -l; grep files /proc/PID/limits", "ss -ltn   # Recv-Q", "strace -f -p PID   # EMFILE";
}

macro_rules! controls {
    ($($name:literal $resource:ident: $by_hand:literal;)*) => {
        /// The resource controls: a limit bites before the hardware does.
        pub const CONTROLS: [ControlSpec; 20] = [$(
            ControlSpec { id: concat!("control.", $name), resource: Resource::$resource, by_hand: $by_hand },
        )*];
    };
}

controls! {
    "cpu-quota" Cpu: "grep -E 'nr_throttled|throttled' /sys/fs/cgroup/*/cpu.stat";
    "cpuset" Cpu: "grep Cpus_allowed_list /proc/PID/status; mpstat -P ALL 1";
    "steal" Cpu: "vmstat 1   # st";
    "memory-limit" Memory: "cat /sys/fs/cgroup/*/memory.events   # max, high";
    "io-throttle" Disk: "cat /sys/fs/cgroup/*/io.max /sys/fs/cgroup/*/io.pressure";
    "pids-limit" Tasks: "cat /sys/fs/cgroup/*/pids.current /sys/fs/cgroup/*/pids.max";
    "nofile" Fds: "grep 'open files' /proc/PID/limits; ls /proc/PID/fd | wc -l";
    "nproc" Tasks: "grep processes /proc/PID/limits; ps -L -u USER | wc -l";
    "qdisc" Network: "tc -s qdisc";
    "conntrack" Network: "cat /proc/sys/net/netfilter/nf_conntrack_count /proc/sys/net/netfilter/nf_conntrack_max";
    "ephemeral-ports" Network: "ss -tan | wc -l; cat /proc/sys/net/ipv4/ip_local_port_range";
    "listen-backlog" Network: "ss -ltn; nstat -az | grep Listen";
    "socket-memory" Network: "cat /proc/net/sockstat /proc/sys/net/ipv4/tcp_mem";
    "neighbour-table" Network: "ip neigh | wc -l; cat /proc/sys/net/ipv4/neigh/default/gc_thresh3";
    "inotify" Fds: "cat /proc/sys/fs/inotify/max_user_watches; grep -c inotify /proc/PID/fdinfo/*";
    "hugepages" Memory: "grep -i huge /proc/meminfo";
    "swap" Memory: "swapon -s; vmstat 1   # si so";
    "dirty-limit" Disk: "grep -E 'Dirty|Writeback' /proc/meminfo; sysctl vm.dirty_ratio";
    "softirq" Cpu: "mpstat -P ALL 1   # %soft; cat /proc/net/softnet_stat";
    "cgroup-freezer" Cpu: "cat /sys/fs/cgroup/*/cgroup.freeze";
}

/// The cell with this id.
pub fn cell(id: &str) -> Option<&'static CellSpec> {
    CELLS.iter().find(|cell| cell.id == id)
}

/// The control with this id, with or without `control.` before it.
pub fn control(id: &str) -> Option<&'static ControlSpec> {
    let name = id.strip_prefix("control.").unwrap_or(id);
    CONTROLS.iter().find(|control| control.id.strip_prefix("control.") == Some(name))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_resource_has_its_three_cells_in_order() {
        let mut cells = CELLS.iter();
        for resource in Resource::ALL {
            for kind in Kind::ALL {
                let cell = cells.next().unwrap();
                assert_eq!(cell.id, format!("{}.{}", resource.id(), kind.id()));
                assert_eq!((cell.resource, cell.kind), (resource, kind));
                assert!(!cell.by_hand.is_empty());
            }
        }
    }

    #[test]
    fn control_ids_are_unique_and_found_by_short_name() {
        let ids: BTreeSet<_> = CONTROLS.iter().map(|control| control.id).collect();
        assert_eq!(ids.len(), CONTROLS.len());
        assert_eq!(control("steal"), control("control.steal"));
        assert!(control("cpu.saturation").is_none());
    }
}
