### 데몬의 페이지.

## 둘러보기
web-nav = 페이지
web-nav-status = 상태
web-nav-history = 지난 기록
web-nav-dash = 대시보드
web-nav-charts = 차트
web-nav-checklist = 점검표
web-nav-incidents = 인시던트
web-nav-advice = 조언
web-nav-maintenance = 유지 보수
web-language = 언어
web-skip = 본문으로 건너뛰기
web-home = 상태 페이지로
web-login = 로그인
web-logout = 로그아웃
web-times = 시간대
web-lost = 연결이 끊어졌습니다. 다시 시도하고 있습니다 …
web-now = 지금
web-groups = 묶음

## 상태
web-state-operational = 정상
web-state-unknown = 알 수 없음
web-state-degraded = 성능 저하
web-state-partial = 부분 장애
web-state-major = 전체 장애
web-state-maintenance = 점검 중
web-group-well = { $count }개 모두
web-group-bad = { $count }개 가운데 { $bad }개

## 공개 페이지
web-banner-operational = 모든 시스템이 정상입니다
web-banner-unknown = 일부 시스템의 상태를 알 수 없습니다
web-banner-degraded = 일부 시스템의 성능이 떨어졌습니다
web-banner-partial = 시스템 일부를 쓸 수 없습니다
web-banner-outage = 일부 시스템에 장애가 있습니다
web-banner-major = 모든 시스템에 장애가 있습니다
web-banner-maintenance = 유지 보수를 하고 있습니다
web-empty = 설정된 구성 요소가 없습니다
web-empty-how = 무엇을 지켜볼지는 설정 파일에 적습니다. 설정이 올바른지는 perfuse serve --check-config가 알려 줍니다.
web-held = { $root } 때문입니다
web-flapping = 상태가 계속 바뀝니다
web-not-ready = 준비되지 않음
web-suspect = 실패하는 점검이 있음
web-hidden = 공개 페이지에 없음
web-instances = 인스턴스
web-uptime = 가동률 { $percent }
web-uptime-90 = 지난 90일의 가동률
web-no-data = 기록 없음
web-bars = { $title }, 지난 { $days }일: { $uptime }
web-days-ago = { $days }일 전
web-today = 오늘
web-incidents-open = 진행 중인 인시던트
web-incident-title = { $component }: { $state }
web-ongoing = 진행 중
web-lasted = { $time } 동안
web-step-first = 첫 실패
web-step-held = { $root } 때문에 { $state }
web-step-cleared = 모든 점검이 다시 통과했습니다
web-work = 유지 보수
web-work-now = 진행 중인 유지 보수
web-work-planned = 예정된 유지 보수
web-work-none = 진행 중이거나 예정된 유지 보수가 없습니다.
web-open-end = 끝날 때까지
web-all-components = 모든 구성 요소
web-recent = 지난 인시던트
web-recent-none = 지난 14일 동안 인시던트가 없었습니다.
web-history-more = 지난 90일의 모든 인시던트
web-history-none = 지난 90일 동안 인시던트가 없었습니다.
web-newer = 더 최근
web-older = 더 이전

## 대시보드
web-components = 구성 요소
web-component = 구성 요소
web-checks = 점검
web-check = 점검
web-result = 결과
web-took = 걸린 시간
web-value = 값
web-at = 시각
web-check-now = 지금 점검
web-since = 시작
web-outcome-pass = 통과
web-outcome-slow = 느림
web-outcome-fail = 실패
web-outcome-nodata = 점검할 수 없었음
web-outcome-none = 아직 결과 없음
web-budget = 오류 예산이 { $share } 남았습니다
web-budget-spent = 오류 예산을 다 썼습니다
web-slo = 목표 { $objective }, 관측 { $events }건.
web-burn = { $long } 및 { $short } 동안의 소진율: { $rates } (한계 { $limit })
web-tile-bad = 주의 필요
web-tile-host = 호스트
web-tile-open = 지금 진행 중
web-tile-running = { $time } 동안 지켜봄
web-host-healthy = 기다리는 것이 없습니다
web-host-unknown = 잴 수 있는 것이 너무 적습니다
web-host-findings = 주의가 필요한 발견 { $count }건
web-troubles = 데몬 자체에 문제가 있습니다
web-use = 자원: 사용률, 포화, 오류
web-use-more = 점검표 전체
web-use-none = 아직 호스트를 재지 않았습니다.
web-explain = 무슨 뜻입니까
web-book-source = 출처
web-book-trap = 주의
web-book-next = 다음

## 차트
web-charts-all = 모든 차트
web-charts-none = 아직 저장된 계열이 없습니다.
web-range = 기간
web-unzoom = 확대 취소
web-zoom-hint = 차트를 끌면 확대되고, 두 번 누르면 되돌아갑니다.
web-more-lines = 외 { $count }개

## 인시던트
web-began = 시작
web-detected = 감지
web-after = { $time } 뒤
web-length = 길이
web-worst = 가장 나쁜 상태
web-cause = 첫째 원인
web-cause-searched = 원인을 찾고 있습니다.
web-cause-none = 붙잡은 기록에서 원인을 찾지 못했습니다.
web-number = 이름
web-explains = 기다림의 { $share }{ JOSA($share, "을/를") } 설명합니다
web-compared = 전, 동안, 후
web-series = 계열
web-before = 전
web-during = 동안
web-after-it = 후
web-timeline = 일어난 일
web-event-first = { $check }의 첫 실패
web-event-own = 이제 다른 구성 요소의 탓이 아닙니다
web-event-steady = 다시 안정되었습니다
web-event-ready = 준비됨
web-event-burning = 오류 예산이 너무 빨리 줄어듭니다
web-event-burned = 오류 예산이 더는 너무 빨리 줄지 않습니다
web-flame-on = CPU 위
web-flame-off = CPU 밖: 스레드가 기다린 것
web-flame-open = 따로 열기
web-captures = 붙잡은 기록

## 유지 보수와 로그인
web-work-start = 유지 보수 시작
web-work-stop = 끝내기
web-work-all = (고르지 않으면 모두)
web-work-length = 얼마 동안
web-work-length-hint = 30m, 2h, 1d처럼 씁니다. 비워 두면 누군가 끝낼 때까지입니다.
web-work-bad-length = 길이는 30m, 2h, 1d처럼 단위가 붙은 수입니다.
web-work-reason = 이유 (상태 페이지에 표시)
web-password = 비밀번호 또는 토큰
web-login-hint = 이 호스트의 토큰은 데몬의 소유자만 읽을 수 있는 파일에 있습니다.
web-login-why = 로그인한 사람만 바꿀 수 있습니다.
web-login-wrong = 올바르지 않습니다.

## 거절
web-refused-host = 이 호스트는 그 이름으로 부를 수 없습니다.
web-refused-origin = 다른 사이트의 페이지에서 온 요청입니다.
web-refused-often = 요청이 너무 많습니다. 잠시 기다려 주십시오.
web-refused-time = 너무 오래 걸렸습니다.
web-refused-nobody = 로그인하거나 토큰을 보내 주십시오.
web-refused-token = 토큰이 올바르지 않습니다.
web-refused-nothing = 여기에는 아무것도 없습니다.
web-refused-push = 점검의 토큰이 없습니다: Authorization: Bearer TOKEN.
web-refused-report = 보고는 passed, failed, waiting 중 하나입니다.
web-refused-range = 기간이 시작보다 먼저 끝나거나 보관 기간보다 깁니다.
web-refused-store = 지금은 저장소를 읽을 수 없습니다.

## 호스트 계열의 이름
web-series-threads-count = 상태별 스레드
web-series-processes-count = 프로세스
web-series-tcp-count = TCP 연결, 포트
web-series-accept-queue-count = 포트별 수락 대기
web-series-accept-queue-max-count = 포트별 수락 대기 한도
web-series-receive-queue-bytes = 포트별로 받고 읽지 않은 것
web-series-send-queue-bytes = 포트별로 쓰고 확인받지 못한 것
web-series-process-cpu-seconds-per-second = 프로세스별 CPU 시간
web-series-process-memory-bytes = 프로세스별 메모리
web-series-verdict-count = 판정: 0 정상, 1 주의, 2 병목, 3 오류
web-series-probe-duration-seconds = 점검에 걸린 시간:
web-series-probe-up = 점검 결과(1 통과, 0.5 느림, 0 실패):
web-series-probe-value = 점검의 값:

## 조언
web-advice-what = 지난 며칠 동안 되풀이된 것, 곧 가득 찰 것, 필요보다 큰 것입니다. 한 시간에 한 번 찾습니다.
web-advice-none = 되풀이되거나 가득 차는 것이 없습니다. 아직 날이 적거나 모두 괜찮습니다.
web-advice-reached = 한도에 이릅니다
