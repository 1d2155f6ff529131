# All one-liners of perf, by one program: sourced by the first process.
export PATH=/usr/bin:/bin
mkdir -p /dev/pts /dev/shm /run /root /out/one-liners
mount -t devpts devpts /dev/pts
mount -t tracefs tracefs /sys/kernel/tracing
ip link set lo up
uname -r >/out/one-liners/kernel
program=$(option program)
dash "/one-liners/$program/run.sh" $(option pace | tr , ' ')
mv "/one-liners/$program/out" /out/one-liners/out
echo 0 >/out/status
