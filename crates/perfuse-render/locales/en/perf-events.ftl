# Events: mistakes in their text, and what the kernel says to them. For every command of perf.

perf-event-error = event syntax error:{ $place }{ $problem }
    { $hint }
perf-event-list = `perf list` shows what there is.
perf-event-nearest = Nearest: { $names }
perf-event-expected = expected { $expected }
perf-event-unknown = no event is named `{ $name }`
perf-event-tracepoint = no tracepoint `{ $name }`: { $why }
perf-event-pmu = no PMU is named `{ $name }`
perf-event-term = `{ $term }` is no term of { $of }
perf-event-of-pmu = { $name }
perf-event-of-general = a hardware or software event
perf-event-of-tracepoint = a tracepoint
perf-event-no-pmu = `{ $event }` is an event of this CPU model, but the kernel has no PMU `{ $pmu }` that would count it (a guest without a virtual PMU, or no driver)
perf-event-value = `{ $term }` takes { $expected }
perf-event-too-large = the value of `{ $term }` is at most { $max }
perf-event-not-in-stat = `{ $term }` has no use in stat
perf-event-not-for-tracepoint = `{ $term }` has no use with a tracepoint
perf-event-modifier = `{ $letter }` is no modifier; there are u k h G H p P S D I W e b
perf-event-repeated = `{ $letter }` is there twice
perf-event-too-precise = there are at most three p
perf-event-access = `{ $access }` is no access; there are r, w and x
perf-event-number = the number is larger than 64 bits
perf-event-too-many = more than { $max } events
perf-event-alias = the terms that `{ $event }` stands for cannot be used with this PMU: `{ $terms }`
perf-event-unserved = `{ $term }` of { $event } is not done: the AUX areas and drivers of PMUs (Intel PT, CoreSight) are not set up by perfuse.

perf-expected-comma-or-end = a comma or the end
perf-expected-no-nesting = an event: groups cannot be nested
perf-expected-comma-or-brace = a comma or the closing brace of the group
perf-expected-closing-slash = the closing slash of the terms
perf-expected-event = an event
perf-expected-slash = a slash
perf-expected-tracepoint-name = the name of a tracepoint
perf-expected-address = an address
perf-expected-length = a length in bytes
perf-expected-term = a term
perf-expected-value = a value
perf-expected-closing-quote = the closing quote
perf-expected-number = a number
perf-expected-switch = 0 or 1
perf-expected-name = a name
perf-expected-branches = kinds of branches
perf-expected-call-graph = no, fp, dwarf or lbr
perf-expected-nothing = no value
perf-expected-word = a number of 32 bits

perf-tracefs-not-mounted = tracefs is not mounted (mount -t tracefs nodev /sys/kernel/tracing)
perf-tracefs-not-found = { $path } does not exist
perf-tracefs-permission = { $path } may not be read by this user (it takes root, or read and search permission on tracefs)
perf-tracefs-other = { $path }: { $error }

perf-open-no-hardware = { $events }: not available. The kernel has no counters of this CPU (no PMU): its driver is missing, or this is a guest whose hypervisor does not pass them on. With the CPU's own driver, on bare metal or in a guest with a virtual PMU they count.
perf-open-no-hardware-guest = { $events }: not available. This is a guest ({ $virtualization }) without a virtual PMU, which hides the CPU's counters. On the host, on bare metal, or with the guest's virtual PMU switched on (KVM: pmu=on; clouds: metal or whole-socket instances) they count.
perf-open-no-event = { $events }: not available, because this kernel has no such event ({ $error }). `perf list` shows what it has.
perf-open-not-supported = { $events }: the event is there, but its source cannot do what was asked ({ $error }).
perf-open-no-permission = { $events }: not allowed. kernel.perf_event_paranoid is { $paranoid } and this process has neither CAP_PERFMON nor CAP_SYS_ADMIN. Run as root, give the program CAP_PERFMON (setcap cap_perfmon+ep), or lower the limit (sysctl kernel.perf_event_paranoid=1; -1 for everything).
perf-open-no-permission-unknown = { $events }: not allowed ({ $error }). This process has neither CAP_PERFMON nor CAP_SYS_ADMIN. Run as root or give the program CAP_PERFMON.
perf-open-forbidden = { $events }: not allowed ({ $error }) although this process has the capability. A security module or the seccomp filter of a container forbids perf_event_open, or the process belongs to another user.
perf-open-files = { $events }: no file descriptors left ({ $error }). Each event takes one on every CPU or thread: raise the limit (ulimit -n) or ask for fewer events.
perf-open-space = { $events }: no counter left for it ({ $error }): breakpoint registers, or the counters that a group needs at once, are in use.
perf-open-busy = { $events }: the hardware is in use by somebody else ({ $error }).
perf-open-too-new = { $events }: this kernel is older than what was asked for ({ $error }).
perf-open-not-precise = { $events }: this CPU cannot sample as precisely as asked ({ $error }). Fewer `p` may do.
perf-open-invalid = { $events }: the kernel refuses this combination ({ $error }).
perf-open-no-task = { $events }: the process or thread is not there ({ $error }).
perf-open-no-cpu = { $events }: the CPU is not online, or this source does not count on it ({ $error }).
perf-open-no-call = { $events }: this kernel has no perf events ({ $error }): built without CONFIG_PERF_EVENTS, or a filter hides the system call.
perf-open-other = { $events }: perf_event_open failed ({ $error }).
