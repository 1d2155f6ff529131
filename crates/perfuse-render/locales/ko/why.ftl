### 원인 찾기: `perfuse why`.

why-title = 왜 느린가
why-time = 시간을 어디에 썼는가
why-causes = 원인, 첫째부터
why-cannot-tell = 이 측정으로 알 수 없는 것
why-healthy = 측정한 것 가운데 붙잡고 있는 것이 없습니다.
why-headline = { $title }: { $culprit }{ JOSA($culprit, "이/가") } 쉬지 않은 시간의 { $share }{ JOSA($share, "을/를") } 설명합니다. 확신도 { $confidence }.
why-explains = 피해자의 시간 가운데 { $seconds }, 쉬지 않은 시간의 { $share } 설명
why-server = { $client }{ JOSA($client, "이/가") } { $server }{ JOSA($server, "을/를") } { $seconds } 기다립니다. 상대의 시간은 다음과 같습니다.
why-thing = { $name }
why-link = 그 시간 가운데 { $seconds }, 쉬지 않은 시간의 { $share }{ JOSA($share, "을/를") } 설명합니다
why-more-servers = 다른 프로세스 { $count }개도 기다립니다. --json에 모두 있습니다.
why-total = 모두 { $total }.
why-entity = { $name }({ $pid })

why-state-on-cpu-user = CPU에서 실행(프로그램)
why-state-on-cpu-system = CPU에서 실행(커널)
why-state-runnable = CPU를 기다림
why-state-throttled = CPU 쿼터로 멈춤
why-state-affinity = 묶인 CPU를 기다림
why-state-direct-reclaim = 메모리 회수
why-state-swap-in = 스왑에서 읽기
why-state-page-fault = 페이지 폴트
why-state-block-io = 저장 장치를 기다림
why-state-dirty-limit = 더티 한도에 걸림
why-state-user-lock = 프로그램의 락을 기다림
why-state-kernel-lock = 커널의 락을 기다림
why-state-file-lock = 파일의 잠금을 기다림
why-state-network-send = 보내기를 기다림
why-state-connect = 연결을 기다림
why-state-network-receive = 네트워크를 기다림
why-state-local-ipc = 같은 호스트의 프로세스를 기다림
why-state-child = 자식 프로세스를 기다림
why-state-file-server = 파일 서버를 기다림
why-state-accept = 손님을 기다림
why-state-condition = 일을 기다림
why-state-internal = 자기 프로세스를 기다림
why-state-events = 이벤트를 기다림
why-state-sleep = 스스로 잠
why-state-stopped = 멈춤 또는 얼림
why-state-other = 다른 까닭으로 잠
why-state-unexplained = 설명되지 않음

why-cannot-silence = 내내 다른 프로세스의 데이터를 기다렸으나 오지 않았습니다. 할 일이 없는지 상대가 멈췄는지 여기서는 알 수 없습니다. 상대편을 보십시오: ss -xp, ls -l /proc/PID/fd.
why-cannot-waits = 스레드가 무엇 때문에 잠들었는지 커널 안에서 재지 못하고 표본과 지연 회계로 어림했습니다. 루트(CAP_BPF와 CAP_PERFMON)로 실행하면 잽니다.
why-cannot-unexplained = 시간 가운데 { $seconds }{ JOSA($seconds, "은/는") } 어떤 출처로도 설명되지 않습니다.
why-cannot-memory-stalls = CPU가 계산하는지 메모리를 기다리는지(캐시 미스, 거짓 공유)는 PMU 없이 알 수 없습니다. 하드웨어 카운터가 있는 기계에서는 perf stat -d, perf c2c로 알 수 있습니다.
why-flame-off = CPU 밖: 스레드가 기다린 것

finding-why-own-work-title = 스스로 바쁨
finding-why-own-work-summary = { $name }{ JOSA($name, "이/가") } CPU를 { $running } 스스로 씁니다. 일을 막는 것은 없습니다.
finding-why-own-work-cpu = CPU에서 하는 자기 일
finding-why-own-work-evidence = CPU { $running }, 그 가운데 { $kernel }{ JOSA($kernel, "은/는") } 커널. 쉬지 않은 시간의 { $share }
finding-why-own-work-advice = 어느 함수가 시간을 쓰는지 보고, 덜 하거나 나누어 하십시오.
finding-why-own-work-expect = 가장 넓은 함수가 쓰는 만큼이 얻을 수 있는 것입니다.
finding-why-remote-peer-title = 다른 호스트의 느린 서비스
finding-why-remote-peer-summary = { $name }{ JOSA($name, "이/가") } 이 호스트에 없는 { $peer }{ JOSA($peer, "을/를") } { $wait } 기다립니다.
finding-why-remote-peer-peer = { $peer }의 응답
finding-why-remote-peer-evidence = 대기 { $wait }, 왕복 { $rtt }
finding-why-remote-peer-advice = { $peer }의 호스트를 보십시오. 경로는 왕복 시간만큼 빠르고, 나머지는 그 서비스입니다.
finding-why-remote-peer-expect = 서비스가 바로 답하면 대기가 왕복 시간까지 줄어듭니다.
finding-why-stopped-title = 시그널이 멈춤
finding-why-stopped-summary = { $name }{ JOSA($name, "은/는") } 스레드 시간 가운데 { $wait } 시그널로 멈춰 있습니다.
finding-why-stopped-signal = SIGSTOP, SIGTSTP 또는 디버거
finding-why-stopped-evidence = 멈춘 시간 { $wait }, 전체 시간의 { $share }
finding-why-stopped-advice = 누가 시그널을 보내는지 보십시오. kill -CONT로 다시 움직입니다.
finding-why-stopped-expect = 표본이 시그널마다 보낸 프로세스를 알려 줍니다.
finding-why-local-server-title = 같은 호스트의 다른 프로세스를 기다림
finding-why-local-server-summary = { $name }{ JOSA($name, "이/가") } { $server }{ JOSA($server, "을/를") } { $wait } 기다립니다.
finding-why-local-server-evidence-wait = 대기 { $wait }
finding-why-local-server-evidence-state = { $seconds }
finding-why-local-server-advice = { $server }{ JOSA($server, "이/가") } 왜 느린지 보십시오.
finding-why-local-server-expect = 그곳의 첫째 원인이 이곳의 원인입니다.

help-why = 프로세스, 서비스 또는 호스트를 느리게 하는 한 가지 원인을 찾습니다
help-why-pid = 느린 프로세스
help-why-unit = 느린 systemd 유닛
help-why-cgroup = 느린 cgroup
help-why-port = 이 TCP 포트에서 듣는 프로세스가 느림
help-why-duration = 보는 시간: 5, 5s, 500ms, 2m [기본값: 10s, 명령이 있으면 끝날 때까지]
help-why-json = 답을 JSON으로 출력(스키마 perfuse.why/1)
help-why-html = 답을 FILE에 한 장의 페이지로 쓰기
help-why-record = 표본을 FILE에 남기기(--replay용)
help-why-replay = 이 호스트 대신 기록에서 답하기
help-why-no-bpf = BPF 프로그램을 올리지 않고 /proc과 /sys만 쓰기
help-why-config = 이 TOML 파일의 문턱값 쓰기
help-why-set = 문턱값 하나 정하기, 예: finding.min-wait=0.1
help-why-quiet = 터미널에 진행 상황을 보이지 않기
help-why-command = 이것을 실행하고 무엇이 느리게 하는지 말하기
help-why-after =
    종료 상태: 0 붙잡는 것 없음, 1 원인을 찾음, 2 사용법이나 실행 오류 또는 측정할 수 있는 것이
    너무 적음.

    예:
      perfuse why                      이 호스트에서 무엇이 왜 느린가
      perfuse why --pid 4711
      perfuse why --unit postgresql
      perfuse why --port 8080 --html why.html
      perfuse why --url http://localhost:8080/
      perfuse why -- make -j4
error-empty-cgroup = cgroup { $path }에 프로세스가 없습니다.
error-no-listener = TCP 포트 { $port }에서 듣는 프로세스가 없습니다.
error-no-owner = TCP 포트 { $port }에서 누가 듣는지 보이지 않습니다. 루트로 실행하십시오.
error-no-socket = 소켓 { $name }{ JOSA($name, "을/를") } 누가 가지고 있는지 보이지 않습니다.
error-no-sockets = 이 호스트의 소켓을 읽지 못했습니다: { $reason }
error-command-failed = { $command }{ JOSA($command, "을/를") } 시작하지 못했습니다: { $reason }
note-command-ended = { $command }{ JOSA($command, "이/가") } { $seconds } 뒤에 끝났습니다: { $how }.
command-ended-status = 종료 상태 { $status }
command-ended-signal = 시그널 { $signal }
command-ended-not = 아직 실행 중

why-headline-host = { $title }: { $culprit }{ JOSA($culprit, "이/가") } 대기 { $wait }{ JOSA($wait, "을/를") } 설명합니다. 확신도 { $confidence }.
why-headline-refused = { $title }: { $culprit }. 확신도 { $confidence }.
why-time-host = 호스트의 모든 스레드가 쉬지 않는 동안 한 일
why-total-host = 쉬지 않은 시간은 모두 { $active }, 쉰 시간은 { $idle }입니다.
why-state-own-overhead = 측정(perfuse)
why-state-small = 더 작은 것 모두
why-resource-work = CPU에서 일함
why-resource-own-overhead = 측정(perfuse)
why-resource-cpu = CPU를 기다림
why-resource-memory = 메모리를 기다림
why-resource-disk = 저장 장치를 기다림
why-resource-lock = 락을 기다림
why-resource-network = 네트워크를 기다림
why-resource-process = 다른 프로세스를 기다림
why-resource-stopped = 멈춤 또는 얼림
why-resource-unknown = 다른 까닭으로 잠, 또는 설명되지 않음
why-flame-on = CPU에서: 스레드가 한 일
why-url = { $url } 요청
why-cannot-owner = 이 호스트의 { $port }번 포트가 응답하지만 그 프로세스가 보이지 않습니다(다른 네트워크 네임스페이스이거나 루트가 아님). --pid나 --cgroup으로 지정하십시오.

probe-title = { $url } 요청
probe-requests = 요청 { $count }개
probe-local = 이 호스트
probe-elsewhere = 이 호스트가 아님
probe-total = 요청 전체
probe-min = 최소
probe-median = 중앙값
probe-share = 비율
phase-dns = 이름 찾기
phase-connect = 연결
phase-tls = 암호화 협상
phase-first-byte = 첫 바이트 기다림
phase-body = 본문 받기
failure-no-name = 그런 이름 없음{ $words }
failure-no-name-server = 응답한 네임 서버 없음{ $words }
failure-timed-out = 제때 응답 없음{ $words }
failure-refused = 연결 거부{ $words }
failure-unreachable = 가는 길 없음{ $words }
failure-reset = 연결이 끊김{ $words }
failure-closed = 연결이 너무 일찍 닫힘{ $words }
failure-certificate = 인증서가 유효하지 않음{ $words }
failure-tls = 암호화 협상 실패{ $words }
failure-not-http = HTTP가 아닌 응답{ $words }
failure-redirects = 너무 많은 리다이렉트{ $words }
failure-bad-redirect = HTTP URL이 아닌 곳으로 리다이렉트{ $words }
failure-other = 다른 오류{ $words }
failure-status = 상태 { $status }

finding-why-slow-url-title = 이 호스트가 부르는 느린 서비스
finding-why-slow-url-summary = { $url }{ JOSA($url, "이/가") } { $total } 만에 응답합니다(중앙값). 모든 요청 시간의 { $share }{ JOSA($share, "이/가") } { $phase }입니다.
finding-why-slow-url-evidence-phase = 중앙값 { $median }, p99 { $p99 }, 시간의 { $share }
finding-why-slow-url-evidence-path = 연결에 { $connect }(요청 { $count }개의 중앙값)
finding-why-slow-url-owner-dns = /etc/resolv.conf의 네임 서버
finding-why-slow-url-owner-connect = { $peer }까지의 길, 또는 그곳의 가득 찬 accept 큐
finding-why-slow-url-owner-tls = 상대 { $peer }, 또는 그곳까지의 길
finding-why-slow-url-owner-first-byte = { $peer }의 서비스
finding-why-slow-url-owner-body = { $peer }의 서비스, 또는 그곳까지의 대역폭
finding-why-slow-url-advice-dns = 네임 서버마다 손으로 물어보고, 이 호스트에 캐시하는 네임 서버를 두십시오.
finding-why-slow-url-advice-connect = 어느 홉에서 왕복 시간이 늘어나는지 보고, { $peer }에서 accept 큐를 보십시오(ss -ltn).
finding-why-slow-url-advice-tls = 연결을 열어 두고 세션을 재개하게 하며, { $peer }의 부하를 보십시오.
finding-why-slow-url-advice-first-byte = { $peer }의 호스트에서 그 서비스가 왜 느린지 물어보십시오.
finding-why-slow-url-advice-body = { $peer }에서 오는 전송의 재전송과 혼잡 윈도를 보고, 덜 보내거나 압축하십시오.
finding-why-slow-url-evidence-state = { $seconds }
finding-why-slow-url-advice-here = 이 호스트에서 붙잡는 것이 없습니다. 스스로 기다리거나 이 출처들이 보지 못하는 것을 기다립니다. 어느 시스템 콜에서 기다리는지 보십시오.
finding-why-slow-url-expect = 그 단계에 시간이 들지 않으면 중앙값이 { $total }에서 { $rest }{ JOSA($rest, "으로/로") } 줄어듭니다.
finding-why-failing-url-title = 요청이 실패함
finding-why-failing-url-summary = { $url } 요청 { $tries }개 가운데 { $bad }개가 실패했습니다: { $how }.
finding-why-failing-url-evidence = 요청 { $tries }개 가운데 { $bad }개
finding-why-failing-url-advice = 손으로 한 번 요청하여 어디에서 끝나는지 보십시오. 상대는 { $peer }입니다.
finding-why-failing-url-expect = 실패하는 요청이 없습니다.

help-why-url = 보는 동안 이 URL에 요청함. 이 호스트에서 응답하는 프로세스가 느림
error-url = { $url }{ JOSA($url, "은/는") } 요청할 수 있는 URL이 아닙니다: { $reason }
error-url-scheme = http:// 또는 https://로 시작해야 합니다
error-url-host = // 뒤에 호스트 이름이나 주소가 있어야 합니다. 다른 문자로 된 이름은 xn--...로 씁니다
error-url-port = 콜론 뒤에 1부터 65535까지의 포트가 있어야 합니다
error-url-user = URL에 든 사용자와 비밀번호는 보내지 않습니다
error-url-blank = 공백이나 제어 문자는 URL에 쓸 수 없습니다. %20처럼 쓰십시오
