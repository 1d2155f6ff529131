# All one-liners of perf, by real perf and by perfuse: sourced by the first process.
export PATH=/usr/bin:/bin
mkdir -p /dev/pts /dev/shm /run /root /out/one-liners
mount -t devpts devpts /dev/pts
mount -t tracefs tracefs /sys/kernel/tracing
ip link set lo up
uname -r >/out/one-liners/kernel
for program in perf ours; do
    echo "== $program"
    sh "/one-liners/$program/run.sh" $(option pace | tr , ' ')
    mkdir "/out/one-liners/$program"
    mv "/one-liners/$program/out" "/out/one-liners/$program/out"
    # What it recorded, and kept of files, needs memory.
    rm -rf "/one-liners/$program"
done
echo 0 >/out/status
