# perf top.

help-top = Where the machine, a process or a thread spends its time now: a table that is refreshed every two seconds.
help-top-all-cpus = the whole machine (default)
help-top-branch-any = count branches
help-top-count = a sample after so many events
help-top-cpu = only these CPUs
help-top-delay = seconds between refreshes; default: 2
help-top-entries = lines of a screen of text; default: 20
help-top-event = what is counted; `perfuse list` shows the names
help-top-count-filter = only lines with at least so many samples
help-top-freq = samples a second; default: 4000
help-top-g = call graphs, by frame pointers
help-top-cgroup = only this cgroup
help-top-no-inherit = not the children of what is watched
help-top-branch-filter = kinds of branches
help-top-hide-kernel-symbols = no functions of the kernel
help-top-vmlinux = the kernel with its symbols
help-top-mmap-pages = pages of each ring
help-top-show-nr-samples = a column with the number of samples
help-top-pid = only these processes
help-top-realtime = read with this real-time priority
help-top-sort = what makes a line of its own; default: dso,symbol
help-top-tid = only these threads
help-top-hide-user-symbols = no functions of programs
help-top-uid = only processes of this user
help-top-verbose = every attempt to open an event
help-top-column-widths = widths of the columns
help-top-zero = forget old samples at each refresh; otherwise they weigh 7/8 after each
help-top-all-cgroups = record cgroups, for --sort cgroup
help-top-call-graph = how stacks are taken (fp, dwarf, lbr, unwind) and shown (graph, 0.5, caller, …)
help-top-children = what functions have called counts for them too (default with call graphs)
help-top-comms = only these process names
help-top-demangle-kernel = names of the kernel, too
help-top-dsos = only code in these files
help-top-fields = columns, in this order
help-top-force = taken, as in perf; there is nothing to be forced
help-top-group = events as one group
help-top-ignore-callees = what these functions call counts for them
help-top-ignore-vmlinux = do not look for an image of the kernel
help-top-kallsyms = a copy of /proc/kallsyms
help-top-max-stack = most places of a call chain
help-top-namespaces = record namespaces
help-top-no-bpf-event = do not record BPF programs
help-top-num-thread-synthesize = taken; it changes nothing
help-top-percent-limit = only lines with at least this share
help-top-percentage = shares of what filters leave (relative) or of all (absolute)
help-top-proc-map-timeout = milliseconds for the mappings of one process
help-top-raw-trace = plain values of tracepoints
help-top-show-total-period = a column with the sum of periods
help-top-stdio = as text, a screen after the other; the default where standard output is no terminal
help-top-symbols = only these functions
help-top-tui = as a terminal program

perf-top-tui-waiting = The first samples are on their way …
perf-top-tui-nothing = No samples: whatever is watched does nothing that is counted, or a filter (/, K, U) hides it.
perf-top-tui-cost = This program: { $cpu } % of one CPU, { $memory } MiB
perf-top-tui-knobs = Old samples forgotten: { $zero } · kernel: { $kernel } · programs: { $user } · every { $delay } s
perf-top-tui-reading = Reading the code of { $symbol } …
perf-top-tui-delay = Seconds between refreshes:
perf-top-tui-paused = Held · f goes on
perf-top-tui-foot = Enter chains · a code · / search · f hold · z zero · K U hide · h help · q quit
perf-top-tui-help =
    ↑ ↓ PgUp PgDn Home End   move
    Enter, +                 open or close the call chains of a line
    a                        the instructions of the function, with their samples
    e  c                     open all, close all
    Tab                      the next event
    /                        only lines with a text
    f                        hold the screen, go on
    z                        forget old samples at each refresh, or let them fade
    K  U                     hide or show the kernel, programs
    d                        seconds between refreshes
    P                        write the screen to a file
    h  ?                     this help
    q, Esc, Ctrl-C           quit
