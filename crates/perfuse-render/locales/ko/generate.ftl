### 생성한 대시보드와 규칙, 그리고 그것을 만드는 명령의 문구.

help-generate = perfuse가 내보내는 지표를 위한 Grafana 대시보드나 Prometheus 경보 규칙을 출력합니다
help-generate-what = grafana: 가져올 대시보드, alert-rules: Prometheus의 rule_files에 쓸 파일

generate-dashboard = USE 방법으로 보는 호스트
generate-source = 데이터 소스
generate-host = 호스트
generate-overview = 개요
generate-healthy = 정상 여부
generate-yes = 정상
generate-no = 이상
generate-unknown = 알 수 없음
generate-verdicts = 병목이거나 오류가 있는 칸
generate-controls = 작업을 막고 있는 자원 제한
generate-findings = 발견별 스레드 대기(초당 초)
generate-explain = 뜻과 할 일: perfuse explain { $id }
generate-summary = { $host }의 { $title }: 병목 또는 오류
generate-description = 호스트에서 perfuse use --cell { $id } 명령은 지금 상태를, perfuse explain { $id } 명령은 할 일을 보여 줍니다. 바꿀 수 있는 사람: { $who }.
generate-absent = perfuse의 지표를 보내는 호스트가 없습니다
generate-absent-note = Prometheus의 대상 가운데 perfuse가 없거나, 응답하는 대상이 없습니다.
generate-components = 장애가 있거나 성능이 저하된 구성 요소
generate-component-out = { $host }의 { $component }: 장애
generate-component-degraded = { $host }의 { $component }: 성능 저하
generate-component-budget = { $host }의 { $component }: 오류 예산을 모두 썼습니다
generate-component-note = 호스트에서 perfuse incident list 명령은 무슨 일이 왜 일어났는지 보여 줍니다.
