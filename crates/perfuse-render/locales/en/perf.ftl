# The command line of perf's commands.

usage-perf-unknown = There is no option `{ $option }` here. Nearest: { $names }
usage-perf-ambiguous = `{ $option }` may be any of { $names }.
usage-perf-missing = `{ $option }` needs a value: <{ $name }>.
usage-perf-no-value = `{ $option }` takes no value.
usage-perf-value = `{ $value }` does not do for `{ $option }`. Expected: { $expected }.
usage-perf-number = a whole number
usage-perf-cpus = a list of CPUs, such as 0-3,7
usage-perf-more = All options: { $command }
perf-function-filter = { $event } is attached by ftrace:function, whose only filter is the function itself; `perfuse trace -e { $event } --filter` looks at the hits behind it
