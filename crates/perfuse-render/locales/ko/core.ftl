### 여러 곳에서 함께 쓰는 문구.

## 어느 언어에서나 같은 문구
literal = { $text }

## 값이 없는 까닭
missing-no-permission = { $source }: 권한이 없습니다{ PAREN($detail) }
missing-unsupported = { $source }: 이 커널이 지원하지 않습니다{ PAREN($detail) }
missing-absent = { $source }{ JOSA($source, "이/가") } 이 호스트에 없습니다{ PAREN($detail) }
missing-malformed = { $source }의 형식이 예상과 다릅니다{ PAREN($detail) }
missing-too-early = { $source }: 아직 표본이 하나뿐입니다. 변화율을 구하려면 두 개가 필요합니다{ PAREN($detail) }
missing-gone = { $source }{ JOSA($source, "이/가") } 읽는 도중에 사라졌습니다{ PAREN($detail) }
missing-disabled = { $source }{ JOSA($source, "은/는") } 있지만 꺼져 있습니다{ PAREN($detail) }
missing-not-sampled = { $source }{ JOSA($source, "은/는") } 이번 실행에서 읽지 않았습니다{ PAREN($detail) }
missing-reset = { $source }: 두 표본 사이에 카운터가 초기화되었습니다{ PAREN($detail) }
missing-other = { $source }{ JOSA($source, "을/를") } 읽지 못했습니다{ PAREN($detail) }

## 판정, 심각도, 종류
verdict-ok = 정상
verdict-watch = 주의
verdict-bottleneck = 병목
verdict-error = 오류
verdict-unmeasurable = 측정 불가
verdict-not-applicable = 해당 없음
severity-watch = 주의
severity-bottleneck = 병목
severity-error = 오류
kind-utilization = 사용률
kind-saturation = 포화도
kind-errors = 오류

## 자원
resource-cpu = CPU
resource-memory = 메모리
resource-network = 네트워크
resource-disk = 디스크
resource-capacity = 저장 용량
resource-storage-controller = 스토리지 컨트롤러
resource-network-controller = 네트워크 컨트롤러
resource-cpu-interconnect = CPU 인터커넥트
resource-memory-interconnect = 메모리 인터커넥트
resource-io-interconnect = I/O 인터커넥트
resource-kernel-lock = 커널 락
resource-user-lock = 사용자 락
resource-tasks = 태스크
resource-fds = 파일 디스크립터
resource-dependency = 다른 서비스

## 이름을 밝히는 대상의 종류
entity-process = 프로세스
entity-thread = 스레드
entity-cgroup = cgroup
entity-device = 장치
entity-mount = 마운트
entity-interface = 인터페이스
entity-qdisc = qdisc
entity-listener = 리스너
entity-socket = 소켓
entity-lock = 락
entity-query = 쿼리
entity-pool = 풀
entity-queue = 대기열
entity-dependency = 의존 서비스
entity-kernel = 커널
entity-host = 호스트

## 보고서의 제목과 표지
report-title = perfuse use 보고서
report-findings = 발견 사항
report-checklist = 점검표
report-numbers = 수치와 출처, 직접 확인하는 명령
report-controls = 자원 제한
report-unmeasured = 측정하지 못한 것
report-not-applicable = 해당 없는 항목
report-healthy = 정상입니다. 기준을 넘는 대기도, 하드 오류도 없었습니다.
report-unhealthy = 조치가 필요한 발견 사항이 { $count }건 있습니다.
report-unknown = 측정할 수 있는 것이 너무 적어 정상이라고 판단할 수 없습니다.
report-cpus = CPU { $cpus }개
report-memory = 메모리 { $memory }
report-cgroup = cgroup { $version } 계층
report-measured = { $started }부터 { $duration } 동안 측정
report-culprit = 원인
report-victims = 피해자
report-chain = 인과 사슬
report-evidence = 근거
report-advice = 조치
report-run = 실행
report-expect = 기대 효과
report-wait = 설명되는 대기 { $wait }
report-confidence = 확신도 { $confidence }
report-control = { $control } 제한 때문
report-reason = 이유
report-enable = 측정하려면
report-who = 알 수 있는 곳
report-note = 참고
report-more = 외 { $count }건
report-no-findings = 발견 사항이 없습니다.
report-by-hand = 직접 확인
report-value = 값
report-verdict = 판정
report-cell = 항목
report-top = 최대
report-instances = 인스턴스
report-instance = 인스턴스
report-culprits = 주요 사용 주체
report-history = 추이
report-source = 출처
report-metric = 지표
report-history-range = { $duration } 동안 { $low } ~ { $high }
report-cost = perfuse 자신은 보는 동안 이 호스트 CPU의 { $share }(CPU 시간 모두 { $seconds }, 그 가운데 시작과 스택 이름에 { $setup })와 메모리 { $memory }{ JOSA($memory, "을/를") } 썼습니다.
report-cost-bpf = 커널 안 프로그램: { $programs }.
report-cost-detached = 비용 때문에 떼어 낸 것: { $programs }.
report-cost-over = 허용치 { $limit }{ JOSA($limit, "을/를") } 넘었습니다.
report-capabilities = 이 호스트에서 쓸 수 있는 것
report-capabilities-missing = 이 호스트에서 쓸 수 없는 것
report-available = 사용 가능
report-unavailable = 사용 불가
report-narrowed = 범위: { $what }

## 임계값
thresholds-title = 적용 중인 임계값
thresholds-key = 키
thresholds-value = 값
thresholds-default = 기본값
thresholds-unit = 단위
thresholds-meaning = 의미
thresholds-set = 변경됨
threshold-finding-min-wait = 발견 사항이 주의보다 높아지려면 피해자가 초당 기다려야 하는 최소 시간(초)
threshold-finding-min-share = 발견 사항이 주의보다 높아지려면 피해자의 시간 중 대기가 차지해야 하는 최소 비율
threshold-own-cost-max = 이 비율을 넘는 호스트 CPU를 쓰면 가장 비싼 커널 안 프로그램을 떼어 냄
threshold-url-slow = 다른 호스트에 보낸 요청(`why --url`)의 중앙값이 이 시간 이상이면 느린 것으로 봄

## 호스트가 허용하는 것
capability-bpf = 커널 안 프로그램(BPF)
capability-bpf-enable = root로 실행하거나, 프로그램에 CAP_BPF와 CAP_PERFMON(Linux 5.8 이전에는 CAP_SYS_ADMIN)을 부여하십시오.
capability-btf = 커널 타입 정보(BTF)
capability-btf-enable = CONFIG_DEBUG_INFO_BTF=y로 빌드한 커널을 사용하고 /sys에 sysfs를 마운트하십시오.
capability-tp-btf = 타입이 있는 트레이스포인트 프로그램
capability-tp-btf-enable = BTF를 갖춘 Linux 5.5 이상에서 root로 실행하십시오.
capability-bpf-iter = 커널 안 태스크 목록(BPF 이터레이터)
capability-bpf-iter-enable = BTF를 갖춘 Linux 5.8 이상에서 root로 실행하십시오.
capability-perf-event = perf 이벤트
capability-perf-event-enable = root로 실행하거나, kernel.perf_event_paranoid를 1 이하로 설정하십시오.
capability-perf-event-hw = 하드웨어 성능 카운터(PMU)
capability-perf-event-hw-enable = 가상 머신에 가상 PMU를 할당하거나, 물리 서버에서 실행하십시오.
capability-tracefs = 트레이스포인트(tracefs)
capability-tracefs-enable = root로 실행하고 /sys/kernel/tracing에 tracefs를 마운트하십시오.
capability-psi = 자원 압박 정보(PSI)
capability-psi-enable = CONFIG_PSI=y로 빌드한 Linux 4.20 이상을 psi=1로 부팅하십시오.
capability-delayacct = 태스크 지연 집계
capability-delayacct-enable = `sysctl kernel.task_delayacct=1`을 실행하거나 `delayacct`로 부팅하십시오.
capability-schedstat = 스케줄러 통계(schedstat)
capability-schedstat-enable = CONFIG_SCHEDSTATS=y로 빌드한 커널을 사용하십시오.
capability-kmsg = 커널 로그
capability-kmsg-enable = root로 실행하거나, 프로그램에 CAP_SYSLOG를 부여하십시오.
capability-taskstats = 넷링크 태스크 통계(taskstats)
capability-taskstats-enable = CONFIG_TASKSTATS=y 커널의 초기 네임스페이스에서 root로 실행하십시오.
capability-sock-diag = 소켓 진단(sock_diag)
capability-sock-diag-enable = tcp_diag, udp_diag, inet_diag 모듈을 적재하십시오.
capability-ptrace = 다른 사용자 프로세스의 파일
capability-ptrace-enable = root로 실행하거나, 프로그램에 CAP_SYS_PTRACE를 부여하십시오.
capability-kallsyms = 커널 심벌(kallsyms)
capability-kallsyms-enable = root로 실행하거나, kernel.kptr_restrict를 0으로 설정하십시오.
capability-cgroup2 = cgroup v2 계층
capability-cgroup2-enable = cgroup2를 마운트하거나 systemd.unified_cgroup_hierarchy=1로 부팅하십시오.
capability-edac = 메모리 오류 카운터(EDAC)
capability-edac-enable = ECC 메모리와 메모리 컨트롤러의 EDAC 드라이버가 필요합니다. 가상 머신에서는 호스트에 문의하십시오.

## 실시간 점검표
tui-too-small = 터미널을 { $columns }열 { $rows }행 이상으로 키워 주십시오.
tui-waiting = 측정하고 있습니다 …
tui-paused = 일시 정지
tui-gone = 최신 보고서에는 더 이상 없습니다.
tui-open = 열기
tui-back = 뒤로
tui-pane = 다음 창
tui-scroll = 스크롤
tui-sort = 정렬
tui-filter = 필터
tui-filter-hint = (Enter: 유지, Esc: 지우기)
tui-pause = 일시 정지
tui-resume = 계속
tui-help = 도움말
tui-quit = 종료
tui-other-language = English
tui-sort-given = 점검표 순
tui-sort-worst = 심각한 순
tui-sort-name = 이름순
tui-help-title = 단축키
tui-help-move = 선택을 옮깁니다
tui-help-open = 선택한 항목, 제한, 발견 사항을 엽니다
tui-help-back = 점검표로 돌아갑니다. 필터를 지웁니다
tui-help-pane = 창을 차례로 바꿉니다: 점검표, 발견 사항, 자원 제한
tui-help-page = 한 쪽 위로, 아래로, 처음으로, 끝으로
tui-help-sort = 정렬을 바꿉니다: 점검표 순, 심각한 순, 이름순. 항목 안에서는 열 기준
tui-help-filter = 입력한 글자가 있는 것만 보입니다
tui-help-pause = 화면을 멈춥니다. 측정은 계속됩니다
tui-help-language = 영어와 한국어를 바꿉니다
tui-help-quit = 종료합니다. 모든 프로브를 떼어 냅니다
