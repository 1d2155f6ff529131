# perf diff: 기록을 나란히 비교합니다.

help-diff = 여러 기록을 첫 기록과 비교하여 어느 함수의 몫이 늘고 줄었는지 보여 줍니다. 이름이 없으면 perf.data를 perf.data.old와 비교합니다.
help-diff-baseline-only = 양쪽에 모두 있는 것만 보여 줍니다.
help-diff-comms = 이 이름의 스레드만 봅니다.
help-diff-compute = 비교 방법입니다. 몫의 차이(delta), 그 크기순(delta-abs, 기본값), 주기의 비(ratio), 가중 차이(wdiff:W1,W2)가 있습니다.
help-diff-dsos = 이 파일만 봅니다.
help-diff-dump-raw-trace = 모든 레코드를 바이트와 말로 함께 보여 줍니다.
help-diff-force = 여기서는 달라지는 것이 없습니다. perf의 명령줄을 위한 옵션입니다.
help-diff-formula = 각 수를 어떻게 계산했는지도 보여 줍니다.
help-diff-modules = 여기서는 달라지는 것이 없습니다. perf의 명령줄을 위한 옵션입니다.
help-diff-order = 어느 기록으로 줄을 정렬할지 정합니다. 0은 기준 기록입니다.
help-diff-period = 주기도 보여 줍니다.
help-diff-quiet = 머리말을 생략합니다.
help-diff-sort = 줄을 나누는 기준으로, `report`의 키입니다(dso,sym).
help-diff-symbols = 이 함수만 봅니다.
help-diff-field-separator = 열 사이에 넣을 문자입니다. 이때는 빈칸으로 맞추지 않습니다.
help-diff-verbose = 주소, 전체 경로, 기록의 이름도 보여 줍니다.
help-diff-cpu = 이 CPU만 봅니다.
help-diff-cycles-hist = 거절하며 까닭을 알려 줍니다.
help-diff-kallsyms = 커널 심볼이 있는 파일입니다.
help-diff-percentage = 몫이 모든 샘플에 대한 것인지, 필터가 남긴 샘플에 대한 것인지 정합니다.
help-diff-pid = 이 프로세스만 봅니다.
help-diff-stream = 거절하며 까닭을 알려 줍니다.
help-diff-symfs = 파일을 찾을 디렉터리입니다.
help-diff-tid = 이 스레드만 봅니다.
help-diff-time = 이 시간만 봅니다. 모든 기록에 `10%/1`처럼 주거나, 기록마다 FROM,TO를 `:`로 나누어 줍니다.

diff-order = --order { $order }에 해당하는 기록이 없습니다. 기록은 0부터 { $files }개입니다.
diff-files = 기록이 { $files }개인데, 한 번에 { $most }개까지 비교할 수 있습니다.
diff-percentage = relative 또는 absolute
diff-compute = delta, delta-abs, ratio 또는 wdiff:W1,W2
diff-weights = 0이 아닌 가중치 두 개: wdiff:1,2
diff-no-cycles = 기본 블록의 사이클은 여기서 비교하지 않습니다. 사이클이 있는 분기 기록이 필요하며, 그것을 읽어 계산하지 않습니다.
diff-no-stream = 호출 흐름(--stream)은 여기서 비교하지 않습니다. 호출 체인은 `flamegraph --diff`으로 비교하십시오.
