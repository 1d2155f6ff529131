### Texts that every part shares.

## Text that is the same in every language
literal = { $text }

## Why a value is missing
missing-no-permission = { $source }: permission denied{ PAREN($detail) }
missing-unsupported = { $source }: not supported by this kernel{ PAREN($detail) }
missing-absent = { $source } does not exist here{ PAREN($detail) }
missing-malformed = { $source } is not in the expected form{ PAREN($detail) }
missing-too-early = { $source }: only one sample so far; a rate needs two{ PAREN($detail) }
missing-gone = { $source } disappeared while it was being read{ PAREN($detail) }
missing-disabled = { $source } exists but is switched off{ PAREN($detail) }
missing-not-sampled = { $source } was not read in this run{ PAREN($detail) }
missing-reset = { $source }: the counter was reset between two samples{ PAREN($detail) }
missing-other = { $source } could not be read{ PAREN($detail) }

## Verdicts, severities, kinds
verdict-ok = ok
verdict-watch = watch
verdict-bottleneck = bottleneck
verdict-error = error
verdict-unmeasurable = unmeasurable
verdict-not-applicable = not applicable
severity-watch = watch
severity-bottleneck = bottleneck
severity-error = error
kind-utilization = Utilization
kind-saturation = Saturation
kind-errors = Errors

## Resources
resource-cpu = CPU
resource-memory = Memory
resource-network = Network
resource-disk = Disk
resource-capacity = Storage capacity
resource-storage-controller = Storage controller
resource-network-controller = Network controller
resource-cpu-interconnect = CPU interconnect
resource-memory-interconnect = Memory interconnect
resource-io-interconnect = I/O interconnect
resource-kernel-lock = Kernel locks
resource-user-lock = User locks
resource-tasks = Tasks
resource-fds = File descriptors
resource-dependency = Another service

## Kinds of things that are named
entity-process = process
entity-thread = thread
entity-cgroup = cgroup
entity-device = device
entity-mount = mount
entity-interface = interface
entity-qdisc = qdisc
entity-listener = listener
entity-socket = socket
entity-lock = lock
entity-query = query
entity-pool = pool
entity-queue = queue
entity-dependency = dependency
entity-kernel = kernel
entity-host = host

## Headings of the report
report-title = perfuse use
report-findings = Findings
report-checklist = Checklist
report-numbers = Numbers, their sources, and how to see them by hand
report-controls = Resource controls
report-unmeasured = What could not be measured
report-not-applicable = Not applicable here
report-healthy = Healthy: nothing waits beyond the thresholds, and no hard error was seen.
report-unhealthy = { $count ->
    [one] { $count } finding needs attention.
   *[other] { $count } findings need attention.
}
report-unknown = Too little could be measured to call this host healthy.
report-cpus = { $cpus ->
    [one] { $cpus } CPU
   *[other] { $cpus } CPUs
}
report-memory = { $memory } memory
report-cgroup = cgroup { $version }
report-measured = measured { $started } for { $duration }
report-culprit = culprit
report-victims = victims
report-chain = chain
report-evidence = Evidence
report-advice = what to do
report-run = run
report-expect = expect
report-wait = { $wait } of waiting explained
report-confidence = confidence { $confidence }
report-control = limited by { $control }
report-reason = why
report-enable = enable
report-who = who could know
report-note = note
report-more = { $count ->
    [one] and { $count } more
   *[other] and { $count } more
}
report-no-findings = No findings.
report-by-hand = by hand
report-value = value
report-verdict = verdict
report-cell = cell
report-top = busiest
report-instances = Instances
report-instance = instance
report-culprits = Top users
report-history = History
report-source = source
report-metric = metric
report-history-range = { $low } to { $high } over { $duration }
report-cost = perfuse itself used { $share } of this host's CPU while it looked ({ $seconds } CPU time in all, { $setup } of it to start and to name stacks) and { $memory } of memory.
report-cost-bpf = In-kernel programs: { $programs }.
report-cost-detached = Detached for their cost: { $programs }.
report-cost-over = That is more than the allowed { $limit }.
report-capabilities = What this host allows
report-capabilities-missing = What this host does not offer
report-available = available
report-unavailable = unavailable
report-narrowed = narrowed to { $what }

## Thresholds
thresholds-title = Thresholds in force
thresholds-key = key
thresholds-value = value
thresholds-default = default
thresholds-unit = unit
thresholds-meaning = meaning
thresholds-set = set
threshold-finding-min-wait = Least wait, in seconds per second, of a victim before a finding rises above watch
threshold-finding-min-share = Least share of its time that a victim waits before a finding rises above watch
threshold-own-cost-max = Share of the host's CPU past which the dearest in-kernel program is detached
threshold-url-slow = Median time of a request to another host (`why --url`) from which it is slow

## What a host may allow
capability-bpf = In-kernel programs (BPF)
capability-bpf-enable = Run as root, or give the program CAP_BPF and CAP_PERFMON (CAP_SYS_ADMIN before Linux 5.8).
capability-btf = Kernel type information (BTF)
capability-btf-enable = Use a kernel built with CONFIG_DEBUG_INFO_BTF=y, and mount sysfs on /sys.
capability-tp-btf = Typed tracepoint programs
capability-tp-btf-enable = Use Linux 5.5 or later with BTF, as root.
capability-bpf-iter = In-kernel task lists (BPF iterators)
capability-bpf-iter-enable = Use Linux 5.8 or later with BTF, as root.
capability-perf-event = perf events
capability-perf-event-enable = Run as root, or set kernel.perf_event_paranoid to 1 or less.
capability-perf-event-hw = Hardware performance counters (PMU)
capability-perf-event-hw-enable = Give the virtual machine a virtual PMU, or run on the hardware itself.
capability-tracefs = Tracepoints (tracefs)
capability-tracefs-enable = Run as root and mount tracefs on /sys/kernel/tracing.
capability-psi = Pressure stall information (PSI)
capability-psi-enable = Boot with psi=1 on Linux 4.20 or later built with CONFIG_PSI=y.
capability-delayacct = Delay accounting of tasks
capability-delayacct-enable = Run `sysctl kernel.task_delayacct=1`, or boot with `delayacct`.
capability-schedstat = Scheduler statistics (schedstat)
capability-schedstat-enable = Use a kernel built with CONFIG_SCHEDSTATS=y.
capability-kmsg = Kernel log
capability-kmsg-enable = Run as root, or give the program CAP_SYSLOG.
capability-taskstats = Task statistics over netlink (taskstats)
capability-taskstats-enable = Run as root in the initial namespaces on a kernel with CONFIG_TASKSTATS=y.
capability-sock-diag = Socket diagnostics (sock_diag)
capability-sock-diag-enable = Load the modules tcp_diag, udp_diag and inet_diag.
capability-ptrace = Files of other users' processes
capability-ptrace-enable = Run as root, or give the program CAP_SYS_PTRACE.
capability-kallsyms = Kernel symbols (kallsyms)
capability-kallsyms-enable = Run as root, or set kernel.kptr_restrict to 0.
capability-cgroup2 = cgroup v2
capability-cgroup2-enable = Mount cgroup2, or boot with systemd.unified_cgroup_hierarchy=1.
capability-edac = Memory error counters (EDAC)
capability-edac-enable = Needs ECC memory and the EDAC driver of the memory controller; in a virtual machine, ask the host.

## The live checklist
tui-too-small = Please enlarge the terminal to at least { $columns } columns and { $rows } rows.
tui-waiting = Measuring …
tui-paused = PAUSED
tui-gone = This is not in the latest report any more.
tui-open = open
tui-back = back
tui-pane = next pane
tui-scroll = scroll
tui-sort = sort
tui-filter = filter
tui-filter-hint = (Enter keeps it, Esc clears it)
tui-pause = pause
tui-resume = go on
tui-help = help
tui-quit = quit
tui-other-language = 한국어
tui-sort-given = checklist
tui-sort-worst = worst first
tui-sort-name = name
tui-help-title = Keys
tui-help-move = move the selection
tui-help-open = open the selected cell, control or finding
tui-help-back = back to the checklist; clear the filter
tui-help-pane = next or previous pane: checklist, findings, controls
tui-help-page = page up, page down, to the start, to the end
tui-help-sort = change the order: checklist, worst first, name; inside a cell: by column
tui-help-filter = show only what contains a text
tui-help-pause = hold the screen; measuring goes on
tui-help-language = switch between English and Korean
tui-help-quit = quit; every probe is detached
