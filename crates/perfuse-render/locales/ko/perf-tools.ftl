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
