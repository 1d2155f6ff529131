# perf top.

help-top = 기계, 프로세스 또는 스레드가 지금 시간을 쓰는 곳: 2초마다 새로 고치는 표입니다.
help-top-all-cpus = 기계 전체 (기본값)
help-top-branch-any = 분기를 셉니다
help-top-count = 이벤트가 이만큼 일어날 때마다 샘플 하나
help-top-cpu = 이 CPU들만
help-top-delay = 새로 고치는 간격(초); 기본값: 2
help-top-entries = 텍스트 화면의 줄 수; 기본값: 20
help-top-event = 셀 이벤트; `perfuse list`가 이름을 보여 줍니다
help-top-count-filter = 샘플이 이만큼 이상인 줄만
help-top-freq = 초당 샘플 수; 기본값: 4000
help-top-g = 프레임 포인터로 얻는 호출 그래프
help-top-cgroup = 이 cgroup만
help-top-no-inherit = 보고 있는 대상의 자식은 빼고
help-top-branch-filter = 분기의 종류
help-top-hide-kernel-symbols = 커널 함수 없이
help-top-vmlinux = 심볼이 있는 커널
help-top-mmap-pages = 링마다 페이지 수
help-top-show-nr-samples = 샘플 수 열
help-top-pid = 이 프로세스들만
help-top-realtime = 이 실시간 우선순위로 읽습니다
help-top-sort = 줄을 나누는 기준; 기본값: dso,symbol
help-top-tid = 이 스레드들만
help-top-hide-user-symbols = 프로그램 함수 없이
help-top-uid = 이 사용자의 프로세스만
help-top-verbose = 이벤트를 열려는 시도를 모두
help-top-column-widths = 열 너비
help-top-zero = 새로 고칠 때마다 지난 샘플을 잊습니다; 아니면 그때마다 7/8로 줄어듭니다
help-top-all-cgroups = --sort cgroup을 위해 cgroup을 기록합니다
help-top-call-graph = 스택을 얻는 방법(fp, dwarf, lbr, unwind)과 보여 주는 방법(graph, 0.5, caller, …)
help-top-children = 함수가 호출한 것도 그 함수의 몫으로 셉니다 (호출 그래프에서 기본값)
help-top-comms = 이 프로세스 이름들만
help-top-demangle-kernel = 커널의 이름도
help-top-dsos = 이 파일들의 코드만
help-top-fields = 열, 이 순서로
help-top-force = perf처럼 받아들이지만 강제할 것이 없습니다
help-top-group = 이벤트를 한 그룹으로
help-top-ignore-callees = 이 함수들이 호출한 것은 그 함수의 몫입니다
help-top-ignore-vmlinux = 커널 이미지를 찾지 않습니다
help-top-kallsyms = /proc/kallsyms의 사본
help-top-max-stack = 호출 사슬에서 볼 최대 위치 수
help-top-namespaces = 네임스페이스를 기록합니다
help-top-no-bpf-event = BPF 프로그램을 기록하지 않습니다
help-top-num-thread-synthesize = 받아들이지만 바뀌는 것이 없습니다
help-top-percent-limit = 이 비율 이상인 줄만
help-top-percentage = 필터가 남긴 것의 비율(relative) 또는 전체의 비율(absolute)
help-top-proc-map-timeout = 프로세스 하나의 매핑에 쓸 밀리초
help-top-raw-trace = 트레이스포인트의 값을 그대로
help-top-show-total-period = 주기 합계 열
help-top-stdio = 텍스트로, 한 화면씩; 표준 출력이 터미널이 아니면 기본값
help-top-symbols = 이 함수들만
help-top-tui = 터미널 프로그램으로

perf-top-tui-waiting = 첫 샘플을 기다리고 있습니다 …
perf-top-tui-nothing = 샘플이 없습니다: 보고 있는 대상이 세는 일을 하지 않거나 필터(/, K, U)가 감추고 있습니다.
perf-top-tui-cost = 이 프로그램: CPU 하나의 { $cpu } %, { $memory } MiB
perf-top-tui-knobs = 지난 샘플 잊기: { $zero } · 커널: { $kernel } · 프로그램: { $user } · { $delay }초마다
perf-top-tui-reading = { $symbol }의 코드를 읽고 있습니다 …
perf-top-tui-delay = 새로 고치는 간격(초):
perf-top-tui-paused = 화면 멈춤 · f 계속
perf-top-tui-foot = Enter 사슬 · a 코드 · / 찾기 · f 멈춤 · z 잊기 · K U 감추기 · h 도움말 · q 끝
perf-top-tui-help =
    ↑ ↓ PgUp PgDn Home End   이동
    Enter, +                 줄의 호출 사슬을 열거나 닫습니다
    a                        함수의 명령어를 샘플과 함께 봅니다
    e  c                     모두 열기, 모두 닫기
    Tab                      다음 이벤트
    /                        이 글자가 있는 줄만
    f                        화면을 멈추거나 계속합니다
    z                        새로 고칠 때마다 지난 샘플을 잊거나 서서히 줄입니다
    K  U                     커널, 프로그램을 감추거나 보입니다
    d                        새로 고치는 간격(초)
    P                        화면을 파일에 씁니다
    h  ?                     이 도움말
    q, Esc, Ctrl-C           끝
