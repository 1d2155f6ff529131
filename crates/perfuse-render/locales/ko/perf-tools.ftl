# The smaller commands of perf: buildid-cache, buildid-list, evlist.

help-buildid-cache = ~/.debug 아래에 빌드 ID별로 보관한 파일을 다룹니다. 파일이 바뀐 뒤에도 기록을 읽을 수 있게 합니다.
help-buildid-cache-add = 보관할 파일입니다(쉼표로 구분). 파일에 들어 있는 프로브(SDT)는 그 뒤 `list sdt`에 나옵니다.
help-buildid-cache-force = 여기서는 달라지는 것이 없습니다. perf의 명령줄을 위한 옵션입니다.
help-buildid-cache-kcore = 보관할 커널 메모리 사본입니다. 이유를 말하고 거절합니다.
help-buildid-cache-list = 보관한 파일을 모두 보여 줍니다.
help-buildid-cache-missing = 기록에 나오지만 보관하지 않은 파일을 보여 줍니다.
help-buildid-cache-purge = 옛 빌드까지 모두 지울 파일입니다.
help-buildid-cache-purge-all = 보관한 파일을 모두 지웁니다.
help-buildid-cache-remove = 지금 있는 빌드만 지울 파일입니다.
help-buildid-cache-update = 새로 보관할 파일입니다.
help-buildid-cache-verbose = 파일마다 한 일을 보여 줍니다.
help-buildid-cache-debuginfod = 서버에서 파일을 받지 않습니다. perf의 명령줄을 위한 옵션입니다.
help-buildid-cache-target-ns = 이 프로세스가 보는 파일을 씁니다(컨테이너 안).

cache-word = `{ $word }`{ JOSA($word, "은/는") } 옵션이 아니며, 여기에는 다른 것을 쓸 수 없습니다.
cache-exclusive = `{ $option }`{ JOSA($option, "은/는") } 다른 옵션과 함께 쓸 수 없습니다.
cache-nothing = 할 일이 없습니다. --add, --remove, --purge, --purge-all, --update, --missing, --list 가운데 하나를 주십시오.
cache-no-home = HOME이 설정되지 않아서 캐시를 둘 곳이 없습니다.
cache-debuginfod = --debuginfod는 아무것도 바꾸지 않습니다. 서버에서 파일을 받지 않습니다.
cache-kcore = { $path } 파일은 보관하지 않습니다. 여기서는 커널 코드를 실행 중인 커널이나 vmlinux에서만 읽으므로, 메모리 사본은 쓰이지 않습니다.
cache-cannot-add = { $path } 파일을 보관할 수 없습니다: { $error }
cache-cannot-remove = { $path } 파일을 지울 수 없습니다: { $error }
cache-cannot-purge = { $path } 파일을 지울 수 없습니다: { $error }
cache-cannot-update = { $path } 파일을 새로 보관할 수 없습니다: { $error }
cache-error = { $error }
cache-no-file = 일반 파일이 아닙니다
cache-not-there = 그런 파일이 없습니다
cache-no-build-id = 빌드 ID 없이(--build-id) 링크되었습니다
cache-not-kept = 빌드 { $id }{ JOSA($id, "은/는") } 캐시에 없습니다
cache-none-kept = 캐시에 이 파일의 빌드가 없습니다

help-buildid-list = 기록, 프로그램, 커널의 빌드 ID를 보여 줍니다.
help-buildid-list-force = 여기서는 달라지는 것이 없습니다. perf의 명령줄을 위한 옵션입니다.
help-buildid-list-with-hits = 샘플이 있는 파일만 보여 줍니다.
help-buildid-list-input = 기록 파일, 또는 프로그램이나 라이브러리입니다.
help-buildid-list-kernel = 실행 중인 커널의 빌드 ID를 보여 줍니다.
help-buildid-list-kernel-maps = 실행 중인 커널과 모듈을 주소와 함께 보여 줍니다.
help-buildid-list-verbose = 여기서는 더 출력하는 것이 없습니다. perf의 명령줄을 위한 옵션입니다.

buildid-no-kernel = 커널의 빌드 ID를 읽을 수 없습니다. /sys/kernel/notes에 없습니다.
buildid-none = { $path } 파일은 빌드 ID 없이(--build-id) 링크되었습니다.

help-evlist = 기록의 이벤트를 보여 줍니다.
help-evlist-force = 여기서는 달라지는 것이 없습니다. perf의 명령줄을 위한 옵션입니다.
help-evlist-freq = 샘플링 비율도 보여 줍니다.
help-evlist-group = 함께 센 이벤트를 중괄호로 묶어 보여 줍니다.
help-evlist-input = 기록 파일(perf.data)입니다.
help-evlist-verbose = 커널에 요청한 내용을 모두 보여 줍니다.
help-evlist-trace-fields = 트레이스포인트의 필드도 보여 줍니다.

evlist-group = --group은 --verbose, --freq와 함께 쓸 수 없습니다.

help-c2c = 코어들이 서로 빼앗는 캐시 라인(거짓 공유)을 찾습니다. record는 메모리 접근을 샘플링하고, report는 다투는 라인과 당사자를 보여 줍니다.
help-c2c-coalesce = 라인 안의 행을 나누는 기준입니다. pid, tid, iaddr, dso를 쉼표로 이어 씁니다.
help-c2c-display = 라인을 정렬하는 로드입니다. tot, lcl, rmt(다른 코어가 수정한 라인), peer(Arm).
help-c2c-force = 여기서는 달라지는 것이 없습니다. perf의 명령줄을 위한 옵션입니다.
help-c2c-call-graph = 접근의 호출 체인도 `report -g`의 형식으로 보여 줍니다.
help-c2c-input = 기록 파일(perf.data)입니다.
help-c2c-vmlinux = 커널 심볼이 있는 파일입니다.
help-c2c-node-info = 노드를 더 자세히 보여 줍니다(두 번 쓰면 CPU까지).
help-c2c-verbose = 여기서는 더 출력하는 것이 없습니다. perf의 명령줄을 위한 옵션입니다.
help-c2c-full-symbols = 함수 이름을 자르지 않습니다.
help-c2c-no-source = 소스 줄을 보여 주지 않습니다.
help-c2c-show-all = 다투지 않는 라인도 보여 줍니다.
help-c2c-stats = 개수만 보여 줍니다.
help-c2c-stdio = 텍스트로 출력합니다.
help-c2c-stitch-lbr = 이유를 말하고 거절합니다.
help-c2c-event = record: 이 CPU의 이벤트 대신 쓸 이벤트입니다. `list`는 이름을 보여 줍니다.
help-c2c-ldlat = record: 샘플링할 로드의 최소 사이클 수입니다.
help-c2c-all-user = record: 프로그램만 기록합니다.
help-c2c-all-kernel = record: 커널만 기록합니다(-k).
help-c2c-symfs = 파일을 찾을 디렉터리입니다.
help-c2c-after = `record` 뒤의 나머지는 모두 `record` 명령의 것입니다: perfuse c2c record -a -- sleep 10

c2c-display = tot, lcl, rmt, peer 가운데 하나
c2c-coalesce = pid, tid, iaddr, dso(쉼표로 구분)
c2c-no-stitch = 여기서는 호출 체인을 보여 주지 않으므로 --stitch-lbr를 쓸 수 없습니다.
c2c-no-accesses = 이 기록에는 메모리 접근을 알려 주는 샘플이 없습니다. 할 수 있는 CPU에서 `c2c record`로 기록하십시오.
c2c-title = 다투는 캐시 라인: { $count }개
c2c-title-line = 캐시 라인 { $address }
c2c-keys-short = Enter 라인의 행   i 개수   n 노드   s 이름 전체   ? 도움말   q 뒤로
c2c-keys =
    위, 아래, Page Up, Page Down, Home, End   고르기
    왼쪽, 오른쪽                              표 옮기기
    Enter, d                                  라인의 행: 누가 어디를 읽고 쓰는지
    i                                         모든 개수
    n                                         노드, 노드별 비율, CPU
    s                                         함수 이름 전체 또는 줄임
    q                                         뒤로, 끝내기

mem-which = record와 report 가운데 무엇을 할지 주십시오.
mem-no-events = 여기서는 메모리 접근을 샘플링할 수 없습니다. 커널에 Intel과 POWER의 mem-loads, mem-stores(PEBS)도, AMD의 ibs_op(IBS)도 없습니다. { $elsewhere }
mem-spe = 여기서는 메모리 접근을 기록할 수 없습니다. 이 CPU는 AUX 데이터(arm_spe_0)로 샘플링하는데, 이 버전은 AUX 데이터를 기록하지 않습니다. { $elsewhere }
mem-elsewhere = PEBS나 IBS가 있는 CPU와 그 드라이버가 있으면 됩니다.
mem-elsewhere-guest = 이곳은 게스트({ $hypervisor })이며, 하이퍼바이저는 이런 샘플링을 거의 넘겨주지 않습니다. 베어메탈에서는 됩니다. 다른 곳에서 만든 기록은 여기서 읽을 수 있습니다.

help-mem = 메모리 접근과 그 결과를 샘플링합니다. record는 기록하고, report는 메모리 단계, 데이터, 코드별로 보여 줍니다.
help-mem-cpu = 이 CPU만 봅니다.
help-mem-dump-raw-samples = report: 샘플마다 숫자 한 줄을 출력합니다.
help-mem-force = 여기서는 달라지는 것이 없습니다. perf의 명령줄을 위한 옵션입니다.
help-mem-input = report: 기록 파일(perf.data)입니다.
help-mem-phys-data = 물리 주소도 다룹니다.
help-mem-type = 로드, 스토어, 또는 둘 다(load,store).
help-mem-hide-unresolved = report: 함수를 아는 것만 보여 줍니다.
help-mem-field-separator = report: 열 사이에 쓸 문자입니다.
help-mem-data-page-size = 페이지 크기도 다룹니다.
help-mem-event = record: 이 CPU의 이벤트 대신 쓸 이벤트입니다. `list`는 이름을 보여 줍니다.
help-mem-ldlat = record: 샘플링할 로드의 최소 사이클 수입니다.
help-mem-all-user = record: 프로그램만 기록합니다(-U).
help-mem-all-kernel = record: 커널만 기록합니다.
help-mem-after = 나머지는 모두 뒤에 오는 `record`나 `report`의 것입니다: perfuse mem record -a -- sleep 10

mem-type = load, store, 또는 load,store

help-data = 기록을 다른 형식으로 바꿉니다: perfuse data convert --to-json FILE. 다른 형식은 perfuse export를 쓰십시오.
help-data-force = 파일이 있으면 바꿉니다.
help-data-input = 기록 파일(perf.data)입니다.
help-data-verbose = 여기서는 더 출력하는 것이 없습니다. perf의 명령줄을 위한 옵션입니다.
help-data-all = perf처럼 JSON에서는 거절합니다. 샘플만 바꿉니다.
help-data-to-ctf = 이유를 말하고 거절합니다.
help-data-to-json = 쓸 파일입니다. -는 표준 출력입니다.
help-data-tod = perf처럼 JSON에서는 거절합니다. 시각은 기록의 시계를 따릅니다.

data-which = 기록으로 할 일을 주십시오: convert.
data-to = 바꿀 형식을 주십시오: --to-json FILE.
data-both = --to-json과 --to-ctf 가운데 하나만 쓸 수 있습니다.
data-all = --all은 JSON에 쓸 수 없습니다. 샘플만 바꿉니다.
data-tod = --tod는 JSON에 쓸 수 없습니다. 시각은 기록의 시계를 따릅니다.
data-ctf = Common Trace Format(--to-ctf)은 쓰지 않습니다. perf는 libbabeltrace로 쓰는데 여기에는 그것이 없습니다. --to-json이나 다른 뷰어를 위한 `export`를 쓰십시오.
data-exists = { $path } 파일이 이미 있습니다. --force는 파일을 바꿉니다.
