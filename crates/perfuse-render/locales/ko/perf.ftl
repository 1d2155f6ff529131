# perf 명령들의 명령줄.

usage-perf-unknown = `{ $option }` 옵션은 없습니다. 비슷한 이름: { $names }
usage-perf-ambiguous = `{ $option }`{ JOSA($option, "은/는") } 다음 가운데 어느 것인지 알 수 없습니다: { $names }
usage-perf-missing = `{ $option }`에 값 <{ $name }>{ JOSA($name, "이/가") } 필요합니다.
usage-perf-no-value = `{ $option }`{ JOSA($option, "은/는") } 값을 받지 않습니다.
usage-perf-value = `{ $option }`에 `{ $value }` 값은 쓸 수 없습니다. 가능한 값: { $expected }.
usage-perf-number = 정수
usage-perf-cpus = 0-3,7처럼 적은 CPU 목록
usage-perf-more = 모든 옵션: { $command }
perf-function-filter = { $event }{ JOSA($event, "은/는") } ftrace:function으로 연결되어 있어 함수 자체 말고는 필터를 받지 않습니다. `perfuse trace -e { $event } --filter`는 잡힌 것을 그 뒤에 거릅니다
