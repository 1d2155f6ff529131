### The first sixty seconds.

sixty-title = perfuse use --sixty
sixty-uptime-title = load averages
sixty-uptime-rising = The load is rising: { $load } now, with { $cpus ->
    [one] { $cpus } CPU
   *[other] { $cpus } CPUs
}. Load also counts tasks in uninterruptible sleep, so look at vmstat's r and b.
sixty-uptime-falling = The load is falling: { $load } now, with { $cpus ->
    [one] { $cpus } CPU
   *[other] { $cpus } CPUs
}. You may have come too late for the worst of it.
sixty-uptime-steady = The load is steady: { $load } now, with { $cpus ->
    [one] { $cpus } CPU
   *[other] { $cpus } CPUs
}. Load also counts tasks in uninterruptible sleep.
sixty-dmesg-title = the kernel's last words
sixty-dmesg-quiet = The kernel log holds no error that matters to performance.
sixty-dmesg-events = { $count ->
    [one] The kernel log holds { $count } serious event (OOM kill, I/O error, lockup, machine check).
   *[other] The kernel log holds { $count } serious events (OOM kills, I/O errors, lockups, machine checks).
}
sixty-vmstat-title = processes, paging, CPU
sixty-vmstat-queued = On average { $running } threads run or wait for { $cpus ->
    [one] { $cpus } CPU
   *[other] { $cpus } CPUs
}: the rest of them wait. (r counts running and waiting threads.)
sixty-vmstat-swapping = Memory is being swapped out at { $rate }.
sixty-vmstat-calm = No more threads are runnable than there are CPUs, and nothing is swapped out.
sixty-mpstat-title = balance of the CPUs
sixty-mpstat-one = CPU { $cpu } is { $share } busy while the mean is { $mean }: a single thread, or one interrupt.
sixty-mpstat-even = The CPUs are { $mean } busy on average; none stands out.
sixty-pidstat-title = CPU by process
sixty-pidstat-top = { $process } uses most: { $cpu } of one CPU.
sixty-pidstat-idle = No process used measurable CPU time.
sixty-iostat-title = disks
sixty-iostat-slow = { $device } answers slowly: { $wait } a request on average, busy { $busy } of the time.
sixty-iostat-fast = { $device } is the busiest: busy { $busy } of the time, { $wait } a request on average.
sixty-iostat-idle = No disk did anything.
sixty-free-title = memory
sixty-free-little = Only { $available } ({ $share }) can still be had without swapping.
sixty-free-enough = { $available } ({ $share }) is available; page cache counts as available, not as used.
sixty-sar-dev-title = interfaces
sixty-dev-drops = { $interface } drops packets: { $drops }.
sixty-dev-busiest = { $interface } is the busiest: { $rate } in both directions; no drops.
sixty-dev-idle = No interface carried anything.
sixty-sar-tcp-title = TCP connections and retransmissions
sixty-tcp-lossy = { $share } of the segments are sent again ({ $rate }): the network or the peer loses packets.
sixty-tcp-some = Some segments are sent again ({ $rate }, { $share }); that is normal.
sixty-tcp-clean = Nothing is retransmitted.
sixty-top-title = who is there, largest first
sixty-top-states = { $total ->
    [one] { $total } process
   *[other] { $total } processes
}: { $running } running, { $blocked } in uninterruptible sleep, { $zombies ->
    [one] { $zombies } zombie
   *[other] { $zombies } zombies
}.
