### 데몬의 명령: 도움말과 오류.

help-serve = 서비스와 이 호스트를 지켜봅니다: 상태, 내부 상태, 인시던트, 웹 페이지. 멈출 때까지 실행합니다
help-serve-config = FILE에서 설정을 읽습니다 [기본값: 파일이 있으면 root는 /etc/perfuse/perfuse.toml, 그 외에는 ~/.config/perfuse/perfuse.toml, 없으면 이 호스트와 그 리스너를 지켜봅니다]
help-serve-check-config = 설정을 읽고 잘못된 곳만 알려 줍니다
help-serve-listen = 웹 페이지를 제공할 주소 [기본값: 설정 파일의 값, 없으면 127.0.0.1:7780]
help-serve-state-dir = 저장소를 둘 곳 [기본값: 설정 파일의 값, 없으면 root는 /var/lib/perfuse, 그 외에는 ~/.local/state/perfuse]
help-serve-once = 모든 점검을 한 번 실행하고 상태를 출력한 뒤 끝냅니다
help-serve-json = --once와 함께: 상태를 JSON으로 출력합니다(스키마 perfuse.status/1)
help-serve-after =
    SIGHUP을 받으면 설정을 다시 읽습니다. 설정에 잘못이 있으면 이전 설정을 그대로 씁니다.
    SIGTERM을 받으면 차례대로 끝냅니다.

    종료 상태: 0 차례대로 끝남, 2 사용 오류, 잘못된 설정 또는 시작 실패.
    --once에서는 `perfuse status`와 같습니다.

    예:
      perfuse serve                              이 호스트와 그 리스너, 127.0.0.1:7780
      perfuse serve --config shop.toml --check-config
      perfuse serve --config shop.toml --once

help-status = 데몬이 아는 모든 구성 요소의 상태를 보여 줍니다
help-status-component = 모든 점검과 함께 자세히 보여 줄 구성 요소
help-status-watch = 계속 머물며 변화를 보여 줍니다
help-status-json = 상태를 JSON으로 출력합니다(스키마 perfuse.status/1). --watch에서는 한 줄에 문서 하나
help-status-after =
    종료 상태: 0 정상 또는 유지 보수 중, 1 성능 저하, 2 장애 또는 사용 오류,
    3 알 수 없음 또는 데몬 없음. 여러 구성 요소 가운데 가장 나쁜 것을 따릅니다.

    예:
      perfuse status
      perfuse status shop
      perfuse status --json | jq '.components[] | select(.state != "operational")'

help-check = 구성 요소 하나를 Nagios 플러그인처럼 출력합니다
help-check-component = 구성 요소
help-check-now = 지금 점검을 실행하고 기다립니다
help-check-after =
    종료 상태: 0 OK, 1 WARNING(성능 저하), 2 CRITICAL(장애), 3 UNKNOWN.

    예:
      perfuse check shop

help-incident = 무슨 일이 왜 일어났는지 보여 줍니다
help-incident-list = 인시던트를 최근 것부터 나열합니다
help-incident-list-limit = 최대 개수 [기본값: 20]
help-incident-list-json = 목록을 JSON으로 출력합니다
help-incident-show = 인시던트 하나를 보여 줍니다: 원인, 경과, 전후의 숫자
help-incident-show-id = 목록에 나오는 이름
help-incident-show-json = 인시던트를 JSON으로 출력합니다(스키마 perfuse.incident/1)
help-maintenance = 유지 보수를 시작하고 끝내고 나열합니다. 그동안은 알리지 않고 가동률에 세지 않습니다
help-maintenance-start = 지금 유지 보수를 시작합니다
help-maintenance-start-components = 구성 요소 [기본값: 모두]
help-maintenance-start-for = 기간: 30m, 2h [기본값: 멈출 때까지]
help-maintenance-start-reason = 페이지에 보일 이유
help-maintenance-start-all = 모든 구성 요소
help-maintenance-stop = 손으로 시작한 유지 보수를 끝냅니다
help-maintenance-stop-what = 번호 또는 구성 요소
help-maintenance-stop-all = 모두
help-maintenance-list = 진행 중이거나 예정된 유지 보수를 나열합니다
help-maintenance-list-json = 목록을 JSON으로 출력합니다
help-maintenance-after =
    예:
      perfuse maintenance start shop --for 30m --reason "새 디스크"
      perfuse maintenance stop shop

error-service-config = { $file }에 잘못이 { $count }개 있습니다:
error-service-config-read = { $file }: { $problem }
error-service-no-state-dir = 저장소를 둘 곳이 없습니다: HOME이 설정되지 않았습니다. `--state-dir`로 지정할 수 있습니다
error-service-none = 응답하는 데몬이 없습니다({ $places }). `perfuse serve`로 시작합니다
error-service-refused = { $path }: { $problem }. 이 소켓은 root와 데몬의 그룹만 쓸 수 있습니다
error-service-version = 데몬의 버전은 { $version }, 이 프로그램의 버전은 { $own }입니다. 데몬을 다시 시작하십시오
error-service-broken = 데몬이 응답하지 않습니다: { $problem }
error-service-answer = 데몬이 예상하지 못한 응답을 보냈습니다
note-service-config = { $file }: 구성 요소 { $count }개, 점검 { $checks }개, 잘못이 없습니다
