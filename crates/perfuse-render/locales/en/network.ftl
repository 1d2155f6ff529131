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
threshold-network-interrupt-share = Share of all received packets on one CPU from which the others are idle bystanders

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
entity-network-retransmits = { $rate } segments sent again
entity-network-udp-drops = { $rate } datagrams lost at { $socket }
