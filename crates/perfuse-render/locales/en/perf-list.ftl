# perf list.

help-list = The events that -e takes, as far as this machine counts them.
help-list-desc = Descriptions of events that have one (--no-desc for none).
help-list-json = The list as JSON.
help-list-long-desc = Longer descriptions.
help-list-cputype = Events of one kind of core on a hybrid CPU (core or atom).
help-list-debug = Nothing more is said here: for command lines of perf.
help-list-deprecated = Events that are out of date too; sysfs has none.
help-list-details = How names are resolved; --json has it as Encoding.
help-list-raw-dump = Names alone, for the completion of shells.

list-no-hardware = { $count } hardware and cache events (cycles, instructions, cache misses ...) are not listed, because they cannot be counted here: the kernel has no counters of this CPU (no PMU). Its driver is missing, or a hypervisor does not pass them on. On bare metal or in a guest with a virtual PMU they are listed.
list-no-hardware-guest = { $count } hardware and cache events (cycles, instructions, cache misses ...) are not listed, because they cannot be counted here: this is a guest ({ $hypervisor }) without a virtual PMU. On the host, on bare metal, or with a virtual PMU (KVM: pmu=on; clouds: metal or whole-socket instances) they are listed.
list-refused = { $count } events are not listed, because the kernel does not open them: { $error }.
list-no-tracepoints = Tracepoints cannot be listed: { $why }.
list-nothing = Nothing matches `{ $pattern }`.
list-vendor = Event names and metrics of the CPU's maker are listed only as far as the kernel has them in /sys/bus/event_source/devices/*/events; every other code is counted as rNNN or cpu/event=...,umask=.../.
list-sdt = Probes of programs (SDT) are not listed by this version.
list-metric = Metrics of the CPU's maker are not part of this program; `stat -d` computes the usual ones.
list-cputype = There is no kind of core named `{ $kind }` here.
