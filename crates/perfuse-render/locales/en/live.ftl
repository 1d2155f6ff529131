# perfuse trace, perfuse probe --live.

help-trace = Hits of an event as they come, or what they add up to. Numbers are added up in the kernel by a program that is made for the question.
help-trace-event = The event: a tracepoint, a probe, a USDT of a program that was added, page-faults, cpu-clock, ... (perfuse list).
help-trace-pid = Only these processes.
help-trace-quiet = Nothing is said beside the result.
help-trace-by = The numbers are kept apart by the values of these expressions, between commas: comm, pid, tid, cpu, uid, fields of the event.
help-trace-comm = Only threads of this name; a star at its end stands for the rest of it.
help-trace-count = Hits are counted.
help-trace-filter = Only hits for which this is true: fields of the event, pid, tid, comm, cpu, uid with the operators of C; ~ compares a text with a pattern.
help-trace-for = The end, after this time: 10s, 500ms, 2m.
help-trace-hist = A histogram of this value: one bucket for each power of two.
help-trace-json = One JSON object a line.
help-trace-max = The end, after so many hits.
help-trace-openmetrics = The numbers as metrics on this address: PORT of this host, or ADDRESS:PORT.
help-trace-rate = The most lines a second (usual: 1000; 0 for all). What is left out is counted.
help-trace-sum = The sum of this value, with its mean, least and largest.
help-trace-after = Numbers in expressions may have units: 10us, 5ms, 4k. This process itself is left out.

    perfuse trace -e sched:sched_process_exec
    perfuse trace -e syscalls:sys_exit_read --filter 'ret > 0' --hist ret --by comm --for 10s
    perfuse trace -e block:block_rq_issue --sum bytes --by comm --openmetrics 9100

live-time = TIME
live-thread = THREAD
live-what = EVENT
live-fields = FIELDS
live-hits = HITS
live-sum = SUM
live-mean = MEAN
live-min = MIN
live-max = MAX
live-more-keys = ... and { $count } more
live-left-out = ... { $count } hits left out (at most { $rate } lines a second: --rate)
live-summary = { $hits } hits in { $seconds } s ({ $rate }/s){ $left }{ $lost }{ $program }; own CPU { $own } %
live-summary-left = ; { $count } of them left out (--rate)
live-summary-lost = ; { $count } had no room and were lost
live-summary-program = ; in the kernel { $each } ns a hit, { $share } % of a CPU
live-serving = metrics at http://{ $address }/metrics
live-fallback = added up from samples and not in the kernel, which costs more: { $why }
live-listen = { $address }: { $error }
live-event = { $event }:
live-fetch = `{ $what }` cannot be fetched by a program in the kernel
live-pattern = the pattern `{ $pattern }`: a program in the kernel compares the start of a text only (`text*`)
live-room = the expressions take more room than a program in the kernel has (512 bytes): fewer keys, or shorter ones
live-load = { $error }
live-filter = the kernel does not take the filter `{ $filter }` of { $event }: { $error }
live-format = the fields of { $event } cannot be read: { $why }
live-no-event = an event is expected: -e EVENT (perfuse list shows them)
live-surplus = `{ $word }`: no command is started; an event is given by -e
live-too-many = { $count } events; at most { $most } are watched at once
live-two = { $first } and { $second } cannot be given together
live-time-value = a time such as 10s, 500ms or 2m
live-address = PORT or ADDRESS:PORT
live-no-process = there is no process { $pid }
live-value-text = `{ $name }` is a text: a number is expected (texts are compared by ==, != and ~, and are keys of --by)
live-expr = { $place }{ $problem }
live-expr-operand = a field, a number or an opening parenthesis is expected
live-expr-operator = an operator or the end is expected
live-expr-closing = a closing parenthesis is expected
live-expr-number = this is no number
live-expr-quote = the text has no end: a quote is expected
live-expr-letter = this letter means nothing here
live-expr-unknown = there is no field `{ $name }`; there are { $known }
live-expr-text = `{ $name }` is a text: it is compared by ==, != and ~
live-expr-is-number = `{ $name }` is a number, and is not compared with a text
live-expr-alone = a text stands here alone
live-expr-deep = at most { $max } parts lie in each other
