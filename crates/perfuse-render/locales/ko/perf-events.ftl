# 이벤트: 구문의 잘못과 커널의 대답. 모든 perf 명령이 씁니다.

perf-event-error = 이벤트 구문 오류(event syntax error):{ $place }{ $problem }
    { $hint }
perf-event-list = `perf list`로 사용할 수 있는 이벤트를 볼 수 있습니다.
perf-event-nearest = 비슷한 이름: { $names }
perf-event-expected = 여기에 와야 하는 것: { $expected }
perf-event-unknown = `{ $name }`{ JOSA($name, "이라는/라는") } 이벤트가 없습니다
perf-event-tracepoint = 트레이스포인트 `{ $name }`{ JOSA($name, "을/를") } 쓸 수 없습니다: { $why }
perf-event-pmu = `{ $name }`{ JOSA($name, "이라는/라는") } PMU가 없습니다
perf-event-term = `{ $term }`{ JOSA($term, "은/는") } { $of }의 항목이 아닙니다
perf-event-of-pmu = { $name }
perf-event-of-general = 하드웨어나 소프트웨어 이벤트
perf-event-of-tracepoint = 트레이스포인트
perf-event-no-pmu = `{ $event }`{ JOSA($event, "은/는") } 이 CPU 모델의 이벤트이지만 커널에 이것을 셀 PMU `{ $pmu }`{ JOSA($pmu, "이/가") } 없습니다(가상 PMU가 없는 게스트이거나 드라이버가 없습니다)
perf-event-value = `{ $term }`의 값으로 쓸 수 있는 것: { $expected }
perf-event-too-large = `{ $term }`의 값은 { $max }까지 쓸 수 있습니다
perf-event-not-in-stat = `{ $term }`{ JOSA($term, "은/는") } stat에서 쓸 수 없습니다
perf-event-not-for-tracepoint = `{ $term }`{ JOSA($term, "은/는") } 트레이스포인트에 쓸 수 없습니다
perf-event-modifier = `{ $letter }`{ JOSA($letter, "은/는") } 수식자가 아닙니다. 쓸 수 있는 것은 u k h G H p P S D I W e b입니다
perf-event-repeated = `{ $letter }`{ JOSA($letter, "이/가") } 두 번 나왔습니다
perf-event-too-precise = p는 세 개까지만 쓸 수 있습니다
perf-event-access = `{ $access }`{ JOSA($access, "은/는") } 접근 종류가 아닙니다. 쓸 수 있는 것은 r, w, x입니다
perf-event-number = 수가 64비트보다 큽니다
perf-event-too-many = 이벤트가 { $max }개보다 많습니다
perf-event-alias = `{ $event }`{ JOSA($event, "이/가") } 뜻하는 항목을 이 PMU에 쓸 수 없습니다: `{ $terms }`
perf-event-unserved = { $event }의 `{ $term }`{ JOSA($term, "은/는") } 지원하지 않습니다. perfuse는 PMU의 AUX 영역과 드라이버(Intel PT, CoreSight)를 설정하지 않습니다.

perf-expected-comma-or-end = 쉼표나 끝
perf-expected-no-nesting = 이벤트(그룹 안에는 그룹을 둘 수 없습니다)
perf-expected-comma-or-brace = 쉼표나 그룹을 닫는 중괄호
perf-expected-closing-slash = 항목 목록을 닫는 빗금
perf-expected-event = 이벤트 이름
perf-expected-slash = 빗금(/)
perf-expected-tracepoint-name = 트레이스포인트 이름
perf-expected-address = 메모리 주소
perf-expected-length = 바이트 단위의 길이
perf-expected-term = 항목
perf-expected-value = 값
perf-expected-closing-quote = 닫는 따옴표
perf-expected-number = 수
perf-expected-switch = 0 또는 1
perf-expected-name = 이름
perf-expected-branches = 분기 종류
perf-expected-call-graph = no, fp, dwarf, lbr 가운데 하나
perf-expected-nothing = 값 없음
perf-expected-word = 32비트 수

perf-tracefs-not-mounted = tracefs가 마운트되어 있지 않습니다(mount -t tracefs nodev /sys/kernel/tracing)
perf-tracefs-not-found = { $path }{ JOSA($path, "이/가") } 없습니다
perf-tracefs-permission = 이 사용자는 { $path }{ JOSA($path, "을/를") } 읽을 수 없습니다(root이거나 tracefs에 읽기와 탐색 권한이 있어야 합니다)
perf-tracefs-other = { $path }: { $error }

perf-open-no-hardware = { $events }: 쓸 수 없습니다. 커널에 이 CPU의 카운터(PMU)가 없습니다. 드라이버가 없거나, 하이퍼바이저가 카운터를 넘겨주지 않는 게스트입니다. CPU 드라이버가 있는 베어메탈이나 가상 PMU가 있는 게스트에서는 셀 수 있습니다.
perf-open-no-hardware-guest = { $events }: 쓸 수 없습니다. 가상 PMU가 없는 게스트({ $virtualization })라서 CPU 카운터가 보이지 않습니다. 호스트나 베어메탈에서, 또는 게스트의 가상 PMU를 켜면(KVM: pmu=on, 클라우드: metal 또는 소켓 전체 인스턴스) 셀 수 있습니다.
perf-open-no-event = { $events }: 이 커널에 없는 이벤트라서 쓸 수 없습니다({ $error }). `perf list`로 있는 이벤트를 볼 수 있습니다.
perf-open-not-supported = { $events }: 이벤트는 있지만 요청한 것을 할 수 없습니다({ $error }).
perf-open-no-permission = { $events }: 권한이 없습니다. kernel.perf_event_paranoid 값({ $paranoid })이 제한하고, 이 프로세스에는 CAP_PERFMON도 CAP_SYS_ADMIN도 없습니다. root로 실행하거나, 프로그램에 CAP_PERFMON을 주거나(setcap cap_perfmon+ep), 제한을 낮추십시오(sysctl kernel.perf_event_paranoid=1, 모두 허용하려면 -1).
perf-open-no-permission-unknown = { $events }: 권한이 없습니다({ $error }). 이 프로세스에는 CAP_PERFMON도 CAP_SYS_ADMIN도 없습니다. root로 실행하거나 프로그램에 CAP_PERFMON을 주십시오.
perf-open-forbidden = { $events }: 권한(capability)이 있는데도 허용되지 않습니다({ $error }). 보안 모듈이나 컨테이너의 seccomp 필터가 perf_event_open을 막거나, 다른 사용자의 프로세스입니다.
perf-open-files = { $events }: 파일 디스크립터가 모자랍니다({ $error }). 이벤트마다 CPU 또는 스레드 하나에 하나씩 필요합니다. 한도를 올리거나(ulimit -n) 이벤트를 줄이십시오.
perf-open-space = { $events }: 남은 카운터가 없습니다({ $error }). 브레이크포인트 레지스터나 그룹이 동시에 쓸 카운터가 사용 중입니다.
perf-open-busy = { $events }: 하드웨어를 다른 곳에서 쓰고 있습니다({ $error }).
perf-open-too-new = { $events }: 커널이 요청한 기능보다 오래되었습니다({ $error }).
perf-open-not-precise = { $events }: 이 CPU는 요청한 만큼 정밀하게 샘플링하지 못합니다({ $error }). `p`를 줄여 보십시오.
perf-open-invalid = { $events }: 커널이 이 조합을 거부했습니다({ $error }).
perf-open-no-task = { $events }: 프로세스나 스레드가 없습니다({ $error }).
perf-open-no-cpu = { $events }: CPU가 온라인이 아니거나 이 CPU에서 세지 않는 이벤트입니다({ $error }).
perf-open-no-call = { $events }: 이 커널에는 perf 이벤트가 없습니다({ $error }). CONFIG_PERF_EVENTS 없이 빌드되었거나 필터가 시스템 콜을 막았습니다.
perf-open-other = { $events }: perf_event_open이 실패했습니다({ $error }).
