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
