# perf's one-liners for dynamic probes, as far as the kernel's own types suffice: sourced by the first process. Each
# leaves a line in /out/probes: its number, its status, what it printed, and what kprobe_events has then.
mount -t tracefs tracefs /sys/kernel/tracing
mkdir -p /tmp/perf
ln -s /perfuse /tmp/perf/perf
export HOME=/tmp PATH="$PATH:/tmp/perf"
ip link set lo up

probe() {
    id=$1
    shift
    said=$("$@" 2>&1)
    status=$?
    printf '%s\t%s\t%s\t%s\n' "$id" "$status" "$(echo "$said" | tr '\n\t' '  ')" \
        "$(tr '\n' ';' </sys/kernel/tracing/kprobe_events)" >>/out/probes
}

# Three connections that send something, after a moment in which the recording begins; the server answers when the client has
# closed its side: in the state CLOSE_WAIT.
traffic() {
    sleep 2
    for port in 5001 5002 5003; do
        nc -l -p "$port" -e sh -c 'cat >/dev/null; echo goodbye' &
        sleep 0.3
        echo "hello world hello world" | nc -w 1 127.0.0.1 "$port"
    done
}

recorded() {
    traffic &
    perf record -o /tmp/perf.data "$@" -a sleep 7 && perf script -i /tmp/perf.data
}

cd /tmp
probe D01 perf probe --add tcp_sendmsg
probe D02 perf probe -d tcp_sendmsg
probe D03 perf probe 'tcp_sendmsg%return'
probe D04 perf probe -V tcp_sendmsg
probe D05 perf probe -V tcp_sendmsg --externs
probe D06 perf probe -L tcp_sendmsg
probe D08 perf probe 'tcp_sendmsg %ax %dx %cx'
perf probe -q -d 'probe:*'
probe D09 perf probe 'tcp_sendmsg bytes=%cx'
probe D10 recorded -e probe:tcp_sendmsg --filter 'bytes > 100'
perf probe -q -d 'probe:*'
probe D11 perf probe 'tcp_sendmsg%return $retval'
probe D12 perf probe 'tcp_sendmsg size'
perf probe -q -d 'probe:*'
probe D14 perf probe -nv 'tcp_sendmsg size sk->__sk_common.skc_state'
probe D13 perf probe 'tcp_sendmsg size sk->__sk_common.skc_state'
probe D15 recorded -e probe:tcp_sendmsg --filter 'size > 0 && skc_state != 1'
probe D16 perf probe 'tcp_sendmsg:81 seglen'
probe D17 perf probe 'do_sys_open filename:string'
probe D18 perf probe 'myfunc%return +0($retval):string'
probe D21 perf probe -l
perf probe -q -d 'probe:*'

# What is more than perf: every way to attach, and numbers that are added up in the kernel. Reads of 100 bytes are what
# happens meanwhile.
reads() {
    while :; do
        sleep 0.5
        dd if=/dev/zero of=/dev/null bs=100 count=20 2>/dev/null
    done
}
beside() {
    reads &
    reader=$!
    "$@"
    ended=$?
    kill "$reader"
    return "$ended"
}
kept() {
    beside perf record -o /tmp/perf.data "$@" -a sleep 8 && perf script -i /tmp/perf.data | grep -m 3 probe:
}

probe L01 perf probe --via fentry 'vfs_read count file->f_mode'
probe L02 kept -e probe:vfs_read --filter 'count == 100'
probe L03 perf probe -l
perf probe -q -d 'probe:*'
probe L04 perf probe --via fexit 'vfs_read%return count $retval:s32'
probe L05 kept -e probe:vfs_read__return --filter 'count == 100'
perf probe -q -d 'probe:*'
probe L06 perf probe --via tp_btf 'sched_switch prev->comm:string next->pid'
probe L07 perf stat -e probe:sched_switch -a sleep 1
perf probe -q -d 'probe:*'
probe L08 beside perf probe --live 'vfs_read count' --filter 'count == 100' --hist count --by comm --for 8s
probe L09 beside perf probe --live 'vfs_read count' --filter 'count == 100' --for 8s --max 2
probe L10 beside perf probe --via fexit --live 'vfs_read%return count $retval:s32' --filter 'count == 100' --sum arg2 --json --for 8s
probe L11 beside perf trace -e syscalls:sys_enter_read --filter 'count == 100' --count --by comm --for 8s

# Functions of a module, whose types lead into those of the kernel.
if [ -f /brd.ko ]; then
    insmod /brd.ko rd_nr=1 rd_size=1024
    pages() {
        while :; do
            sleep 0.5
            dd if=/dev/zero of=/dev/ram0 bs=4096 count=2 2>/dev/null
            sync
        done
    }
    pages &
    pager=$!
    probe M01 perf probe -m brd -V brd_do_bvec
    probe M02 perf probe -m /brd.ko 'brd_do_bvec brd->brd_number len brd->brd_disk->first_minor'
    probe M03 kept -e probe:brd_do_bvec
    perf probe -q -d 'probe:*'
    probe M04 perf probe -m brd 'brd_do_bvec brd->brd_numbr'
    kill "$pager"
fi

# The function tracer: the entry of a function alone. To begin with every function of the kernel is patched, on every CPU,
# which is slow in an emulator; one CPU is enough.
echo 0 >/sys/devices/system/cpu/cpu1/online
probe L12 perf probe --via ftrace vfs_read
probe L13 kept -e probe:vfs_read
probe L14 perf probe -l
probe L15 perf stat -e probe:vfs_read -a dd if=/dev/zero of=/dev/null bs=100 count=20
probe L16 perf record -o /tmp/perf.data -e probe:vfs_read --filter 'common_pid > 1' true
probe L17 beside perf trace -e probe:vfs_read --filter 'comm == "dd"' --by comm --for 20s
perf probe -q -d 'probe:*'
probe L18 perf probe --via ftrace 'vfs_read count'
