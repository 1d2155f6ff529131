#!/bin/sh
# Runs every one-liner in the directory `lines` beside this script, with the `perf` in `bin`, and leaves in `out` the
# status of each and what it said. Arguments: seconds after which what runs until Ctrl-C gets it; seconds after which all
# else gets it; seconds until a screen understands a key.
interrupt=$1 patience=$2 settle=$3
here=$(cd "$(dirname "$0")" && pwd)
cd "$here" || exit 1
export PATH="$here/bin:$PATH" HOME="$here" TERM=xterm SHELL=/bin/sh

sh -c 'while :; do :; done' &
export BUSY=$!
groups=
for root in /sys/fs/cgroup/perf_event /sys/fs/cgroup/unified /sys/fs/cgroup; do
    [ -e "$root/cgroup.procs" ] && mkdir "$root/perfuse-one-liners" && groups="$groups $root/perfuse-one-liners"
done 2>/dev/null

clear_probes() {
    for all in 'probe:*' 'probe_libc:*' 'sdt_libstdcxx:*'; do
        perf probe -q -d "$all"
    done >/dev/null 2>&1
}

leave() {
    kill "$BUSY"
    clear_probes
    [ -z "$groups" ] || rmdir $groups
}
trap leave EXIT
trap 'exit 130' INT TERM

for line in lines/*; do
    name=${line#lines/*.}
    id=${name%.*} kind=${name#*.} seconds=$patience
    command=$(cat "$line")
    case $kind in
        interrupt) seconds=$interrupt ;;
        # What a line before has defined is in the way of a definition of the same name.
        probe) clear_probes ;;
        screen)
            # A screen is left with q, out of the menu of events first; perf asks back.
            export COMMAND="$command"
            command="(sleep $settle; printf q; sleep 1; printf q; sleep 1; printf y; sleep 1) |
                script -qec \"\$COMMAND\" /dev/null"
            ;;
    esac
    # Into files: into a pipe, `record` writes its recording. The shell is one that becomes the last command, so that the
    # status is that of perf.
    timeout --preserve-status -s INT -k 60 "$seconds" dash -c "$command" </dev/null >"out/$id.out" 2>"out/$id.err"
    echo $? >"out/$id.status"
    echo "$id $(cat "out/$id.status") $(cat "$line")"
    for file in "out/$id.out" "out/$id.err"; do
        if [ "$(wc -c <"$file")" -gt 100000 ]; then
            head -c 100000 "$file" >out/cut && mv out/cut "$file"
        fi
    done
done
