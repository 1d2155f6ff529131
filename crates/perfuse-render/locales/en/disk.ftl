### Texts of the disk rules: disks, storage controllers, interconnects.

## Disk
cell-disk-utilization-title = Disk utilization
cell-disk-utilization-enable = Mount /proc so that /proc/diskstats can be read, and sample at least twice.
cell-disk-utilization-who = The administrator of the host or of the hypervisor that provides the disk
cell-disk-saturation-title = Disk saturation
cell-disk-saturation-enable = Boot with psi=1 for /proc/pressure/io, or set kernel.task_delayacct=1 for waits per process.
cell-disk-saturation-who = The administrator of the host, or the owner of the storage behind a virtual disk
cell-disk-errors-title = Disk errors
cell-disk-errors-enable = Read the kernel log: run as root or with CAP_SYSLOG, or set kernel.dmesg_restrict=0.
cell-disk-errors-who = The administrator of the host; for a virtual disk, the owner of the hypervisor and of its storage

disk-no-device = this host has no block device that was ever used
disk-utilization-parallel = { $device } is never idle, but it serves many requests at once: 100% busy is not saturation here. Look at latency and I/O pressure.
disk-saturation-by-processes = I/O pressure of this scope is not available: this is the sum of waits of its processes, from { $source }.
disk-saturation-by-devices = I/O pressure is not available: this is the time that requests spent at the devices, not the time that anyone waited.
disk-errors-no-log = The kernel log could not be read ({ $reason }); only counters were checked.
disk-errors-no-smart = The health records of the disks themselves (SMART, NVMe) are not read here: smartctl -a shows them.
disk-errors-old = Errors from before this run; nothing new came in while it was measured.
disk-victim-wait = waits { $wait } for storage, { $share } of its active time
disk-user-rate = moves { $rate } to and from storage

disk-together = { $others ->
    [0] { "" }
    [one] {" "}(with { $others } other: { $sum })
   *[other] {" "}(with { $others } others: { $sum })
}
disk-link-waits = { $victim } waits for storage
disk-link-lock = threads that wait for a lock of { $victim }
disk-link-lock-evidence = { $wait } of lock waits end when a thread that waits for storage lets go
disk-link-wait-evidence = { $wait } of waiting ({ $source })
disk-link-device = { $device }
disk-link-disks = { $disks ->
    [one] { $disks } disk
   *[other] { $disks } disks
}
disk-link-in-queue = the kernel's queue in front of { $device }
disk-link-in-device = { $device } itself, after the kernel's queue
disk-link-requests = requests under way at { $device }
disk-link-split = { $share } of the request time passes in the queue; 99% of requests leave the queue within { $queue } and the device within { $device }
disk-link-latency = a request takes { $latency } on average, { $queue } are under way, the device is busy { $busy } of the time
disk-link-slower = slower than it usually is
disk-link-rise = up to { $worst } per request against { $usual } usually, { $times } times as long
disk-link-user = I/O of { $user } (pid { $pid })
disk-link-user-evidence = { $rate } of { $total } ({ $source })
disk-link-error = an error
disk-link-error-evidence = { $source }: { $metric } { $count }{ PAREN($text) }

## Findings of disk.saturation
finding-disk-saturated-title = Waiting for a disk
finding-disk-saturated-summary = { $victim } waits { $wait }{ $together } for { $device }; its largest user is { $culprit } ({ $rate }).
finding-disk-saturated-limit = { $user } fills { $device } while others wait: lower its I/O priority or give its cgroup a limit.
finding-disk-saturated-limit-expect = Up to { $wait } of waiting goes away, at the price of a slower culprit.
finding-disk-saturated-own = { $user } waits for its own I/O: see which calls wait, then batch, cache, read ahead or make them asynchronous.
finding-disk-saturated-own-expect = Each request that it no longer waits for saves { $latency }.
finding-disk-saturated-who = Find out who sends requests to { $device }.
finding-disk-saturated-who-expect = Names the process and the call path of each request.

finding-disk-latency-rise-title = Disk latency rose
finding-disk-latency-rise-summary = { $device } took up to { $worst } per request, { $times } times its usual { $usual }; nobody measurably waited for it.

finding-disk-cgroup-throttled-title = Cgroup I/O limit
finding-disk-cgroup-throttled-summary = { $victim } waits { $wait }{ $together } because { $cgroup } is held to { $limit } on { $device }.
finding-disk-cgroup-throttled-culprit = limit of { $limit } on { $device } in { $file }
finding-disk-cgroup-throttled-limit = the limit of { $limit } of { $cgroup }
finding-disk-cgroup-throttled-at-limit = { $rate } of { $limit } used, { $wait } of waiting ({ $source })
finding-disk-cgroup-throttled-device = not { $device }
finding-disk-cgroup-throttled-idle = { $device } is busy only { $busy } of the time
finding-disk-cgroup-throttled-advice = Raise or remove the limit of { $limit } of { $cgroup } on { $device }, if it is not meant to hold this work back.
finding-disk-cgroup-throttled-expect = Up to { $wait } of waiting goes away; the device then sets the pace.

finding-disk-loop-backing-title = Disk under a loop device
finding-disk-loop-backing-summary = { $victim } waits { $wait }{ $together } for { $device }, whose file { $file } lies on { $below }; the cause there is the I/O of { $culprit }.
finding-disk-loop-backing-file = { $file } on { $below }
finding-disk-loop-backing-advice = Move { $file } to another device, hold back the other load there, or use direct I/O for { $device } so that pages are not cached twice.
finding-disk-loop-backing-expect = The loop device then gets the latency of { $below } itself.

finding-disk-journal-title = Waiting for the journal
finding-disk-journal-summary = { $victim } waits { $wait }{ $together } for journal commits on { $device }; its largest user is { $culprit }.
finding-disk-journal-commit = a journal commit on { $device }
finding-disk-journal-evidence = { $journal } of the waiting is in the journal; { $flushes } cache flushes
finding-disk-journal-advice = See who calls fsync and how often; group several changes into one fsync, or put the journal or this data on another device.
finding-disk-journal-expect = Half as many commits save about half of the { $journal }.

finding-disk-wait-off-device-title = I/O wait without disk work
finding-disk-wait-off-device-summary = { $victim } waits { $wait }{ $together } for I/O although no disk here is busier than { $busy }.
finding-disk-wait-off-device-unseen = something other than a local disk
finding-disk-wait-off-device-idle = a limit above this container or VM, or a network or FUSE filesystem
finding-disk-wait-off-device-evidence = no disk is busier than { $busy }
finding-disk-wait-off-device-advice = Look for I/O limits of the cgroups and of the hypervisor, and for network filesystems.
finding-disk-wait-off-device-expect = Names the limit or the server that is waited for.

## Findings of disk.errors
finding-disk-io-errors-title = Disk I/O errors
finding-disk-io-errors-summary = { $device } had { $count ->
    [one] { $count } failed request
   *[other] { $count } failed requests
} during this run.
finding-disk-io-errors-advice = Check the health of the device and its cabling, and have a backup.
finding-disk-io-errors-expect = Shows reallocated and pending sectors, media errors and remaining life.
finding-disk-filesystem-errors-title = Filesystem errors
finding-disk-filesystem-errors-summary = The filesystem on { $device } reported { $count ->
    [one] { $count } error
   *[other] { $count } errors
} during this run.
finding-disk-filesystem-errors-advice = Back up what can be read, then check the unmounted filesystem.
finding-disk-filesystem-errors-expect = A clean check resets the error count; errors that return point to the device.
finding-disk-array-degraded-title = Degraded array
finding-disk-array-degraded-summary = { $device } lacks { $count ->
    [one] { $count } member
   *[other] { $count } members
}: the next failure may lose data.
finding-disk-array-degraded-advice = Replace the failed member and let the array rebuild.
finding-disk-array-degraded-expect = Shows which member is missing; after the rebuild the array is redundant again.
finding-disk-device-failed-title = Storage device failed
finding-disk-device-failed-summary = { $device } stopped answering ({ $count ->
    [one] { $count } report
   *[other] { $count } reports
}).
finding-disk-device-failed-advice = Read what the driver said, then check cable, power, enclosure and the device.
finding-disk-device-failed-expect = Tells a reset from a loss of the device.

## Control
control-io-throttle-title = cgroup I/O limit
control-io-throttle-enable = Mount a cgroup hierarchy with the io (v2) or blkio (v1) controller.
control-io-throttle-who = The administrator of the container runtime or of systemd slices
control-io-throttle-none = no cgroup limits I/O here

## Storage controller
cell-storage-controller-utilization-title = Storage controller use
cell-storage-controller-utilization-enable = Make /sys readable: the disks are grouped by the PCI function in /sys/block.
cell-storage-controller-utilization-who = The administrator of the host or of the hypervisor
cell-storage-controller-saturation-title = Storage controller queue
cell-storage-controller-saturation-enable = Make /sys and /proc/diskstats readable.
cell-storage-controller-saturation-who = The administrator of the host or of the hypervisor
cell-storage-controller-errors-title = Storage controller errors
cell-storage-controller-errors-enable = Read the kernel log (root or CAP_SYSLOG), or use a machine whose PCI functions report errors (AER).
cell-storage-controller-errors-who = The administrator of the physical host
storage-controller-none = no disk here hangs on a PCI controller
storage-controller-alias = { $controller } has one disk here: these are the numbers of that disk.
storage-controller-no-maximum = The links have no known maximum here: rates only, no percentage.
finding-storage-controller-link-full-title = Controller link is full
finding-storage-controller-link-full-summary = The link of { $controller } is { $share } full while { $wait } of waiting is for its disks.
finding-storage-controller-link-full-evidence = { $rate } of { $limit }
finding-storage-controller-link-full-advice = Spread the disks over more controllers or links, and check that the link runs at its full width.
finding-storage-controller-link-full-expect = The { $share } is shared out; waiting falls as the link gets room.

## CPU interconnect
cell-cpu-interconnect-utilization-title = CPU interconnect use
cell-cpu-interconnect-utilization-enable = Use a machine with uncore PMU access (UPI, xGMI) as root; a guest mostly has none.
cell-cpu-interconnect-utilization-who = The administrator of the physical host
cell-cpu-interconnect-saturation-title = CPU interconnect saturation
cell-cpu-interconnect-saturation-enable = Measure on the physical host with its uncore PMU, as root.
cell-cpu-interconnect-saturation-who = The administrator of the physical host
cell-cpu-interconnect-errors-title = CPU interconnect errors
cell-cpu-interconnect-errors-enable = Count the link's CRC events with the uncore PMU of the physical host.
cell-cpu-interconnect-errors-who = The administrator of the physical host, its management controller
cpu-interconnect-one-node = this host has one NUMA node: no link between sockets
cpu-interconnect-by-numastat = By page allocations that went to another node (numastat), not by the load of the link itself.

## Memory interconnect
cell-memory-interconnect-utilization-title = Memory bandwidth
cell-memory-interconnect-utilization-enable = Use a machine with a memory-controller PMU (uncore_imc) as root, or mount resctrl.
cell-memory-interconnect-utilization-who = The administrator of the physical host
cell-memory-interconnect-saturation-title = Memory bus saturation
cell-memory-interconnect-saturation-enable = Give the guest a virtual PMU, or measure on the physical host: cycles and instructions are needed.
cell-memory-interconnect-saturation-who = The administrator of the physical host or of the hypervisor
cell-memory-interconnect-errors-title = Memory bus errors
cell-memory-interconnect-errors-enable = Load the EDAC driver of the memory controller; in a guest only the physical host has it.
cell-memory-interconnect-errors-who = The administrator of the physical host
memory-interconnect-no-maximum = The maximum bandwidth is not known here: a rate, no percentage.
memory-interconnect-by-ipc = Instructions per cycle: busy CPUs below the threshold mostly wait for memory.

## I/O interconnect
cell-io-interconnect-utilization-title = I/O bus use
cell-io-interconnect-utilization-enable = Measure on the physical host: its IIO PMU counts PCIe traffic.
cell-io-interconnect-utilization-who = The administrator of the physical host
cell-io-interconnect-saturation-title = I/O bus saturation
cell-io-interconnect-saturation-enable = Use a machine whose PCIe links show their speed in sysfs, or mount debugfs for swiotlb.
cell-io-interconnect-saturation-who = The administrator of the physical host
cell-io-interconnect-errors-title = I/O bus errors
cell-io-interconnect-errors-enable = Read the kernel log (root or CAP_SYSLOG), or use a machine whose PCI functions report errors (AER).
cell-io-interconnect-errors-who = The administrator of the physical host
io-interconnect-by-links = By links that run below their maximum and by DMA bounce buffers, not by traffic.
finding-io-interconnect-pcie-fatal-title = Fatal PCIe errors
finding-io-interconnect-pcie-fatal-summary = { $device } had { $count ->
    [one] { $count } fatal PCIe error
   *[other] { $count } fatal PCIe errors
} during this run.
finding-io-interconnect-pcie-fatal-evidence = { $count ->
    [one] { $count } fatal error
   *[other] { $count } fatal errors
} (AER)
finding-io-interconnect-pcie-fatal-advice = Reseat or replace the card or its riser, and update its firmware.
finding-io-interconnect-pcie-fatal-expect = Shows which layer failed; after the repair the count stays still.

## Thresholds
threshold-disk-busy = Share of the time that a disk without parallelism is busy before it is worth a look
threshold-disk-latency-rise = How many times its usual latency a disk must take to be called slower
threshold-disk-latency-rise-floor = Latency below which a rise does not count
threshold-disk-queue-share = Share of the request time in the kernel's queue from which on the queue, not the device, is named
threshold-io-throttle-near-limit = Share of a cgroup's I/O limit from which on the limit is taken to bite
threshold-storage-controller-busy = Share of a controller's link from which on it is called full
threshold-memory-interconnect-low-ipc = Instructions per cycle below which busy CPUs are taken to wait for memory
threshold-memory-interconnect-busy-cpu = CPU utilization from which on instructions per cycle mean something
threshold-cpu-interconnect-remote-share = Share of page allocations on another node before it is worth a look
threshold-io-interconnect-swiotlb = Share of the DMA bounce buffers in use before it is worth a look

## Details of a part
detail-busy = busy
detail-queue-length = queue length
detail-in-flight = in flight
detail-reads-per-s = reads
detail-writes-per-s = writes
detail-read-bytes-per-s = read rate
detail-write-bytes-per-s = write rate
detail-mean-latency = mean latency
detail-baseline-latency = usual latency
detail-flushes-per-s = cache flushes
detail-queue-latency-p50 = queue latency, median
detail-queue-latency-p99 = queue latency, 99%
detail-device-latency-p50 = device latency, median
detail-device-latency-p99 = device latency, 99%
detail-io-full = all stalled
detail-limit = limit
detail-rate = rate
detail-throughput = throughput
detail-requests-per-s = requests
detail-disks = disks
detail-link-limit = link maximum
detail-link-now = link now
detail-total-errors = errors altogether
