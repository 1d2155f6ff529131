### 데몬의 점검이 찾은 것.

check-passed = 모든 조건에 맞습니다
check-failed = { $problem }
check-not-made = 점검할 수 없었습니다: { $problem }
check-timeout = { $seconds }초 안에 응답이 없습니다
check-slow = 응답에 { $milliseconds } ms 걸렸습니다
check-redirects = 리디렉션이 너무 많습니다
check-unexpected = 예상하지 못한 응답입니다: "{ $found }"
check-http-status = HTTP 상태 { $status }
check-http-header = { $name } 헤더가 없거나 값이 다릅니다
check-http-body-lacks = 본문에 "{ $what }"{ JOSA($what, "이/가") } 없습니다
check-http-body-has = 본문에 "{ $what }"{ JOSA($what, "이/가") } 있습니다
check-http-too-long = 본문이 { $bytes }바이트보다 깁니다
check-http-no-json = 본문이 JSON이 아닙니다
check-http-json = { $path }의 값이 { $wanted }{ JOSA($wanted, "이/가") } 아니라 { $found }입니다
check-certificate = 인증서의 유효 기간이 { $days }일 남았습니다
check-dns-lacks = 응답에 { $wanted }{ JOSA($wanted, "이/가") } 없습니다: { $found }
check-command = { $text }
check-unit = 유닛의 상태는 { $state }입니다
check-process = 이름이 { $name }인 프로세스가 { $count }개 있습니다
check-value = { $name }의 값은 { $value }입니다
check-agree = 둘 다 { $first }입니다
check-disagree = 첫째는 { $first }, 둘째는 { $second }입니다
check-agree-unasked = 서로 일치하는지 알 수 없습니다: { $problem }
check-icmp = 응답 { $sent }개 중 { $came }개가 평균 { $milliseconds } ms 만에 왔습니다
check-icmp-not-allowed = 여기서는 에코 요청을 보낼 수 없습니다. root로 데몬의 그룹에 허용하십시오: sysctl net.ipv4.ping_group_range="0 2147483647"
check-kafka-brokers = 브로커가 { $count }개뿐입니다
check-kafka-leaderless = { $topic }의 파티션 { $count }개에 리더가 없습니다
check-kafka-behind = { $topic }의 파티션 { $count }개에 뒤처진 복제본이 있습니다
check-rabbitmq-queue = 큐 { $queue }에 메시지 { $count }개가 있습니다
check-rabbitmq-no-queue = 큐 { $queue }{ JOSA($queue, "이/가") } 없습니다
check-broken = 응답을 읽을 수 없어 점검을 그만두었습니다
