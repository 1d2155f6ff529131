# The smaller commands of perf: buildid-cache, buildid-list, evlist.

help-buildid-cache = The files that are kept by build id below ~/.debug, so that a recording can be read after they were replaced.
help-buildid-cache-add = Files to keep, between commas. The probes that they carry (SDT) are then in `list sdt`.
help-buildid-cache-force = Nothing changes here: for command lines of perf.
help-buildid-cache-kcore = A copy of the kernel's memory to keep: refused, with the reason.
help-buildid-cache-list = All files that are kept.
help-buildid-cache-missing = The files of a recording that are not kept.
help-buildid-cache-purge = Files to forget, with all their older builds.
help-buildid-cache-purge-all = Forgets all files.
help-buildid-cache-remove = Files to forget, in the build that is there now.
help-buildid-cache-update = Files to keep anew.
help-buildid-cache-verbose = What is done with each file.
help-buildid-cache-debuginfod = Nothing is fetched from servers: for command lines of perf.
help-buildid-cache-target-ns = Files as this process sees them (in its container).

cache-word = `{ $word }` is no option, and nothing else is expected here.
cache-exclusive = `{ $option }` stands alone.
cache-nothing = Nothing is asked for: --add, --remove, --purge, --purge-all, --update, --missing or --list.
cache-no-home = There is no place for the cache: HOME is not set.
cache-debuginfod = --debuginfod changes nothing: no files are fetched from servers.
cache-kcore = { $path } is not kept: what reads the cache here takes the code of the kernel from nowhere else than the running kernel or a vmlinux, so a copy of its memory would never be read.
cache-cannot-add = { $path } cannot be kept: { $error }
cache-cannot-remove = { $path } cannot be forgotten: { $error }
cache-cannot-purge = { $path } cannot be forgotten: { $error }
cache-cannot-update = { $path } cannot be kept anew: { $error }
cache-error = { $error }
cache-no-file = it is no regular file
cache-not-there = there is no such file
cache-no-build-id = it was linked without a build id (--build-id)
cache-not-kept = its build { $id } is not in the cache
cache-none-kept = no build of it is in the cache

help-buildid-list = Build ids of the files of a recording, of a program, or of the kernel.
help-buildid-list-force = Nothing changes here: for command lines of perf.
help-buildid-list-with-hits = Only files in which samples were taken.
help-buildid-list-input = The recording, or a program or library.
help-buildid-list-kernel = The build id of the running kernel.
help-buildid-list-kernel-maps = The running kernel and its modules, with their addresses.
help-buildid-list-verbose = Nothing more is said here: for command lines of perf.

buildid-no-kernel = The build id of the kernel cannot be read: /sys/kernel/notes has none.
buildid-none = { $path } was linked without a build id (--build-id).

help-evlist = The events of a recording.
help-evlist-force = Nothing changes here: for command lines of perf.
help-evlist-freq = With their rates.
help-evlist-group = As groups: those that were counted together in braces.
help-evlist-input = The recording (perf.data).
help-evlist-verbose = With everything that was asked of the kernel.
help-evlist-trace-fields = With the fields of tracepoints.

evlist-group = --group does not go together with --verbose and --freq.

help-c2c = Cache lines that cores take from each other (false sharing): record samples memory accesses, report shows the lines that are fought over, and by whom.
help-c2c-coalesce = In what the rows of a line differ: pid, tid, iaddr, dso, between commas.
help-c2c-display = By which loads lines are sorted: tot, lcl or rmt (modified by another core), peer (Arm).
help-c2c-force = Nothing changes here: for command lines of perf.
help-c2c-call-graph = With the call chains of the accesses, in the words of `report -g`.
help-c2c-input = The recording (perf.data).
help-c2c-vmlinux = The file with the symbols of the kernel.
help-c2c-node-info = More about the nodes (twice: their CPUs).
help-c2c-verbose = Nothing more is said here: for command lines of perf.
help-c2c-full-symbols = Names of functions in full.
help-c2c-no-source = No source lines.
help-c2c-show-all = Lines that nobody fights over, too.
help-c2c-stats = Only the counts.
help-c2c-stdio = As text.
help-c2c-stitch-lbr = Refused, with the reason.
help-c2c-event = record: the events instead of those of this CPU; `list` names them.
help-c2c-ldlat = record: the least cycles of a load that is sampled.
help-c2c-all-user = record: only programs.
help-c2c-all-kernel = record: only the kernel (-k).
help-c2c-symfs = The directory in which files are looked for.
help-c2c-after = Everything else behind `record` is for `record` itself: perfuse c2c record -a -- sleep 10

c2c-display = tot, lcl, rmt or peer
c2c-coalesce = pid, tid, iaddr, dso, between commas
c2c-no-stitch = --stitch-lbr is not there: call chains are not shown here.
c2c-no-accesses = No sample of this recording tells of a memory access. `c2c record` samples them, on a CPU that can.
c2c-title = Cache lines that are fought over: { $count }
c2c-title-line = Cache line { $address }
c2c-keys-short = Enter rows of the line   i counts   n nodes   s whole names   ? help   q back
c2c-keys =
    Up, Down, Page Up, Page Down, Home, End   choose
    Left, Right                               move the table
    Enter, d                                  the rows of the line: who loads and stores where in it
    i                                         all counts
    n                                         nodes, their shares, their CPUs
    s                                         names of functions in full, or cut
    q                                         back, and out

mem-which = Which: record or report?
mem-no-events = Memory accesses cannot be sampled here: the kernel offers neither mem-loads and mem-stores of Intel and POWER (PEBS) nor ibs_op of AMD (IBS). { $elsewhere }
mem-spe = Memory accesses cannot be recorded here: this CPU samples them as AUX data (arm_spe_0), which this version does not record. { $elsewhere }
mem-elsewhere = A CPU with PEBS or IBS and its driver would give them.
mem-elsewhere-guest = This is a guest ({ $hypervisor }): hypervisors pass such sampling on to hardly any guest; bare metal gives it. A recording made elsewhere can be read here.

help-mem = Samples of memory accesses, and what became of them: record takes them, report shows them by level of the memory, data and code.
help-mem-cpu = Only these CPUs.
help-mem-dump-raw-samples = report: a line of numbers for each sample.
help-mem-force = Nothing changes here: for command lines of perf.
help-mem-input = report: the recording (perf.data).
help-mem-phys-data = With physical addresses.
help-mem-type = Loads, stores, or both (load,store).
help-mem-hide-unresolved = report: only what has a function.
help-mem-field-separator = report: what stands between columns.
help-mem-data-page-size = With the sizes of the pages.
help-mem-event = record: the events instead of those of this CPU; `list` names them.
help-mem-ldlat = record: the least cycles of a load that is sampled.
help-mem-all-user = record: only programs (-U).
help-mem-all-kernel = record: only the kernel.
help-mem-after = Everything else is for the `record` or `report` behind it: perfuse mem record -a -- sleep 10

mem-type = load, store, or load,store

help-data = A recording in another format: perfuse data convert --to-json FILE. More formats: perfuse export.
help-data-force = Replaces the file if it is there.
help-data-input = The recording (perf.data).
help-data-verbose = Nothing more is said here: for command lines of perf.
help-data-all = Refused, as by perf for JSON: only samples are converted.
help-data-to-ctf = Refused, with the reason.
help-data-to-json = The file to write; - for standard output.
help-data-tod = Refused, as by perf for JSON: times are those of the recording's clock.

data-which = What is to be done with the recording: convert.
data-to = Into what: --to-json FILE.
data-both = Either --to-json or --to-ctf.
data-all = --all is not there for JSON: only samples are converted.
data-tod = --tod is not there for JSON: times are those of the recording's clock.
data-ctf = The Common Trace Format (--to-ctf) is not written: perf writes it with libbabeltrace, and nothing here replaces that. --to-json, or `export` for other viewers.
data-exists = { $path } is there already; --force replaces it.
