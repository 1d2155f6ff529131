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
threshold-network-interrupt-share = 받은 패킷 가운데 한 CPU가 처리하는 비율이 이 값부터 한쪽으로 쏠린 것으로 봅니다

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
