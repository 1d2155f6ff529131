### 애플리케이션이 스스로 말하는 것, 원인으로서.

resource-database = 데이터베이스
resource-pool = 풀
resource-queue = 큐
resource-heap = 힙
app-said = { $source }{ JOSA($source, "이/가") } 스스로 대기 { $wait }{ JOSA($wait, "을/를") } 알립니다
app-rate = { $rate }
app-rate-unknown = 알 수 없음

finding-app-blocked-session-title = 다른 세션이 쥔 락을 세션들이 기다림
finding-app-blocked-session-summary = { $source }의 세션 { $waiting }개가 { $holder }({ $doing }){ JOSA($holder, "을/를") } 기다립니다. 가장 오래된 대기는 { $longest }입니다.
finding-app-blocked-session-summary-unknown = { $source }의 세션 { $waiting }개가 { $object }{ JOSA($object, "을/를") } 기다립니다. 가장 오래된 대기는 { $longest }이며, 누가 쥐고 있는지는 서버가 알려 주지 않습니다.
finding-app-blocked-session-sessions = { $source }의 기다리는 세션
finding-app-blocked-session-evidence-wait = { $object } 때문에 { $waiting }개가 대기, 가장 오래 { $longest }
finding-app-blocked-session-evidence-waiters = { $object } 때문에 { $waiting }개({ $waiters })가 대기, 가장 오래 { $longest }
finding-app-blocked-session-evidence-silent = 마지막 문장은 알 수 없음
finding-app-blocked-session-evidence-unknown = 가장 오래 열려 있고 스스로는 아무것도 기다리지 않는 트랜잭션
finding-app-blocked-session-evidence-holder = 마지막 문장: { $statement }
finding-app-blocked-session-advice = 세션 { $holder }{ JOSA($holder, "을/를") } 끝내거나 커밋하게 하십시오.
finding-app-blocked-session-expect = 세션 { $waiting }개가 바로 진행하고, { $longest } 동안의 대기가 끝납니다.
finding-app-blocked-session-advice-idle = 열어 둔 트랜잭션을 시간 제한으로 끝내고, 프로그램에서 다른 것을 기다리기 전에 커밋하십시오.
finding-app-blocked-session-advice-suspect = { $suspect }{ JOSA($suspect, "이/가") } 무엇을 하는지 보고, 락을 쥐고 있으면 끝내거나 커밋하게 하십시오.
finding-app-blocked-session-advice-tell = 다음에는 누가 쥐고 있는지 알 수 있도록 서버가 이 락을 기록하게 하십시오.
finding-app-blocked-session-expect-tell = 다음 장애에서는 락을 쥔 세션의 이름이 나옵니다.
finding-app-blocked-session-expect-idle = 아무것도 하지 않는 세션이 제한보다 오래 락을 쥐지 않습니다.

finding-app-pool-exhausted-title = 풀에 남은 것이 없음
finding-app-pool-exhausted-summary = 풀 { $pool }에서 { $max }개 가운데 { $used }개가 쓰이고, { $pending }개의 요청이 기다립니다.
finding-app-pool-exhausted-evidence = { $max }개 가운데 { $used }개 사용, { $pending }개 대기
finding-app-pool-exhausted-advice = 무엇이 오래 쥐고 있는지 찾으십시오. 뒤의 서버에 여유가 있으면 { $pool }의 최댓값을 { $wanted }개로 올리십시오.
finding-app-pool-exhausted-expect = { $wanted }개이면 지금 기다리는 { $pending }개의 요청이 하나씩 받습니다.

finding-app-queue-behind-title = 메시지가 꺼내는 것보다 빨리 들어옴
finding-app-queue-behind-summary = { $queue }에 메시지 { $length }개가 있습니다. 들어오는 것 { $came }, 꺼내는 것 { $went }, 소비자 { $consumers }개입니다.
finding-app-queue-behind-summary-stopped = { $queue }에 메시지 { $length }개가 있습니다. 꺼내는 쪽인 { $name }({ $pid }){ JOSA($name, "이/가") } 시그널로 멈춰 있습니다.
finding-app-queue-behind-taken = 꺼내는 쪽
finding-app-queue-behind-signal = SIGSTOP, SIGTSTP 또는 디버거
finding-app-queue-behind-stopped = 멈춰 있음
finding-app-queue-behind-advice-stopped = { $name }{ JOSA($name, "을/를") } 다시 움직이게 하고, 누가 멈췄는지 보십시오.
finding-app-queue-behind-advice-see = { $name }{ JOSA($name, "이/가") } 무엇을 기다리는지 보십시오.
finding-app-queue-behind-expect-see = 그곳의 첫째 원인이 이곳의 원인입니다.
finding-app-queue-behind-evidence = { $length }개 대기, 들어옴 { $came }, 꺼냄 { $went }, 소비자 { $consumers }개
finding-app-queue-behind-advice = { $queue }의 소비자가 무엇을 기다리는지 보고, 바쁘면 늘리십시오.
finding-app-queue-behind-advice-more = { $queue }의 소비자를 { $now }개에서 { $wanted }개로 늘리거나 각각을 빠르게 하십시오.
finding-app-queue-behind-advice-nobody = { $queue }의 소비자를 시작하십시오.
finding-app-queue-behind-advice-stuck = { $queue }의 소비자가 아무것도 꺼내지 않습니다. 무엇을 기다리는지 보십시오.
finding-app-queue-behind-expect = { $drain } 뒤에 큐가 빕니다.
finding-app-queue-behind-expect-nobody = 누군가 꺼내면 큐가 줄어듭니다.
finding-app-queue-behind-expect-unknown = 들어오는 것보다 많이 꺼내면 큐가 줄어듭니다.

finding-app-heap-full-title = 힙이 담은 것에 비해 작음
finding-app-heap-full-summary = { $name }의 힙(최대 { $max })이 수집 뒤에도 { $share } 차 있고, 수집이 시간의 { $pauses } 동안 프로그램을 멈춥니다.
finding-app-heap-full-collector = 가비지 컬렉터
finding-app-heap-full-evidence = 수집 뒤에도 { $max } 가운데 { $share } 사용, 시간의 { $pauses } 동안 멈춤
finding-app-heap-full-advice = 호스트에 메모리가 있으면 힙을 { $now }에서 { $wanted }{ JOSA($wanted, "으로/로") } 늘리십시오.
finding-app-heap-full-expect = 같은 객체가 { $after }만 차지하고, 수집이 드물어집니다.
finding-app-heap-full-advice-look = 어느 클래스가 채우는지, 끝없이 늘어나는지 보십시오.
finding-app-heap-full-expect-look = 맨 위의 클래스를 덜 쥐면 됩니다.

finding-app-slow-command-title = 명령 하나가 서버를 혼자 붙잡음
finding-app-slow-command-summary = { $command }{ JOSA($command, "이/가") } { $source }{ JOSA($source, "을/를") } 한 번에 { $seconds }씩 붙잡습니다({ $count }번). { $client }{ JOSA($client, "이/가") } 보냅니다.
finding-app-slow-command-summary-unsent = { $command }{ JOSA($command, "이/가") } { $source }{ JOSA($source, "을/를") } 지금까지 { $seconds } 동안 붙잡고 있어 아무에게도 답하지 못합니다.
finding-app-slow-command-sent = 보낸 쪽
finding-app-slow-command-evidence = 한 번에 { $seconds }, { $count }번: 시간의 { $busy }
finding-app-slow-command-evidence-unsent = 지금까지 { $seconds } 동안 실행 중
finding-app-slow-command-advice = { $client }에서 오는 { $command }{ JOSA($command, "을/를") } 작게 나누거나 다른 곳, 다른 때에 실행하십시오.
finding-app-slow-command-advice-unsent = { $command }{ JOSA($command, "을/를") } 끝내고, 다시 실행하기 전에 작게 나누십시오.
finding-app-slow-command-advice-scan = { $client }에서 오는 { $command } 대신 조금씩 답하는 SCAN과 COUNT를 쓰십시오.
finding-app-slow-command-expect = 아무도 그 뒤에서 { $seconds } 기다리지 않습니다.

finding-app-limit-reached-title = 애플리케이션의 한도에 닿음
finding-app-limit-reached-summary = { $source }의 { $limit }: { $max } 가운데 { $used }{ JOSA($used, "을/를") } 쓰고 있으며, { $refused }의 요청이 거부되거나 버려집니다.
finding-app-limit-reached-summary-full = { $source }의 { $limit }: { $max } 가운데 { $used }{ JOSA($used, "을/를") } 쓰고 있습니다.
finding-app-limit-reached-summary-denied = { $source }의 { $limit }에 닿아 더는 아무도 받지 않습니다.
finding-app-limit-reached-evidence = { $max } 가운데 { $used } 사용, { $refused } 거부되거나 버려짐
finding-app-limit-reached-evidence-full = { $max } 가운데 { $used } 사용
finding-app-limit-reached-evidence-denied = 수집기도 거부됨
finding-app-limit-reached-most = 가장 많이 쓰는 쪽
finding-app-limit-reached-advice = 누가 다 쓰는지 보십시오. 호스트에 여유가 있으면 { $limit }({ $max }){ JOSA($limit, "을/를") } 올리십시오.
finding-app-limit-reached-advice-most = 가장 많이 쓰는 { $most }에서 필요 없는 것을 돌려주게 하십시오. 호스트에 여유가 있으면 { $limit }({ $max }){ JOSA($limit, "을/를") } 올리십시오.
finding-app-limit-reached-expect = { $refused }의 요청이 더는 거부되거나 버려지지 않습니다.
finding-app-limit-reached-expect-unknown = 한도 아래에 다시 여유가 생깁니다.
app-limit-now = 지금 { $max }
app-limit-unknown = 값은 알 수 없음

error-no-command = 이름이 { $name }인 프로세스가 없습니다.

finding-why-gone-title = 프로세스가 끝남
finding-why-gone-summary = 그때까지 일하던 { $name }({ $pid }){ JOSA($name, "이/가") } 더는 실행되지 않습니다.
finding-why-gone-evidence = 첫 실패 전에는 있었고 지금은 없음
finding-why-gone-ended = 끝남
finding-why-gone-advice = 다시 시작하고, 마지막 로그에서 왜 끝났는지 보십시오.
finding-why-gone-expect = 실행되는 대로 검사가 성공합니다.
finding-why-not-listening-title = 프로세스는 실행되지만 더는 듣지 않음
finding-why-not-listening-summary = { $name }({ $pid }){ JOSA($name, "은/는") } 실행되지만 { $port }번 포트에서 아무도 듣지 않습니다.
finding-why-not-listening-evidence = 첫 실패 전에는 { $port }번 포트에서 들었음
finding-why-not-listening-port = { $port }번 포트
finding-why-not-listening-advice = 프로세스가 대신 무엇을 하는지, 시작에 실패했는지 보십시오.
finding-why-not-listening-expect = 다시 듣는 대로 검사가 성공합니다.

pattern-daily-queue-summary = { $series }{ JOSA($series, "이/가") } { $days }일 가운데 { $agree }일 { $clock }에 { $peak }까지 늘어납니다. 평소에는 { $usual }입니다.
pattern-daily-queue-advice = { $clock } 전에 작업자를 늘려 { $hours }시간 두거나, 그때 시작하는 일을 나누십시오.
pattern-daily-queue-expect = { $peak } 대신 { $usual } 가까이에 머뭅니다.
pattern-limit-nears-summary = { $series }{ JOSA($series, "이/가") } 한도의 { $share }에 있고 하루에 { $growth }씩 늘어 { $days }일 뒤에 닿습니다.
pattern-limit-nears-advice = { $days }일 안에 한도를 올리거나 늘어나는 것을 찾으십시오.
pattern-limit-nears-expect = 한도가 두 배이면 { $share } 찹니다.
pattern-pool-too-large-summary = { $series }의 { $max } 가운데 { $days }일 동안 { $peak }보다 많이 쓰인 적이 없습니다.
pattern-pool-too-large-advice = 최댓값을 { $max }에서 { $wanted }{ JOSA($wanted, "으로/로") } 낮추십시오. 가장 많이 쓰인 만큼에 절반을 더한 것입니다.
pattern-pool-too-large-expect = { $spare }만큼 덜 열어 둡니다.
