### Texts of the network rules.

## Cells
cell-network-utilization-title = Network utilization
cell-network-utilization-enable = Make /proc/net/dev readable, or allow the NETLINK_ROUTE protocol (seccomp filters of containers may refuse it).
cell-network-utilization-who = The switch port or the hypervisor counts the same bytes: ask their monitoring.
cell-network-utilization-no-maximum = No maximum is known for these interfaces (virtual or paravirtual, no shaper), so there is a rate and no percentage. Peak in one interval: { $peak }.
cell-network-utilization-shaped = The maximum of { $interface } is the rate set on its queueing discipline, not the speed of a wire.
cell-network-saturation-title = Network saturation
cell-network-saturation-enable = Make /proc/net/netstat and /proc/net/snmp readable and take at least two samples.
cell-network-saturation-who = A peer of the connections sees the same retransmissions and closed windows.
cell-network-saturation-namespaces = { $count ->
    [one] { $count } other network namespace is in use by processes here; its sockets and counters are not in these numbers.
   *[other] { $count } other network namespaces are in use by processes here; their sockets and counters are not in these numbers.
}
cell-network-errors-title = Network errors
cell-network-errors-enable = Make /proc/net/dev and /proc/net/snmp readable and take at least two samples.
cell-network-errors-who = The switch port counts bad frames in the other direction; the hypervisor counts what it dropped before us.
cell-network-errors-no-reasons = The reasons for drops need the in-kernel program on skb:kfree_skb (CAP_BPF and CAP_PERFMON); without it only counters are shown.
cell-network-controller-utilization-title = Network card utilization
cell-network-controller-utilization-enable = Make /sys/class/net readable and take at least two samples.
cell-network-controller-utilization-who = The hypervisor or the vendor's card tool.
cell-network-controller-saturation-title = Network card saturation
cell-network-controller-saturation-enable = Make /sys/class/net readable and take at least two samples.
cell-network-controller-saturation-who = The hypervisor or the vendor's card tool.
cell-network-controller-errors-title = Network card errors
cell-network-controller-errors-enable = Make /sys/class/net readable and take at least two samples.
cell-network-controller-errors-who = The hypervisor or the vendor's card tool.
cell-network-controller-none = Only virtual interfaces are here; none of them has a controller.
cell-network-controller-alias = Each controller has one interface only: this repeats the numbers of that interface.
cell-network-controller-no-maximum = The link speed of the ports is not known, so there is a rate and no percentage.

## Controls
control-qdisc-title = Queueing disciplines (tc)
control-qdisc-enable = Allow the NETLINK_ROUTE protocol (seccomp filters of containers may refuse it).
control-qdisc-who = `tc -s qdisc` on the host, outside the container.
control-conntrack-title = Connection tracking table
control-conntrack-enable = Make /proc/sys/net/netfilter readable.
control-conntrack-who = `sysctl net.netfilter.nf_conntrack_count` in the host's network namespace.
control-conntrack-not-loaded = Connection tracking is not loaded in this network namespace.
control-ephemeral-ports-title = Local ports
control-ephemeral-ports-enable = Allow the NETLINK_SOCK_DIAG protocol; the modules tcp_diag and inet_diag must be loaded or built in.
control-ephemeral-ports-who = `ss -tan` run by someone who may use sock_diag.
control-listen-backlog-title = Accept queues
control-listen-backlog-enable = Allow the NETLINK_SOCK_DIAG protocol; the modules tcp_diag and inet_diag must be loaded or built in.
control-listen-backlog-who = `ss -ltn` run by someone who may use sock_diag.
control-socket-memory-title = Socket memory
control-socket-memory-enable = Make /proc/net/sockstat and /proc/sys/net/ipv4/tcp_mem readable.
control-socket-memory-who = The administrator of the host: tcp_mem holds for all namespaces together.
control-neighbour-table-title = Neighbour (ARP) table
control-neighbour-table-enable = Make /proc/net/stat/arp_cache and /proc/sys/net/ipv4/neigh readable.
control-neighbour-table-who = The administrator of the host: the table is shared by all namespaces.

## Thresholds
threshold-network-high-utilization = Share of an interface's maximum from which it is worth a look
threshold-network-limit-near = Share of a limit (tracked connections, ports, memory, neighbours, accept queue) from which it is worth a look
threshold-network-error-ratio = Bad packets against all packets of an interface from which it is an error
threshold-network-drop-ratio = Packets dropped for want of room against all packets from which it is a bottleneck
threshold-network-retransmit-ratio = Segments sent again against segments sent from which the path is worth a look
threshold-network-udp-loss-ratio = Datagrams lost at full socket buffers against datagrams received from which it is a bottleneck
threshold-network-time-squeeze = Times a second that one CPU's receive softirq ran out of budget from which it is worth a look

## Names of numbers
detail-rx-bytes-per-s = received
detail-tx-bytes-per-s = sent
detail-rx-packets-per-s = packets received
detail-tx-packets-per-s = packets sent
detail-rx-mean-bytes = mean size received
detail-tx-mean-bytes = mean size sent
detail-link-utilization = utilization
detail-saturation-per-s = saturation (lost for want of room)
detail-peak-bytes-per-s = peak in one interval
detail-network-wait-s-per-s = waiting
detail-lost-per-s = lost or sent again
detail-sent-bytes-per-s = sent
detail-drops-per-s = dropped
detail-overlimits-per-s = held back by the rate
detail-backlog-bytes = most waiting
detail-ceiling-bytes-per-s = configured maximum
detail-ceiling-used = of the configured maximum
detail-queue-delay-s = delay in the queue
detail-accept-queue = waiting to be accepted
detail-accept-backlog = backlog
detail-queue-full = samples with a full queue
detail-rx-errors-per-s = receive errors
detail-tx-errors-per-s = send errors
detail-rx-dropped-per-s = receive drops
detail-tx-dropped-per-s = send drops
detail-rx-missed-per-s = missed, ring full
detail-bad-checksum-per-s = bad frame checksum
detail-bad-frame-per-s = bad frames
detail-collisions-per-s = collisions
detail-carrier-changes = carrier changes
detail-ports-used = ports used
detail-time-wait = in TIME_WAIT
detail-socket-bytes = used
detail-socket-pressure-bytes = pressure from
detail-socket-limit-bytes = limit
detail-table-entries = entries
detail-entries-limit = limit
detail-table-full-per-s = refused, table full

## What a named one did
entity-network-traffic = { $rate } over TCP
entity-network-window = waited { $wait } for the receive window of its peers
entity-network-retransmits = segments sent again: { $rate }
entity-network-udp-drops = datagrams lost at { $socket }: { $rate }
entity-network-clients = its clients
entity-network-senders = those who send to it

## Findings
network-named = { $name }

finding-network-shaper-queue-title = Traffic shaper holds packets back
finding-network-shaper-queue-summary = The shaper { $queue } ({ $ceiling }) held packets of { $victim } back during { $share } of the time, by { $delay } on average.
finding-network-shaper-queue-cause = its configured rate of { $ceiling }
finding-network-shaper-queue-evidence-queue = at most { $backlog } waiting; delay { $delay }; dropped { $drops }
finding-network-shaper-queue-evidence-rate = { $through } went through, { $share } of { $ceiling }; held back { $overlimits }
finding-network-shaper-queue-advice-raise = Raise the rate of { $queue } if the link behind it can carry more, or send less.
finding-network-shaper-queue-expect-raise = At twice the rate of { $ceiling } the queue of { $delay } drains in half the time; once the rate exceeds what is sent, it is gone.
finding-network-shaper-queue-advice-fair = Put a fair queue inside the shaper, so that one flow does not delay the others.
finding-network-shaper-queue-expect-fair = The throughput stays at { $ceiling }; the delay of { $delay } falls to about 5 ms for flows that send little.

finding-network-queue-drops-title = Send queue overflows
finding-network-queue-drops-summary = The send queue { $queue } of { $device } overflowed and dropped packets ({ $drops }).
finding-network-queue-drops-evidence = dropped: { $drops }; { $through } went through; at most { $backlog } waiting
finding-network-queue-drops-advice-look = See whether { $device } is slower than what is sent (link speed, ring, virtual switch) before you lengthen its queue.
finding-network-queue-drops-expect-look = A longer queue turns drops ({ $drops }) into delay; only a faster link or fewer packets remove both.

finding-network-listen-overflow-title = Listener accepts too slowly
finding-network-listen-overflow-summary = { $listener } turned away connection requests of { $victim } ({ $rate }): its accept queue of { $backlog } was full. Each waits at least 1 s before it tries again.
finding-network-listen-overflow-summary-unknown = A listener of this host turned away connection requests ({ $rate }) since its accept queue was full; which one could not be seen.
finding-network-listen-overflow-clients = clients
finding-network-listen-overflow-some-listener = a listener of this host
finding-network-listen-overflow-evidence-turned = connection requests turned away: { $rate }; each is tried again after 1 s at the earliest
finding-network-listen-overflow-cause = { $listener } does not call accept() often enough
finding-network-listen-overflow-evidence-queue = up to { $waiting } connections waited where { $backlog } may; the queue was full in { $full } of the samples
finding-network-listen-overflow-advice-find = Find the listener whose Recv-Q exceeds its Send-Q.
finding-network-listen-overflow-expect-find = Once it accepts fast enough, no request is turned away (now { $rate }).
finding-network-listen-overflow-advice-accept = Find out what keeps the process from accepting: CPU, a lock, a dependency, a limit of workers.
finding-network-listen-overflow-expect-accept = When it accepts as fast as requests come, none is turned away (now { $rate }), and connection times of 1 s and more are gone.
finding-network-listen-overflow-advice-somaxconn = The backlog of { $backlog } is cut by net.core.somaxconn: raise it and restart the service, to survive bursts.
finding-network-listen-overflow-expect-somaxconn = Bursts of up to { $needed } connections are queued, not turned away; a steady overload is not helped.
finding-network-listen-overflow-advice-backlog = Ask for a longer backlog than { $backlog } in listen(), to survive bursts.
finding-network-listen-overflow-expect-backlog = Bursts of up to { $needed } connections are queued, not turned away; a steady overload is not helped.

finding-network-slow-reader-title = Receiver does not read fast enough
finding-network-slow-reader-summary = { $sender } waited ({ $wait }) since { $reader } did not read what it was sent: the receive window was closed.
finding-network-slow-reader-window = the receive window of { $reader }
finding-network-slow-reader-evidence-window = held back by the window: { $wait } (tcp_info rwnd_limited); { $queue } waiting to be sent
finding-network-slow-reader-evidence-unread = { $unread } received and not read
finding-network-slow-reader-advice-reader = Look at { $reader }: what it does instead of reading. The network is not the cause.
finding-network-slow-reader-expect-reader = If it reads as fast as is sent, waiting of up to { $wait } goes away.

finding-network-retransmits-title = Segments are lost on the path
finding-network-retransmits-summary = { $victim } had to send { $share } of its TCP segments again ({ $rate }), most of them to { $path }; no queue of this host dropped them.
finding-network-retransmits-summary-unknown = { $share } of the TCP segments of this host had to be sent again ({ $rate }); no queue of this host dropped them, and which connections lost them could not be seen.
finding-network-retransmits-path = the path to { $path }
finding-network-retransmits-evidence = sent again: { $rate }, { $share } of all; timeouts of at least 0.2 s: { $timeouts }; round trip { $rtt }
finding-network-retransmits-advice-path = Find where on the path to { $path } packets are lost: from here on every hop has its own counters.
finding-network-retransmits-expect-path = Without the loss nothing is sent again (now { $rate }), and no time is lost in timeouts and recoveries.

finding-network-no-answer-title = Connection requests get no answer
finding-network-no-answer-summary = { $victim } asked { $target } for a connection and got no answer: { $count } requests are waiting now, repeated at { $rate }.
finding-network-no-answer-evidence = { $count } requests waiting now; repeated after 1 s or more: { $rate }
finding-network-no-answer-advice-target = See whether { $target } runs and whether a firewall drops the requests.
finding-network-no-answer-expect-target = When it answers, nothing is repeated (now { $rate }), and the wait of at least 1 s for each goes away.

finding-network-udp-receive-buffer-title = UDP datagrams are lost at a full socket
finding-network-udp-receive-buffer-summary = { $reader } did not read fast enough from { $socket }: { $share } of all UDP datagrams ({ $rate }) were dropped at full receive buffers.
finding-network-udp-receive-buffer-cause = { $reader } does not read fast enough
finding-network-udp-receive-buffer-evidence = dropped: { $rate }, { $share } of all; { $waiting } waiting in the worst socket
finding-network-udp-receive-buffer-advice-reader = Let { $reader } read faster: more threads or sockets (SO_REUSEPORT), recvmmsg, or less work per datagram.
finding-network-udp-receive-buffer-expect-reader = When reading keeps up, nothing is dropped (now { $rate }).
finding-network-udp-receive-buffer-advice-buffer = For bursts, enlarge the receive buffer (SO_RCVBUF, bounded by net.core.rmem_max).
finding-network-udp-receive-buffer-expect-buffer = Bursts fit; if more comes than is read all the time, the drops (now { $rate }) come back once the buffer is full.

finding-network-link-errors-title = Bad packets on an interface
finding-network-link-errors-summary = { $share } of the packets of { $device } were bad ({ $rate }).
finding-network-link-errors-cause = cable, transceiver, port, duplex, or driver
finding-network-link-errors-evidence = errors: { $rate }; bad checksums { $crc }, bad frames { $frame }, lost carriers { $carrier }
finding-network-link-errors-advice-wire = Read the driver's own counters of { $device }; then exchange cable, transceiver and port in turn.
finding-network-link-errors-expect-wire = With a sound link there are no errors (now { $rate }).

finding-network-ring-full-title = Receive ring of a card is full
finding-network-ring-full-summary = { $device } lost { $share } of the packets that came in ({ $rate }), since its receive ring was full.
finding-network-ring-full-cause = receive ring full: the host does not empty it fast enough
finding-network-ring-full-evidence = lost: { $rate }; received: { $packets }
finding-network-ring-full-advice-ring = Enlarge the receive ring of { $device }, and spread its interrupts over more CPUs.
finding-network-ring-full-expect-ring = Bursts fit into the ring and nothing is lost (now { $rate }), unless the CPU itself is the limit.

finding-network-carrier-title = Carrier of an interface changed
finding-network-carrier-summary = { $count ->
    [one] The carrier of { $device } changed { $count } time in this run.
   *[other] The carrier of { $device } changed { $count } times in this run.
}
finding-network-carrier-cause = cable, transceiver, switch port, or someone who set the link up or down
finding-network-carrier-evidence = { $count } carrier changes
finding-network-carrier-advice-wire = Look for the reason in the kernel log and on the switch port.
finding-network-carrier-expect-wire = With a steady link { $device } loses no packets to outages.

finding-network-softirq-drops-title = Receive backlog of a CPU is full
finding-network-softirq-drops-summary = { $cpu } dropped { $share } of the packets that it received ({ $rate }), since its backlog was full.
finding-network-softirq-drops-packets = received packets
finding-network-softirq-drops-evidence = dropped: { $rate }; processed: { $processed }; out of budget: { $squeezed }
finding-network-softirq-drops-advice-spread = Spread the packets over more CPUs: interrupts of the queues, or RPS.
finding-network-softirq-drops-expect-spread = With the load on two CPUs each gets half; once no backlog fills up, nothing is dropped (now { $rate }).
finding-network-softirq-drops-advice-backlog = For bursts, lengthen the backlog.
finding-network-softirq-drops-expect-backlog = Bursts fit; if { $cpu } is too slow all the time, the drops (now { $rate }) come back.

finding-network-conntrack-full-title = Connection tracking table is full
finding-network-conntrack-full-summary = The connection tracking table is full ({ $count } of { $max } entries): packets of new connections were dropped ({ $rate }).
finding-network-conntrack-full-packets = packets of new connections
finding-network-conntrack-full-evidence = dropped: { $rate }, with { $count } of { $max } entries in use
finding-network-conntrack-full-advice-raise = Raise the maximum from { $max } to { $wanted }, or exempt traffic that needs no tracking.
finding-network-conntrack-full-expect-raise = With room for { $wanted } connections nothing is dropped (now { $rate }); an entry takes about 320 bytes.

finding-network-local-ports-title = Local ports are used up
finding-network-local-ports-summary = { $victim } could not connect to { $target } (failures: { $rate }): { $used } of { $size } local ports are in use towards it.
finding-network-local-ports-summary-elsewhere = { $victim } could not connect (failures: { $rate }): no local port is free in its network namespace.
finding-network-local-ports-evidence-elsewhere = calls of connect that failed with EADDRNOTAVAIL: { $rate }; the ports of its network namespace cannot be seen from here
finding-network-local-ports-advice-look = Look at the range of local ports and at the connections in its network namespace, and keep connections open.
finding-network-local-ports-expect-look = A range that is used up, most of it in TIME_WAIT; with reused connections no call fails (now { $rate }).
finding-network-local-ports-cause = local ports towards { $target }
finding-network-local-ports-evidence = calls that failed with EADDRNOTAVAIL: { $rate }; { $used } of { $size } ports in use, { $waiting } of them in TIME_WAIT
finding-network-local-ports-advice-reuse = Keep connections to { $target } open and reuse them (keep-alive, a pool).
finding-network-local-ports-expect-reuse = A pool needs as many ports as it has connections, not { $size }; no call fails (now { $rate }).
finding-network-local-ports-advice-range = Widen the range of local ports and let outgoing connections reuse those in TIME_WAIT.
finding-network-local-ports-expect-range = 64,512 ports instead of { $size }.

finding-network-socket-memory-title = Socket memory is short
finding-network-socket-memory-summary = The kernel's memory for sockets is short (refusals: { $rate }; entries into memory pressure: { $pressed }).
finding-network-socket-memory-sockets = sockets
finding-network-socket-memory-evidence = refusals: { $rate }; entries into memory pressure: { $pressed }
finding-network-socket-memory-advice-who = Find the sockets that hold the memory; raise tcp_mem or udp_mem only if that much may be used.
finding-network-socket-memory-expect-who = Below the limit nothing is refused (now { $rate }) and buffers may grow again.

finding-network-neighbour-table-full-title = Neighbour table is full
finding-network-neighbour-table-full-summary = The { $table } neighbour table is full ({ $entries } of { $max } entries): new neighbours were refused ({ $rate }).
finding-network-neighbour-table-full-packets = packets to new neighbours
finding-network-neighbour-table-full-evidence = refused: { $rate }, with { $entries } of { $max } entries in use
finding-network-neighbour-table-full-advice-raise = Raise gc_thresh3 from { $max } to { $wanted }, or make the network segment smaller.
finding-network-neighbour-table-full-expect-raise = With room for { $wanted } neighbours none is refused.
