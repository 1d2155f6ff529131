### 명령줄: 도움말과 사용 오류.

help = 하나의 바이너리로 하는 리눅스 성능 엔지니어링: USE 방법론과 perf, Status에서 State까지
help-usage = 사용법
help-commands = 명령
help-arguments = 인자
help-options = 옵션
help-help = 도움말을 출력합니다
help-version = 버전을 출력합니다
help-lang = 출력 언어: ko 또는 en [기본값: LC_ALL, LC_MESSAGES, LANG에서 결정]
help-color = 색 사용: auto, always, never [기본값: auto, NO_COLOR를 존중합니다]
help-after =
    예:
      perfuse use                      5초 만에 이 호스트의 병목을 찾습니다
      perfuse use --watch              같은 내용을 실시간으로 보여 줍니다
      perfuse use --json | jq .findings
      perfuse explain cpu.saturation   숫자의 의미와 함정을 설명합니다
      perfuse cheatsheet               perf 한 줄 명령 102개

help-use = 이 호스트의 USE 체크리스트를 채우고 병목을 지목합니다
help-use-duration = 관찰 시간: 5, 5s, 500ms, 2m [기본값: 5s, --record에서는 Ctrl-C까지]
help-use-interval = 샘플 사이의 간격 [기본값: 1s]
help-use-json = 보고서를 JSON으로 출력합니다(스키마 perfuse.use/1)
help-use-html = 보고서를 FILE에 독립된 한 페이지로 씁니다
help-use-openmetrics = 각 셀을 OpenMetrics로 출력합니다
help-use-nagios = Nagios용 상태를 출력합니다. 종료 상태 0 정상, 1 경고, 2 위험, 3 알 수 없음
help-use-watch = 계속 머물며 체크리스트를 실시간으로 보여 줍니다
help-use-sixty = 처음 60초 체크리스트를 10초 안에, 각 숫자에 해당하는 명령과 함께 보여 줍니다
help-use-cell = 셀이나 제어 항목 하나를 자세히 보여 줍니다. 예: cpu.saturation, cpu-quota
help-use-pid = 이 프로세스들과 그 cgroup, 그들이 기다리는 것만 봅니다
help-use-cgroup = 이 cgroup과 그 아래만 봅니다
help-use-unit = 이 systemd 유닛의 cgroup만 봅니다
help-use-record = --replay에 쓸 원본 샘플을 FILE에 보관합니다
help-use-replay = 이 호스트 대신 기록 파일로 보고서를 만듭니다
help-use-thresholds = 모든 규칙의 임계값을 출력하고 끝냅니다
help-use-config = 이 TOML 파일에서 임계값을 읽습니다 [기본값: 있으면 /etc/perfuse/thresholds.toml과 ~/.config/perfuse/thresholds.toml]
help-use-set = 임계값 하나를 지정합니다. 예: finding.min-wait=0.1
help-use-no-bpf = BPF 프로그램을 적재하지 않고 /proc과 /sys만 사용합니다
help-use-root = 여기에 루트 디렉터리가 마운트된 다른 호스트를 봅니다
help-use-quiet = 터미널에 진행 상황을 표시하지 않습니다
help-use-after =
    종료 상태: 0 건강함, 1 watch를 넘는 발견 있음, 2 사용 또는 실행 오류, 또는
    측정된 것이 부족해 판단할 수 없음.

    예:
      perfuse use --duration 10s
      perfuse use --pid 4711 --cell cpu.saturation
      perfuse use --record slow.perfuse --duration 1m
      perfuse use --replay slow.perfuse --html slow.html

help-explain = 셀, 제어 항목, 판정, 용어를 설명합니다
help-explain-what = 설명할 대상. 없으면 설명할 수 있는 모든 것을 나열합니다
help-explain-after =
    예:
      perfuse explain cpu.saturation
      perfuse explain 부하 평균

help-cheatsheet = perf 한 줄 명령 102개를 오버헤드가 낮은 것부터 출력합니다
help-cheatsheet-html = 인쇄할 수 있는 한 페이지로 FILE에 씁니다

usage-unknown-command = `{ $name }`{ JOSA($name, "이라는/라는") } 명령은 없습니다. 사용할 수 있는 명령: { $commands }.
usage-surplus-word = `{ $word }` 자리에는 아무것도 올 수 없습니다.
usage-unknown-option = `{ $name }` 옵션은 없습니다.
usage-value = `{ $name }`에 `{ $value }` 값은 쓸 수 없습니다. 가능한 값: { $expected }.
usage-value-missing = `{ $name }`에 값이 필요합니다.
usage-conflict = `{ $name }` 옵션은 `{ $other }` 옵션과 함께 쓸 수 없습니다.
usage-required = 필요한 인자가 없습니다: { $name }.
usage-nearest = 비슷한 이름: { $names }
usage-more = 자세한 내용은 `--help`를 보십시오.

error-prefix = 오류
error-no-process = 프로세스 { $pid }번이 없습니다
error-no-cgroup = 마운트된 어느 계층에도 cgroup { $path }{ JOSA($path, "이/가") } 없습니다
error-no-unit = 유닛 { $unit }의 cgroup이 없습니다
error-replay-damaged = { $file }: { $damage }; 보고서는 그 앞의 샘플 { $snapshots }개를 다룹니다
error-replay-empty = { $file }에 온전한 샘플이 하나도 없습니다
error-config = { $file }: { $problem }
error-threshold-type = 임계값 `{ $key }`에는 숫자가 필요합니다
error-threshold-unknown = 임계값 `{ $key }`{ JOSA($key, "은/는") } 없습니다. 비슷한 이름: { $names }
error-threshold-value = 임계값 `{ $key }`{ JOSA($key, "은/는") } 0 이상이어야 합니다
error-no-terminal = --watch는 터미널에서만 쓸 수 있습니다
error-explain-unknown = `{ $what }`에 대한 항목이 없습니다. 비슷한 이름: { $names }
error-explain-nothing-near = `{ $what }`에 대한 항목이 없습니다. 전체 목록은 `perfuse explain`으로 볼 수 있습니다
progress-sampling = 관찰 중 { $done } / { $total } · CPU { $cpu }
progress-recording = 기록 중 { $done } · { $file }에 { $size } · Ctrl-C로 끝냅니다
progress-attaching = 연결 중
note-interrupted = 중단되었습니다. 보고서는 { $seconds } 동안을 다룹니다
note-recorded = 샘플 { $snapshots }개, { $file }에 { $size }
