# perf list.

help-list = 이 컴퓨터에서 셀 수 있는 이벤트(-e에 쓰는 이름)를 보여 줍니다. CPU 제조사의 이벤트는 PERFUSE_PMU_EVENTS, ~/.cache/pmu-events, /usr/share/perfuse/pmu-events의 표에서 읽습니다.
help-list-desc = 설명이 있는 이벤트는 설명도 보여 줍니다(--no-desc로 끕니다).
help-list-json = 목록을 JSON으로 출력합니다.
help-list-long-desc = 더 긴 설명을 보여 줍니다.
help-list-cputype = 하이브리드 CPU에서 한 종류의 코어(core 또는 atom) 이벤트만 보여 줍니다.
help-list-debug = 여기서는 더 출력하는 것이 없습니다. perf의 명령줄을 위한 옵션입니다.
help-list-deprecated = 더 이상 권장되지 않는 이벤트도 보여 줍니다.
help-list-details = 이름과 메트릭이 무엇을 뜻하는지 보여 줍니다.
help-list-raw-dump = 셸 자동 완성을 위해 이름만 출력합니다.

list-no-hardware = 하드웨어와 캐시 이벤트 { $count }개(cycles, instructions, 캐시 미스 등)는 여기서 셀 수 없어서 목록에 없습니다. 커널에 이 CPU의 카운터(PMU)가 없습니다. 드라이버가 없거나 하이퍼바이저가 넘겨주지 않습니다. 베어메탈이나 가상 PMU가 있는 게스트에서는 목록에 나옵니다.
list-no-hardware-guest = 하드웨어와 캐시 이벤트 { $count }개(cycles, instructions, 캐시 미스 등)는 여기서 셀 수 없어서 목록에 없습니다. 가상 PMU가 없는 게스트({ $hypervisor })입니다. 호스트나 베어메탈에서, 또는 가상 PMU를 켜면(KVM: pmu=on, 클라우드: metal 또는 소켓 전체 인스턴스) 목록에 나옵니다.
list-refused = 이벤트 { $count }개는 커널이 열지 못해서 목록에 없습니다({ $error }).
list-no-tracepoints = 트레이스포인트 목록을 볼 수 없습니다. { $why }
list-nothing = `{ $pattern }`에 맞는 이벤트가 없습니다.
list-vendor = CPU 제조사({ $cpu })의 이벤트와 메트릭은 표를 찾지 못해서 커널이 /sys/bus/event_source/devices/*/events에 둔 것만 나옵니다. 표는 PERFUSE_PMU_EVENTS, ~/.cache/pmu-events(pmu-tools의 event_download.py가 저장하는 곳), /usr/share/perfuse/pmu-events 디렉터리에서 찾습니다. Intel의 perfmon JSON이나 커널 소스의 tools/perf/pmu-events/arch를 쓸 수 있습니다. 나머지 코드는 rNNN이나 cpu/event=...,umask=.../로 셉니다.
list-sdt = 캐시의 파일에는 프로브(SDT)가 없습니다. `buildid-cache --add FILE`로 프로그램이나 라이브러리를 프로브와 함께 보관하십시오.
list-metric = 메트릭이 있는 표를 찾지 못해서 이 CPU({ $cpu })의 메트릭을 알 수 없습니다. 커널 소스의 tools/perf/pmu-events/arch에 있으며, 그 디렉터리를 PERFUSE_PMU_EVENTS에 주십시오. 흔히 쓰는 비율은 표 없이도 `stat -d`가 계산합니다.
list-cputype = 여기에는 `{ $kind }`{ JOSA($kind, "이라는/라는") } 종류의 코어가 없습니다.
list-table = CPU 제조사의 이벤트 { $events }개와 메트릭 { $metrics }개는 { $path }에서 읽었습니다({ $cpu }).
list-table-problem = { $path } 파일은 쓸 수 없습니다: { $why }.
list-table-skipped = 표의 항목 { $count }개는 커널로 설정할 수 없는 레지스터를 쓰거나 형식이 달라서 뺐습니다.
list-table-no-pmu = CPU 제조사 표의 이벤트 { $count }개는 셀 수 있는 PMU가 커널에 없어서 목록에 없습니다(가상 PMU가 없는 게스트이거나 드라이버가 없습니다).
