### The search for one cause: `perfuse why`.

why-title = Why is it slow
why-time = Where its time went
why-causes = Causes, the first one first
why-cannot-tell = What this cannot tell
why-healthy = Nothing that was measured holds it up.
why-headline = { $title }: { $culprit } explains { $share } of the time that is not idle. Confidence { $confidence }.
why-explains = explains { $seconds } of the victim's time, { $share } of what is not idle
why-server = { $client } waits { $seconds } for { $server }, whose own time went here:
why-thing = { $name }
why-link = this explains { $seconds } of its time, { $share } of what is not idle
why-more-servers = It waits for { $count } more processes; --json has all of them.
why-total = Together { $total }.
why-entity = { $name } ({ $pid })

why-state-on-cpu-user = on CPU, in the program
why-state-on-cpu-system = on CPU, in the kernel
why-state-runnable = waiting for a CPU
why-state-throttled = stopped by its CPU quota
why-state-affinity = waiting for the CPUs it is bound to
why-state-direct-reclaim = freeing memory
why-state-swap-in = reading from swap
why-state-page-fault = in a page fault
why-state-block-io = waiting for storage
why-state-dirty-limit = held back by the dirty limit
why-state-user-lock = waiting for a lock of its program
why-state-kernel-lock = waiting for a lock of the kernel
why-state-file-lock = waiting for the lock of a file
why-state-network-send = waiting to send
why-state-connect = waiting for a connection
why-state-network-receive = waiting for the network
why-state-local-ipc = waiting for a local process
why-state-child = waiting for a child process
why-state-file-server = waiting for a file server
why-state-accept = waiting for clients
why-state-condition = waiting for work
why-state-internal = waiting for its own processes
why-state-events = waiting for events
why-state-sleep = sleeping by choice
why-state-stopped = stopped or frozen
why-state-other = asleep for another reason
why-state-unexplained = not accounted for

why-cannot-silence = It waited for data from another process all the time, and none came. Whether it has nothing to do, or the other side hangs, cannot be told from here; look at the other end: ss -xp, ls -l /proc/PID/fd.
why-cannot-waits = What threads sleep for was not measured in the kernel, only estimated from samples and delay accounting; run as root (CAP_BPF and CAP_PERFMON) to have it measured.
why-cannot-unexplained = { $seconds } of the time is not accounted for by any source.
why-cannot-memory-stalls = Whether the CPU computes or waits for memory (cache misses, false sharing) cannot be told without a PMU; a machine with hardware counters could: perf stat -d, perf c2c.
why-flame-off = Off CPU: what threads waited for

finding-why-own-work-title = It is busy itself
finding-why-own-work-summary = { $name } uses the CPU { $running } itself; nothing keeps it from working.
finding-why-own-work-cpu = its own work on the CPU
finding-why-own-work-evidence = on CPU { $running }, { $kernel } of it in the kernel; { $share } of what is not idle
finding-why-own-work-advice = See which functions take the time, and do less or do it in parallel.
finding-why-own-work-expect = What the widest function takes is what can be won.
finding-why-remote-peer-title = A slow service on another host
finding-why-remote-peer-summary = { $name } waits { $wait } for { $peer }, which is not on this host.
finding-why-remote-peer-peer = the answer of { $peer }
finding-why-remote-peer-evidence = waiting { $wait }, round trip { $rtt }
finding-why-remote-peer-advice = Look on the host of { $peer }: the path is as fast as its round trip, the rest is the service.
finding-why-remote-peer-expect = The wait shrinks to the round trip once the service answers at once.
finding-why-stopped-title = A signal stops it
finding-why-stopped-summary = { $name } is stopped by a signal for { $wait } of its threads' time.
finding-why-stopped-signal = SIGSTOP, SIGTSTP or a debugger
finding-why-stopped-evidence = stopped { $wait }, { $share } of all its time
finding-why-stopped-advice = See who sends the signal; kill -CONT lets it go on.
finding-why-stopped-expect = The samples name the sender of each signal.
finding-why-local-server-title = It waits for another process of this host
finding-why-local-server-summary = { $name } waits { $wait } for { $server }.
finding-why-local-server-evidence-wait = waiting { $wait }
finding-why-local-server-evidence-state = { $seconds }
finding-why-local-server-advice = See why { $server } is slow.
finding-why-local-server-expect = The first cause there is the cause here.

help-why = Find the one cause that makes a process, a service or this host slow
help-why-pid = These processes are slow
help-why-unit = This systemd unit is slow
help-why-cgroup = What is in this cgroup is slow
help-why-port = Whoever listens on this TCP port is slow
help-why-duration = How long to look: 5, 5s, 500ms, 2m [default: 10s; with a command: until it ends]
help-why-json = Print the answer as JSON (schema perfuse.why/1)
help-why-html = Write the answer to FILE as one self-contained page
help-why-record = Keep the raw samples in FILE, for --replay
help-why-replay = Answer from a recording instead of this host
help-why-no-bpf = Do not load BPF programs; use what /proc and /sys give
help-why-config = Take thresholds from this TOML file
help-why-set = Set one threshold, such as finding.min-wait=0.1
help-why-quiet = No progress on the terminal
help-why-command = Run this and tell what makes it slow
help-why-after =
    Exit status: 0 nothing holds it up, 1 a cause was found, 2 usage or runtime error, or too
    little could be measured to say.

    Examples:
      perfuse why                      what is slow on this host, and why
      perfuse why --pid 4711
      perfuse why --unit postgresql
      perfuse why --port 8080 --html why.html
      perfuse why --url http://localhost:8080/
      perfuse why -- make -j4
error-empty-cgroup = No process is in the cgroup { $path }.
error-no-listener = Nobody listens on TCP port { $port }.
error-no-owner = Who listens on TCP port { $port } is not to be seen; run as root.
error-no-socket = Who has the socket { $name } is not to be seen.
error-no-sockets = The sockets of this host could not be read: { $reason }
error-command-failed = { $command } could not be started: { $reason }
note-command-ended = { $command } ended after { $seconds }: { $how }.
command-ended-status = exit status { $status }
command-ended-signal = by signal { $signal }
command-ended-not = it was still running

why-headline-host = { $title }: { $culprit } explains { $wait } of waiting. Confidence { $confidence }.
why-headline-refused = { $title }: { $culprit }. Confidence { $confidence }.
why-time-host = What all threads of the host did while they were not idle
why-total-host = Together { $active } that are not idle; { $idle } more are.
why-state-own-overhead = measuring it (perfuse)
why-state-small = all smaller ones
why-resource-work = working on a CPU
why-resource-own-overhead = measuring it (perfuse)
why-resource-cpu = waiting for a CPU
why-resource-memory = waiting for memory
why-resource-disk = waiting for storage
why-resource-lock = waiting for a lock
why-resource-network = waiting for the network
why-resource-process = waiting for another process
why-resource-stopped = stopped or frozen
why-resource-unknown = asleep for another reason, or not accounted for
why-flame-on = On CPU: what threads worked on
why-url = a request to { $url }
why-cannot-owner = Something on this host answers on port { $port }, but its process is not to be seen (another network namespace, or not root); name it with --pid or --cgroup.

probe-title = Requests to { $url }
probe-requests = { $count } requests
probe-local = on this host
probe-elsewhere = not on this host
probe-total = the whole request
probe-min = least
probe-median = median
probe-share = share
phase-dns = looking up the name
phase-connect = connecting
phase-tls = agreeing on encryption
phase-first-byte = waiting for the first byte
phase-body = receiving the body
failure-no-name = no such name{ $words }
failure-no-name-server = no name server answered{ $words }
failure-timed-out = no answer in time{ $words }
failure-refused = connection refused{ $words }
failure-unreachable = no way leads there{ $words }
failure-reset = connection reset{ $words }
failure-closed = connection closed too early{ $words }
failure-certificate = certificate not valid{ $words }
failure-tls = encryption not agreed on{ $words }
failure-not-http = the answer is not HTTP{ $words }
failure-redirects = redirected too often{ $words }
failure-bad-redirect = redirected to what is no HTTP URL{ $words }
failure-other = another error{ $words }
failure-status = status { $status }

finding-why-slow-url-title = A slow service that this host asks
finding-why-slow-url-summary = { $url } answers in { $total } (median); { $share } of the time of all requests is { $phase }.
finding-why-slow-url-evidence-phase = median { $median }, p99 { $p99 }, { $share } of the time
finding-why-slow-url-evidence-path = connecting takes { $connect } (median of { $count } requests)
finding-why-slow-url-owner-dns = the name servers in /etc/resolv.conf
finding-why-slow-url-owner-connect = the way to { $peer }, or a full accept queue there
finding-why-slow-url-owner-tls = the other end, { $peer }, or the way there
finding-why-slow-url-owner-first-byte = the service at { $peer }
finding-why-slow-url-owner-body = the service at { $peer }, or the bandwidth to it
finding-why-slow-url-advice-dns = Ask each name server by hand; put a caching one on this host.
finding-why-slow-url-advice-connect = Look at which hop the round trip grows; on { $peer }, look at the accept queue (ss -ltn).
finding-why-slow-url-advice-tls = Keep connections open and let clients resume; look at the load of { $peer }.
finding-why-slow-url-advice-first-byte = Look on the host of { $peer }, and ask there why the service is slow.
finding-why-slow-url-advice-body = Look at retransmits and the congestion window of a transfer from { $peer }; send less, or compressed.
finding-why-slow-url-evidence-state = { $seconds }
finding-why-slow-url-advice-here = Nothing of this host holds it up: it waits by choice, or for something that these sources do not see. Look at which system calls it waits in.
finding-why-slow-url-expect = The median falls from { $total } to { $rest } once that phase takes no time.
finding-why-failing-url-title = Requests fail
finding-why-failing-url-summary = { $bad } of { $tries } requests to { $url } failed: { $how }.
finding-why-failing-url-evidence = { $bad } of { $tries } requests
finding-why-failing-url-advice = Ask once by hand and look at where it ends; the other end is { $peer }.
finding-why-failing-url-expect = No request fails.

help-why-url = Ask this URL meanwhile; whoever answers on this host is slow
error-url = { $url } is no URL to ask: { $reason }
error-url-scheme = expected http:// or https:// at the start
error-url-host = expected the name or address of a host after //; names in other scripts are written as xn--...
error-url-port = expected a port from 1 to 65535 after the colon
error-url-user = a user and a password in a URL are not sent
error-url-blank = a blank or control character cannot be part of a URL; write it as %20 and the like
