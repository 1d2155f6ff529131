# perf record.

record-rate = a number of samples a second, or `max`
record-rate-twice = `-F` (samples a second) and `-c` (events between samples) contradict each other. Use one of them.
record-rate-limited = { $rate } samples a second are more than this system allows; { $limit } are used. More: kernel.perf_event_max_sample_rate (the kernel lowers it itself when sampling takes too long). `--strict-freq` refuses instead.
record-rate-refused = { $rate } samples a second are more than this system allows ({ $limit }). Use a lower `-F`, or raise kernel.perf_event_max_sample_rate.
record-rounded = Rings are a power of two of pages: { $bytes } bytes ({ $pages } pages).
record-filter-place = `{ $option }` stands behind the tracepoint that it is for: `-e SYSTEM:NAME { $option } ...`.
record-cgroup-place = `-G` stands behind the events that it is for, and names no more groups than there are events.
record-event = { $problem }
    { $text }
    { $caret }
record-event-near = { $problem }
    { $text }
    { $caret }
    Nearest: { $names }
record-cpu-list = CPUs, such as `0-3,8`
record-no-cpu = CPU { $cpu } is not online. Online: { $online }
record-pid-list = numbers of processes or threads, such as `12,34`
record-no-task = There is no task { $task }.
record-user = the name or number of a user
record-no-user-task = No process of { $user } is running.
record-call-graph = `fp`, `lbr`, or `dwarf` with the bytes of the stack, at most { $most }: `dwarf,16384`
record-branches = { $names }
record-clock = { $names }, or a number
record-synth = `no`, `all`, `task`, `mmap` or `cgroup`
record-size = a number of bytes with B, K, M or G
record-no-cycles = { $wanted } cannot be counted here: this machine shows no PMU (as most guests). { $used } is sampled instead: time, not cycles. For real cycles: the host, or a guest with a virtual PMU (KVM: `-cpu host,pmu=on`).
record-user-only = Without privilege only user space is sampled: { $used } (kernel.perf_event_paranoid = { $paranoid }). The kernel too: root, CAP_PERFMON, or kernel.perf_event_paranoid at most 1.
record-older = This kernel does not know `{ $without }`; { $event } goes without.
record-thread-gone = Thread { $task } ended before it could be watched.
record-hidden = The kernel hides its addresses (kernel.kptr_restrict, kernel.perf_event_paranoid): kernel functions cannot be named later.
record-lost = Lost: { $lost } of { $all } samples ({ $percent }%). More room: `-m { $bytes }K`. Or fewer samples: a lower `-F`, a filter, fewer events.
record-fail-open = { $event } cannot be opened: { $errno }.
record-fail-hardware = The { $event } event is not supported: this machine shows no PMU (as most guests), or its PMU does not count that ({ $errno }). It takes the host, or a guest with a virtual PMU.
record-fail-branches = { $event }: the PMU does not support branch stacks ({ $errno }). Branches take a CPU with last branch records (LBR, BRS, BRBE) that this machine shows; call chains also come with `--call-graph fp` or `dwarf`.
record-fail-permission = { $event } may not be opened ({ $errno }): kernel.perf_event_paranoid = { $paranoid }. It takes root, CAP_PERFMON, or a lower kernel.perf_event_paranoid.
record-fail-task = Task { $task } may not be watched ({ $errno }): it belongs to another user or is protected (ptrace), in spite of the capability of this process.
record-fail-files = Too many open files for { $event } ({ $errno }): one for each event, CPU and thread. Raise `ulimit -n`, or use `-a`, `--per-thread` or fewer events.
record-fail-no-task = { $event }: task { $task } is gone ({ $errno }).
record-fail-cgroup = No cgroup { $name }: { $reason }.
record-fail-filter = failed to set filter "{ $filter }" on event { $event } with { $number } ({ $errno })
record-fail-map = A ring of { $bytes } bytes cannot be mapped ({ $errno }). Use a smaller `-m`, or raise kernel.perf_event_mlock_kb or `ulimit -l`.
record-fail-call = { $call }: { $errno }
record-fail-exec = { $program } cannot be run: { $errno }
record-fail-fork = The command cannot be started: { $reason }
record-fail-write = { $path }: { $errno }. What was written until then is complete and can be read.
record-denied = The mappings of process { $task } may not be read (/proc/{ $task }/maps: it belongs to another user or is protected): its functions cannot be named later.
