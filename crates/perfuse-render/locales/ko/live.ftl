# perfuse trace, perfuse probe --live.

help-trace = 이벤트가 일어나는 대로, 또는 그 합계를 보여 줍니다. 수는 그 질문을 위해 만든 프로그램이 커널 안에서 더합니다.
help-trace-event = 이벤트입니다: 트레이스포인트, 프로브, 추가된 프로그램의 USDT, page-faults, cpu-clock 등 (perfuse list).
help-trace-pid = 이 프로세스들만 봅니다.
help-trace-quiet = 결과 외에는 말하지 않습니다.
help-trace-by = 쉼표로 나눈 이 식들의 값에 따라 수를 나눕니다: comm, pid, tid, cpu, uid, 이벤트의 필드.
help-trace-comm = 이 이름의 스레드만 봅니다. 끝의 별표는 나머지를 뜻합니다.
help-trace-count = 발생 횟수를 셉니다.
help-trace-filter = 이 조건이 참인 것만 봅니다: 이벤트의 필드, pid, tid, comm, cpu, uid와 C의 연산자. ~는 텍스트를 패턴과 비교합니다.
help-trace-for = 이 시간 뒤에 끝냅니다: 10s, 500ms, 2m.
help-trace-hist = 이 값의 히스토그램입니다: 2의 거듭제곱마다 한 구간입니다.
help-trace-json = 한 줄에 JSON 객체 하나를 씁니다.
help-trace-max = 이만큼 일어나면 끝냅니다.
help-trace-openmetrics = 이 주소에서 수를 메트릭으로 제공합니다: 이 호스트의 PORT, 또는 ADDRESS:PORT.
help-trace-rate = 1초에 보여 줄 최대 줄 수입니다 (보통 1000, 0은 모두). 뺀 것은 셉니다.
help-trace-sum = 이 값의 합계와 평균, 최솟값, 최댓값입니다.
help-trace-after = 식의 수에는 단위를 쓸 수 있습니다: 10us, 5ms, 4k. 이 프로세스 자신은 뺍니다.

    perfuse trace -e sched:sched_process_exec
    perfuse trace -e syscalls:sys_exit_read --filter 'ret > 0' --hist ret --by comm --for 10s
    perfuse trace -e block:block_rq_issue --sum bytes --by comm --openmetrics 9100

live-time = 시각
live-thread = 스레드
live-what = 이벤트
live-fields = 필드
live-hits = 횟수
live-sum = 합계
live-mean = 평균
live-min = 최소
live-max = 최대
live-more-keys = ... 그리고 { $count }개 더 있습니다
live-left-out = ... { $count }개를 뺐습니다 (1초에 최대 { $rate }줄: --rate)
live-summary = { $seconds }초 동안 { $hits }번 ({ $rate }/s){ $left }{ $lost }{ $program }; 자체 CPU { $own } %
live-summary-left = ; 그중 { $count }개를 뺐습니다 (--rate)
live-summary-lost = ; { $count }개는 자리가 없어 잃었습니다
live-summary-program = ; 커널에서 한 번에 { $each } ns, CPU의 { $share } %
live-serving = 메트릭: http://{ $address }/metrics
live-fallback = 커널 안이 아니라 샘플에서 더하며, 비용이 더 듭니다: { $why }
live-listen = { $address }: { $error }
live-event = { $event }:
live-fetch = 커널 안의 프로그램은 `{ $what }`의 값을 가져올 수 없습니다
live-pattern = 패턴 `{ $pattern }`: 커널 안의 프로그램은 텍스트의 시작만 비교합니다 (`text*`)
live-room = 식이 커널 안의 프로그램이 가진 자리(512바이트)보다 많이 필요합니다: 키를 줄이십시오
live-load = { $error }
live-filter = 커널이 { $event }의 필터 `{ $filter }`를 받지 않습니다: { $error }
live-format = { $event }의 필드를 읽을 수 없습니다: { $why }
live-no-event = 이벤트가 필요합니다: -e EVENT (perfuse list가 보여 줍니다)
live-surplus = `{ $word }`: 명령을 시작하지 않습니다. 이벤트는 -e로 줍니다
live-too-many = 이벤트가 { $count }개입니다. 한 번에 최대 { $most }개를 봅니다
live-two = { $first }{ JOSA($first, "과/와") } { $second }{ JOSA($second, "은/는") } 함께 쓸 수 없습니다
live-time-value = 10s, 500ms, 2m 같은 시간
live-address = PORT 또는 ADDRESS:PORT
live-no-process = 프로세스 { $pid }{ JOSA($pid, "이/가") } 없습니다
live-value-text = `{ $name }`: 텍스트이며, 수가 필요합니다 (텍스트는 ==, !=, ~로 비교하고 --by의 키가 됩니다)
live-expr = { $place }{ $problem }
live-expr-operand = 필드, 수 또는 여는 괄호가 필요합니다
live-expr-operator = 연산자 또는 끝이 필요합니다
live-expr-closing = 닫는 괄호가 필요합니다
live-expr-number = 수가 아닙니다
live-expr-quote = 텍스트가 끝나지 않았습니다: 따옴표가 필요합니다
live-expr-letter = 이 글자는 여기서 뜻이 없습니다
live-expr-unknown = 필드 `{ $name }`: 없습니다. 있는 것: { $known }
live-expr-text = `{ $name }`: 텍스트이며, ==, !=, ~로 비교합니다
live-expr-is-number = `{ $name }`: 수이며, 텍스트와 비교하지 않습니다
live-expr-alone = 텍스트가 혼자 있습니다
live-expr-deep = 최대 { $max }겹까지 안에 넣을 수 있습니다
