# perf list.

help-list = The events that -e takes, as far as this machine counts them. Those of the CPU's maker come from tables in PERFUSE_PMU_EVENTS, ~/.cache/pmu-events or /usr/share/perfuse/pmu-events.
help-list-desc = Descriptions of events that have one (--no-desc for none).
help-list-json = The list as JSON.
help-list-long-desc = Longer descriptions.
help-list-cputype = Events of one kind of core on a hybrid CPU (core or atom).
help-list-debug = Nothing more is said here: for command lines of perf.
help-list-deprecated = Events that are out of date too.
help-list-details = What names and metrics stand for.
help-list-raw-dump = Names alone, for the completion of shells.

list-no-hardware = { $count } hardware and cache events (cycles, instructions, cache misses ...) are not listed, because they cannot be counted here: the kernel has no counters of this CPU (no PMU). Its driver is missing, or a hypervisor does not pass them on. On bare metal or in a guest with a virtual PMU they are listed.
list-no-hardware-guest = { $count } hardware and cache events (cycles, instructions, cache misses ...) are not listed, because they cannot be counted here: this is a guest ({ $hypervisor }) without a virtual PMU. On the host, on bare metal, or with a virtual PMU (KVM: pmu=on; clouds: metal or whole-socket instances) they are listed.
list-refused = { $count } events are not listed, because the kernel does not open them: { $error }.
list-no-tracepoints = Tracepoints cannot be listed: { $why }.
list-nothing = Nothing matches `{ $pattern }`.
list-vendor = Events and metrics of the CPU's maker ({ $cpu }) are listed only as far as the kernel has them in /sys/bus/event_source/devices/*/events, because no table of them was found. A table is a directory in PERFUSE_PMU_EVENTS, ~/.cache/pmu-events (where event_download.py of pmu-tools puts it) or /usr/share/perfuse/pmu-events: Intel's perfmon JSON, or tools/perf/pmu-events/arch of a kernel source tree. Every other code is counted as rNNN or cpu/event=...,umask=.../.
list-sdt = No file of the cache carries probes (SDT). `buildid-cache --add FILE` keeps a program or library with those that it has.
list-metric = No metrics of this CPU ({ $cpu }) are known, because no table with metrics was found. tools/perf/pmu-events/arch of a kernel source tree has some: give its directory in PERFUSE_PMU_EVENTS. `stat -d` computes the usual ones without.
list-cputype = There is no kind of core named `{ $kind }` here.
list-table = Events and metrics of the CPU's maker ({ $events } and { $metrics }) are from { $path }, for { $cpu }.
list-table-problem = { $path } cannot be used: { $why }.
list-table-skipped = { $count } entries of the tables are left out, because they name registers that cannot be set through the kernel, or are not of the expected form.
list-table-no-pmu = { $count } events of the CPU maker's tables are not listed, because the kernel has no PMU here that would count them (a guest without a virtual PMU, or no driver).
