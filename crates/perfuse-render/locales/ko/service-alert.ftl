### 구성 요소에 일이 생겼을 때 데몬이 알리는 말.

## 첫 줄
alert-subject-bad = { $title }: { $state }
alert-subject-still = { $title }: 여전히 { $state }
alert-subject-flapping = { $title }: 상태가 계속 바뀝니다
alert-subject-budget = { $title }: 오류 예산이 너무 빨리 줄고 있습니다
alert-subject-resolved = { $title }: { $duration } 만에 정상으로 돌아왔습니다
alert-subject-budget-over = { $title }: 오류 예산이 더는 너무 빨리 줄지 않습니다
alert-subject-gone = { $title }: 더는 감시하지 않습니다

## 그 아래 줄
alert-since = { $since }부터 { $duration }째 이어지고 있습니다.
alert-lasted = { $since }부터 { $ended }까지 { $duration } 동안 이어졌습니다.
alert-cause = 첫째 원인: { $cause }
alert-no-cause = 원인은 아직 알 수 없습니다.
alert-affected = 이 때문에 멈춘 구성 요소: { $names }
alert-flapping = 상태가 계속 바뀝니다.
alert-burning = 오류 예산이 너무 빨리 줄고 있습니다. { $long } 동안과 { $short } 동안 모두 허용 속도의 { $rate }배를 넘었습니다.
alert-incident = 자세히 보기: perfuse incident show { $id }
alert-page = 페이지: { $url }
alert-host = 호스트: { $host }

## 알리지 못했을 때
alert-undelivered = { $receiver }에 보낼 알림 { $count }건을 아직 전달하지 못했습니다: { $problem }
alert-given-up = { $receiver }에 보낼 알림의 전달을 포기했습니다: { $problem }
alert-not-kept = 알림을 재시작 뒤까지 보관할 수 없습니다: { $problem }
