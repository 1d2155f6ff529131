# perf inject: a recording written once more.

help-inject = Writes a recording once more, with what it lacks: build ids, or how long threads slept. From standard input to standard output unless -i and -o say otherwise.
help-inject-build-ids = With the build ids of the files in which samples and their callers lie, each before the first sample in it.
help-inject-force = Nothing changes here: for command lines of perf.
help-inject-input = The recording; `-` is standard input.
help-inject-jit = With the code of just-in-time compilers: what they tell in jit-PID.dump becomes a file of each function beside it, and a mapping of that. The recording must be of the clock that compilers use: record -k mono.
help-inject-vmlinux = Nothing changes here: for command lines of perf.
help-inject-output = The new recording; `-` is standard output, where it becomes a stream.
help-inject-sched-stat = Joins sched:sched_stat_* and sched:sched_switch: where threads went to sleep, with how long they slept as the period.
help-inject-verbose = Nothing more is said here: for command lines of perf.
help-inject-buildid-all = With the build ids of all files that were mapped.
help-inject-guest-data = Refused, with the reason.
help-inject-guestmount = Refused, with the reason.
help-inject-ignore-vmlinux = Nothing changes here: for command lines of perf.
help-inject-itrace = Refused, with the reason.
help-inject-kallsyms = Nothing changes here: for command lines of perf.
help-inject-known-build-ids = Build ids to take for these paths, whatever the files say: `BUILDID PATH`, between commas, or file://LIST with a pair in each line.
help-inject-strip = Refused, with the reason.
help-inject-vm-time-correlation = Refused, with the reason.

inject-no-itrace = Instruction traces (Intel PT, Arm SPE) are not decoded here, so nothing can be made of them; what the recording has of them is passed on as it is by `inject` without --itrace.
inject-no-guest = Recordings of guests are not put together with those of the host here.
inject-jit-clock = The code of compilers is told by the clock `mono`: record with -k mono.
inject-jit-dump = { $path } is left out: { $error }
inject-jit-counter = { $path } is left out: its times are those of the CPU's own counter, not of a clock.
inject-no-threads = Samples of { $event } do not tell their thread: record them with -T or without --no-tid.
inject-known = a build id in hexadecimal digits, a blank, and a path
inject-terminal = The new recording would go to this terminal: say where to with -o FILE, or pipe it into another command.
inject-cut = A stream has no room for what is longer than 64 KiB, so that these parts of the header are not in it: { $features }.
