### 데몬: 로그, 문제, 명령의 결과, 일어난 일.

daemon-serving = { $url } 에서 서비스합니다
daemon-stopping = 끝냅니다
daemon-stopping-slowly = 제때 끝나지 않는 부분을 남겨 두고 끝냅니다
daemon-reloading = 설정을 다시 읽습니다
daemon-reloaded = 새 설정을 적용했습니다: 구성 요소 { $count }개
daemon-config-stays = 설정을 받아들이지 않았고 이전 설정을 그대로 씁니다: { $problem }
daemon-needs-restart = 주소, 인증서, 상태 디렉터리 또는 보존 설정이 바뀌었습니다. 다시 시작한 뒤에 적용됩니다
daemon-plan = 구성 요소를 사용할 수 없습니다: { $problem }
daemon-changed = { $component }: { $from } → { $to }
daemon-late = 지난 1분 동안 점검 { $count }개가 1초 넘게 늦게 시작되었습니다
daemon-clock-ahead = 시계가 { $seconds }초 앞으로 맞춰졌습니다
daemon-clock-back = 시계가 { $seconds }초 뒤로 맞춰졌습니다
daemon-sampler-ended = 샘플러가 끝나 이 호스트를 더 이상 샘플링하지 않습니다
daemon-store = 저장소에 쓸 수 없어 새 데이터가 메모리에서 기다립니다: { $problem }
daemon-store-lost = 디스크가 쓰기를 받지 않아 시작 이후 { $count }초 분량의 숫자를 잃었습니다
daemon-damaged = { $file }{ JOSA($file, "이/가") } 손상되었습니다: { $problem }
daemon-damaged-aside = { $file }{ JOSA($file, "이/가") } 손상되어 { $aside }{ JOSA($aside, "으로/로") } 옮겨 두었습니다: { $problem }
daemon-memory = 시작 전의 상태를 읽을 수 없었습니다: { $problem }
daemon-locked = { $directory }의 저장소는 프로세스 { $pid }번이 사용하고 있습니다. 한 데몬만 쓸 수 있습니다
daemon-address-taken = { $address } 주소는 다른 프로그램이 사용하고 있습니다. `--listen`으로 다른 주소를 지정할 수 있습니다
daemon-socket-taken = { $path }에서 다른 데몬이 응답합니다
daemon-not-started = 데몬을 시작할 수 없습니다: { $problem }
daemon-part = 데몬의 한 부분이 새 설정을 따를 수 없습니다: { $problem }
daemon-open = { $address }{ JOSA($address, "은/는") } 다른 호스트에서도 접근할 수 있는 주소입니다. [auth]에 비밀번호나 토큰이 있어야 합니다
daemon-ended = 데몬이 끝나는 중입니다
daemon-no-component = 구성 요소 { $name }{ JOSA($name, "이/가") } 없습니다. 있는 것: { $names }
daemon-no-incident = 인시던트 { $id }{ JOSA($id, "이/가") } 없습니다
daemon-maintenance-for = 유지 보수 { $id }번을 { $time } 동안 시작했습니다
daemon-maintenance-open = 멈출 때까지 유지 보수 { $id }번을 시작했습니다
daemon-maintenance-stopped = 유지 보수 { $count }개를 끝냈습니다
daemon-maintenance-none = 진행 중인 해당 유지 보수가 없습니다
daemon-checked = 점검 { $count }개를 실행했습니다
daemon-report-taken = 보고를 받았습니다
daemon-report-refused = 그런 점검이 없거나 토큰이 다릅니다
daemon-report-word = 보고는 `passed`, `failed`, `waiting` 가운데 하나여야 하며 `{ $word }`{ JOSA($word, "은/는") } 쓸 수 없습니다
daemon-report-instance = 인스턴스 이름이 너무 길거나 인스턴스가 너무 많습니다
daemon-report-passed = 보고: 통과
daemon-report-failed = 보고: 실패
daemon-report-waiting = 보고: 통과했고 배포를 기다립니다

## 호스트와 리스너
daemon-host-well = 기다리는 것이 없습니다
daemon-host-finding = { $summary }
daemon-host-unmeasurable = 여기서는 측정할 수 있는 것이 너무 적습니다
daemon-host-no-cell = 체크리스트에 셀 { $cell }{ JOSA($cell, "이/가") } 없습니다
daemon-host-cell = { $cell }: { $verdict }, { $value }
daemon-host-cell-plain = { $cell }: { $verdict }
daemon-listener = { $owner }{ JOSA($owner, "이/가") } { $addresses }에서 듣고 있습니다
daemon-listener-full = accept 큐가 가득 찼습니다: { $waiting }개 대기, 최대 { $backlog }개
daemon-listener-drops = 지난번 이후 연결 요청 { $count }개를 버렸습니다
daemon-listener-gone = 포트 { $port }에서 아무도 듣고 있지 않습니다. 전에는 { $owner }{ JOSA($owner, "이었습니다/였습니다") }

## 일어난 일
daemon-event-first = 점검 { $check }{ JOSA($check, "이/가") } 처음 실패했습니다
daemon-event-cleared = 모든 점검이 다시 정상입니다
daemon-event-changed = { $from } → { $to }
daemon-event-changed-held = { $root } 때문에 { $from } → { $to }
daemon-event-held = { $root } 때문입니다
daemon-event-free = 더 이상 다른 구성 요소 때문이 아닙니다
daemon-event-flapping = 오르내리기 시작했습니다
daemon-event-steady = 더 이상 오르내리지 않습니다
daemon-event-ready = 준비되었습니다
daemon-event-not-ready = 준비되지 않았습니다
daemon-event-ready-unknown = 준비되었는지 더 이상 알 수 없습니다
daemon-event-burning = { $window } 동안 오류 예산이 너무 빨리 소진됩니다
daemon-event-not-burning = { $window } 기준으로 오류 예산이 더 이상 너무 빨리 소진되지 않습니다
