### CPU, 락, 태스크 규칙의 문구.

## CPU
cell-cpu-utilization-title = CPU 사용률
cell-cpu-utilization-enable = /proc/stat을 읽을 수 있게 /proc을 마운트하고 표본을 두 번 이상 수집하십시오.
cell-cpu-utilization-who = 호스트 관리자, 또는 하이퍼바이저의 통계
cell-cpu-utilization-note-hot = 호스트 전체는 여유가 많은데 스레드 { $name }({ $tid }) 하나가 CPU 한 개의 { $share }{ JOSA($share, "을/를") } 씁니다.
cell-cpu-utilization-note-no-tasks = 누가 CPU를 쓰는지는 알 수 없습니다. { $reason }
cell-cpu-saturation-title = CPU 포화도
cell-cpu-saturation-enable = psi=1로 부팅하면 /proc/pressure/cpu를 볼 수 있습니다. /proc/PID/schedstat에는 CONFIG_SCHED_INFO가 켜진 커널이 필요합니다.
cell-cpu-saturation-who = 호스트 관리자
cell-cpu-saturation-note-no-psi = 압박(PSI)을 읽지 못해({ $reason }) 모든 태스크가 기다린 시간의 합을 대신 보입니다.
cell-cpu-errors-title = CPU 오류
cell-cpu-errors-enable = 커널 로그를 읽을 수 있도록 root나 CAP_SYSLOG 권한으로 실행하거나 kernel.dmesg_restrict=0을 설정하십시오.
cell-cpu-errors-who = 호스트 관리자. 가상 머신이라면 하이퍼바이저 운영자
cell-cpu-errors-note-no-log = 커널 로그를 읽지 못해({ $reason }) 카운터만 확인했습니다.
cell-cpu-errors-note-log-only = 이 호스트에는 머신 체크 카운터가 없습니다. 가상 머신에서는 정상이며, 커널 로그만 확인했습니다.

## 커널 락
cell-kernel-lock-utilization-title = 커널 락 사용률
cell-kernel-lock-utilization-enable = Linux 5.19 이상에서 root로, 또는 CAP_BPF와 CAP_PERFMON 권한으로 실행하십시오. lock:contention 트레이스포인트가 필요합니다.
cell-kernel-lock-utilization-who = 이 호스트의 root가 `perf lock contention -a -b`로 확인할 수 있습니다
cell-kernel-lock-utilization-note-spin = 대기자가 스핀하며 쓴 CPU 시간입니다. 잠들어 기다리는 대기자는 CPU를 쓰지 않으며 포화도에 나타납니다.
cell-kernel-lock-saturation-title = 커널 락 포화도
cell-kernel-lock-saturation-enable = Linux 5.19 이상에서 root로, 또는 CAP_BPF와 CAP_PERFMON 권한으로 실행하십시오. lock:contention 트레이스포인트가 필요합니다.
cell-kernel-lock-saturation-who = 이 호스트의 root가 `perf lock contention -a -b`로 확인할 수 있습니다
cell-kernel-lock-errors-title = 커널 락 오류
cell-kernel-lock-errors-enable = 커널 로그를 읽을 수 있도록 root나 CAP_SYSLOG 권한으로 실행하거나 kernel.dmesg_restrict=0을 설정하십시오.
cell-kernel-lock-errors-who = 호스트 관리자가 커널 로그나 시리얼 콘솔에서 확인할 수 있습니다

## 사용자 락
cell-user-lock-utilization-title = 사용자 락 사용률
cell-user-lock-utilization-enable = root로 또는 CAP_BPF와 CAP_PERFMON을 가지고 실행하십시오. 그러면 락을 기다린 시간을 커널 안에서 세고, 누군가 기다리는 동안 락이 잡혀 있음을 알 수 있습니다. 전체 보유 시간은 꼭 필요한 프로그램 하나의 pthread_mutex_lock과 pthread_mutex_unlock에 프로브를 걸어야 알 수 있으며, 모든 락이 느려집니다.
cell-user-lock-utilization-who = 프로그램 자체의 지표, 또는 락 프로파일러를 쓰는 개발자
cell-user-lock-utilization-note-bound = 경합하는 락에 대한 하한값입니다. 락은 누군가 기다리는 동안에만 잡혀 있는 것으로 보입니다. 아무도 기다리지 않는 락은 커널에 들어오지 않으며, 그 보유 시간을 알려면 모든 잠금과 해제에 프로브가 필요합니다.
cell-user-lock-saturation-title = 사용자 락 포화도
cell-user-lock-saturation-enable = root로, 또는 CAP_BPF와 CAP_PERFMON 권한으로 tracefs를 읽을 수 있게 하여 실행하십시오. futex 대기 시간은 커널 안에서 잽니다.
cell-user-lock-saturation-who = 이 호스트의 root가 `perf trace -s -e futex -a`로 확인할 수 있습니다
cell-user-lock-saturation-note-choice = 스택이나 깨운 쪽을 보아 뮤텍스, 읽기-쓰기 락, 세마포어 대기로 확인된 것만 셉니다. 쉬는 스레드 풀, 조건 변수, sleep은 스스로 기다리는 것입니다.
cell-user-lock-errors-title = 사용자 락 오류
cell-user-lock-errors-enable = 다른 사용자 프로세스의 /proc/PID/task/TID/syscall을 읽을 수 있도록 root나 CAP_SYS_PTRACE 권한으로 실행하고 표본을 두 번 이상 수집하십시오.
cell-user-lock-errors-who = 이 호스트의 root, 또는 그 프로그램을 실행한 사용자
cell-user-lock-errors-note-refused = futex에서 잠든 프로세스 { $count }개는 다른 사용자의 것이어서 판정하지 못했습니다.

## 태스크
cell-tasks-utilization-title = 태스크 사용률
cell-tasks-utilization-enable = /proc/loadavg와 /proc/sys/kernel을 읽을 수 있게 /proc을 마운트하십시오.
cell-tasks-utilization-who = 호스트 관리자
cell-tasks-saturation-title = 태스크 포화도
cell-tasks-saturation-enable = root로, 또는 CAP_BPF와 CAP_PERFMON 권한으로 tracefs를 읽을 수 있게 하여 실행하십시오. fork 시간은 커널 안에서 잽니다.
cell-tasks-saturation-who = 이 호스트의 root가 `perf trace -s -e clone -a`로 확인할 수 있습니다
cell-tasks-saturation-note-none = 이번 실행 동안 만들어진 프로세스나 스레드가 없습니다.
cell-tasks-errors-title = 태스크 오류
cell-tasks-errors-enable = root로, 또는 CAP_BPF와 CAP_PERFMON 권한으로 실행하십시오. 실패한 fork는 커널 안에서 셉니다. cgroup의 pids 제한은 거부 횟수를 스스로 셉니다.
cell-tasks-errors-who = 이 호스트의 root, 또는 fork에 실패한 프로그램의 로그
cell-tasks-errors-note-cgroups = 프로세스별로 실패한 fork는 세지 못해({ $reason }) cgroup의 거부와 커널 로그만 확인했습니다.

## 자원 제한
control-cpu-quota-title = CPU 쿼터
control-cpu-quota-enable = cpu 컨트롤러가 있는 cgroup 계층을 마운트하십시오. cpu.stat에 nr_throttled가 있어야 합니다.
control-cpu-quota-who = 컨테이너 밖의 호스트가 이 컨테이너 cgroup의 cpu.stat에서 확인할 수 있습니다
control-cpu-quota-none = CPU 쿼터가 설정된 cgroup이 없습니다
control-cpuset-title = CPU 선호도와 cpuset
control-cpuset-enable = /proc/PID/status를 읽을 수 있게 하고 표본을 두 번 이상 수집하십시오.
control-cpuset-who = 호스트 관리자
control-cpuset-none = 일부 CPU에만 묶인 프로세스가 없습니다
control-steal-title = 스틸(steal)
control-steal-enable = /proc/stat을 읽을 수 있게 /proc을 마운트하고 표본을 두 번 이상 수집하십시오.
control-steal-who = 하이퍼바이저 운영자. 호스트에서 이 가상 머신의 ready 또는 wait 시간을 볼 수 있습니다
control-steal-none = 가상 머신이 아니므로 CPU 시간을 가져가는 하이퍼바이저가 없습니다
control-softirq-title = 한 CPU에 몰린 인터럽트
control-softirq-enable = /proc/stat을 읽을 수 있게 /proc을 마운트하고 표본을 두 번 이상 수집하십시오.
control-softirq-who = 호스트 관리자
control-pids-limit-title = cgroup의 태스크 수 제한
control-pids-limit-enable = pids 컨트롤러가 있는 cgroup 계층을 마운트하십시오.
control-pids-limit-who = 컨테이너 밖의 호스트가 이 컨테이너 cgroup의 pids.current와 pids.max에서 확인할 수 있습니다
control-pids-limit-none = 태스크 수를 제한하는 cgroup이 없습니다
control-nproc-title = 사용자의 태스크 수 제한
control-nproc-enable = /proc/PID/limits와 /proc/PID/status를 읽을 수 있게 하십시오.
control-nproc-who = 호스트 관리자
control-nproc-none = root 말고는 제한이 있는 프로세스를 실행하는 사용자가 없습니다. 커널은 root에게 이 제한을 적용하지 않습니다
control-cgroup-freezer-title = 동결된 cgroup
control-cgroup-freezer-enable = cgroup v2(Linux 5.2 이상)나 v1 freezer 계층을 마운트하십시오.
control-cgroup-freezer-who = 컨테이너 밖의 호스트
control-cgroup-freezer-none = 루트 아래에 동결할 수 있는 cgroup이 없습니다

## 임계값
threshold-cpu-full = CPU가 가득 찼다고 보는 사용 시간 비율
threshold-cpu-idle = 가득 찬 CPU 옆에서 CPU가 놀고 있다고 보는 사용 시간 비율의 상한
threshold-cpu-hot-thread = 스레드 하나를 핫 스레드로 보는 CPU 한 개의 사용 비율
threshold-cpu-pressure = 살펴볼 만하다고 보는 CPU 압박
threshold-cpu-throttled-periods = 쿼터를 살펴볼 만하다고 보는 스로틀링된 주기의 비율
threshold-cpu-interrupts = 인터럽트가 한 CPU에 몰렸다고 보는 시간 비율
threshold-cpu-steal = 살펴볼 만하다고 보는, 하이퍼바이저가 가져간 CPU 시간 비율
threshold-cpu-neighbour = 우선순위가 높은 태스크를 대기의 원인으로 보는 CPU 사용 비율
threshold-cpu-thermal-time = 살펴볼 만하다고 보는, 과열로 느려진 시간 비율
threshold-cpu-log-recent = 커널 로그의 사건을 아직 살펴볼 만하다고 보는 나이
threshold-kernel-lock-spin = 살펴볼 만하다고 보는, 커널 락을 기다리며 스핀한 CPU 시간 비율
threshold-tasks-near-limit = 살펴볼 만하다고 보는 태스크 수 제한의 사용 비율
threshold-tasks-zombies = 살펴볼 만하다고 보는 한 부모의 좀비 수
threshold-tasks-fork-latency = 살펴볼 만하다고 보는 fork 시간의 99번째 백분위수

## 상세
detail-user = 사용자 모드
detail-system = 커널 모드
detail-irq = 하드 인터럽트
detail-softirq = 소프트 인터럽트
detail-steal = 스틸
detail-iowait = I/O를 기다리며 유휴
detail-cpu = CPU 시간
detail-interrupts-per-s = 하드 인터럽트 수
detail-softirqs-per-s = 소프트 인터럽트 수
detail-wait-run-queue = 대기: CPU보다 많은 태스크
detail-wait-quota = 대기: 자기 쿼터
detail-wait-affinity = 대기: CPU 선호도
detail-wait-interrupts = 대기: 인터럽트
detail-wait-priority = 대기: 우선순위가 높은 이웃
detail-wait-own-priority = 대기: 자기의 낮은 우선순위
detail-wait-steal = 대기: 하이퍼바이저
detail-wait-median = CPU 대기 중앙값
detail-wait-p99 = CPU 대기 99%
detail-throttled-periods = 스로틀링된 주기
detail-quota = 쿼터(100%는 CPU 한 개)
detail-throttle-events = 스로틀링 횟수
detail-processes = 프로세스
detail-tasks = 태스크
detail-refused = 거부된 fork
detail-age = 경과 시간
detail-waits-per-s = 대기 횟수
detail-longest = 가장 긴 대기
detail-waiting-threads = 기다리는 스레드
detail-forks-per-s = fork 횟수
detail-fork-time = fork에 쓴 시간
detail-text-used-cpu-together = 한 CPU의 { $cpu }, 이 이름의 프로세스 { $count }개 합계
detail-text-starts-programs = 한 CPU의 { $cpu }, 직접 시작한 수명 짧은 프로그램 포함({ $rate })
detail-text-used-cpu = CPU 한 개의 { $cpu }
detail-text-waits-for-cpu = CPU를 { $wait } 기다립니다. 실행하려는 시간의 { $share }
detail-text-waits-for-kernel-lock = 커널 락을 { $wait } 기다립니다
detail-text-waits-for-lock = 자기 락을 { $wait } 기다립니다
detail-text-loses-to-interrupts = CPU의 { $share }{ JOSA($share, "을/를") } 인터럽트에 빼앗깁니다
detail-text-parent-of-zombies = 종료된 자식 { $count }개를 거두지 않았습니다

## 발견 사항: CPU 쿼터
finding-cpu-real-time-limit-title = 실시간 작업 한도 소진
finding-cpu-real-time-limit-summary = cgroup { $group }의 { $victim } 실시간 태스크는 CPU 하나의 { $quota }까지만 쓸 수 있어, CPU를 쓰는 다른 실시간 태스크가 없는데도 { $wait } 기다립니다.
finding-cpu-real-time-limit-link-waits = 실행하려 하지만 실행되지 못하는 { $victim }
finding-cpu-real-time-limit-link-limit = 실시간 태스크를 CPU 하나의 { $quota }까지만 실행하는 cgroup { $group } ({ $setting })
finding-cpu-real-time-limit-link-idle = 다른 실시간 태스크 때문이 아닌 대기 { $wait }
finding-cpu-real-time-limit-advice = { $group }의 실시간 한도를 올리거나, 태스크를 일반 정책으로 실행하십시오(chrt -o).
finding-cpu-real-time-limit-expect = { $wait }의 대기가 사라집니다. 모든 그룹의 한도 합은 상위 그룹의 한도보다 작아야 합니다.
finding-cpu-quota-throttled-title = CPU 쿼터 소진
finding-cpu-quota-throttled-summary = cgroup { $group }의 { $victim }{ JOSA($victim, "이/가") } CPU 쿼터 때문에 { $periods }개 주기 중 { $throttled }개에서 멈췄습니다. 호스트가 한가해 보여도 { $wait } 기다립니다.
finding-cpu-quota-throttled-link-waits = CPU가 놀고 있어도 멈춰 있는 { $victim }
finding-cpu-quota-throttled-link-stopped = 쿼터를 다 쓴 cgroup { $group }
finding-cpu-quota-throttled-link-time = { $wait } 스로틀링됨({ $source })
finding-cpu-quota-throttled-link-quota = CPU 한 개의 { $quota }인 쿼터({ $setting })
finding-cpu-quota-throttled-link-unlimited-now = 지금은 해제된 쿼터({ $setting })
finding-cpu-quota-throttled-link-periods = { $periods }개 주기 중 { $throttled }개에서 스로틀링
finding-cpu-quota-throttled-advice-raise = { $group }의 쿼터를 CPU { $cpus }개로 올리거나 그 그룹이 할 일을 줄이십시오.
finding-cpu-quota-throttled-expect-raise = 대기 { $wait }{ JOSA($wait, "이/가") } 사라지고 nr_throttled가 더 늘지 않습니다.
finding-cpu-quota-throttled-advice-period = 주기가 20ms보다 짧아 짧은 버스트도 멈춥니다. 쿼터를 같은 비율로 두고 주기를 보통 값인 100ms로 늘리십시오.
finding-cpu-quota-throttled-expect-period = 짧은 버스트가 한 주기 안에 들어가, 평균은 같고 멈춤은 줄어듭니다.

## 발견 사항: 스틸
finding-cpu-steal-title = 하이퍼바이저의 CPU 점유
finding-cpu-steal-summary = 하이퍼바이저가 이 머신의 CPU를 { $wait }만큼 다른 곳에 주었습니다. CPU가 실행하려던 시간의 { $share }입니다.
finding-cpu-steal-link-waits = 이 가상 머신의 모든 태스크
finding-cpu-steal-link-hypervisor = 같은 물리 CPU에서 다른 머신을 실행하는 하이퍼바이저
finding-cpu-steal-link-evidence = 전체 CPU 시간의 { $steal }{ JOSA($steal, "이/가") } 스틸
finding-cpu-steal-advice-move = 이 머신 안에서 할 수 있는 일은 없습니다. 부하가 적은 호스트로 옮기거나 전용 CPU를 요청하십시오.
finding-cpu-steal-expect-move = 대기가 최대 { $wait } 줄어듭니다.

## 발견 사항: 인터럽트
finding-cpu-interrupts-on-one-cpu-title = 한 CPU에 몰린 인터럽트
finding-cpu-interrupts-on-one-cpu-summary = 다른 CPU에는 거의 없는 인터럽트가 { $cpu } 시간의 { $share }{ JOSA($share, "을/를") } 차지합니다. 대부분 { $source }에서 옵니다.
finding-cpu-interrupts-on-one-cpu-link-full = 태스크에 쓸 시간이 거의 없는 { $cpu }
finding-cpu-interrupts-on-one-cpu-link-handled = { $source }의 모든 처리가 { $cpu }에서 이루어짐
finding-cpu-interrupts-on-one-cpu-link-rate = { $source } 인터럽트 { $rate }
finding-cpu-interrupts-on-one-cpu-link-share = 시간의 { $share }{ JOSA($share, "을/를") } 인터럽트에서 보냄
finding-cpu-interrupts-on-one-cpu-advice-spread = 장치의 인터럽트를 여러 CPU에 나누십시오. irqbalance나 인터럽트별 선호도를 쓰고, ethtool -L로 큐를 늘리십시오.
finding-cpu-interrupts-on-one-cpu-expect-spread = { $cpu }의 { $share }{ JOSA($share, "을/를") } 지정한 CPU들이 나누어 맡습니다.
finding-cpu-interrupts-on-one-cpu-advice-find = 이 CPU에 자주 인터럽트를 거는 장치는 없습니다. 어느 코드가 { $source }{ JOSA($source, "을/를") } 일으키는지 확인하십시오. 이 호스트가 자신에게 보낸 패킷은 보내는 쪽의 시간에 수신됩니다.
finding-cpu-interrupts-on-one-cpu-expect-find = 호출한 코드를 알 수 있습니다. 부하는 그 작업을 따라갑니다.
finding-cpu-interrupts-on-one-cpu-advice-rps = 큐가 하나뿐인 네트워크 장치라면 프로토콜 처리를 다른 CPU에 맡기십시오(RPS).
finding-cpu-interrupts-on-one-cpu-expect-rps = 소프트 인터럽트 시간이 다른 CPU로 옮겨 갑니다. 하드 인터럽트는 그대로입니다.

## 발견 사항: 선호도
finding-cpu-affinity-title = 가득 찬 CPU에 묶임
finding-cpu-affinity-summary = CPU { $cpus }에서만 실행할 수 있는 { $victim }{ JOSA($victim, "이/가") } 그곳에서 { $wait } 기다리는 동안 CPU { $idle }{ JOSA($idle, "은/는") } 놀고 있습니다.
finding-cpu-affinity-link-waits = { $victim }의 CPU 대기
finding-cpu-affinity-link-cpuset = CPU { $cpus }만 허용하는 { $group }의 cpuset
finding-cpu-affinity-link-affinity = CPU { $cpus }만 허용하는 선호도
finding-cpu-affinity-link-full = 이 CPU들의 사용률은 { $busy }이고 CPU { $idle }{ JOSA($idle, "은/는") } 놀고 있음
finding-cpu-affinity-advice-widen = 더 많은 CPU를 허용하십시오. CPU { $idle }에 여유가 있습니다.
finding-cpu-affinity-expect-widen = 대기가 최대 { $wait } 줄어듭니다.

## 발견 사항: 실행 대기열과 이웃
finding-cpu-run-queue-title = CPU보다 많은 일
finding-cpu-run-queue-summary = { $victim }{ JOSA($victim, "이/가") } CPU를 { $wait } 기다립니다. 실행하려는 시간의 { $share }입니다. CPU를 가장 많이 쓰는 것은 { $culprit }(CPU 한 개의 { $used })입니다.
finding-cpu-run-queue-link-waits = 실행할 수 있는데 실행되지 못하는 { $victim }
finding-cpu-run-queue-link-full = 다른 태스크가 차지한 CPU { $count }개
finding-cpu-run-queue-link-busy = CPU 사용률 { $busy }, 모든 태스크의 대기를 합치면 { $wait }
finding-cpu-run-queue-link-taker = 가장 많이 쓰는 { $culprit }(pid { $pid })
finding-cpu-run-queue-link-used = CPU 한 개의 { $used }
finding-cpu-run-queue-advice-threads = { $culprit }{ JOSA($culprit, "이/가") } CPU 수보다 많은 스레드를 바쁘게 돌립니다. 풀 크기를 { $count } 이하로 줄이십시오.
finding-cpu-run-queue-expect-threads = 같은 일을 더 적은 문맥 전환으로 하며, 대기 { $wait }{ JOSA($wait, "이/가") } 사라집니다.
finding-cpu-run-queue-advice-idle = { $culprit }{ JOSA($culprit, "은/는") } 이미 양보하지만 다음 틱에서야 물러납니다. idle 정책을 쓰면 바로 물러납니다.
finding-cpu-run-queue-advice-nice = { $culprit }{ JOSA($culprit, "이/가") } 늦어져도 된다면 우선순위나 그 cgroup의 CPU 가중치를 낮추십시오.
finding-cpu-run-queue-expect-nice = { $victim }의 대기 { $wait } 가운데 대부분이 사라집니다. 원인 쪽은 더 오래 걸립니다.
finding-cpu-run-queue-advice-cpus = 이 일을 모두 처리하려면 CPU { $cpus }개가 필요합니다. 아니면 프로파일링하여 일을 가볍게 만드십시오.
finding-cpu-run-queue-expect-cpus = 대기가 최대 { $wait } 줄어듭니다.
finding-cpu-neighbour-title = 우선순위가 높은 이웃
finding-cpu-neighbour-summary = 스케줄러가 CPU 한 개의 { $used }{ JOSA($used, "을/를") } 쓰는 { $culprit }{ JOSA($culprit, "을/를") } 우선하므로 { $victim }{ JOSA($victim, "이/가") } CPU를 { $wait } 기다립니다.
finding-cpu-neighbour-link-realtime = 실시간 정책이라 먼저 실행되는 { $culprit }
finding-cpu-neighbour-link-nice = nice { $nice }{ JOSA($nice, "이라/라") } 몇 배의 몫을 받는 { $culprit }
finding-cpu-neighbour-link-used = CPU 한 개의 { $used } 사용, 그 때문에 다른 태스크가 { $wait } 대기
finding-cpu-neighbour-advice-priority = 정말 마감 시간이 있는 일이 아니라면 { $culprit }의 우선순위를 보통으로 되돌리십시오.
finding-cpu-neighbour-expect-priority = CPU 시간이 고르게 나뉘고 대기가 최대 { $wait } 줄어듭니다.

## 발견 사항: 핫 스레드, 동결된 cgroup
finding-cpu-hot-thread-title = 핫 스레드 하나
finding-cpu-hot-thread-summary = 호스트 사용률은 { $busy }뿐인데 스레드 { $name }({ $tid }){ JOSA($name, "이/가") } CPU 한 개의 { $share }{ JOSA($share, "을/를") } 씁니다. CPU를 늘려도 빨라지지 않습니다.
finding-cpu-hot-thread-link-program = { $name }의 처리 속도
finding-cpu-hot-thread-link-thread = 쉬지 않는 스레드 { $name }({ $tid })
finding-cpu-hot-thread-link-evidence = CPU 한 개의 { $share }(사용자 모드 { $user }, 커널 모드 { $system })
finding-cpu-hot-thread-advice-profile = 이 프로그램이 느리다면 이 스레드를 프로파일링하여 일을 가볍게 만들거나 나누십시오.
finding-cpu-hot-thread-expect-profile = 고르게 나누면 CPU 한 개 대신 { $count }개를 쓸 수 있습니다.
finding-cpu-frozen-title = 동결된 cgroup
finding-cpu-frozen-summary = cgroup { $group }의 프로세스 { $count }개가 동결되어 전혀 실행되지 않습니다.
finding-cpu-frozen-link-stopped = 실행되지 않는 프로세스 { $count }개
finding-cpu-frozen-link-frozen = 누군가 동결한 cgroup { $group }
finding-cpu-frozen-link-evidence = { $file }에 그렇게 표시됨
finding-cpu-frozen-advice-thaw = 체크포인트나 컨테이너 일시 정지처럼 일부러 동결한 것이 아니라면 해제하십시오.
finding-cpu-frozen-expect-thaw = 프로세스 { $count }개가 다시 실행됩니다.

## 발견 사항: CPU 오류
finding-cpu-machine-check-title = 머신 체크
finding-cpu-machine-check-summary = 하드웨어가 { $cpu }에서 정정하지 못한 오류 { $count }건을 보고했습니다.
finding-cpu-machine-check-link-host = 이 호스트의 모든 작업
finding-cpu-machine-check-link-hardware = { $cpu }의 하드웨어 고장
finding-cpu-machine-check-link-text = 커널 로그: { $text }
finding-cpu-machine-check-advice-replace = 작업을 다른 호스트로 옮기고 CPU, 메모리, 보드를 점검하십시오.
finding-cpu-machine-check-expect-replace = 정정 불가 오류가 더 나지 않습니다. 그대로 두면 다운되거나 결과가 잘못될 수 있습니다.
finding-cpu-thermal-throttle-title = 과열로 느려짐
finding-cpu-thermal-throttle-summary = { $cpu }{ JOSA($cpu, "이/가") } 과열로 시간의 { $share } 동안 느리게 동작했습니다. 해당하는 CPU는 { $count }개입니다.
finding-cpu-thermal-throttle-link-slow = 제 주파수보다 느린 { $cpu }
finding-cpu-thermal-throttle-link-heat = 과열
finding-cpu-thermal-throttle-link-evidence = 시간의 { $share } 동안 스로틀링
finding-cpu-thermal-throttle-advice-cool = 팬, 공기 흐름, 전력 제한을 점검하십시오.
finding-cpu-thermal-throttle-expect-cool = 같은 시간에 최대 { $share } 더 많은 일을 합니다.

## 발견 사항: 커널 락
finding-kernel-lock-contention-title = 커널 락 경합
finding-kernel-lock-contention-summary = { $victim }{ JOSA($victim, "이/가") } { $site }에서 커널 { $kind }{ JOSA($kind, "을/를") } { $own } 기다립니다. 그곳의 대기를 모두 합치면 { $wait }입니다.
finding-kernel-lock-contention-link-waits = { $victim }의 커널 안 대기
finding-kernel-lock-contention-link-lock = { $site }의 { $kind }
finding-kernel-lock-contention-link-evidence = { $count }번에 걸쳐 { $wait }, 가장 긴 대기 { $longest }
finding-kernel-lock-contention-advice-callers = 프로그램의 어느 호출이 { $site }에 이르는지 확인하여 횟수를 줄이거나 여러 객체(파일, 디렉터리, 주소 공간, 소켓)로 나누십시오.
finding-kernel-lock-contention-expect-callers = 대기가 최대 { $wait } 줄어듭니다.
finding-kernel-lock-hung-task-title = 멈춘 태스크
finding-kernel-lock-hung-task-summary = { $victim }{ JOSA($victim, "이/가") } 커널 안에서 { $seconds }초 넘게 막혀 있습니다.
finding-kernel-lock-hung-task-summary-blocker = { $victim }{ JOSA($victim, "이/가") } { $blocker }{ JOSA($blocker, "이/가") } 쥔 락 때문에 커널 안에서 { $seconds }초 넘게 막혀 있습니다.
finding-kernel-lock-hung-task-link-blocked = 인터럽트되지 않는 잠에 든 { $victim }
finding-kernel-lock-hung-task-link-blocker = 락을 쥔 { $blocker }
finding-kernel-lock-hung-task-link-unknown = 누가 쥐고 있는지 커널 로그에 나오지 않음
finding-kernel-lock-hung-task-advice-stack = 이 태스크와 막힌 모든 태스크의 커널 스택을 읽으십시오. 대개 디스크, 네트워크 파일 시스템, 드라이버가 응답하지 않는 것입니다.
finding-kernel-lock-lockup-title = 커널 록업
finding-kernel-lock-lockup-summary = 커널 코드가 { $cpu }의 스케줄링을 너무 오래 막았습니다(록업 또는 RCU 스톨).
finding-kernel-lock-lockup-link-stuck = { $cpu }{ JOSA($cpu, "을/를") } 쓰려는 태스크
finding-kernel-lock-lockup-link-kernel = 양보하지 않는 커널이나 드라이버 코드, 또는 실행되지 못한 가상 CPU
finding-kernel-lock-lockup-advice-backtrace = 커널 로그의 백트레이스를 읽으십시오. 가상 머신이라면 스틸부터 확인하십시오.
finding-kernel-lock-link-log = 커널 로그: { $text }
finding-kernel-lock-expect-log = 멈춘 함수를 알 수 있습니다.

## 발견 사항: 사용자 락
finding-user-lock-contention-title = 락 경합
finding-user-lock-contention-summary = { $victim }(pid { $pid })의 스레드들이 { $place }에서 잡는 락을 { $wait } 기다립니다.
finding-user-lock-contention-summary-address = { $victim }(pid { $pid })의 스레드들이 { $address }의 락을 { $wait } 기다립니다.
finding-user-lock-contention-link-address = { $address }의 락
finding-user-lock-contention-advice-find = 프로그램이 { $address }의 락을 어디서 잡는지 확인하고, 락을 쥔 채 하는 일, 특히 I/O와 메모리 할당을 줄이거나 락을 나누십시오.
finding-user-lock-contention-link-starved = 락을 쥔 채 스스로도 CPU를 기다림
finding-user-lock-contention-link-run-delay = 실행할 수 있는데 실행되지 못한 시간 { $wait }
finding-user-lock-contention-link-waits = { $victim } 스레드들의 대기
finding-user-lock-contention-link-lock = { $place }에서 잡는 { $address }의 락
finding-user-lock-contention-link-numbers = 스레드 { $threads }개가 { $count }번에 걸쳐 { $wait }, 가장 긴 대기 { $longest }
finding-user-lock-contention-link-holder = 스레드 { $comm }({ $tid })
finding-user-lock-contention-link-woke = 이 스레드가 락을 놓아 대기 { $wait }{ JOSA($wait, "이/가") } 끝남
finding-user-lock-contention-link-blocked = 스스로도 { $place }에서 대기
finding-user-lock-contention-link-off-cpu = 그곳에서 CPU를 떠나 있던 시간 { $wait }
finding-user-lock-contention-advice-shorten = { $place }{ JOSA($place, "이/가") } 락을 쥔 채 하는 일, 특히 I/O와 메모리 할당을 줄이거나 락을 나누십시오.
finding-user-lock-contention-expect-shorten = 대기가 최대 { $wait } 줄어듭니다.
finding-user-lock-deadlock-title = 교착 상태
finding-user-lock-deadlock-summary = { $name }(pid { $pid })의 스레드 { $threads }개가 모두 뮤텍스만 기다리며 더 나아가지 못합니다.
finding-user-lock-deadlock-link-threads = 제한 시간 없이 futex에서 잠든 스레드 { $threads }개
finding-user-lock-deadlock-link-locks = { $addresses }의 락
finding-user-lock-deadlock-link-evidence = 측정 시작과 끝에 같은 호출에 머물렀고 그 사이에 CPU를 쓰지 않음
finding-user-lock-deadlock-advice-stacks = 다시 시작하기 전에 모든 스레드의 스택을 남기십시오. 그런 다음 모든 곳에서 락을 같은 순서로 잡게 고치십시오.
finding-user-lock-deadlock-expect-stacks = 누가 어느 락을 쥐었는지 스택에 나옵니다. 이 프로세스는 다시 시작해야 움직입니다.

## 발견 사항: 태스크
finding-tasks-near-limit-title = 태스크 수 제한에 가까움
finding-tasks-near-limit-summary = { $name }의 태스크가 최대 { $limit }개 중 { $tasks }개({ $share })입니다.
finding-tasks-near-limit-link-tasks = { $name }의 태스크 { $tasks }개
finding-tasks-near-limit-link-limit = { $setting }의 제한
finding-tasks-near-limit-link-evidence = { $limit }개 중 { $tasks }개({ $name })
finding-tasks-near-limit-advice-raise = 태스크가 새고 있지 않은지 확인하고, 아니라면 { $setting }{ JOSA($setting, "을/를") } 올리십시오.
finding-tasks-near-limit-expect-raise = 제한을 두 배로 늘리면 { $share }만 쓰게 됩니다.
finding-tasks-zombies-title = 좀비
finding-tasks-zombies-summary = { $parent }{ JOSA($parent, "이/가") } 종료된 자식 { $count }개를 거두지 않았습니다. 좀비마다 프로세스 ID를 하나씩 차지합니다.
finding-tasks-zombies-link-dead = 좀비 { $count }개
finding-tasks-zombies-link-parent = 자식을 기다리지 않는 { $parent }
finding-tasks-zombies-link-evidence = 이 부모 아래 Z 상태인 프로세스 { $count }개
finding-tasks-zombies-advice-reap = { $parent }{ JOSA($parent, "이/가") } 자식에 대해 wait()를 호출해야 합니다. 부모가 끝나면 init이 거둡니다.
finding-tasks-zombies-expect-reap = 프로세스 ID { $count }개가 풀립니다.
finding-tasks-fork-refused-title = fork 거부
finding-tasks-fork-refused-summary = { $name }{ JOSA($name, "이/가") } 새 태스크를 만들지 못했습니다({ $count }번). 까닭: { $limit }
finding-tasks-fork-refused-link-failed = fork 실패 { $count }번
finding-tasks-fork-refused-limit-cgroup = cgroup { $group }의 태스크 제한 { $max }개
finding-tasks-fork-refused-limit-user = 사용자 { $uid }의 태스크 제한 { $max }개
finding-tasks-fork-refused-limit-memory = 남은 메모리나 프로세스 ID가 없음
finding-tasks-fork-refused-limit-unknown = 사용자, cgroup 또는 호스트의 제한
finding-tasks-fork-refused-link-cgroup = 태스크 { $max }개 중 { $current }개, pids.events의 거부 { $count }번
finding-tasks-fork-refused-link-errno = { $errno } { $count }번
finding-tasks-fork-refused-advice-cgroup = cgroup의 제한을 올리거나 태스크가 왜 그렇게 많은지 확인하십시오.
finding-tasks-fork-refused-advice-user = 사용자의 RLIMIT_NPROC를 올리거나 스레드가 왜 그렇게 많은지 확인하십시오.
finding-tasks-fork-refused-advice-memory = 여유 메모리, 오버커밋, pid_max를 확인하십시오.
finding-tasks-fork-refused-advice-unknown = 사용자와 호스트의 제한을 지금 있는 태스크 수와 비교하십시오.
finding-tasks-fork-refused-expect = 실패했던 fork { $count }번이 성공합니다.
