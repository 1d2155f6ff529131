### Flame graphs.

flame-title-on-cpu = Flame graph
flame-title-off-cpu = Off-CPU time
flame-title-difference = What changed
flame-all = all
flame-search = Search
flame-search-hint = Search by regex: press /
flame-reset = Reset zoom
flame-matched = Matched
flame-samples = { $count } samples
flame-stackless = { $count } of them without a stack
flame-span = { $time } long
flame-weight = { $number } { $event }
flame-own = own { $share }
flame-change = before { $before }, now { $now }
flame-kind-thread = thread
flame-kind-user = program
flame-kind-kernel = kernel
flame-kind-jit = just-in-time compiled
flame-kind-unknown = unknown function
flame-kind-inlined = inlined
flame-more = more than before
flame-less = less than before
flame-normalized = shares compared
flame-vanished = { $share } of the time before is in functions that do not occur any more
flame-narrow = { $count } frames narrower than { $width } px are not drawn
flame-deep = { $count } frames above level { $levels } are not drawn
flame-empty = no samples

## The commands flamegraph and export.

help-flamegraph = Draw a recording of perf, or folded stacks, as an interactive SVG
help-flamegraph-what = A recording (perf.data) or folded stacks; `-` is standard input [default: perf.data]. Or options of `perfuse record`: then that is recorded first
help-flamegraph-output = Write the picture to FILE; `-` is standard output [default: flame.svg]
help-flamegraph-title = Heading of the picture
help-flamegraph-event = Only this event [default: the first that has samples]
help-flamegraph-comm = Only threads with these names
help-flamegraph-pid = Only these processes
help-flamegraph-tid = Only these threads
help-flamegraph-off-cpu = Time away from the CPUs, from sched:sched_switch: blocked (default), runnable (waiting for a CPU), or any
help-flamegraph-no-inline = Do not look for inlined functions, or do not show them
help-flamegraph-symfs = Look for files of the recording below DIR
help-flamegraph-icicle = The root on top
help-flamegraph-reverse = Merge from the innermost function: who calls the hot ones
help-flamegraph-diff = Compare with an earlier recording: red is more than in FILE, blue is less
help-flamegraph-normalize = Compare shares, as if both recordings were equally long
help-flamegraph-samples = Widths are numbers of samples, not weights of the event
help-flamegraph-base = What stacks stand on: none, comm, process or thread [default: comm]
help-flamegraph-colors = What colours mean: on-cpu, off-cpu or module [default: by what is drawn]
help-flamegraph-min-width = Leave out frames that are narrower, and count them [default: 0.2]
help-flamegraph-width = Width of the picture [default: 1200, in a browser that of the window]
help-flamegraph-font = Font of the picture; a monospaced one
help-flamegraph-command = A command to record
help-flamegraph-after =
    Examples:
      perfuse flamegraph -F 99 -- make                     record a command and draw it
      perfuse flamegraph -F 99 -a -- sleep 10              the whole host for ten seconds
      perf record -F 99 -a -g -- sleep 10 && perfuse flamegraph
      perf record -e sched:sched_switch -a -g -- sleep 10 && perfuse flamegraph --off-cpu
      perfuse flamegraph --diff before.data after.data -o change.svg
      stackcollapse.pl stacks.txt | perfuse flamegraph - -o - > flame.svg

help-export = Convert a recording of perf, or folded stacks, for another program
help-export-to = The form: folded, pprof, firefox (profiler.firefox.com), speedscope, or json (schema perfuse.profile/1)
help-export-file = A recording (perf.data) or folded stacks; `-` is standard input [default: perf.data]
help-export-input = The same as FILE
help-export-output = Write to FILE; JSON is gzipped if its name ends in .gz [default: standard output]
help-export-event = Only this event
help-export-comm = Only threads with these names
help-export-pid = Only these processes
help-export-tid = Only these threads
help-export-off-cpu = Time away from the CPUs, from sched:sched_switch: blocked (default), runnable (waiting for a CPU), or any
help-export-no-inline = Do not look for inlined functions
help-export-symfs = Look for files of the recording below DIR
help-export-weights = Folded stacks with weights of the event instead of numbers of samples
help-export-annotate = Mark frames in folded stacks: _[k] kernel, _[i] inlined, _[j] just-in-time compiled
help-export-base = What folded stacks stand on: none, comm, process or thread [default: comm]
help-export-after =
    Examples:
      perfuse export --to folded --annotate > stacks.folded
      perfuse export --to pprof -o profile.pb.gz && go tool pprof -top profile.pb.gz
      perfuse export --to firefox -o profile.json.gz

error-no-profile = { $file } is neither a recording of perf nor folded stacks
error-no-samples = { $file } has no samples
error-nothing-selected = { $file } has no samples of what was asked for
error-no-event = there is no event { $event }; nearest: { $names }
error-other-unit = { $event } counts time in one recording and occurrences in the other
error-no-switches = { $file } does not tell when threads leave the CPUs and come back; record with -e sched:sched_switch -g
error-off-cpu-folded = folded stacks do not tell when threads leave the CPUs
error-binary-to-terminal = this is no text for a terminal; use { $option }
note-one-event = drawn is { $event }; --event takes one of the others: { $names }
note-flamegraph = { $samples } samples in { $file }
note-off-cpu-open = { $count } threads had not come back to a CPU when the recording ended; how long they stayed away is not known
note-off-cpu-backwards = { $count } absences ended before they began, since the clocks of the CPUs differ; they are left out
note-off-cpu-unseen = of { $count } absences the end is not in the recording though the thread ran again, as happens without -a; they are left out
error-one-file = `{ $words }` is more than one file; to record a command, put -- before it
