### Texts of the memory, storage capacity and file descriptor rules.

## Cells and controls
cell-memory-utilization-title = Memory utilization
cell-memory-utilization-enable = Make /proc/meminfo readable (mount /proc).
cell-memory-utilization-who = The hypervisor or the container runtime that set the limits
cell-memory-saturation-title = Memory saturation
cell-memory-saturation-enable = Boot with psi=1, or run as root (CAP_BPF and CAP_PERFMON) for page-fault and reclaim times; kernel.task_delayacct=1 gives waits per process.
cell-memory-saturation-who = The host of this container, whose kernel keeps the counters
cell-memory-errors-title = Memory errors
cell-memory-errors-enable = Load the EDAC driver of the memory controller; run as root for killed processes and refused allocations.
cell-memory-errors-who = The hypervisor, or the BMC of the machine (ipmitool sel list)
cell-capacity-utilization-title = Storage capacity in use
cell-capacity-utilization-enable = Make /proc/self/mountinfo readable; capacity is asked only of the running system, not of another root.
cell-capacity-utilization-who = The file server or the storage array
cell-capacity-saturation-title = Storage held back
cell-capacity-saturation-enable = Make /proc/vmstat readable (mount /proc).
cell-capacity-saturation-who = The host of this container
cell-capacity-errors-title = Storage full errors
cell-capacity-errors-enable = Run as root or with CAP_BPF and CAP_PERFMON: only the kernel sees which calls returned ENOSPC or EDQUOT.
cell-capacity-errors-who = The logs of the applications that write
cell-fds-utilization-title = File descriptors in use
cell-fds-utilization-enable = Make /proc/sys/fs/file-nr and /proc/PID/limits readable; before Linux 6.2 the counts of other users' processes need root.
cell-fds-utilization-who = The owner of the processes
cell-fds-saturation-title = Waiting for descriptors
cell-fds-saturation-enable = Run as root, so that the open files of every process can be counted.
cell-fds-saturation-who = The owner of the processes
cell-fds-errors-title = File descriptor errors
cell-fds-errors-enable = Run as root or with CAP_BPF and CAP_PERFMON: only the kernel sees which calls returned EMFILE or ENFILE.
cell-fds-errors-who = The logs of the applications ("Too many open files")
control-memory-limit-title = Memory limit
control-memory-limit-enable = Mount the cgroup filesystem with the memory controller.
control-memory-limit-who = Whoever set the limits: systemd, the container runtime, the orchestrator
control-hugepages-title = Huge pages
control-hugepages-enable = Make /sys/kernel/mm/hugepages or /proc/meminfo readable.
control-hugepages-who = The host of this container
control-swap-title = Swap
control-swap-enable = Make /proc/meminfo or /proc/swaps readable.
control-swap-who = The host of this container
control-dirty-limit-title = Dirty page limit
control-dirty-limit-enable = Make /proc/vmstat readable (mount /proc).
control-dirty-limit-who = The host of this container
control-nofile-title = Open file limit
control-nofile-enable = Make /proc/PID/limits readable; before Linux 6.2 the counts of other users' processes need root.
control-nofile-who = The owner of the processes
control-inotify-title = inotify limits
control-inotify-enable = Run as root, so that every process's watches can be counted.
control-inotify-who = The owner of the processes

## Thresholds
threshold-memory-low-headroom = Share of memory, of the host or below a limit, that should stay free
threshold-memory-pressure = Waiting for memory from which on it is worth a look
threshold-memory-swap-rate = Swap-in from which on it is worth a look
threshold-memory-limit-hits = Hits of a cgroup's memory limit from which on it is worth a look
threshold-memory-swap-used = Share of swap in use from which on it is worth a look
threshold-memory-hugepages-used = Share of a huge page pool in use from which on it is worth a look
threshold-capacity-full = Share of a filesystem in use from which on it is worth a look
threshold-capacity-fill-time = Time until a filesystem is full, at the rate of the run, below which it is worth a look
threshold-capacity-dirty = Share of the point at which writers are held back from which on it is worth a look
threshold-fds-high = Share of a process's open file limit from which on it is worth a look
threshold-fds-inotify-high = Share of an inotify limit from which on it is worth a look

## Numbers of instances
detail-total-memory = total
detail-available-bytes = available
detail-anonymous = anonymous
detail-page-cache = page cache
detail-slab = slab
detail-slab-unreclaimable = slab that cannot be reclaimed
detail-shared-memory = shared
detail-page-tables = page tables
detail-committed = committed
detail-commit-limit = commit limit
detail-memory-limit = limit
detail-working-set = working set
detail-charged = charged
detail-swapped = in swap
detail-limit-hits-per-s = hits of the limit
detail-high-hits-per-s = hits of memory.high
detail-major-faults-per-s = major faults
detail-refaults-per-s = refaults
detail-full-stall = all tasks stalled
detail-oom-kills = killed processes
detail-corrected-errors = corrected
detail-corrected-errors-since-boot = corrected since boot
detail-uncorrected-errors-since-boot = uncorrected since boot
detail-huge-pages = pages
detail-huge-pages-free = free
detail-huge-pages-reserved = reserved
detail-huge-pages-surplus = surplus
detail-size-bytes = size
detail-used-bytes = used
detail-inodes-used = inodes in use
detail-growth-per-s = growth
detail-fill-time = full in
detail-samples-above = samples above the throttle point
detail-dirty-bytes = dirty
detail-writeback-bytes = being written
detail-open-files = open files
detail-limit-files = limit
detail-watches = watches
detail-inotify-instances = instances

## Remarks
memory-tightest-cgroup = The tightest is cgroup { $cgroup }, not the host.
memory-no-psi = Pressure stall information is off: this is the summed waiting of the processes.
memory-no-psi-no-waits = Pressure stall information is off and nobody's waiting was measured: these are events, not time.
memory-no-edac = No EDAC driver: errors that the memory corrects by itself are not seen.
memory-no-cgroups = No cgroup filesystem is mounted.
memory-no-limits = No cgroup has a memory limit.
memory-no-hugepages = No huge pages are reserved.
memory-no-swap = This host has no swap.
capacity-no-filesystem = No filesystem that can fill up is mounted.
capacity-no-answer = Without an answer: { $mounts }
capacity-dirty-proxy = Capacity has no queue by nature. The proxy: written data that waits for the disk, against the point at which writers are held back.
fds-hidden = { $count ->
    [one] { $count } process of another user is not counted.
   *[other] { $count } processes of other users are not counted.
}
fds-nobody = No process with open files is visible.
fds-no-saturation = Descriptors have no queue by nature, and no process is at its limit.
fds-backlog-proxy = Descriptors have no queue by nature. The proxy: connections that a process at its limit does not accept.
inotify-lower-bound = A lower bound: not every process could be looked into in the time allowed.

## Names and their details
memory-process = { $name } ({ $pid })
memory-process-and-others = { $name } ({ $pid }) and { $others ->
    [one] { $others } other
   *[other] { $others } others
}
memory-some-tasks = tasks
memory-some-process = a process
memory-the-cgroup = Cgroup { $cgroup }
memory-the-host = The host
memory-victim = waits { $wait } for memory, { $share } of its active time; { $faults } major faults
memory-victim-faults = { $faults } major faults
memory-killed-rss = held { $rss }
memory-user-pss = { $pss } by fair share (PSS), { $rss } resident, { $swap } in swap
memory-user-rss = { $rss } resident
memory-user-swap = { $swap } in swap
capacity-writer = writes { $rate }
capacity-left-bytes = { $left }
capacity-left-inodes = { $left ->
    [one] { $left } inode
   *[other] { $left } inodes
}
capacity-on-mount = on { $mount }
capacity-on-unknown = on a filesystem that is not full now
inotify-holder = { $watches } watches in { $instances } instances
fds-holder = { $open } of { $limit } open files

## Steps of chains
memory-link-processes = { $victim }: waiting for memory
memory-link-pages = Cgroup { $cgroup } gives up pages that it needs again
memory-link-trims = Cgroup { $cgroup } gives up page cache to make room
memory-link-pages-evidence = { $wait } of waiting, { $faults } major faults
memory-link-limit = its memory limit of { $limit }
memory-link-hits = the limit was hit { $hits } ({ $metric } in { $file })
memory-link-host = The host is not short of memory
memory-link-host-free = it has free memory and does not reclaim
memory-link-host-evidence = host pgscan_direct { $scanned }, { $available } available
memory-link-reclaim = the host reclaims or swaps while tasks wait
memory-link-reclaim-evidence = { $wait } of waiting, { $stalls } allocation stalls, { $swap } swapped in
memory-link-holder = { $culprit } holds the most memory
memory-link-holder-evidence = { $rss } resident
memory-link-killed = { $victim } was killed
memory-link-kills = { $metric } in { $file } grew by { $count }
capacity-link-mount = { $mount } fills up
capacity-link-writer = { $writer } writes
capacity-link-growth = it grows by { $growth } and is full in { $time }
capacity-link-failed = Calls of { $name } ({ $pid }) fail
capacity-link-full = { $mount } is full
capacity-link-full-evidence = { $count } failed calls; { $blocks } and { $inodes } inodes left
fds-link-refused = { $name } ({ $pid }) gets no more descriptors
fds-link-limit = its limit of { $limit } open files
fds-link-evidence = { $count } calls returned EMFILE, { $open } files are open
fds-link-clients = Clients wait to be accepted
fds-link-backlog = { $queued } connections in the accept queue

## Findings: memory
finding-memory-low-headroom-title = Little memory is left
finding-memory-low-headroom-summary = { $who } has { $left } of memory left ({ $used } in use); nobody waits for it yet.
finding-memory-cgroup-limit-title = A cgroup is held back by its memory limit
finding-memory-cgroup-limit-summary = Cgroup { $cgroup } hits its memory limit of { $limit }: { $wait } of waiting in { $victim } for pages that were just given up. The limit is what is short, not the host.
finding-memory-cgroup-limit-reclaims = Cgroup { $cgroup } hits its memory limit of { $limit }: { $victim } spends { $wait } on making room in it. The limit is what is short, not the host.
finding-memory-cgroup-limit-raise = Raise the limit to { $target }.
finding-memory-cgroup-limit-raise-expect = Most of the { $wait } of waiting goes away and { $file } stops growing; if it still grows, double the step.
finding-memory-cgroup-limit-shrink = Or make the processes of { $cgroup } use less: see what is anonymous and what is page cache.
finding-memory-cgroup-limit-shrink-expect = Once its working set is below { $limit }, the waiting ends without a new limit.
finding-memory-host-pressure-title = The host is short of memory
finding-memory-host-pressure-summary = Tasks wait { $wait } for memory, first of all { $victim }; { $available } is available, and { $culprit } holds the most with { $rss }.
finding-memory-host-pressure-limit = Look at what { $culprit } keeps in its { $rss }; make it smaller, move it, or add memory.
finding-memory-host-pressure-limit-expect = With up to { $rss } freed, reclaim stops and the { $wait } of waiting goes away.
finding-memory-cgroup-oom-kill-title = Processes were killed at a cgroup's memory limit
finding-memory-cgroup-oom-kill-summary = { $count ->
    [one] One process of cgroup { $cgroup } was killed at its memory limit of { $limit }: { $victim }.
   *[other] { $count } processes of cgroup { $cgroup } were killed at its memory limit of { $limit }; one was { $victim }.
}
finding-memory-cgroup-oom-kill-gone = { $victim } was killed at the memory limit of cgroup { $cgroup }, which is gone since.
finding-memory-cgroup-oom-kill-raise = Raise the limit to { $target }, or find out why the process grew.
finding-memory-cgroup-oom-kill-raise-expect = { $count ->
    [one] The kill is not repeated if the process really needs less than that; a leak only takes longer.
   *[other] The { $count } kills are not repeated if the processes really need less than that; a leak only takes longer.
}
finding-memory-cgroup-oom-kill-find = See in the kernel log what the group used when it was killed.
finding-memory-cgroup-oom-kill-find-expect = The line "Memory cgroup stats" tells anonymous memory from page cache.
finding-memory-oom-kill-title = The host ran out of memory and killed
finding-memory-oom-kill-summary = { $count ->
    [one] The kernel killed { $victim } because the host was out of memory; { $available } is available now.
   *[other] The kernel killed { $count } processes, one of them { $victim }, because the host was out of memory; { $available } is available now.
}
finding-memory-oom-kill-advice = See in the kernel log who held the memory, and limit or move it.
finding-memory-oom-kill-expect = { $count ->
    [one] No further kill (there was one in this run).
   *[other] No further kills (there were { $count } in this run).
}
finding-memory-uncorrected-error-title = Memory has uncorrected errors
finding-memory-uncorrected-error-summary = { $count ->
    [one] { $device } had an error that could not be corrected: data was lost.
   *[other] { $device } had { $count } errors that could not be corrected: data was lost.
}
finding-memory-corrected-error-title = Memory corrects errors
finding-memory-corrected-error-summary = { $count ->
    [one] { $device } corrected an error in this run; errors that become more announce a failing module.
   *[other] { $device } corrected { $count } errors in this run; errors that become more announce a failing module.
}
memory-replace-dimm = Find the module, and replace it at the next opportunity.
memory-replace-dimm-expect = The counts stop growing.
finding-memory-allocation-refused-title = Memory mappings are refused
finding-memory-allocation-refused-summary = { $count ->
    [one] A mapping of { $name } ({ $pid }) was refused with ENOMEM.
   *[other] { $count } mappings, most of { $name } ({ $pid }), were refused with ENOMEM.
}
memory-refused-overcommit = Strict overcommit is on: compare what is committed with the limit.
memory-refused-limits = Compare the process's own limits and the number of its mappings (vm.max_map_count).
memory-refused-expect = { $count ->
    [one] The refused call ({ $count } in this run) succeeds once that limit is raised.
   *[other] The refused calls ({ $count } in this run) succeed once that limit is raised.
}
finding-memory-compaction-title = Tasks compact memory themselves
finding-memory-compaction-summary = { $wait } of compaction in { $victim }: there is free memory, but not in one piece.
finding-memory-compaction-link = free memory is in small pieces
finding-memory-compaction-evidence = { $wait } in compaction, { $stalls } compaction stalls
finding-memory-compaction-advice = Let transparent huge pages be made in the background only.
finding-memory-compaction-expect = The { $wait } of compaction moves from these tasks to kcompactd.

## Findings: capacity
finding-capacity-nearly-full-title = A filesystem is nearly full
finding-capacity-nearly-full-summary = { $mount } is { $used } full; { $left } left.
capacity-free-room = Find what takes the room on { $mount }, and remove it or make the filesystem larger.
capacity-free-room-expect = Below { $limit } in use this is no longer reported.
finding-capacity-no-space-title = Writes fail: no space left
finding-capacity-no-space-summary = { $count ->
    [one] A call of { $name } ({ $pid }) failed with ENOSPC { $place }.
   *[other] { $count } calls, most of { $name } ({ $pid }), failed with ENOSPC { $place }.
}
capacity-no-errors-expect = { $count ->
    [one] The failed call ({ $count } in this run) succeeds again.
   *[other] The failed calls ({ $count } in this run) succeed again.
}
finding-capacity-quota-exceeded-title = Writes fail: quota exceeded
finding-capacity-quota-exceeded-summary = { $count ->
    [one] A call of { $name } ({ $pid }) failed with EDQUOT: a disk quota is used up.
   *[other] { $count } calls, most of { $name } ({ $pid }), failed with EDQUOT: a disk quota is used up.
}
finding-capacity-quota-exceeded-advice = See whose quota is used up, and raise it or remove files.
finding-capacity-dirty-throttled-title = Writers are held back
finding-capacity-dirty-throttled-summary = { $name } ({ $pid }) waits { $wait } because { $dirty } of written data has not reached the disk yet.
finding-capacity-dirty-throttled-link = the kernel lets it write only as fast as the disk
finding-capacity-dirty-throttled-evidence = dirty data reached { $peak } of the throttle point, above it in { $above } of the samples; it writes { $rate }, the disk takes { $written }
finding-capacity-dirty-throttled-advice = Start writing back earlier (a smaller vm.dirty_background_bytes), or make the disk faster; a larger limit only delays the wait.
finding-capacity-dirty-throttled-expect = Writers go on at { $written }, what the disk takes, without standing still.

## Findings: file descriptors
finding-fds-near-limit-title = A process nears its open file limit
finding-fds-near-limit-summary = { $name } ({ $pid }) has { $open } of its { $limit } open files in use.
finding-fds-limit-reached-title = A process is out of descriptors
finding-fds-limit-reached-summary = { $count ->
    [one] A call of { $name } ({ $pid }) failed with EMFILE: its open file limit is reached.
   *[other] { $count } calls of { $name } ({ $pid }) failed with EMFILE: its open file limit is reached.
}
finding-fds-file-max-reached-title = The host is out of file handles
finding-fds-file-max-reached-summary = { $count ->
    [one] A call failed with ENFILE: the host's limit of { $max } open files is reached.
   *[other] { $count } calls failed with ENFILE: the host's limit of { $max } open files is reached.
}
fds-raise = Raise the limit to { $target } (LimitNOFILE= of its unit for good).
fds-raise-expect = Room for { $target } instead of { $limit } files; a leak only takes longer.
fds-leak = Or find a leak: see which kinds of files { $name } keeps open.
fds-leak-expect = One kind that only grows is the leak.
fds-raise-host = Raise fs.file-max to { $target }.
fds-raise-host-expect = { $count ->
    [one] The failed call ({ $count } in this run) succeeds again.
   *[other] The failed calls ({ $count } in this run) succeed again.
}
finding-fds-inotify-limit-title = An inotify limit is reached
finding-fds-inotify-limit-summary = { $count ->
    [one] An inotify call of { $name } ({ $pid }) failed: { $setting } is reached, although the disk is not full.
   *[other] { $count } inotify calls, most of { $name } ({ $pid }), failed: { $setting } is reached, although the disk is not full.
}
finding-fds-inotify-limit-advice = Raise { $setting }.
finding-fds-inotify-limit-expect = { $count ->
    [one] The failed call ({ $count } in this run) succeeds again.
   *[other] The failed calls ({ $count } in this run) succeed again.
}
