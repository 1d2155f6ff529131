### Texts of the rules for CPUs, locks and tasks.

## CPU
cell-cpu-utilization-title = CPU utilization
cell-cpu-utilization-enable = Mount /proc so that /proc/stat can be read, and sample at least twice.
cell-cpu-utilization-who = The administrator of the host, or the hypervisor's own statistics
cell-cpu-utilization-note-hot = Thread { $name } ({ $tid }) uses { $share } of one CPU while the host as a whole is far from full.
cell-cpu-utilization-note-no-tasks = Who uses the CPUs is not known: { $reason }
cell-cpu-saturation-title = CPU saturation
cell-cpu-saturation-enable = Boot with psi=1 for /proc/pressure/cpu; /proc/PID/schedstat needs a kernel with CONFIG_SCHED_INFO.
cell-cpu-saturation-who = The administrator of the host
cell-cpu-saturation-note-no-psi = Pressure could not be read ({ $reason }); the number is the summed wait of all tasks instead.
cell-cpu-errors-title = CPU errors
cell-cpu-errors-enable = Read the kernel log: run as root or with CAP_SYSLOG, or set kernel.dmesg_restrict=0.
cell-cpu-errors-who = The administrator of the host; in a virtual machine, whoever runs the hypervisor
cell-cpu-errors-note-no-log = The kernel log could not be read ({ $reason }); only counters were checked.
cell-cpu-errors-note-log-only = This host shows no machine-check counters, as is normal in a virtual machine; only the kernel log was checked.

## Kernel locks
cell-kernel-lock-utilization-title = Kernel lock utilization
cell-kernel-lock-utilization-enable = Run as root, or with CAP_BPF and CAP_PERFMON, on Linux 5.19 or later: the lock:contention tracepoints are needed.
cell-kernel-lock-utilization-who = Root on this host with `perf lock contention -a -b`
cell-kernel-lock-utilization-note-spin = CPU time that waiters spun away. Waiters that sleep use no CPU and stand under saturation.
cell-kernel-lock-saturation-title = Kernel lock saturation
cell-kernel-lock-saturation-enable = Run as root, or with CAP_BPF and CAP_PERFMON, on Linux 5.19 or later: the lock:contention tracepoints are needed.
cell-kernel-lock-saturation-who = Root on this host with `perf lock contention -a -b`
cell-kernel-lock-errors-title = Kernel lock errors
cell-kernel-lock-errors-enable = Read the kernel log: run as root or with CAP_SYSLOG, or set kernel.dmesg_restrict=0.
cell-kernel-lock-errors-who = The administrator of the host, in its kernel log or serial console

## User locks
cell-user-lock-utilization-title = User lock utilization
cell-user-lock-utilization-enable = Run as root, or with CAP_BPF and CAP_PERFMON: then the waits for locks are counted in the kernel, and a lock is known to be held while someone waits. The whole hold time needs probes on pthread_mutex_lock and pthread_mutex_unlock of the one program that matters: they slow every lock down.
cell-user-lock-utilization-who = The program's own metrics, or its authors with a profiler for locks
cell-user-lock-utilization-note-bound = A lower bound, and of contended locks only: a lock is seen to be held while someone waits for it. A lock that nobody waits for never enters the kernel; its hold time needs probes on every lock and unlock.
cell-user-lock-saturation-title = User lock saturation
cell-user-lock-saturation-enable = Run as root, or with CAP_BPF and CAP_PERFMON and readable tracefs: futex waits are timed inside the kernel.
cell-user-lock-saturation-who = Root on this host with `perf trace -s -e futex -a`
cell-user-lock-saturation-note-choice = Only waits that stack or waker shows to be for a mutex, reader-writer lock or semaphore. Idle pools, condition variables and sleep wait by choice.
cell-user-lock-errors-title = User lock errors
cell-user-lock-errors-enable = Run as root or with CAP_SYS_PTRACE so that /proc/PID/task/TID/syscall of other users' processes can be read, and sample at least twice.
cell-user-lock-errors-who = Root on this host, or the user who runs the program
cell-user-lock-errors-note-refused = { $count ->
    [one] { $count } process that sleeps in a futex belongs to somebody else and was not judged.
   *[other] { $count } processes that sleep in a futex belong to somebody else and were not judged.
}

## Tasks
cell-tasks-utilization-title = Task utilization
cell-tasks-utilization-enable = Mount /proc so that /proc/loadavg and /proc/sys/kernel can be read.
cell-tasks-utilization-who = The administrator of the host
cell-tasks-saturation-title = Task saturation
cell-tasks-saturation-enable = Run as root, or with CAP_BPF and CAP_PERFMON and readable tracefs: forks are timed inside the kernel.
cell-tasks-saturation-who = Root on this host with `perf trace -s -e clone -a`
cell-tasks-saturation-note-none = No process and no thread was made in this run.
cell-tasks-errors-title = Task errors
cell-tasks-errors-enable = Run as root, or with CAP_BPF and CAP_PERFMON: failed forks are counted inside the kernel. A pids limit of a cgroup counts its own refusals.
cell-tasks-errors-who = Root on this host, or the log of the program that could not fork
cell-tasks-errors-note-cgroups = Failed forks of processes could not be counted ({ $reason }); only refusals by cgroups and the kernel log were checked.

## Controls
control-cpu-quota-title = CPU quota
control-cpu-quota-enable = Mount a cgroup hierarchy with the cpu controller: cpu.stat has to show nr_throttled.
control-cpu-quota-who = The host outside of this container, in the cpu.stat of the container's cgroup
control-cpu-quota-none = no cgroup here has a CPU quota
control-cpuset-title = CPU affinity and cpusets
control-cpuset-enable = Make /proc/PID/status readable, and sample at least twice.
control-cpuset-who = The administrator of the host
control-cpuset-none = no process is bound to a part of the CPUs
control-steal-title = Steal
control-steal-enable = Mount /proc so that /proc/stat can be read, and sample at least twice.
control-steal-who = Whoever runs the hypervisor: the host shows the ready or wait time of this virtual machine
control-steal-none = not a virtual machine, so no hypervisor takes CPU time
control-softirq-title = Interrupts on one CPU
control-softirq-enable = Mount /proc so that /proc/stat can be read, and sample at least twice.
control-softirq-who = The administrator of the host
control-pids-limit-title = Task limit of cgroups
control-pids-limit-enable = Mount a cgroup hierarchy with the pids controller.
control-pids-limit-who = The host outside of this container, in the pids.current and pids.max of the container's cgroup
control-pids-limit-none = no cgroup here limits its number of tasks
control-nproc-title = Task limit of users
control-nproc-enable = Make /proc/PID/limits and /proc/PID/status readable.
control-nproc-who = The administrator of the host
control-nproc-none = no user but root runs processes with a limit; the kernel does not hold root to it
control-cgroup-freezer-title = Frozen cgroups
control-cgroup-freezer-enable = Mount cgroup v2 (Linux 5.2) or the v1 freezer hierarchy.
control-cgroup-freezer-who = The host outside of this container
control-cgroup-freezer-none = no cgroup below the root that could be frozen

## Thresholds
threshold-cpu-full = Share of a CPU's time from which on it counts as full
threshold-cpu-idle = Share of a CPU's time below which it counts as idle beside full ones
threshold-cpu-hot-thread = Share of one CPU from which on a single thread is hot
threshold-cpu-pressure = CPU pressure from which on the cell is worth a look
threshold-cpu-throttled-periods = Share of throttled periods from which on a quota is worth a look
threshold-cpu-interrupts = Share of one CPU's time in interrupts from which on they load it
threshold-cpu-steal = Share of CPU time taken by the hypervisor that is worth a look
threshold-cpu-neighbour = Share of a CPU used by preferred tasks from which on they count as the cause of a wait
threshold-cpu-thermal-time = Share of time slowed down for heat that is worth a look
threshold-cpu-log-recent = Age up to which an event of the kernel log is still worth a look
threshold-kernel-lock-spin = Share of CPU time spun away for kernel locks that is worth a look
threshold-tasks-near-limit = Share of a limit of tasks that is worth a look
threshold-tasks-zombies = Zombies of one parent that are worth a look
threshold-tasks-fork-latency = 99th percentile of fork time that is worth a look

## Drill-down
detail-user = user
detail-system = system
detail-irq = hard interrupts
detail-softirq = soft interrupts
detail-steal = steal
detail-iowait = idle with I/O pending
detail-cpu = CPU time
detail-interrupts-per-s = hard interrupts
detail-softirqs-per-s = soft interrupts
detail-wait-run-queue = wait: more tasks than CPUs
detail-wait-quota = wait: own quota
detail-wait-affinity = wait: affinity
detail-wait-interrupts = wait: interrupts
detail-wait-priority = wait: stronger neighbours
detail-wait-own-priority = wait: own low priority
detail-wait-steal = wait: hypervisor
detail-wait-median = wait for a CPU, median
detail-wait-p99 = wait for a CPU, 99%
detail-throttled-periods = throttled periods
detail-quota = quota (100% is one CPU)
detail-throttle-events = times throttled
detail-processes = processes
detail-tasks = tasks
detail-refused = forks refused
detail-age = age
detail-waits-per-s = waits
detail-longest = longest
detail-waiting-threads = waiting threads
detail-forks-per-s = forks
detail-fork-time = time in fork
detail-text-used-cpu-together = { $cpu } of one CPU, { $count } processes of this name together
detail-text-starts-programs = { $cpu } of one CPU with the short-lived programs that it starts ({ $rate })
detail-text-used-cpu = { $cpu } of one CPU
detail-text-waits-for-cpu = waits { $wait } for a CPU, { $share } of the time it wants to run
detail-text-waits-for-kernel-lock = waits { $wait } for kernel locks
detail-text-waits-for-lock = waits { $wait } for its own locks
detail-text-loses-to-interrupts = loses { $share } of its CPU to interrupts
detail-text-parent-of-zombies = { $count ->
    [one] has not collected { $count } ended child
   *[other] has not collected { $count } ended children
}

## Findings: CPU quota
finding-cpu-real-time-limit-title = Limit of real-time work used up
finding-cpu-real-time-limit-summary = Real-time tasks of { $victim } in cgroup { $group } may use { $quota } of one CPU and wait { $wait }, and no other real-time task takes the CPUs.
finding-cpu-real-time-limit-link-waits = { $victim } wants to run and does not
finding-cpu-real-time-limit-link-limit = cgroup { $group } may run real-time tasks for { $quota } of one CPU ({ $setting })
finding-cpu-real-time-limit-link-idle = { $wait } of waiting, and for no other real-time task
finding-cpu-real-time-limit-advice = Raise the real-time limit of { $group }, or run its tasks with an ordinary policy (chrt -o).
finding-cpu-real-time-limit-expect = { $wait } of waiting goes away; the limits of all groups together must stay below that of the group above.
finding-cpu-quota-throttled-title = CPU quota used up
finding-cpu-quota-throttled-summary = { $victim } in cgroup { $group } was stopped in { $throttled } of { $periods } periods by its CPU quota: { $wait } of waiting, however idle the host looks.
finding-cpu-quota-throttled-link-waits = { $victim } is stopped although CPUs may be idle
finding-cpu-quota-throttled-link-stopped = cgroup { $group } has used up its quota
finding-cpu-quota-throttled-link-time = { $wait } throttled ({ $source })
finding-cpu-quota-throttled-link-quota = a quota of { $quota } of one CPU ({ $setting })
finding-cpu-quota-throttled-link-unlimited-now = a quota that is gone by now ({ $setting })
finding-cpu-quota-throttled-link-periods = { $throttled } of { $periods } periods throttled
finding-cpu-quota-throttled-advice-raise = Raise the quota of { $group } to { $cpus } CPUs, or give the group less to do.
finding-cpu-quota-throttled-expect-raise = { $wait } of waiting goes away; nr_throttled stops growing.
finding-cpu-quota-throttled-advice-period = The period is shorter than 20 ms, so even short bursts are stopped: use the usual 100 ms, with the quota in proportion.
finding-cpu-quota-throttled-expect-period = Short bursts fit into a period; fewer stops for the same average.

## Findings: steal
finding-cpu-steal-title = Hypervisor takes the CPU
finding-cpu-steal-summary = The hypervisor gave this machine's CPUs to others for { $wait }, { $share } of the time they wanted to run.
finding-cpu-steal-link-waits = every task of this virtual machine
finding-cpu-steal-link-hypervisor = the hypervisor runs others on the same physical CPUs
finding-cpu-steal-link-evidence = { $steal } of all CPU time stolen
finding-cpu-steal-advice-move = Nothing inside this machine helps: move it to a less loaded host, or ask for dedicated CPUs.
finding-cpu-steal-expect-move = Up to { $wait } of waiting goes away.

## Findings: interrupts
finding-cpu-interrupts-on-one-cpu-title = Interrupts load one CPU
finding-cpu-interrupts-on-one-cpu-summary = Interrupts take { $share } of { $cpu }, most of them from { $source }, while the other CPUs have next to none.
finding-cpu-interrupts-on-one-cpu-link-full = { $cpu } has little time left for tasks
finding-cpu-interrupts-on-one-cpu-link-handled = all work for { $source } is done on { $cpu }
finding-cpu-interrupts-on-one-cpu-link-rate = { $rate } of { $source }
finding-cpu-interrupts-on-one-cpu-link-share = { $share } of its time in interrupts
finding-cpu-interrupts-on-one-cpu-advice-spread = Spread the interrupts of the device over several CPUs: irqbalance, or the affinity of each interrupt; ethtool -L for more queues.
finding-cpu-interrupts-on-one-cpu-expect-spread = The { $share } of { $cpu } are shared by all CPUs that you name.
finding-cpu-interrupts-on-one-cpu-advice-find = No device interrupts this CPU often: see which code raises { $source }. Packets that this host sends to itself are received in the sender's time.
finding-cpu-interrupts-on-one-cpu-expect-find = Names the caller; the load goes where that work goes.
finding-cpu-interrupts-on-one-cpu-advice-rps = For a network device with a single queue, let other CPUs do the protocol work (RPS).
finding-cpu-interrupts-on-one-cpu-expect-rps = Soft-interrupt time moves to the other CPUs; the hard interrupts stay.

## Findings: affinity
finding-cpu-affinity-title = Bound to full CPUs
finding-cpu-affinity-summary = { $victim } may run only on CPU { $cpus } and waits { $wait } there, while CPU { $idle } idles.
finding-cpu-affinity-link-waits = { $victim } waits for a CPU
finding-cpu-affinity-link-cpuset = the cpuset of { $group } allows only CPU { $cpus }
finding-cpu-affinity-link-affinity = its affinity allows only CPU { $cpus }
finding-cpu-affinity-link-full = these CPUs are { $busy } busy; CPU { $idle } idles
finding-cpu-affinity-advice-widen = Allow more CPUs: CPU { $idle } has time.
finding-cpu-affinity-expect-widen = Up to { $wait } of waiting goes away.

## Findings: run queue and neighbours
finding-cpu-run-queue-title = More work than CPUs
finding-cpu-run-queue-summary = { $victim } waits { $wait } for a CPU, { $share } of the time it wants to run; most CPU time goes to { $culprit } ({ $used } of one CPU).
finding-cpu-run-queue-link-waits = { $victim } is runnable and does not run
finding-cpu-run-queue-link-full = { $count ->
    [one] the only CPU is taken by others
   *[other] the { $count } CPUs are taken by others
}
finding-cpu-run-queue-link-busy = CPUs { $busy } busy, all tasks together wait { $wait }
finding-cpu-run-queue-link-taker = { $culprit } (pid { $pid }) takes most
finding-cpu-run-queue-link-used = { $used } of one CPU
finding-cpu-run-queue-advice-threads = { $culprit } runs more busy threads than there are CPUs: give it a pool of { $count } or fewer.
finding-cpu-run-queue-expect-threads = The same work with fewer switches; its { $wait } of waiting goes away.
finding-cpu-run-queue-advice-idle = { $culprit } gives way already, but only at the next tick: with the idle policy it does so at once.
finding-cpu-run-queue-advice-nice = If { $culprit } can wait, lower its priority or the CPU weight of its cgroup.
finding-cpu-run-queue-expect-nice = Most of the { $wait } that { $victim } waits goes away; the culprit takes longer.
finding-cpu-run-queue-advice-cpus = To serve all of it, { $cpus } CPUs are needed; or make the work cheaper: profile it.
finding-cpu-run-queue-expect-cpus = Up to { $wait } of waiting goes away.
finding-cpu-neighbour-title = Stronger neighbour
finding-cpu-neighbour-summary = { $victim } waits { $wait } for a CPU because the scheduler prefers { $culprit }, which uses { $used } of one.
finding-cpu-neighbour-link-realtime = { $culprit } has a real-time policy and runs first
finding-cpu-neighbour-link-nice = { $culprit } has nice { $nice } and gets several times the share
finding-cpu-neighbour-link-used = { $used } of one CPU; others wait { $wait } for it
finding-cpu-neighbour-advice-priority = Give { $culprit } a normal priority, unless it really has deadlines.
finding-cpu-neighbour-expect-priority = CPU time is shared evenly; up to { $wait } of waiting goes away.

## Findings: hot thread, frozen cgroup
finding-cpu-hot-thread-title = One hot thread
finding-cpu-hot-thread-summary = Thread { $name } ({ $tid }) uses { $share } of one CPU while the host is only { $busy } busy: more CPUs will not make it faster.
finding-cpu-hot-thread-link-program = the speed of { $name }
finding-cpu-hot-thread-link-thread = its thread { $name } ({ $tid }) never rests
finding-cpu-hot-thread-link-evidence = { $share } of one CPU: { $user } user, { $system } system
finding-cpu-hot-thread-advice-profile = If this program is too slow, profile this thread; then make its work cheaper or divide it.
finding-cpu-hot-thread-expect-profile = Divided evenly it can use { $count } CPUs instead of one.
finding-cpu-frozen-title = Frozen cgroup
finding-cpu-frozen-summary = { $count ->
    [one] { $count } process of cgroup { $group } is frozen and does not run at all.
   *[other] { $count } processes of cgroup { $group } are frozen and do not run at all.
}
finding-cpu-frozen-link-stopped = { $count ->
    [one] { $count } process does not run
   *[other] { $count } processes do not run
}
finding-cpu-frozen-link-frozen = somebody froze cgroup { $group }
finding-cpu-frozen-link-evidence = { $file } says so
finding-cpu-frozen-advice-thaw = Thaw it, unless it was frozen on purpose (a checkpoint, a paused container).
finding-cpu-frozen-expect-thaw = { $count ->
    [one] { $count } process goes on.
   *[other] { $count } processes go on.
}

## Findings: errors of the CPU
finding-cpu-machine-check-title = Machine check
finding-cpu-machine-check-summary = { $count ->
    [one] The hardware reported { $count } error of { $cpu } that it could not correct.
   *[other] The hardware reported { $count } errors of { $cpu } that it could not correct.
}
finding-cpu-machine-check-link-host = everything on this host
finding-cpu-machine-check-link-hardware = failing hardware at { $cpu }
finding-cpu-machine-check-link-text = kernel log: { $text }
finding-cpu-machine-check-advice-replace = Move the work to another host and have CPU, memory and board checked.
finding-cpu-machine-check-expect-replace = No more uncorrected errors; such hosts end in crashes or wrong results.
finding-cpu-thermal-throttle-title = Slowed down for heat
finding-cpu-thermal-throttle-summary = { $cpu } ran slower than it could for { $share } of the time because it was too hot; { $count ->
    [one] { $count } CPU is concerned.
   *[other] { $count } CPUs are concerned.
}
finding-cpu-thermal-throttle-link-slow = { $cpu } runs below its frequency
finding-cpu-thermal-throttle-link-heat = it is too hot
finding-cpu-thermal-throttle-link-evidence = throttled for { $share } of the time
finding-cpu-thermal-throttle-advice-cool = Check fans, air flow and power limits.
finding-cpu-thermal-throttle-expect-cool = Up to { $share } more work in the same time.

## Findings: kernel locks
finding-kernel-lock-contention-title = Kernel lock contention
finding-kernel-lock-contention-summary = { $victim } waits { $own } for a kernel { $kind } at { $site }; all who wait there, { $wait }.
finding-kernel-lock-contention-link-waits = { $victim } waits inside the kernel
finding-kernel-lock-contention-link-lock = { $kind } at { $site }
finding-kernel-lock-contention-link-evidence = { $wait } in { $count } waits, the longest { $longest }
finding-kernel-lock-contention-advice-callers = See which calls of the program lead to { $site }; make fewer of them, or spread them over several objects (files, directories, address spaces, sockets).
finding-kernel-lock-contention-expect-callers = Up to { $wait } of waiting goes away.
finding-kernel-lock-hung-task-title = Hung task
finding-kernel-lock-hung-task-summary = { $victim } has been blocked in the kernel for more than { $seconds } seconds.
finding-kernel-lock-hung-task-summary-blocker = { $victim } has been blocked in the kernel for more than { $seconds } seconds by a lock that { $blocker } holds.
finding-kernel-lock-hung-task-link-blocked = { $victim } is in uninterruptible sleep
finding-kernel-lock-hung-task-link-blocker = { $blocker } holds the lock
finding-kernel-lock-hung-task-link-unknown = the kernel log does not say who holds what it waits for
finding-kernel-lock-hung-task-advice-stack = Read the kernel stack of the task, and of all blocked tasks: mostly a disk, a network filesystem, or a driver does not answer.
finding-kernel-lock-lockup-title = Kernel lockup
finding-kernel-lock-lockup-summary = Kernel code kept { $cpu } from scheduling for too long (lockup or RCU stall).
finding-kernel-lock-lockup-link-stuck = tasks that want { $cpu }
finding-kernel-lock-lockup-link-kernel = code of the kernel or of a driver that does not give way, or a virtual CPU that was not run
finding-kernel-lock-lockup-advice-backtrace = Read the backtrace in the kernel log; in a virtual machine check steal first.
finding-kernel-lock-link-log = kernel log: { $text }
finding-kernel-lock-expect-log = Names the function that is stuck.

## Findings: user locks
finding-user-lock-contention-title = Lock contention
finding-user-lock-contention-summary = Threads of { $victim } (pid { $pid }) wait { $wait } for a lock taken in { $place }.
finding-user-lock-contention-summary-address = Threads of { $victim } (pid { $pid }) wait { $wait } for the lock at { $address }.
finding-user-lock-contention-link-address = the lock at { $address }
finding-user-lock-contention-advice-find = See where the program takes the lock at { $address }, and shorten what it does under it, above all I/O and allocation, or split the lock.
finding-user-lock-contention-link-starved = waits for a CPU itself while it holds the lock
finding-user-lock-contention-link-run-delay = it is runnable without running for { $wait }
finding-user-lock-contention-link-waits = threads of { $victim } wait
finding-user-lock-contention-link-lock = the lock at { $address }, taken in { $place }
finding-user-lock-contention-link-numbers = { $wait } in { $count } waits of { $threads ->
    [one] { $threads } thread
   *[other] { $threads } threads
}, the longest { $longest }
finding-user-lock-contention-link-holder = thread { $comm } ({ $tid })
finding-user-lock-contention-link-woke = it ended { $wait } of these waits by releasing the lock
finding-user-lock-contention-link-blocked = waits itself, in { $place }
finding-user-lock-contention-link-off-cpu = { $wait } off the CPU there
finding-user-lock-contention-advice-shorten = Shorten what { $place } does under the lock, above all I/O and allocation, or split the lock.
finding-user-lock-contention-expect-shorten = Up to { $wait } of waiting goes away.
finding-user-lock-deadlock-title = Deadlock
finding-user-lock-deadlock-summary = None of the { $threads } threads of { $name } (pid { $pid }) can go on: they wait for mutexes and nothing else happens.
finding-user-lock-deadlock-link-threads = { $threads ->
    [one] { $threads } thread
   *[other] all { $threads } threads
} asleep in futex calls without a timeout
finding-user-lock-deadlock-link-locks = the locks at { $addresses }
finding-user-lock-deadlock-link-evidence = the same calls at the beginning and at the end of the run, no CPU time in between
finding-user-lock-deadlock-advice-stacks = Take the stacks of all threads before anything is restarted; then take the locks in one order everywhere.
finding-user-lock-deadlock-expect-stacks = The stacks show who holds which lock; the process itself only goes on after a restart.

## Findings: tasks
finding-tasks-near-limit-title = Near the task limit
finding-tasks-near-limit-summary = { $name } has { $tasks } tasks of at most { $limit } ({ $share }).
finding-tasks-near-limit-link-tasks = { $tasks } tasks of { $name }
finding-tasks-near-limit-link-limit = the limit in { $setting }
finding-tasks-near-limit-link-evidence = { $tasks } of { $limit } ({ $name })
finding-tasks-near-limit-advice-raise = Find out whether tasks leak; else raise { $setting }.
finding-tasks-near-limit-expect-raise = With twice the limit, { $share } of it are used.
finding-tasks-zombies-title = Zombies
finding-tasks-zombies-summary = { $parent } has not collected { $count ->
    [one] { $count } ended child
   *[other] { $count } ended children
}; each keeps a process id.
finding-tasks-zombies-link-dead = { $count ->
    [one] { $count } zombie
   *[other] { $count } zombies
}
finding-tasks-zombies-link-parent = { $parent } does not wait for its children
finding-tasks-zombies-link-evidence = { $count } processes in state Z with this parent
finding-tasks-zombies-advice-reap = { $parent } has to call wait() for its children; when it ends, init collects them.
finding-tasks-zombies-expect-reap = { $count ->
    [one] { $count } process id becomes free.
   *[other] { $count } process ids become free.
}
finding-tasks-fork-refused-title = Fork refused
finding-tasks-fork-refused-summary = { $name } could not make { $count ->
    [one] a new task
   *[other] new tasks, { $count } times
}: { $limit }.
finding-tasks-fork-refused-link-failed = { $count ->
    [one] { $count } fork failed
   *[other] { $count } forks failed
}
finding-tasks-fork-refused-limit-cgroup = cgroup { $group } may have { $max } tasks
finding-tasks-fork-refused-limit-user = user { $uid } may have { $max } tasks
finding-tasks-fork-refused-limit-memory = no memory or no process id was left
finding-tasks-fork-refused-limit-unknown = a limit of the user, of the cgroup or of the host
finding-tasks-fork-refused-link-cgroup = { $current } of { $max } tasks, { $count } refusals in pids.events
finding-tasks-fork-refused-link-errno = { $errno }, { $count } times
finding-tasks-fork-refused-advice-cgroup = Raise the limit of the cgroup, or find out why it has so many tasks.
finding-tasks-fork-refused-advice-user = Raise RLIMIT_NPROC of the user, or find out why the user has so many threads.
finding-tasks-fork-refused-advice-memory = Check free memory, overcommit and pid_max.
finding-tasks-fork-refused-advice-unknown = Compare the limits of the user and of the host with the tasks that there are.
finding-tasks-fork-refused-expect = { $count ->
    [one] The fork that failed succeeds.
   *[other] The { $count } forks that failed succeed.
}
