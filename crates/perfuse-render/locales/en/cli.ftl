### Command line: help and usage errors.

help = Linux performance engineering in one binary: the USE method and perf, from status to state
help-usage = Usage
help-commands = Commands
help-arguments = Arguments
help-options = Options
help-help = Print help
help-version = Print the version
help-lang = Language of texts: ko or en [default: from LC_ALL, LC_MESSAGES or LANG]
help-color = When to use colour: auto, always or never [default: auto; NO_COLOR is respected]
help-after =
    Examples:
      perfuse use                      find the bottleneck of this host in 5 seconds
      perfuse use --watch              the same, live
      perfuse use --json | jq .findings
      perfuse explain cpu.saturation   what the number means, and its traps
      perfuse cheatsheet               the 102 perf one-liners

help-use = Fill in the USE checklist on this host and name the bottleneck
help-use-duration = How long to look: 5, 5s, 500ms, 2m [default: 5s; with --record: until Ctrl-C]
help-use-interval = Time between two samples [default: 1s]
help-use-json = Print the report as JSON (schema perfuse.use/1)
help-use-html = Write the report to FILE as one self-contained page
help-use-openmetrics = Print the cells as OpenMetrics
help-use-nagios = Print the status for Nagios; exit status 0 ok, 1 warning, 2 critical, 3 unknown
help-use-watch = Stay and show the checklist live
help-use-sixty = The checklist of the first 60 seconds, in at most 10, with the command for each number
help-use-cell = Show one cell or control in full, such as cpu.saturation or cpu-quota
help-use-pid = Only these processes, their cgroups and what they wait for
help-use-cgroup = Only this cgroup and what is below it
help-use-unit = Only the cgroup of this systemd unit
help-use-record = Keep the raw samples in FILE, for --replay
help-use-replay = Make the report from a recording instead of this host
help-use-thresholds = Print the thresholds of all rules and exit
help-use-config = Take thresholds from this TOML file [default: /etc/perfuse/thresholds.toml and ~/.config/perfuse/thresholds.toml, where they exist]
help-use-set = Set one threshold, such as finding.min-wait=0.1
help-use-no-bpf = Do not load BPF programs; use what /proc and /sys give
help-use-root = The host whose root directory is mounted here
help-use-quiet = No progress on the terminal
help-use-after =
    Exit status: 0 healthy, 1 findings above watch, 2 usage or runtime error, or too
    little could be measured to say.

    Examples:
      perfuse use --duration 10s
      perfuse use --pid 4711 --cell cpu.saturation
      perfuse use --record slow.perfuse --duration 1m
      perfuse use --replay slow.perfuse --html slow.html

help-explain = Explain a cell, a control, a verdict or a term
help-explain-what = What to explain; without it, everything that can be
help-explain-after =
    Examples:
      perfuse explain cpu.saturation
      perfuse explain load average

help-cheatsheet = Print the 102 perf one-liners, from cheap to dear
help-cheatsheet-html = Write them to FILE as one printable page

usage-unknown-command = There is no command `{ $name }` here. The commands are: { $commands }.
usage-surplus-word = Nothing is expected where `{ $word }` stands.
usage-unknown-option = There is no option `{ $name }` here.
usage-value = `{ $value }` does not do for `{ $name }`. Expected: { $expected }.
usage-value-missing = `{ $name }` needs a value.
usage-conflict = `{ $name }` cannot be used together with `{ $other }`.
usage-required = Missing: { $name }.
usage-nearest = Nearest: { $names }
usage-more = For more, try `--help`.

error-prefix = error
error-no-process = there is no process { $pid }
error-no-cgroup = there is no cgroup { $path } in any mounted hierarchy
error-no-unit = there is no cgroup of a unit { $unit }
error-replay-damaged = { $file }: { $damage }; the report covers the { $snapshots } samples before it
error-replay-empty = { $file } holds no whole sample
error-config = { $file }: { $problem }
error-threshold-type = threshold `{ $key }` needs a number
error-threshold-unknown = there is no threshold `{ $key }`; nearest: { $names }
error-threshold-value = threshold `{ $key }` must be at least 0
error-no-terminal = --watch needs a terminal
error-explain-unknown = there is no entry for `{ $what }`; nearest: { $names }
error-explain-nothing-near = there is no entry for `{ $what }`; `perfuse explain` lists them all
progress-sampling = looking { $done } of { $total } · CPU { $cpu }
progress-recording = recording { $done } · { $size } in { $file } · Ctrl-C ends it
progress-attaching = attaching
note-interrupted = interrupted; the report covers { $seconds }
note-recorded = { $snapshots } samples, { $size } in { $file }
