# perf annotate.

help-annotate = The instructions of functions with their samples, with the source lines between them.
help-annotate-cpu = only these CPUs
help-annotate-dsos = only code in these files
help-annotate-dump-raw-trace = every record as bytes and in words
help-annotate-force = read the file even if somebody else owns it
help-annotate-input = the recording; default: perf.data
help-annotate-vmlinux = the kernel with its symbols and code
help-annotate-print-line = the hottest source lines first, and the line of each warm instruction
help-annotate-disassembler-style = att (default) or intel
help-annotate-modules = symbols of kernel modules; they are always read
help-annotate-show-nr-samples = numbers of samples instead of percentages
help-annotate-full-paths = paths as they are, not only the names of files
help-annotate-quiet = no messages
help-annotate-symbol = only this function
help-annotate-verbose = taken; there is no more to be told
help-annotate-asm-raw = the bytes of instructions too
help-annotate-demangle = names as in the source (default)
help-annotate-demangle-kernel = names of the kernel, too
help-annotate-group = all events side by side
help-annotate-ignore-vmlinux = do not look for an image of the kernel
help-annotate-itrace = refused: instruction traces are not read
help-annotate-objdump = taken; nothing is needed but this program
help-annotate-percent-limit = only functions with at least this share
help-annotate-percent-type = local or global, and period or hits; default: local-period
help-annotate-prefix = a directory before the paths of source files
help-annotate-prefix-strip = leave out so many of their first directories
help-annotate-show-total-period = periods instead of percentages
help-annotate-skip-missing = no word of functions that cannot be shown
help-annotate-source = source lines between the instructions (default)
help-annotate-stdio = as text
help-annotate-stdio2 = as text in the form of the terminal program: offsets, arrows, names of data
help-annotate-stdio-color = always, never or auto
help-annotate-symfs = the directory where files are looked for
help-annotate-tui = as a terminal program

perf-annotate-style = att or intel
perf-annotate-itrace = nothing: instruction traces are not read
perf-annotate-percent-type = local or global and period or hits, such as local-period
perf-annotate-prefix-strip = used together with --prefix
perf-annotate-no-such = There is no sample in a function “{ $symbol }”. Similar names: { $near }
perf-annotate-cannot = { $symbol } cannot be annotated: { $why }
perf-annotate-empty = its size is not known
perf-annotate-bpf = it is a BPF program, and its instructions are not in a file
perf-annotate-jit = it was compiled while the program ran; with a jitdump, `perf inject --jit` writes such code into files
perf-annotate-no-file = { $file } is not here
perf-annotate-other-build = { $file } is another build than the recorded one
perf-annotate-unreadable = { $file }: { $why }
perf-annotate-machine = { $file } is for a machine whose instructions are not known here
perf-annotate-no-code = { $file } has no code at this place
perf-annotate-other-kernel = it was recorded on another kernel; an image of that one with its code can be given with -k vmlinux
perf-annotate-no-kernel = no image of this kernel was found (-k vmlinux names one), and { $why }. As root, /proc/kcore shows the code of the running kernel if it was built with CONFIG_PROC_KCORE and is not locked down.
perf-annotate-tui-foot = ↑ ↓ · Tab hottest · Enter jump · l hottest lines · s source · h help · q back
perf-annotate-tui-cold = No instruction has a sample.
perf-annotate-tui-not-found = Not found
perf-annotate-tui-leads-nowhere = This line leads nowhere in this function.
perf-annotate-tui-help =
    ↑ ↓ PgUp PgDn Home End   move
    Tab, Shift-Tab           the next hottest instruction, the one before
    H                        the hottest instruction
    l                        all instructions with samples, the hottest first
    Enter, →                 follow the jump; Esc, ← go back from there
    /  n  N                  search, next, the one before
    s                        source lines on or off
    o                        addresses or offsets
    t                        percentages, periods, samples
    b                        percent of this function or of all
    p                        percent of periods or of samples
    P                        write the listing to a file
    q                        back
