#!/bin/sh
# The first process of a guest: sets the machine up as the kernel command line says, looks at it, and leaves what it
# saw as an archive on the disk.
export PATH=/bin
busybox mount -t proc proc /proc
busybox --install -s /bin
mount -t devtmpfs dev /dev

option() { sed -n "s/.*guest\.$1=\([^ ]*\).*/\1/p" /proc/cmdline; }

[ "$(option sys)" = no ] || mount -t sysfs sysfs /sys

version1() {
    mount -t tmpfs cgroups /sys/fs/cgroup
    for controller in cpu memory pids blkio cpuset; do
        mkdir "/sys/fs/cgroup/$controller"
        mount -t cgroup -o "$controller" "$controller" "/sys/fs/cgroup/$controller"
    done
}

case "$(option cgroup)" in
    v2) mount -t cgroup2 cgroup2 /sys/fs/cgroup ;;
    v1) version1 ;;
    hybrid)
        version1
        mkdir /sys/fs/cgroup/unified
        mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified
        ;;
esac

# A group that may run a tenth of the time and never has enough.
busy() {
    echo 0 >"$1/cgroup.procs"
    while :; do :; done
}
case "$(option quota)" in
    v2)
        echo +cpu >/sys/fs/cgroup/cgroup.subtree_control
        mkdir /sys/fs/cgroup/limited
        echo "10000 100000" >/sys/fs/cgroup/limited/cpu.max
        busy /sys/fs/cgroup/limited &
        ;;
    v1)
        mkdir /sys/fs/cgroup/cpu/limited
        echo 100000 >/sys/fs/cgroup/cpu/limited/cpu.cfs_period_us
        echo 10000 >/sys/fs/cgroup/cpu/limited/cpu.cfs_quota_us
        busy /sys/fs/cgroup/cpu/limited &
        ;;
esac

mkdir -m 1777 -p /tmp /out
look="timeout 200 /perfuse use --json --record /out/recording --duration 2s --quiet >/out/report.json 2>/out/errors"
why="timeout 200 /perfuse why --json --record /out/why --duration 2s --quiet >/out/why.json 2>>/out/errors"
if [ -n "$(option pace)" ]; then
    . /one-liners.sh
elif [ "$(option user)" = yes ]; then
    su -s /bin/sh user -c "$look; echo \$? >/out/status; $why"
else
    sh -c "$look; echo \$? >/out/status; $why"
fi
[ ! -f /out/errors ] || cat /out/errors
[ "$(option probes)" != yes ] || . /probes.sh

# The driver finds its disk beside the boot, not before it.
tries=0
while [ ! -b /dev/nvme0n1 ] && [ "$tries" -lt 50 ]; do
    sleep 0.2
    tries=$((tries + 1))
done
tar -cf /dev/nvme0n1 -C /out .
sync
poweroff -f
