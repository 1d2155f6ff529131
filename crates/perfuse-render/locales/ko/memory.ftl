### 메모리, 저장 용량, 파일 디스크립터 규칙의 문구.

## 칸과 제어
cell-memory-utilization-title = 메모리 사용률
cell-memory-utilization-enable = /proc/meminfo를 읽을 수 있게 하십시오(/proc 마운트).
cell-memory-utilization-who = 한도를 정한 하이퍼바이저 또는 컨테이너 런타임
cell-memory-saturation-title = 메모리 포화도
cell-memory-saturation-enable = psi=1로 부팅하거나, 페이지 폴트와 회수 시간을 재려면 root(CAP_BPF와 CAP_PERFMON)로 실행하십시오. kernel.task_delayacct=1이면 프로세스별 대기를 알 수 있습니다.
cell-memory-saturation-who = 카운터를 가진 커널의 주인, 곧 이 컨테이너의 호스트
cell-memory-errors-title = 메모리 오류
cell-memory-errors-enable = 메모리 컨트롤러의 EDAC 드라이버를 올리십시오. 강제 종료된 프로세스와 거부된 할당은 root로 실행해야 보입니다.
cell-memory-errors-who = 하이퍼바이저 또는 장비의 BMC(ipmitool sel list)
cell-capacity-utilization-title = 저장 용량 사용률
cell-capacity-utilization-enable = /proc/self/mountinfo를 읽을 수 있게 하십시오. 용량은 실행 중인 시스템에서만 조사하며 다른 루트에서는 조사하지 않습니다.
cell-capacity-utilization-who = 파일 서버 또는 스토리지 어레이
cell-capacity-saturation-title = 쓰기 지연(용량)
cell-capacity-saturation-enable = /proc/vmstat를 읽을 수 있게 하십시오(/proc 마운트).
cell-capacity-saturation-who = 이 컨테이너의 호스트
cell-capacity-errors-title = 저장 공간 부족 오류
cell-capacity-errors-enable = root 또는 CAP_BPF와 CAP_PERFMON으로 실행하십시오. 어떤 호출이 ENOSPC나 EDQUOT로 실패했는지는 커널만 압니다.
cell-capacity-errors-who = 쓰기를 하는 애플리케이션의 로그
cell-fds-utilization-title = 파일 디스크립터 사용률
cell-fds-utilization-enable = /proc/sys/fs/file-nr와 /proc/PID/limits를 읽을 수 있게 하십시오. Linux 6.2 이전에는 다른 사용자의 프로세스를 세려면 root가 필요합니다.
cell-fds-utilization-who = 프로세스의 소유자
cell-fds-saturation-title = 디스크립터 대기
cell-fds-saturation-enable = 모든 프로세스의 열린 파일을 셀 수 있도록 root로 실행하십시오.
cell-fds-saturation-who = 프로세스의 소유자
cell-fds-errors-title = 파일 디스크립터 오류
cell-fds-errors-enable = root 또는 CAP_BPF와 CAP_PERFMON으로 실행하십시오. 어떤 호출이 EMFILE이나 ENFILE로 실패했는지는 커널만 압니다.
cell-fds-errors-who = 애플리케이션의 로그("Too many open files")
control-memory-limit-title = 메모리 한도
control-memory-limit-enable = 메모리 컨트롤러가 있는 cgroup 파일시스템을 마운트하십시오.
control-memory-limit-who = 한도를 정한 쪽: systemd, 컨테이너 런타임, 오케스트레이터
control-hugepages-title = 거대 페이지
control-hugepages-enable = /sys/kernel/mm/hugepages 또는 /proc/meminfo를 읽을 수 있게 하십시오.
control-hugepages-who = 이 컨테이너의 호스트
control-swap-title = 스왑
control-swap-enable = /proc/meminfo 또는 /proc/swaps를 읽을 수 있게 하십시오.
control-swap-who = 이 컨테이너의 호스트
control-dirty-limit-title = 더티 페이지 한도
control-dirty-limit-enable = /proc/vmstat를 읽을 수 있게 하십시오(/proc 마운트).
control-dirty-limit-who = 이 컨테이너의 호스트
control-nofile-title = 열린 파일 한도
control-nofile-enable = /proc/PID/limits를 읽을 수 있게 하십시오. Linux 6.2 이전에는 다른 사용자의 프로세스를 세려면 root가 필요합니다.
control-nofile-who = 프로세스의 소유자
control-inotify-title = inotify 한도
control-inotify-enable = 모든 프로세스의 감시 항목을 셀 수 있도록 root로 실행하십시오.
control-inotify-who = 프로세스의 소유자

## 임계값
threshold-memory-low-headroom = 호스트 또는 한도 아래에 남아 있어야 하는 메모리의 비율
threshold-memory-pressure = 눈여겨볼 메모리 대기 시간
threshold-memory-swap-rate = 눈여겨볼 스왑 인 속도
threshold-memory-limit-hits = 눈여겨볼 cgroup 메모리 한도 도달 횟수
threshold-memory-swap-used = 눈여겨볼 스왑 사용률
threshold-memory-hugepages-used = 눈여겨볼 거대 페이지 풀 사용률
threshold-capacity-full = 눈여겨볼 파일시스템 사용률
threshold-capacity-fill-time = 측정한 속도로 가득 찰 때까지 남은 시간이 이보다 짧으면 눈여겨봅니다
threshold-capacity-dirty = 쓰기를 늦추기 시작하는 지점에 대한 비율로, 이 이상이면 눈여겨봅니다
threshold-fds-high = 눈여겨볼 프로세스의 열린 파일 한도 사용률
threshold-fds-inotify-high = 눈여겨볼 inotify 한도 사용률

## 항목의 숫자
detail-total-memory = 전체
detail-available-bytes = 사용 가능
detail-anonymous = 익명 메모리
detail-page-cache = 페이지 캐시
detail-slab = 슬랩
detail-slab-unreclaimable = 회수할 수 없는 슬랩
detail-shared-memory = 공유
detail-page-tables = 페이지 테이블
detail-committed = 커밋된 양
detail-commit-limit = 커밋 한도
detail-memory-limit = 한도
detail-working-set = 작업 집합
detail-charged = 청구된 양
detail-swapped = 스왑에 있음
detail-limit-hits-per-s = 한도 도달
detail-high-hits-per-s = memory.high 도달
detail-major-faults-per-s = 메이저 폴트
detail-refaults-per-s = 리폴트
detail-full-stall = 모든 태스크 정체
detail-oom-kills = 강제 종료된 프로세스
detail-corrected-errors = 정정됨
detail-corrected-errors-since-boot = 부팅 이후 정정됨
detail-uncorrected-errors-since-boot = 부팅 이후 정정 불가
detail-huge-pages = 페이지
detail-huge-pages-free = 비어 있음
detail-huge-pages-reserved = 예약됨
detail-huge-pages-surplus = 초과분
detail-size-bytes = 크기
detail-used-bytes = 사용 중
detail-inodes-used = 아이노드 사용률
detail-growth-per-s = 증가
detail-fill-time = 가득 찰 때까지
detail-samples-above = 스로틀 지점을 넘은 표본
detail-dirty-bytes = 더티
detail-writeback-bytes = 쓰는 중
detail-open-files = 열린 파일
detail-limit-files = 한도
detail-watches = 감시 항목
detail-inotify-instances = 인스턴스

## 참고
memory-tightest-cgroup = 가장 빠듯한 곳은 호스트가 아니라 cgroup { $cgroup }입니다.
memory-no-psi = 압력 정체 정보(PSI)가 꺼져 있어 프로세스 대기의 합을 보여 줍니다.
memory-no-psi-no-waits = 압력 정체 정보(PSI)가 꺼져 있고 대기 시간도 재지 못했습니다. 시간이 아니라 사건의 횟수입니다.
memory-no-edac = EDAC 드라이버가 없어 메모리가 스스로 정정하는 오류는 보이지 않습니다.
memory-no-cgroups = cgroup 파일시스템이 마운트되어 있지 않습니다.
memory-no-limits = 메모리 한도가 있는 cgroup이 없습니다.
memory-no-hugepages = 예약된 거대 페이지가 없습니다.
memory-no-swap = 이 호스트에는 스왑이 없습니다.
capacity-no-filesystem = 가득 찰 수 있는 파일시스템이 마운트되어 있지 않습니다.
capacity-no-answer = 응답이 없음: { $mounts }
capacity-dirty-proxy = 용량에는 본래 대기열이 없습니다. 대신 디스크로 가기를 기다리는 쓰기 데이터를, 쓰기를 늦추기 시작하는 지점과 견줍니다.
fds-hidden = { $count ->
   *[other] 다른 사용자의 프로세스 { $count }개는 세지 못했습니다.
}
fds-nobody = 열린 파일이 있는 프로세스가 보이지 않습니다.
fds-no-saturation = 디스크립터에는 본래 대기열이 없으며, 한도에 이른 프로세스도 없습니다.
fds-backlog-proxy = 디스크립터에는 본래 대기열이 없습니다. 대신 한도에 이른 프로세스가 받아들이지 못한 연결을 셉니다.
inotify-lower-bound = 하한값입니다. 허용된 시간 안에 모든 프로세스를 살펴보지는 못했습니다.

## 이름과 세부 사항
memory-process = { $name } ({ $pid })
memory-process-and-others = { $name } ({ $pid }) 외 { $others }개
memory-some-tasks = 여러 태스크
memory-some-process = 어떤 프로세스
memory-the-cgroup = 제어 그룹 { $cgroup }
memory-the-host = 호스트
memory-victim = 메모리 대기 { $wait }(활동 시간의 { $share }), 메이저 폴트 { $faults }
memory-victim-faults = 메이저 폴트 { $faults }
memory-killed-rss = { $rss } 점유
memory-user-pss = 공유분을 나눈 크기(PSS) { $pss }, 상주 { $rss }, 스왑 { $swap }
memory-user-rss = 상주 { $rss }
memory-user-swap = 스왑 { $swap }
capacity-writer = { $rate } 쓰기
capacity-left-bytes = { $left }
capacity-left-inodes = { $left ->
   *[other] 아이노드 { $left }개
}
capacity-on-mount = { $mount }에서
capacity-on-unknown = 지금은 가득 차지 않은 파일시스템에서
inotify-holder = 인스턴스 { $instances }개에 감시 항목 { $watches }개
fds-holder = 열린 파일 { $open } / { $limit }

## 원인 사슬
memory-link-processes = { $victim }{ JOSA($victim, "이/가") } 메모리를 기다립니다
memory-link-pages = cgroup { $cgroup }에서 곧 다시 쓸 페이지를 내보냅니다
memory-link-trims = cgroup { $cgroup }에서 자리를 비우려고 페이지 캐시를 내보냅니다
memory-link-pages-evidence = 대기 { $wait }, 메이저 폴트 { $faults }
memory-link-limit = 메모리 한도 { $limit }
memory-link-hits = 한도 도달 { $hits }({ $file }의 { $metric })
memory-link-host = 호스트의 메모리는 부족하지 않습니다
memory-link-host-free = 여유 메모리가 있고 회수하지 않습니다
memory-link-host-evidence = 호스트 pgscan_direct { $scanned }, 사용 가능 { $available }
memory-link-reclaim = 태스크가 기다리는 동안 호스트가 메모리를 회수하거나 스왑합니다
memory-link-reclaim-evidence = 대기 { $wait }, 할당 정체 { $stalls }, 스왑 인 { $swap }
memory-link-holder = { $culprit }{ JOSA($culprit, "이/가") } 메모리를 가장 많이 차지합니다
memory-link-holder-evidence = 상주 { $rss }
memory-link-killed = { $victim }{ JOSA($victim, "이/가") } 강제 종료되었습니다
memory-link-kills = { $file }의 { $metric } 값이 { $count }만큼 늘었습니다
capacity-link-mount = { $mount }{ JOSA($mount, "이/가") } 차오릅니다
capacity-link-writer = { $writer }{ JOSA($writer, "이/가") } 씁니다
capacity-link-growth = { $growth }씩 늘어 { $time } 뒤에 가득 찹니다
capacity-link-failed = { $name } ({ $pid })의 호출이 실패합니다
capacity-link-full = { $mount }{ JOSA($mount, "이/가") } 가득 찼습니다
capacity-link-full-evidence = 실패한 호출 { $count }건, 남은 공간 { $blocks }, 남은 아이노드 { $inodes }개
fds-link-refused = { $name } ({ $pid }) 프로세스가 디스크립터를 더 얻지 못합니다
fds-link-limit = 열린 파일 한도 { $limit }개
fds-link-evidence = EMFILE로 실패한 호출 { $count }건, 열린 파일 { $open }개
fds-link-clients = 클라이언트가 연결이 받아들여지기를 기다립니다
fds-link-backlog = 수락 대기열의 연결 { $queued }개

## 진단: 메모리
finding-memory-low-headroom-title = 메모리가 얼마 남지 않았습니다
finding-memory-low-headroom-summary = { $who }의 남은 메모리는 { $left }입니다(사용률 { $used }). 아직 기다리는 태스크는 없습니다.
finding-memory-cgroup-limit-title = cgroup이 메모리 한도에 막혀 있습니다
finding-memory-cgroup-limit-summary = cgroup { $cgroup }{ JOSA($cgroup, "이/가") } 메모리 한도 { $limit }에 부딪혀, { $victim }{ JOSA($victim, "이/가") } 방금 내보낸 페이지를 기다립니다(대기 { $wait }). 부족한 것은 호스트의 메모리가 아니라 한도입니다.
finding-memory-cgroup-limit-reclaims = cgroup { $cgroup }{ JOSA($cgroup, "이/가") } 메모리 한도 { $limit }에 부딪혀, { $victim }{ JOSA($victim, "이/가") } 자리를 비우는 데 { $wait }{ JOSA($wait, "을/를") } 씁니다. 부족한 것은 호스트의 메모리가 아니라 한도입니다.
finding-memory-cgroup-limit-raise = 한도를 { $target }{ JOSA($target, "으로/로") } 올리십시오.
finding-memory-cgroup-limit-raise-expect = 대기 { $wait } 대부분이 사라지고 { $file } 값이 더 늘지 않습니다. 그래도 늘면 올린 폭을 두 배로 하십시오.
finding-memory-cgroup-limit-shrink = 또는 { $cgroup }의 프로세스가 메모리를 덜 쓰게 하십시오. 익명 메모리와 페이지 캐시가 각각 얼마인지 확인하십시오.
finding-memory-cgroup-limit-shrink-expect = 작업 집합이 { $limit } 아래로 내려가면 한도를 바꾸지 않아도 대기가 끝납니다.
finding-memory-host-pressure-title = 호스트의 메모리가 부족합니다
finding-memory-host-pressure-summary = 태스크가 메모리를 기다립니다(대기 { $wait }). 가장 오래 기다린 것은 { $victim }입니다. 사용 가능한 메모리는 { $available }이고, 가장 많이 차지한 것은 { $culprit }({ $rss })입니다.
finding-memory-host-pressure-limit = { $culprit }{ JOSA($culprit, "이/가") } { $rss }에 무엇을 담고 있는지 확인해 줄이거나, 옮기거나, 메모리를 늘리십시오.
finding-memory-host-pressure-limit-expect = 최대 { $rss }{ JOSA($rss, "이/가") } 비면 회수가 멈추고 대기 { $wait }{ JOSA($wait, "이/가") } 사라집니다.
finding-memory-cgroup-oom-kill-title = cgroup 메모리 한도에서 강제 종료
finding-memory-cgroup-oom-kill-summary = { $count ->
   *[other] cgroup { $cgroup }의 메모리 한도 { $limit } 때문에 프로세스 { $count }개가 강제 종료되었습니다: { $victim }.
}
finding-memory-cgroup-oom-kill-gone = 지금은 사라진 cgroup { $cgroup }의 메모리 한도 때문에 { $victim }{ JOSA($victim, "이/가") } 강제 종료되었습니다.
finding-memory-cgroup-oom-kill-raise = 한도를 { $target }{ JOSA($target, "으로/로") } 올리거나, 프로세스가 왜 커졌는지 찾으십시오.
finding-memory-cgroup-oom-kill-raise-expect = { $count ->
   *[other] 실제로 필요한 양이 그보다 적다면 강제 종료({ $count }건)가 되풀이되지 않습니다. 누수라면 시간이 더 걸릴 뿐입니다.
}
finding-memory-cgroup-oom-kill-find = 강제 종료될 때 그룹이 무엇을 쓰고 있었는지 커널 로그에서 확인하십시오.
finding-memory-cgroup-oom-kill-find-expect = "Memory cgroup stats" 줄에서 익명 메모리와 페이지 캐시를 가릴 수 있습니다.
finding-memory-oom-kill-title = 호스트 메모리 고갈로 강제 종료
finding-memory-oom-kill-summary = { $count ->
   *[other] 호스트의 메모리가 바닥나 커널이 프로세스 { $count }개를 강제 종료했습니다: { $victim }. 지금 사용 가능한 메모리는 { $available }입니다.
}
finding-memory-oom-kill-advice = 누가 메모리를 차지했는지 커널 로그에서 확인하고, 제한하거나 옮기십시오.
finding-memory-oom-kill-expect = { $count ->
   *[other] 강제 종료가 더 일어나지 않습니다(이번 실행에서는 { $count }건).
}
finding-memory-uncorrected-error-title = 메모리에 정정 불가 오류가 있습니다
finding-memory-uncorrected-error-summary = { $count ->
   *[other] { $device }에서 정정할 수 없는 오류가 { $count }건 발생해 데이터를 잃었습니다.
}
finding-memory-corrected-error-title = 메모리가 오류를 정정하고 있습니다
finding-memory-corrected-error-summary = { $count ->
   *[other] { $device }에서 이번 실행 동안 오류 { $count }건이 정정되었습니다. 오류가 늘면 모듈이 곧 고장 난다는 뜻입니다.
}
memory-replace-dimm = 해당 모듈을 찾아 가능한 한 빨리 교체하십시오.
memory-replace-dimm-expect = 오류 수가 더 늘지 않습니다.
finding-memory-allocation-refused-title = 메모리 매핑이 거부됩니다
finding-memory-allocation-refused-summary = { $count ->
   *[other] { $name } ({ $pid }) 등의 매핑 { $count }건이 ENOMEM으로 거부되었습니다.
}
memory-refused-overcommit = 엄격한 오버커밋 설정입니다. 커밋된 양을 한도와 견주어 보십시오.
memory-refused-limits = 프로세스 자신의 한도와 매핑 수(vm.max_map_count)를 확인하십시오.
memory-refused-expect = { $count ->
   *[other] 그 한도를 올리면 거부된 호출(이번 실행에서 { $count }건)이 성공합니다.
}
finding-memory-compaction-title = 태스크가 직접 메모리를 압축합니다
finding-memory-compaction-summary = { $victim }{ JOSA($victim, "이/가") } 메모리 압축(컴팩션)에 { $wait }{ JOSA($wait, "을/를") } 씁니다. 빈 메모리는 있지만 이어져 있지 않습니다.
finding-memory-compaction-link = 빈 메모리가 잘게 나뉘어 있습니다
finding-memory-compaction-evidence = 압축 { $wait }, 압축 정체 { $stalls }
finding-memory-compaction-advice = 투명 거대 페이지(THP)를 백그라운드에서만 만들게 하십시오.
finding-memory-compaction-expect = 압축 { $wait }{ JOSA($wait, "이/가") } 이 태스크들에서 kcompactd로 옮겨 갑니다.

## 진단: 저장 용량
finding-capacity-nearly-full-title = 파일시스템이 거의 찼습니다
finding-capacity-nearly-full-summary = { $mount }의 사용률이 { $used }이고, 남은 양은 { $left }입니다.
capacity-free-room = { $mount }에서 무엇이 공간을 차지하는지 찾아 지우거나, 파일시스템을 늘리십시오.
capacity-free-room-expect = 사용률이 { $limit } 아래로 내려가면 더 보고하지 않습니다.
finding-capacity-no-space-title = 쓰기 실패: 공간 없음
finding-capacity-no-space-summary = { $count ->
   *[other] { $place } { $name } ({ $pid }) 등의 호출 { $count }건이 ENOSPC로 실패했습니다.
}
capacity-no-errors-expect = { $count ->
   *[other] 실패한 호출(이번 실행에서 { $count }건)이 다시 성공합니다.
}
finding-capacity-quota-exceeded-title = 쓰기 실패: 쿼터 초과
finding-capacity-quota-exceeded-summary = { $count ->
   *[other] { $name } ({ $pid }) 등의 호출 { $count }건이 EDQUOT로 실패했습니다. 디스크 쿼터를 다 썼습니다.
}
finding-capacity-quota-exceeded-advice = 누구의 쿼터가 다 찼는지 확인해 늘리거나 파일을 지우십시오.
finding-capacity-dirty-throttled-title = 쓰기가 지연됩니다
finding-capacity-dirty-throttled-summary = 아직 디스크에 닿지 않은 쓰기 데이터가 { $dirty }이어서 { $name } ({ $pid }) 프로세스의 쓰기가 지연됩니다(대기 { $wait }).
finding-capacity-dirty-throttled-link = 커널이 디스크 속도만큼만 쓰게 합니다
finding-capacity-dirty-throttled-evidence = 더티 데이터가 스로틀 지점의 { $peak }까지 찼고 표본의 { $above }에서 이를 넘었습니다. 쓰기 { $rate }, 디스크 처리 { $written }
finding-capacity-dirty-throttled-advice = 더 일찍 쓰기 시작하게 하거나(vm.dirty_background_bytes를 작게) 더 빠른 디스크를 쓰십시오. 한도를 늘리면 대기가 늦춰질 뿐입니다.
finding-capacity-dirty-throttled-expect = 쓰기가 멈추지 않고 디스크가 처리하는 속도인 { $written }{ JOSA($written, "으로/로") } 이어집니다.

## 진단: 파일 디스크립터
finding-fds-near-limit-title = 프로세스가 열린 파일 한도에 가깝습니다
finding-fds-near-limit-summary = { $name } ({ $pid }) 프로세스가 열린 파일 한도 { $limit }개 가운데 { $open }개를 쓰고 있습니다.
finding-fds-limit-reached-title = 프로세스의 디스크립터가 바닥났습니다
finding-fds-limit-reached-summary = { $count ->
   *[other] { $name } ({ $pid }) 프로세스의 호출 { $count }건이 EMFILE로 실패했습니다. 열린 파일 한도에 이르렀습니다.
}
finding-fds-file-max-reached-title = 호스트의 파일 핸들이 바닥났습니다
finding-fds-file-max-reached-summary = { $count ->
   *[other] 호출 { $count }건이 ENFILE로 실패했습니다. 호스트의 열린 파일 한도 { $max }개에 이르렀습니다.
}
fds-raise = 한도를 { $target }개로 올리십시오(영구히 하려면 유닛의 LimitNOFILE=).
fds-raise-expect = 열 수 있는 파일이 { $limit }개에서 { $target }개로 늘어납니다. 누수라면 시간이 더 걸릴 뿐입니다.
fds-leak = 또는 누수를 찾으십시오. { $name }{ JOSA($name, "이/가") } 어떤 파일을 열어 두는지 확인하십시오.
fds-leak-expect = 계속 늘기만 하는 종류가 누수입니다.
fds-raise-host = fs.file-max를 { $target }{ JOSA($target, "으로/로") } 올리십시오.
fds-raise-host-expect = { $count ->
   *[other] 실패한 호출(이번 실행에서 { $count }건)이 다시 성공합니다.
}
finding-fds-inotify-limit-title = inotify 한도에 이르렀습니다
finding-fds-inotify-limit-summary = { $count ->
   *[other] { $name } ({ $pid }) 등의 inotify 호출 { $count }건이 실패했습니다. 디스크가 찬 것이 아니라 { $setting } 한도에 이르렀습니다.
}
finding-fds-inotify-limit-advice = { $setting } 값을 올리십시오.
finding-fds-inotify-limit-expect = { $count ->
   *[other] 실패한 호출(이번 실행에서 { $count }건)이 다시 성공합니다.
}
