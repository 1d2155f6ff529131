### Texts of the network rules.

## Cells
cell-network-utilization-title = 네트워크 사용률
cell-network-utilization-enable = /proc/net/dev를 읽을 수 있게 하거나 NETLINK_ROUTE 프로토콜을 허용하십시오(컨테이너의 seccomp 필터가 막을 수 있습니다).
cell-network-utilization-who = 스위치 포트나 하이퍼바이저도 같은 바이트 수를 셉니다. 그쪽 모니터링을 확인하십시오.
cell-network-utilization-no-maximum = 이 인터페이스들은 최대 속도를 알 수 없어(가상 또는 반가상 장치이고 셰이퍼도 없음) 백분율 없이 전송률만 표시합니다. 한 구간의 최댓값: { $peak }.
cell-network-utilization-shaped = { $interface }의 최댓값은 회선 속도가 아니라 큐잉 규칙(qdisc)에 설정된 전송률입니다.
cell-network-saturation-title = 네트워크 포화도
cell-network-saturation-enable = /proc/net/netstat과 /proc/net/snmp를 읽을 수 있게 하고 표본을 두 번 이상 수집하십시오.
cell-network-saturation-who = 연결 상대편에서도 같은 재전송과 닫힌 윈도를 볼 수 있습니다.
cell-network-saturation-namespaces = 이 호스트의 프로세스가 다른 네트워크 네임스페이스 { $count }개를 사용하고 있으며, 그 안의 소켓과 카운터는 이 수치에 들어 있지 않습니다.
cell-network-errors-title = 네트워크 오류
cell-network-errors-enable = /proc/net/dev와 /proc/net/snmp를 읽을 수 있게 하고 표본을 두 번 이상 수집하십시오.
cell-network-errors-who = 반대 방향의 불량 프레임은 스위치 포트가, 이 호스트에 도달하기 전에 버려진 패킷은 하이퍼바이저가 셉니다.
cell-network-errors-no-reasons = 패킷이 버려진 이유를 알려면 skb:kfree_skb에 붙는 커널 내부 프로그램(CAP_BPF와 CAP_PERFMON)이 필요합니다. 지금은 카운터만 표시합니다.
cell-network-controller-utilization-title = 네트워크 카드 사용률
cell-network-controller-utilization-enable = /sys/class/net을 읽을 수 있게 하고 표본을 두 번 이상 수집하십시오.
cell-network-controller-utilization-who = 하이퍼바이저나 카드 제조사의 도구로 확인할 수 있습니다.
cell-network-controller-saturation-title = 네트워크 카드 포화도
cell-network-controller-saturation-enable = /sys/class/net을 읽을 수 있게 하고 표본을 두 번 이상 수집하십시오.
cell-network-controller-saturation-who = 하이퍼바이저나 카드 제조사의 도구로 확인할 수 있습니다.
cell-network-controller-errors-title = 네트워크 카드 오류
cell-network-controller-errors-enable = /sys/class/net을 읽을 수 있게 하고 표본을 두 번 이상 수집하십시오.
cell-network-controller-errors-who = 하이퍼바이저나 카드 제조사의 도구로 확인할 수 있습니다.
cell-network-controller-none = 가상 인터페이스만 있으며, 컨트롤러에 연결된 인터페이스가 없습니다.
cell-network-controller-alias = 컨트롤러마다 인터페이스가 하나뿐이므로 그 인터페이스의 수치와 같습니다.
cell-network-controller-no-maximum = 포트의 링크 속도를 알 수 없어 백분율 없이 전송률만 표시합니다.

## Controls
control-qdisc-title = 큐잉 규칙(tc)
control-qdisc-enable = NETLINK_ROUTE 프로토콜을 허용하십시오(컨테이너의 seccomp 필터가 막을 수 있습니다).
control-qdisc-who = 컨테이너 밖의 호스트에서 `tc -s qdisc`로 확인할 수 있습니다.
control-conntrack-title = 연결 추적 테이블
control-conntrack-enable = /proc/sys/net/netfilter를 읽을 수 있게 하십시오.
control-conntrack-who = 호스트의 네트워크 네임스페이스에서 `sysctl net.netfilter.nf_conntrack_count`로 확인할 수 있습니다.
control-conntrack-not-loaded = 이 네트워크 네임스페이스에는 연결 추적이 적재되어 있지 않습니다.
control-ephemeral-ports-title = 로컬 포트
control-ephemeral-ports-enable = NETLINK_SOCK_DIAG 프로토콜을 허용하십시오. tcp_diag와 inet_diag 모듈이 적재되어 있거나 커널에 내장되어 있어야 합니다.
control-ephemeral-ports-who = sock_diag를 쓸 수 있는 사용자가 `ss -tan`으로 확인할 수 있습니다.
control-listen-backlog-title = 접속 수락 대기열
control-listen-backlog-enable = NETLINK_SOCK_DIAG 프로토콜을 허용하십시오. tcp_diag와 inet_diag 모듈이 적재되어 있거나 커널에 내장되어 있어야 합니다.
control-listen-backlog-who = sock_diag를 쓸 수 있는 사용자가 `ss -ltn`으로 확인할 수 있습니다.
control-socket-memory-title = 소켓 메모리
control-socket-memory-enable = /proc/net/sockstat과 /proc/sys/net/ipv4/tcp_mem을 읽을 수 있게 하십시오.
control-socket-memory-who = 호스트 관리자에게 문의하십시오. tcp_mem은 모든 네임스페이스에 함께 적용됩니다.
control-neighbour-table-title = 이웃(ARP) 테이블
control-neighbour-table-enable = /proc/net/stat/arp_cache와 /proc/sys/net/ipv4/neigh를 읽을 수 있게 하십시오.
control-neighbour-table-who = 호스트 관리자에게 문의하십시오. 이 테이블은 모든 네임스페이스가 함께 사용합니다.

## Thresholds
threshold-network-high-utilization = 인터페이스 최대 속도 대비 이 비율부터 살펴볼 만한 상태로 봅니다
threshold-network-limit-near = 한도(추적 연결, 포트, 메모리, 이웃, 수락 대기열) 대비 이 비율부터 살펴볼 만한 상태로 봅니다
threshold-network-error-ratio = 인터페이스의 전체 패킷 대비 불량 패킷이 이 비율부터 오류입니다
threshold-network-drop-ratio = 전체 패킷 대비 공간 부족으로 버려진 패킷이 이 비율부터 병목입니다
threshold-network-retransmit-ratio = 보낸 세그먼트 대비 재전송이 이 비율부터 경로를 살펴볼 만한 상태로 봅니다
threshold-network-udp-loss-ratio = 받은 데이터그램 대비 소켓 버퍼가 가득 차 잃은 데이터그램이 이 비율부터 병목입니다
threshold-network-time-squeeze = 한 CPU의 수신 softirq가 처리 한도를 초당 이 횟수 이상 소진하면 살펴볼 만한 상태로 봅니다

## Names of numbers
detail-rx-bytes-per-s = 수신
detail-tx-bytes-per-s = 송신
detail-rx-packets-per-s = 수신 패킷
detail-tx-packets-per-s = 송신 패킷
detail-rx-mean-bytes = 평균 수신 크기
detail-tx-mean-bytes = 평균 송신 크기
detail-link-utilization = 사용률
detail-saturation-per-s = 포화(공간 부족으로 유실)
detail-peak-bytes-per-s = 한 구간의 최댓값
detail-network-wait-s-per-s = 대기
detail-lost-per-s = 유실 또는 재전송
detail-sent-bytes-per-s = 송신
detail-drops-per-s = 버림
detail-overlimits-per-s = 전송률 제한으로 지연
detail-backlog-bytes = 최대 대기량
detail-ceiling-bytes-per-s = 설정된 최댓값
detail-ceiling-used = 설정된 최댓값 대비
detail-queue-delay-s = 대기열 지연 시간
detail-accept-queue = 수락 대기 중
detail-accept-backlog = 백로그
detail-queue-full = 대기열이 가득 찬 표본
detail-rx-errors-per-s = 수신 오류
detail-tx-errors-per-s = 송신 오류
detail-rx-dropped-per-s = 수신 중 버림
detail-tx-dropped-per-s = 송신 중 버림
detail-rx-missed-per-s = 링이 가득 차 놓침
detail-bad-checksum-per-s = 프레임 체크섬 오류
detail-bad-frame-per-s = 불량 프레임
detail-collisions-per-s = 충돌
detail-carrier-changes = 캐리어 변경
detail-ports-used = 사용 중인 포트
detail-time-wait = TIME_WAIT 상태
detail-socket-bytes = 사용량
detail-socket-pressure-bytes = 압박 시작점
detail-socket-limit-bytes = 한도
detail-table-entries = 항목 수
detail-entries-limit = 한도
detail-table-full-per-s = 테이블이 가득 차 거절

## What a named one did
entity-network-traffic = TCP로 { $rate }
entity-network-window = 상대의 수신 윈도를 { $wait } 대기
entity-network-retransmits = 세그먼트 재전송 { $rate }
entity-network-udp-drops = { $socket }에서 데이터그램 유실 { $rate }
entity-network-clients = 이 주소에 접속하는 클라이언트
entity-network-senders = 이 주소로 보내는 쪽

## Findings
network-named = { $name }

finding-network-shaper-queue-title = 트래픽 셰이퍼가 패킷을 붙잡고 있음
finding-network-shaper-queue-summary = 셰이퍼 { $queue }({ $ceiling })에서 { $victim }의 패킷이 전체 시간의 { $share } 동안 평균 { $delay }씩 기다렸습니다.
finding-network-shaper-queue-cause = 설정된 전송률 { $ceiling }
finding-network-shaper-queue-evidence-queue = 최대 { $backlog } 대기, 지연 시간 { $delay }, 버려진 패킷 { $drops }
finding-network-shaper-queue-evidence-rate = { $through } 통과({ $ceiling }의 { $share }), 전송률 제한으로 지연 { $overlimits }
finding-network-shaper-queue-advice-raise = 뒤의 링크에 여유가 있으면 { $queue }의 전송률을 높이고, 그렇지 않으면 보내는 양을 줄이십시오.
finding-network-shaper-queue-expect-raise = 전송률을 { $ceiling }의 두 배로 올리면 { $delay } 길이의 대기열이 절반의 시간에 비워지고, 보내는 양보다 높아지면 대기열이 사라집니다.
finding-network-shaper-queue-advice-fair = 한 흐름이 다른 흐름을 지연시키지 않도록 셰이퍼 안에 공정 큐를 두십시오.
finding-network-shaper-queue-expect-fair = 처리량은 { $ceiling } 그대로이며, 적게 보내는 흐름의 지연 시간은 { $delay }에서 약 5 ms로 줄어듭니다.

finding-network-queue-drops-title = 송신 대기열이 넘침
finding-network-queue-drops-summary = { $device }의 송신 대기열 { $queue }에서 패킷이 넘쳐 버려졌습니다({ $drops }).
finding-network-queue-drops-evidence = 버려진 패킷 { $drops }, 통과 { $through }, 최대 { $backlog } 대기
finding-network-queue-drops-advice-look = 대기열을 늘리기 전에 { $device } 쪽이 보내는 양보다 느리지 않은지(링크 속도, 링, 가상 스위치) 확인하십시오.
finding-network-queue-drops-expect-look = 대기열을 늘리면 유실(현재 { $drops })이 지연으로 바뀔 뿐이며, 둘 다 없애려면 링크를 빠르게 하거나 패킷을 줄여야 합니다.

finding-network-listen-overflow-title = 접속 수락이 너무 느림
finding-network-listen-overflow-summary = { $listener } 수락 대기열({ $backlog })이 가득 차 { $victim }의 접속 요청을 거절했습니다({ $rate }). 거절된 요청은 적어도 1초를 기다린 뒤 다시 시도합니다.
finding-network-listen-overflow-summary-unknown = 이 호스트의 어느 리스너에서 수락 대기열이 가득 차 접속 요청을 거절했습니다({ $rate }). 어느 리스너인지는 볼 수 없었습니다.
finding-network-listen-overflow-clients = 클라이언트
finding-network-listen-overflow-some-listener = 이 호스트의 어느 리스너
finding-network-listen-overflow-evidence-turned = 거절된 접속 요청 { $rate }, 빨라도 1초 뒤에 재시도
finding-network-listen-overflow-cause = { $listener } 쪽에서 accept()를 충분히 자주 호출하지 않음
finding-network-listen-overflow-evidence-queue = 허용치 { $backlog }에 최대 { $waiting }개 접속이 대기, 표본의 { $full }에서 대기열이 가득 참
finding-network-listen-overflow-advice-find = Recv-Q가 Send-Q보다 큰 리스너를 찾으십시오.
finding-network-listen-overflow-expect-find = 수락이 충분히 빨라지면 거절(현재 { $rate })이 없어집니다.
finding-network-listen-overflow-advice-accept = 프로세스가 왜 접속을 수락하지 못하는지 확인하십시오. CPU, 락, 의존 서비스, 워커 수 제한이 흔한 원인입니다.
finding-network-listen-overflow-expect-accept = 요청이 오는 만큼 수락하면 거절(현재 { $rate })이 없어지고, 1초가 넘는 접속 시간도 사라집니다.
finding-network-listen-overflow-advice-somaxconn = 백로그 { $backlog }의 상한은 net.core.somaxconn입니다. 순간적인 폭주에 견디도록 값을 올리고 서비스를 다시 시작하십시오.
finding-network-listen-overflow-expect-somaxconn = 최대 { $needed }개의 접속이 한꺼번에 와도 거절되지 않고 대기합니다. 지속적인 과부하에는 도움이 되지 않습니다.
finding-network-listen-overflow-advice-backlog = 순간적인 폭주에 견디도록 listen()에 { $backlog }보다 큰 백로그를 지정하십시오.
finding-network-listen-overflow-expect-backlog = 최대 { $needed }개의 접속이 한꺼번에 와도 거절되지 않고 대기합니다. 지속적인 과부하에는 도움이 되지 않습니다.

finding-network-slow-reader-title = 수신 측이 충분히 빨리 읽지 않음
finding-network-slow-reader-summary = { $reader } 쪽에서 데이터를 제때 읽지 않아 수신 윈도가 닫혔고, 그동안 { $sender }{ JOSA($sender, "이/가") } 기다렸습니다({ $wait }).
finding-network-slow-reader-window = { $reader }의 수신 윈도
finding-network-slow-reader-evidence-window = 윈도 때문에 대기 { $wait }(tcp_info rwnd_limited), { $queue } 송신 대기
finding-network-slow-reader-evidence-unread = 받았지만 읽지 않은 데이터 { $unread }
finding-network-slow-reader-advice-reader = { $reader } 쪽이 읽는 대신 무엇을 하는지 살펴보십시오. 네트워크는 원인이 아닙니다.
finding-network-slow-reader-expect-reader = 보내는 만큼 빨리 읽으면 최대 { $wait }의 대기가 사라집니다.

finding-network-retransmits-title = 경로에서 세그먼트가 유실됨
finding-network-retransmits-summary = { $victim }에서 보낸 TCP 세그먼트의 재전송 비율이 { $share }입니다({ $rate }). 대부분 { $path } 쪽입니다. 이 호스트의 대기열에서 버려진 것은 아닙니다.
finding-network-retransmits-summary-unknown = 이 호스트가 보낸 TCP 세그먼트의 재전송 비율이 { $share }입니다({ $rate }). 이 호스트의 대기열에서 버려진 것은 아니며, 어느 연결인지는 볼 수 없었습니다.
finding-network-retransmits-path = { $path } 쪽 경로
finding-network-retransmits-evidence = 재전송 { $rate }(전체의 { $share }), 0.2초 이상의 타임아웃 { $timeouts }, 왕복 시간 { $rtt }
finding-network-retransmits-advice-path = { $path } 쪽 경로의 어디에서 패킷이 유실되는지 찾으십시오. 여기서부터는 구간마다 자체 카운터가 있습니다.
finding-network-retransmits-expect-path = 유실이 없어지면 재전송(현재 { $rate })과 타임아웃, 복구에 드는 시간이 사라집니다.

finding-network-no-answer-title = 접속 요청에 응답이 없음
finding-network-no-answer-summary = { $victim } 쪽에서 { $target } 접속을 요청했으나 응답이 없습니다. 지금 { $count }개가 기다리고 있으며 재요청은 { $rate }입니다.
finding-network-no-answer-evidence = 현재 { $count }개 대기, 1초 이상 지난 뒤 재요청 { $rate }
finding-network-no-answer-advice-target = { $target } 서비스가 실행 중인지, 방화벽이 요청을 버리지 않는지 확인하십시오.
finding-network-no-answer-expect-target = 응답이 오면 재요청(현재 { $rate })과 요청마다 1초 이상의 대기가 사라집니다.

finding-network-udp-receive-buffer-title = 가득 찬 소켓에서 UDP 데이터그램 유실
finding-network-udp-receive-buffer-summary = { $reader } 쪽에서 { $socket } 소켓을 제때 읽지 않아 전체 UDP 데이터그램의 { $share }({ $rate })가 가득 찬 수신 버퍼에서 버려졌습니다.
finding-network-udp-receive-buffer-cause = { $reader } 쪽에서 충분히 빨리 읽지 않음
finding-network-udp-receive-buffer-evidence = 버려진 데이터그램 { $rate }(전체의 { $share }), 가장 심한 소켓에 { $waiting } 대기
finding-network-udp-receive-buffer-advice-reader = { $reader } 쪽의 읽기를 빠르게 하십시오. 스레드나 소켓을 늘리거나(SO_REUSEPORT), recvmmsg를 쓰거나, 데이터그램당 작업을 줄이면 됩니다.
finding-network-udp-receive-buffer-expect-reader = 읽는 속도가 따라가면 유실(현재 { $rate })이 없어집니다.
finding-network-udp-receive-buffer-advice-buffer = 순간적인 폭주에 대비해 수신 버퍼를 늘리십시오(SO_RCVBUF, 상한은 net.core.rmem_max).
finding-network-udp-receive-buffer-expect-buffer = 순간적인 폭주는 버퍼에 들어갑니다. 읽는 양보다 오는 양이 계속 많으면 버퍼가 찬 뒤 유실(현재 { $rate })이 다시 생깁니다.

finding-network-link-errors-title = 인터페이스에서 불량 패킷 발생
finding-network-link-errors-summary = { $device } 패킷의 불량 비율이 { $share }입니다({ $rate }).
finding-network-link-errors-cause = 케이블, 트랜시버, 포트, 듀플렉스 설정 또는 드라이버
finding-network-link-errors-evidence = 오류 { $rate }: 체크섬 오류 { $crc }, 불량 프레임 { $frame }, 캐리어 유실 { $carrier }
finding-network-link-errors-advice-wire = { $device } 드라이버의 자체 카운터를 확인한 뒤 케이블, 트랜시버, 포트를 차례로 바꿔 보십시오.
finding-network-link-errors-expect-wire = 링크가 정상이 되면 오류(현재 { $rate })가 없어집니다.

finding-network-ring-full-title = 네트워크 카드의 수신 링이 가득 참
finding-network-ring-full-summary = { $device }의 수신 링이 가득 차 들어온 패킷의 { $share }({ $rate })가 유실되었습니다.
finding-network-ring-full-cause = 수신 링이 가득 참: 호스트가 링을 제때 비우지 못함
finding-network-ring-full-evidence = 유실 { $rate }, 수신 { $packets }
finding-network-ring-full-advice-ring = { $device }의 수신 링을 늘리고 인터럽트를 더 많은 CPU에 나누십시오.
finding-network-ring-full-expect-ring = CPU 자체가 한계가 아니라면 순간적인 폭주가 링에 들어가 유실(현재 { $rate })이 없어집니다.

finding-network-carrier-title = 인터페이스의 캐리어가 바뀜
finding-network-carrier-summary = 이번 측정 동안 { $device }의 캐리어가 { $count }번 바뀌었습니다.
finding-network-carrier-cause = 케이블, 트랜시버, 스위치 포트 또는 누군가 링크를 올리거나 내린 조작
finding-network-carrier-evidence = 캐리어 변경 { $count }번
finding-network-carrier-advice-wire = 커널 로그와 스위치 포트에서 원인을 찾으십시오.
finding-network-carrier-expect-wire = 링크가 안정되면 { $device }에서 단절로 인한 패킷 유실이 없어집니다.

finding-network-softirq-drops-title = CPU의 수신 백로그가 가득 참
finding-network-softirq-drops-summary = { $cpu }의 백로그가 가득 차 받은 패킷의 { $share }({ $rate })가 버려졌습니다.
finding-network-softirq-drops-packets = 받은 패킷
finding-network-softirq-drops-evidence = 버려진 패킷 { $rate }, 처리 { $processed }, 처리 한도 소진 { $squeezed }
finding-network-softirq-drops-advice-spread = 패킷을 더 많은 CPU에 나누십시오. 큐별 인터럽트 배치나 RPS를 쓰면 됩니다.
finding-network-softirq-drops-expect-spread = 두 CPU가 나누면 부하가 절반씩이 되고, 백로그가 차지 않으면 유실(현재 { $rate })이 사라집니다.
finding-network-softirq-drops-advice-backlog = 순간적인 폭주에 대비해 백로그를 늘리십시오.
finding-network-softirq-drops-expect-backlog = 순간적인 폭주는 백로그에 들어갑니다. { $cpu } 처리 속도가 계속 모자라면 유실(현재 { $rate })이 다시 생깁니다.

finding-network-conntrack-full-title = 연결 추적 테이블이 가득 참
finding-network-conntrack-full-summary = 연결 추적 테이블이 가득 차({ $max }개 중 { $count }개 사용) 새 연결의 패킷을 버렸습니다({ $rate }).
finding-network-conntrack-full-packets = 새 연결의 패킷
finding-network-conntrack-full-evidence = { $max }개 중 { $count }개 사용, 버려진 패킷 { $rate }
finding-network-conntrack-full-advice-raise = 최댓값을 { $max }에서 { $wanted }{ JOSA($wanted, "으로/로") } 올리거나 추적이 필요 없는 트래픽을 제외하십시오.
finding-network-conntrack-full-expect-raise = 연결 { $wanted }개를 담을 수 있으면 유실(현재 { $rate })이 없어집니다. 항목 하나는 약 320바이트를 차지합니다.

finding-network-local-ports-title = 로컬 포트가 바닥남
finding-network-local-ports-summary = { $victim } 쪽에서 { $target }에 접속하지 못했습니다(실패 { $rate }). 이 대상으로 로컬 포트 { $size }개 중 { $used }개가 사용 중입니다.
finding-network-local-ports-summary-elsewhere = { $victim } 쪽에서 접속하지 못했습니다(실패 { $rate }). 이 프로세스의 네트워크 네임스페이스에 남은 로컬 포트가 없습니다.
finding-network-local-ports-evidence-elsewhere = connect 호출의 EADDRNOTAVAIL 실패 { $rate }, 해당 네트워크 네임스페이스의 포트는 여기서 볼 수 없습니다
finding-network-local-ports-advice-look = 해당 네트워크 네임스페이스의 로컬 포트 범위와 연결을 확인하고 연결을 유지하십시오.
finding-network-local-ports-expect-look = 범위가 대부분 TIME_WAIT로 소진된 것이 보이며, 연결을 재사용하면 실패(현재 { $rate })가 없어집니다.
finding-network-local-ports-cause = { $target } 쪽 로컬 포트
finding-network-local-ports-evidence = EADDRNOTAVAIL 실패 { $rate }, 포트 { $size }개 중 { $used }개 사용(그중 TIME_WAIT { $waiting }개)
finding-network-local-ports-advice-reuse = { $target } 쪽 연결을 유지하고 재사용하십시오(keep-alive, 연결 풀).
finding-network-local-ports-expect-reuse = 연결 풀은 { $size }개가 아니라 연결 수만큼의 포트만 쓰므로 실패(현재 { $rate })가 없어집니다.
finding-network-local-ports-advice-range = 로컬 포트 범위를 넓히고 나가는 연결이 TIME_WAIT 포트를 재사용하게 하십시오.
finding-network-local-ports-expect-range = 쓸 수 있는 포트가 { $size }개에서 64,512개로 늘어납니다.

finding-network-socket-memory-title = 소켓 메모리 부족
finding-network-socket-memory-summary = 커널의 소켓 메모리가 부족합니다(거절 { $rate }, 메모리 압박 진입 { $pressed }).
finding-network-socket-memory-sockets = 소켓
finding-network-socket-memory-evidence = 거절 { $rate }, 메모리 압박 진입 { $pressed }
finding-network-socket-memory-advice-who = 메모리를 차지하는 소켓을 찾으십시오. 그만큼 써도 되는 경우에만 tcp_mem이나 udp_mem을 올리십시오.
finding-network-socket-memory-expect-who = 한도 아래로 내려가면 거절(현재 { $rate })이 없어지고 버퍼가 다시 커질 수 있습니다.

finding-network-neighbour-table-full-title = 이웃 테이블이 가득 참
finding-network-neighbour-table-full-summary = { $table } 이웃 테이블이 가득 차({ $max }개 중 { $entries }개 사용) 새 이웃을 거절했습니다({ $rate }).
finding-network-neighbour-table-full-packets = 새 이웃에게 가는 패킷
finding-network-neighbour-table-full-evidence = { $max }개 중 { $entries }개 사용, 거절 { $rate }
finding-network-neighbour-table-full-advice-raise = gc_thresh3을 { $max }에서 { $wanted }{ JOSA($wanted, "으로/로") } 올리거나 네트워크 세그먼트를 작게 나누십시오.
finding-network-neighbour-table-full-expect-raise = 이웃 { $wanted }개를 담을 수 있으면 거절이 없어집니다.
