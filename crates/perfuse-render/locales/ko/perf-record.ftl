# perf record.

record-rate = 초당 표본 수 또는 `max`
record-rate-twice = `-F`(초당 표본 수)와 `-c`(표본 사이의 이벤트 수)는 함께 쓸 수 없습니다. 하나만 쓰십시오.
record-rate-limited = 초당 표본 { $rate }개는 이 시스템의 한도를 넘으므로 { $limit }개를 씁니다. 늘리려면 kernel.perf_event_max_sample_rate 값을 높이십시오(표본 추출이 오래 걸리면 커널이 스스로 낮춥니다). `--strict-freq`를 쓰면 대신 거부합니다.
record-rate-refused = 초당 표본 { $rate }개는 이 시스템의 한도({ $limit }개)를 넘습니다. `-F` 값을 낮추거나 kernel.perf_event_max_sample_rate 값을 높이십시오.
record-rounded = 링의 크기는 2의 거듭제곱 페이지입니다: { $bytes }바이트({ $pages }페이지).
record-filter-place = `{ $option }`은 적용할 트레이스포인트 뒤에 와야 합니다: `-e SYSTEM:NAME { $option } ...`.
record-cgroup-place = `-G`는 적용할 이벤트 뒤에 와야 하며, 그룹 이름이 이벤트보다 많을 수 없습니다.
record-event = { $problem }
    { $text }
    { $caret }
record-event-near = { $problem }
    { $text }
    { $caret }
    비슷한 이름: { $names }
record-cpu-list = `0-3,8`과 같은 CPU 목록
record-no-cpu = CPU { $cpu }번은 온라인이 아닙니다. 온라인: { $online }
record-pid-list = `12,34`와 같은 프로세스나 스레드 번호
record-no-task = { $task }번 태스크가 없습니다.
record-user = 사용자 이름이나 번호
record-no-user-task = { $user } 사용자의 프로세스가 없습니다.
record-call-graph = `fp`, `lbr` 또는 스택 바이트 수(최대 { $most })를 붙인 `dwarf`: `dwarf,16384`
record-branches = { $names }
record-clock = { $names } 또는 번호
record-synth = `no`, `all`, `task`, `mmap` 또는 `cgroup`
record-size = B, K, M, G를 붙인 바이트 수
record-no-cycles = { $wanted } 이벤트는 여기서 셀 수 없습니다. 이 시스템에는 PMU가 보이지 않습니다(대부분의 게스트가 그렇습니다). 대신 { $used } 이벤트로 사이클이 아니라 시간을 표본으로 잡습니다. 실제 사이클은 호스트나 가상 PMU가 있는 게스트(KVM: `-cpu host,pmu=on`)에서 셀 수 있습니다.
record-user-only = 권한이 없어 사용자 영역만 표본으로 잡습니다: { $used } (kernel.perf_event_paranoid = { $paranoid }). 커널까지 잡으려면 root, CAP_PERFMON 또는 kernel.perf_event_paranoid 1 이하가 필요합니다.
record-older = 이 커널은 `{ $without }` 기능을 모르므로 { $event } 이벤트는 그것 없이 기록합니다.
record-thread-gone = { $task }번 스레드는 관찰하기 전에 끝났습니다.
record-hidden = 커널이 주소를 숨깁니다(kernel.kptr_restrict, kernel.perf_event_paranoid). 나중에 커널 함수의 이름을 알 수 없습니다.
record-lost = 잃은 표본: { $all }개 가운데 { $lost }개({ $percent }%). 공간을 늘리려면 `-m { $bytes }K`를 쓰십시오. 또는 `-F` 값을 낮추거나, 필터를 쓰거나, 이벤트를 줄이십시오.
record-fail-open = { $event } 이벤트를 열 수 없습니다: { $errno }.
record-fail-hardware = { $event } 이벤트는 지원되지 않습니다. 이 시스템에는 PMU가 보이지 않거나(대부분의 게스트가 그렇습니다) PMU가 그것을 세지 못합니다({ $errno }). 호스트나 가상 PMU가 있는 게스트가 필요합니다.
record-fail-branches = { $event }: PMU가 분기 스택을 지원하지 않습니다({ $errno }). 분기를 기록하려면 최근 분기 기록(LBR, BRS, BRBE)이 보이는 CPU가 필요합니다. 호출 체인은 `--call-graph fp`나 `dwarf`로도 얻을 수 있습니다.
record-fail-permission = { $event } 이벤트를 열 권한이 없습니다({ $errno }): kernel.perf_event_paranoid = { $paranoid }. root, CAP_PERFMON 또는 더 낮은 kernel.perf_event_paranoid 값이 필요합니다.
record-fail-task = { $task }번 태스크를 관찰할 수 없습니다({ $errno }). 이 프로세스에 권한이 있어도, 다른 사용자의 것이거나 보호된 태스크(ptrace)입니다.
record-fail-files = { $event } 이벤트에 열린 파일이 너무 많습니다({ $errno }). 이벤트, CPU, 스레드마다 하나씩 필요합니다. `ulimit -n`을 높이거나 `-a`, `--per-thread`를 쓰거나 이벤트를 줄이십시오.
record-fail-no-task = { $event }: { $task }번 태스크가 사라졌습니다({ $errno }).
record-fail-cgroup = { $name } cgroup이 없습니다: { $reason }.
record-fail-filter = { $event } 이벤트에 필터 "{ $filter }"를 설정하지 못했습니다: { $number } ({ $errno })
record-fail-map = { $bytes }바이트 링을 매핑할 수 없습니다({ $errno }). `-m` 값을 줄이거나 kernel.perf_event_mlock_kb 또는 `ulimit -l`을 높이십시오.
record-fail-call = { $call }: { $errno }
record-fail-exec = { $program } 명령을 실행할 수 없습니다: { $errno }
record-fail-fork = 명령을 시작할 수 없습니다: { $reason }
record-fail-write = { $path }: { $errno }. 그때까지 쓴 내용은 온전하며 읽을 수 있습니다.
record-denied = { $task }번 프로세스의 매핑을 읽을 권한이 없습니다(/proc/{ $task }/maps: 다른 사용자의 것이거나 보호되어 있습니다). 나중에 그 함수의 이름을 알 수 없습니다.
