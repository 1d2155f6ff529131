### 데몬의 설정: 무엇이 틀렸고 무엇이 와야 하는지.

config-syntax = TOML 문법에 맞지 않습니다: { $problem }
config-too-large = 파일이 { $bytes }바이트보다 큽니다
config-unknown-key = [{ $section }]에는 `{ $key }`{ JOSA($key, "이라는/라는") } 키가 없습니다. 쓸 수 있는 키: { $names }
config-wrong = `{ $key }`의 값이 맞지 않습니다. 와야 하는 값: { $expected }
config-missing = [{ $section }]에 `{ $key }`{ JOSA($key, "이/가") } 필요합니다
config-missing-kind = 모든 [[{ $section }]]에는 `kind`가 필요합니다. 쓸 수 있는 값: { $names }
config-unknown-kind = [[{ $section }]]에 `{ $kind }`{ JOSA($kind, "이라는/라는") } 종류는 없습니다. 쓸 수 있는 값: { $names }
config-twice = `{ $name }`{ JOSA($name, "이라는/라는") } 이름이 두 번 나옵니다
config-check-twice = 점검 `{ $name }`{ JOSA($name, "이/가") } 두 번 나옵니다. 같은 종류의 점검에는 각각 `name`이나 `instance`를 지정해야 합니다
config-no-component = `{ $name }`{ JOSA($name, "이라는/라는") } 구성 요소는 없습니다. 쓸 수 있는 이름: { $names }
config-circle = 구성 요소들이 서로를 돌아가며 필요로 합니다: { $circle }
config-secret-twice = `{ $key }`, `{ $key }_file`, `{ $key }_env` 가운데 하나만 지정할 수 있습니다
config-secret-file = { $file }의 비밀 값을 읽지 못했습니다: { $problem }
config-secret-variable = 환경에 { $variable } 변수가 없습니다

## 와야 하는 값. config-wrong 문장의 끝에 붙습니다
config-expected-text = 따옴표로 묶은 글
config-expected-some-text = 따옴표로 묶은, 비어 있지 않은 글
config-expected-flag = true 또는 false
config-expected-integer = { $from }부터 { $to }까지의 정수
config-expected-number = 숫자
config-expected-integers = 정수 하나 또는 정수 목록
config-expected-duration = "30s", "5m", "1h30m" 같은 시간, 길어도 1년
config-expected-list = ["a", "b"] 같은 글 목록
config-expected-some-list = 비어 있지 않은 목록
config-expected-pairs = 중괄호 안에 쉼표로 나눈 글의 표: name = "value"
config-expected-table = 표
config-expected-tables = 각각 [[머리글]]이 있는 표의 목록
config-expected-choice = 다음 가운데 하나: { $names }
config-expected-regex = 정규 표현식(Rust 라이브러리 regex의 문법)
config-expected-datetime = 2026-12-01T02:00:00+09:00처럼 따옴표 없이 쓴 날짜와 시각
config-expected-timeout-within-every = `every` 이하의 시간. 끝나지 않은 점검은 다시 시작하지 않습니다
config-expected-method = "GET"처럼 대문자로 쓴 HTTP 메서드
config-expected-status = 100부터 599까지의 HTTP 상태
config-expected-json-pointer = 이름이 "/status/db" 같은 JSON 포인터인 표
config-expected-socket-address = "127.0.0.1:7780"이나 "[::1]:7780" 같은, 포트가 있는 주소
config-expected-host-port = "db.example.org:5432" 같은, 포트가 있는 호스트
config-expected-url = 알맞은 스킴과 호스트가 있는 URL
config-expected-url-http = http:// 또는 https://로 시작하는 URL
config-expected-share = 0부터 1까지의 비율
config-expected-objective = 0.999처럼 0보다 크고 1보다 작은 수
config-expected-name = 글자, 숫자, `-`, `_`, `.`로 된 이름
config-expected-auth = 루프백 주소. 다른 주소라면 [auth]에 비밀번호나 토큰이 있어야 합니다
config-expected-offset = "Z" 또는 "+09:00"처럼 UTC보다 앞선 시간과 분
config-expected-days = 요일: "mon", "tue", "wed", "thu", "fri", "sat", "sun"
config-expected-clock = "02:30" 같은 시와 분
config-expected-once-or-weekly = 없음. `days`나 `at`이 있는 기간은 매주 돌아옵니다
config-expected-at-most-a-week = 길어도 1주일
config-expected-after-start = `start`보다 뒤의 시각
config-expected-template = 값의 이름을 중괄호 두 쌍으로 감싼 글. 쓸 수 있는 이름: { $names }
config-expected-mailbox = "ops@example.org"나 "Operators <ops@example.org>" 같은 주소
config-expected-seconds = 1초 이상의 초 단위 시간
config-expected-ssl-mode = ssl 방식이 다음 중 하나인 URL: { $names }
config-expected-not-with-verify = 없음. URL이 인증서를 확인하라고 합니다
