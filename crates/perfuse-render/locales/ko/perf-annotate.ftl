# perf annotate.

help-annotate = 함수의 명령어를 샘플과 함께, 그 사이에 소스 줄을 넣어 보여 줍니다.
help-annotate-cpu = 이 CPU들만
help-annotate-dsos = 이 파일들의 코드만
help-annotate-dump-raw-trace = 모든 레코드를 바이트와 말로
help-annotate-force = 다른 사용자의 파일이라도 읽습니다
help-annotate-input = 기록 파일; 기본값: perf.data
help-annotate-vmlinux = 심볼과 코드가 있는 커널
help-annotate-print-line = 가장 뜨거운 소스 줄을 먼저, 그리고 명령어마다 그 줄
help-annotate-disassembler-style = att (기본값) 또는 intel
help-annotate-modules = 커널 모듈의 심볼; 항상 읽습니다
help-annotate-show-nr-samples = 백분율 대신 샘플 수
help-annotate-full-paths = 파일 이름만이 아니라 전체 경로
help-annotate-quiet = 메시지 없이
help-annotate-symbol = 이 함수만
help-annotate-verbose = 받아들이지만 더 알릴 것은 없습니다
help-annotate-asm-raw = 명령어의 바이트도
help-annotate-demangle = 소스에 쓰인 이름 (기본값)
help-annotate-demangle-kernel = 커널의 이름도
help-annotate-group = 모든 이벤트를 나란히
help-annotate-ignore-vmlinux = 커널 이미지를 찾지 않습니다
help-annotate-itrace = 거부합니다: 명령어 추적은 읽지 않습니다
help-annotate-objdump = 받아들이지만 이 프로그램만으로 충분합니다
help-annotate-percent-limit = 이 비율 이상인 함수만
help-annotate-percent-type = local 또는 global, 그리고 period 또는 hits; 기본값: local-period
help-annotate-prefix = 소스 파일 경로 앞에 붙일 디렉터리
help-annotate-prefix-strip = 경로의 첫 디렉터리를 이만큼 뺍니다
help-annotate-show-total-period = 백분율 대신 주기
help-annotate-skip-missing = 보여 줄 수 없는 함수는 말없이 건너뜁니다
help-annotate-source = 명령어 사이에 소스 줄 (기본값)
help-annotate-stdio = 텍스트로
help-annotate-stdio2 = 터미널 프로그램의 모양을 한 텍스트로: 오프셋, 화살표, 데이터 이름
help-annotate-stdio-color = always, never 또는 auto
help-annotate-symfs = 파일을 찾을 디렉터리
help-annotate-tui = 터미널 프로그램으로

perf-annotate-style = att 또는 intel
perf-annotate-itrace = 없음: 명령어 추적은 읽지 않습니다
perf-annotate-percent-type = local 또는 global과 period 또는 hits, 예: local-period
perf-annotate-prefix-strip = --prefix와 함께 쓰는 것
perf-annotate-no-such = “{ $symbol }” 함수에는 샘플이 없습니다. 비슷한 이름: { $near }
perf-annotate-cannot = { $symbol }: 명령어를 보여 줄 수 없습니다. { $why }
perf-annotate-empty = 크기를 알 수 없습니다
perf-annotate-bpf = BPF 프로그램이고 명령어가 파일에 없습니다
perf-annotate-jit = 프로그램이 실행되는 동안 컴파일된 코드입니다. jitdump가 있으면 `perf inject --jit`가 그런 코드를 파일에 씁니다
perf-annotate-no-file = { $file } 파일이 여기에 없습니다
perf-annotate-other-build = { $file } 파일은 기록할 때와 다른 빌드입니다
perf-annotate-unreadable = { $file }: { $why }
perf-annotate-machine = { $file } 파일은 명령어를 알 수 없는 기계의 것입니다
perf-annotate-no-code = { $file } 파일의 이 위치에는 코드가 없습니다
perf-annotate-other-kernel = 다른 커널에서 기록했습니다. 코드가 있는 그 커널의 이미지를 -k vmlinux로 줄 수 있습니다
perf-annotate-no-kernel = 이 커널의 이미지를 찾지 못했고(-k vmlinux로 줄 수 있습니다), 커널 메모리도 읽을 수 없습니다: { $why }. 커널이 CONFIG_PROC_KCORE로 빌드되고 잠겨 있지 않으면 root는 /proc/kcore에서 실행 중인 커널의 코드를 볼 수 있습니다.
perf-annotate-tui-foot = ↑ ↓ · Tab 뜨거운 곳 · Enter 점프 · l 뜨거운 줄 · s 소스 · h 도움말 · q 뒤로
perf-annotate-tui-cold = 샘플이 있는 명령어가 없습니다.
perf-annotate-tui-not-found = 찾지 못했습니다
perf-annotate-tui-leads-nowhere = 이 줄은 이 함수 안의 다른 곳으로 이어지지 않습니다.
perf-annotate-tui-help =
    ↑ ↓ PgUp PgDn Home End   움직입니다
    Tab, Shift-Tab           다음으로 뜨거운 명령어나 그 앞의 명령어로 갑니다
    H                        가장 뜨거운 명령어로 갑니다
    l                        샘플이 있는 명령어를 뜨거운 것부터 봅니다
    Enter, →                 점프를 따라갑니다. Esc와 ←는 되돌아옵니다
    /  n  N                  찾습니다. 다음 것이나 그 앞의 것으로 갑니다
    s                        소스 줄을 켜거나 끕니다
    o                        주소나 오프셋을 봅니다
    t                        백분율, 주기, 샘플 수를 차례로 봅니다
    b                        이 함수나 전체에 대한 백분율을 봅니다
    p                        주기나 샘플 수의 백분율을 봅니다
    P                        목록을 파일에 씁니다
    q                        뒤로 갑니다
