### 플레임 그래프.

flame-title-on-cpu = 플레임 그래프
flame-title-off-cpu = CPU 밖에서 보낸 시간
flame-title-difference = 달라진 것
flame-all = 전체
flame-search = 검색
flame-search-hint = 정규식 검색: / 키
flame-reset = 확대 해제
flame-matched = 일치
flame-samples = 샘플 { $count }개
flame-stackless = 그중 스택 없음 { $count }개
flame-span = 길이 { $time }
flame-weight = { $event } { $number }회
flame-own = 자체 { $share }
flame-change = 이전 { $before }, 현재 { $now }
flame-kind-thread = 스레드
flame-kind-user = 프로그램
flame-kind-kernel = 커널
flame-kind-jit = JIT 컴파일
flame-kind-unknown = 알 수 없는 함수
flame-kind-inlined = 인라인
flame-more = 이전보다 많음
flame-less = 이전보다 적음
flame-normalized = 비율로 비교
flame-vanished = 이전 시간의 { $share }{ JOSA($share, "은/는") } 더는 나타나지 않는 함수에 있습니다
flame-narrow = { $width } px보다 좁은 프레임 { $count }개는 그리지 않았습니다
flame-deep = { $levels }단계보다 위의 프레임 { $count }개는 그리지 않았습니다
flame-empty = 샘플 없음

## flamegraph와 export 명령.

help-flamegraph = perf 기록이나 folded 스택을 대화형 SVG로 그립니다
help-flamegraph-what = perf 기록(perf.data) 또는 folded 스택. `-`는 표준 입력 [기본값: perf.data]. `perfuse record`의 옵션이면 먼저 기록합니다
help-flamegraph-output = 그림을 FILE에 씁니다. `-`는 표준 출력 [기본값: flame.svg]
help-flamegraph-title = 그림의 제목
help-flamegraph-event = 이 이벤트만 봅니다 [기본값: 샘플이 있는 첫 이벤트]
help-flamegraph-comm = 이름이 이것인 스레드만 봅니다
help-flamegraph-pid = 이 프로세스들만 봅니다
help-flamegraph-tid = 이 스레드들만 봅니다
help-flamegraph-off-cpu = sched:sched_switch로 CPU 밖에서 보낸 시간을 봅니다: blocked(기본값), runnable(CPU를 기다림), any
help-flamegraph-no-inline = 인라인 함수를 찾거나 보여 주지 않습니다
help-flamegraph-symfs = 기록에 나오는 파일을 DIR 아래에서 찾습니다
help-flamegraph-icicle = 뿌리를 위에 둡니다
help-flamegraph-reverse = 가장 안쪽 함수부터 합칩니다: 뜨거운 함수를 누가 부르는지 봅니다
help-flamegraph-diff = 이전 기록과 비교합니다: 빨강은 FILE보다 많음, 파랑은 적음
help-flamegraph-normalize = 두 기록의 길이가 같은 것처럼 비율을 비교합니다
help-flamegraph-samples = 너비를 이벤트의 가중치가 아닌 샘플 수로 정합니다
help-flamegraph-base = 스택의 바닥: none, comm, process, thread [기본값: comm]
help-flamegraph-colors = 색의 의미: on-cpu, off-cpu, module [기본값: 그리는 것에 따름]
help-flamegraph-min-width = 이보다 좁은 프레임은 빼고 그 수를 셉니다 [기본값: 0.2]
help-flamegraph-width = 그림의 너비 [기본값: 1200, 브라우저에서는 창의 너비]
help-flamegraph-font = 그림의 글꼴. 고정폭 글꼴이어야 합니다
help-flamegraph-command = 기록할 명령
help-flamegraph-after =
    예:
      perfuse flamegraph -F 99 -- make                     명령을 기록해 그립니다
      perfuse flamegraph -F 99 -a -- sleep 10              호스트 전체를 10초 동안 봅니다
      perf record -F 99 -a -g -- sleep 10 && perfuse flamegraph
      perf record -e sched:sched_switch -a -g -- sleep 10 && perfuse flamegraph --off-cpu
      perfuse flamegraph --diff before.data after.data -o change.svg
      stackcollapse.pl stacks.txt | perfuse flamegraph - -o - > flame.svg

help-export = perf 기록이나 folded 스택을 다른 프로그램의 형식으로 바꿉니다
help-export-to = 형식: folded, pprof, firefox(profiler.firefox.com), speedscope, json(스키마 perfuse.profile/1)
help-export-file = perf 기록(perf.data) 또는 folded 스택. `-`는 표준 입력 [기본값: perf.data]
help-export-input = FILE과 같음
help-export-output = FILE에 씁니다. 이름이 .gz로 끝나면 JSON을 gzip으로 압축합니다 [기본값: 표준 출력]
help-export-event = 이 이벤트만 봅니다
help-export-comm = 이름이 이것인 스레드만 봅니다
help-export-pid = 이 프로세스들만 봅니다
help-export-tid = 이 스레드들만 봅니다
help-export-off-cpu = sched:sched_switch로 CPU 밖에서 보낸 시간을 봅니다: blocked(기본값), runnable(CPU를 기다림), any
help-export-no-inline = 인라인 함수를 찾지 않습니다
help-export-symfs = 기록에 나오는 파일을 DIR 아래에서 찾습니다
help-export-weights = folded 스택에 샘플 수 대신 이벤트의 가중치를 씁니다
help-export-annotate = folded 스택의 프레임에 표시를 붙입니다: _[k] 커널, _[i] 인라인, _[j] JIT 컴파일
help-export-base = folded 스택의 바닥: none, comm, process, thread [기본값: comm]
help-export-after =
    예:
      perfuse export --to folded --annotate > stacks.folded
      perfuse export --to pprof -o profile.pb.gz && go tool pprof -top profile.pb.gz
      perfuse export --to firefox -o profile.json.gz

error-no-profile = { $file }: perf 기록도 folded 스택도 아닙니다
error-no-samples = { $file }: 샘플이 없습니다
error-nothing-selected = { $file }: 요청한 조건에 맞는 샘플이 없습니다
error-no-event = 이벤트 { $event }{ JOSA($event, "이/가") } 없습니다. 비슷한 이름: { $names }
error-other-unit = { $event }: 한 기록에서는 시간을, 다른 기록에서는 횟수를 셉니다
error-no-switches = { $file }: 스레드가 CPU를 떠나고 돌아온 때가 기록되지 않았습니다. -e sched:sched_switch -g로 기록하십시오
error-off-cpu-folded = folded 스택으로는 스레드가 CPU를 떠난 때를 알 수 없습니다
error-binary-to-terminal = 터미널에 출력할 수 있는 텍스트가 아닙니다. { $option } 옵션을 사용하십시오
note-one-event = { $event }{ JOSA($event, "을/를") } 그렸습니다. --event로 고를 수 있는 다른 이벤트: { $names }
note-flamegraph = { $file }: 샘플 { $samples }개
note-off-cpu-open = 스레드 { $count }개는 기록이 끝날 때까지 CPU로 돌아오지 않아 시간을 알 수 없습니다
note-off-cpu-backwards = CPU마다 시계가 달라 시작보다 먼저 끝난 구간 { $count }개는 제외했습니다
note-off-cpu-unseen = 스레드가 다시 실행되었지만 끝이 기록되지 않은 구간 { $count }개는 제외했습니다. -a 없이 기록하면 생길 수 있습니다
error-one-file = `{ $words }`: 파일이 하나가 아닙니다. 명령을 기록하려면 앞에 --를 쓰십시오
