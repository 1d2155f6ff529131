# perf diff: recordings side by side.

help-diff = Compares recordings with the first of them: which functions take a larger or a smaller share. Without names, perf.data with perf.data.old.
help-diff-baseline-only = Only what both sides have.
help-diff-comms = Only these names of threads.
help-diff-compute = How: the difference of the shares (delta), ordered by its size (delta-abs, which is the default), the ratio of the periods (ratio), or their weighted difference (wdiff:W1,W2).
help-diff-dsos = Only these files.
help-diff-dump-raw-trace = With every record, as bytes and in words.
help-diff-force = Nothing changes here: for command lines of perf.
help-diff-formula = With how each number is computed.
help-diff-modules = Nothing changes here: for command lines of perf.
help-diff-order = By which recording lines are ordered; 0 is the baseline.
help-diff-period = With the periods.
help-diff-quiet = No heads.
help-diff-sort = What lines differ in: keys of `report` (dso,sym).
help-diff-symbols = Only these functions.
help-diff-field-separator = What stands between columns, which then are not filled up.
help-diff-verbose = With addresses, whole paths, and the names of the recordings.
help-diff-cpu = Only these CPUs.
help-diff-cycles-hist = Refused, with the reason.
help-diff-kallsyms = The file with the symbols of the kernel.
help-diff-percentage = Whether shares are of all samples, or of those that the filters leave.
help-diff-pid = Only these processes.
help-diff-stream = Refused, with the reason.
help-diff-symfs = The directory in which files are looked for.
help-diff-tid = Only these threads.
help-diff-time = Only these times: `10%/1` of each recording, or FROM,TO of each, with `:` between recordings.

diff-order = --order { $order } names no recording: there are { $files }, from 0 on.
diff-files = { $files } recordings are more than the { $most } that can be compared at once.
diff-percentage = relative or absolute
diff-compute = delta, delta-abs, ratio, or wdiff:W1,W2
diff-weights = two weights that are not 0: wdiff:1,2
diff-no-cycles = Cycles of basic blocks are not compared here: they need branch records with cycles, and are not read from them.
diff-no-stream = Streams of calls (--stream) are not compared here; `flamegraph --diff` compares call chains.
