### What checks of the daemon found.

check-passed = all conditions hold
check-failed = { $problem }
check-not-made = the check could not be made: { $problem }
check-timeout = no answer within { $seconds } s
check-slow = the answer took { $milliseconds } ms
check-redirects = too many redirects
check-unexpected = an unexpected answer: "{ $found }"
check-http-status = HTTP status { $status }
check-http-header = the header { $name } is missing or has another value
check-http-body-lacks = the body does not have "{ $what }"
check-http-body-has = the body has "{ $what }"
check-http-too-long = the body is longer than { $bytes } bytes
check-http-no-json = the body is not JSON
check-http-json = { $path } is { $found }, not { $wanted }
check-certificate = the certificate is valid for { $days } more days
check-dns-lacks = { $wanted } is not among the answers: { $found }
check-command = { $text }
check-unit = the unit is { $state }
check-process = { $count } processes of the name { $name }
check-value = { $name } is { $value }
check-agree = both say { $first }
check-disagree = the first says { $first }, the second { $second }
check-agree-unasked = whether they agree is not known: { $problem }
check-icmp = { $came } of { $sent } answers came, after { $milliseconds } ms on average
check-icmp-not-allowed = echo requests are not allowed here; as root, let the daemon's group send them: sysctl net.ipv4.ping_group_range="0 2147483647"
check-kafka-brokers = only { $count } brokers are there
check-kafka-leaderless = { $count } partitions of { $topic } have no leader
check-kafka-behind = { $count } partitions of { $topic } have replicas that are behind
check-rabbitmq-queue = the queue { $queue } holds { $count } messages
check-rabbitmq-no-queue = there is no queue { $queue }
check-broken = the answer could not be read, and the check was given up
