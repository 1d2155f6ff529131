### 디스크 규칙의 문구: 디스크, 스토리지 컨트롤러, 인터커넥트.

## 디스크
cell-disk-utilization-title = 디스크 사용률
cell-disk-utilization-enable = /proc/diskstats를 읽을 수 있게 /proc을 마운트하고 두 번 이상 표본을 얻으십시오.
cell-disk-utilization-who = 호스트 관리자, 또는 디스크를 제공하는 하이퍼바이저의 관리자
cell-disk-saturation-title = 디스크 포화도
cell-disk-saturation-enable = psi=1로 부팅하면 /proc/pressure/io를, kernel.task_delayacct=1을 설정하면 프로세스별 대기를 볼 수 있습니다.
cell-disk-saturation-who = 호스트 관리자, 또는 가상 디스크 뒤에 있는 스토리지의 담당자
cell-disk-errors-title = 디스크 오류
cell-disk-errors-enable = 커널 로그를 읽을 수 있도록 root나 CAP_SYSLOG 권한으로 실행하거나 kernel.dmesg_restrict=0을 설정하십시오.
cell-disk-errors-who = 호스트 관리자. 가상 디스크라면 하이퍼바이저와 그 스토리지의 담당자

disk-no-device = 이 호스트에는 한 번이라도 쓰인 블록 장치가 없습니다
disk-utilization-parallel = { $device }{ JOSA($device, "은/는") } 쉬는 때가 없지만 여러 요청을 동시에 처리하므로 100% 사용이 포화를 뜻하지 않습니다. 지연 시간과 I/O 압박을 보십시오.
disk-saturation-by-processes = 이 범위의 I/O 압박을 읽을 수 없어 프로세스 대기 시간의 합을 보입니다. 출처: { $source }
disk-saturation-by-devices = I/O 압박을 읽을 수 없어 요청이 장치에 머문 시간을 보입니다. 누군가가 기다린 시간은 아닙니다.
disk-errors-no-log = 커널 로그를 읽지 못해({ $reason }) 카운터만 확인했습니다.
disk-errors-no-smart = 디스크 자체의 건강 기록(SMART, NVMe)은 여기서 읽지 않습니다. smartctl -a로 볼 수 있습니다.
disk-errors-old = 이번 실행 이전의 오류입니다. 측정하는 동안 새로 생긴 것은 없습니다.
disk-victim-wait = 스토리지를 { $wait } 기다립니다. 활동 시간의 { $share }
disk-user-rate = 스토리지와 { $rate }{ JOSA($rate, "으로/로") } 데이터를 주고받습니다

disk-together = { $others ->
    [0] { "" }
   *[other] {" "}(외 { $others }개 포함 { $sum })
}
disk-link-waits = { $victim }의 스토리지 대기
disk-link-lock = { $victim }의 락을 기다리는 스레드
disk-link-lock-evidence = 락 대기 { $wait }{ JOSA($wait, "이/가") } 스토리지를 기다리던 스레드가 락을 놓을 때 끝납니다
disk-link-wait-evidence = 대기 { $wait } ({ $source })
disk-link-device = 장치 { $device }
disk-link-disks = 디스크 { $disks }개
disk-link-in-queue = { $device } 앞의 커널 대기열
disk-link-in-device = 커널 대기열을 지난 { $device } 자체
disk-link-requests = { $device }에서 처리 중인 요청
disk-link-split = 요청 시간의 { $share }{ JOSA($share, "을/를") } 대기열에서 보냅니다. 요청의 99%가 대기열은 { $queue }, 장치는 { $device } 안에 지납니다
disk-link-latency = 요청 하나에 평균 { $latency } 걸리고, 처리 중인 요청은 { $queue }, 장치가 일하는 시간은 { $busy }
disk-link-slower = 평소보다 느림
disk-link-rise = 요청당 최대 { $worst }, 평소 { $usual }의 { $times }배
disk-link-user = { $user }(pid { $pid })의 I/O
disk-link-user-evidence = 전체 { $total } 가운데 { $rate } ({ $source })
disk-link-error = 오류
disk-link-error-evidence = { $source }: { $metric } { $count }건{ PAREN($text) }

## disk.saturation의 발견 사항
finding-disk-saturated-title = 디스크 대기
finding-disk-saturated-summary = { $victim }{ JOSA($victim, "이/가") } { $device }{ JOSA($device, "을/를") } { $wait }{ $together } 기다립니다. 이 장치를 가장 많이 쓰는 것은 { $culprit }({ $rate })입니다.
finding-disk-saturated-limit = 다른 프로세스가 기다리는 동안 { $user }{ JOSA($user, "이/가") } { $device }{ JOSA($device, "을/를") } 채우고 있습니다. I/O 우선순위를 낮추거나 그 cgroup에 제한을 두십시오.
finding-disk-saturated-limit-expect = 원인 쪽이 느려지는 대신 대기가 최대 { $wait } 줄어듭니다.
finding-disk-saturated-own = { $user }{ JOSA($user, "은/는") } 자기 I/O를 기다립니다. 어느 호출이 기다리는지 확인하고 묶어 쓰기, 캐시, 미리 읽기, 비동기 I/O를 검토하십시오.
finding-disk-saturated-own-expect = 기다리지 않게 된 요청마다 { $latency }{ JOSA($latency, "을/를") } 아낍니다.
finding-disk-saturated-who = { $device }에 누가 요청을 보내는지 찾으십시오.
finding-disk-saturated-who-expect = 요청마다 프로세스와 호출 경로를 알 수 있습니다.

finding-disk-latency-rise-title = 디스크 지연 시간 상승
finding-disk-latency-rise-summary = { $device }의 요청당 지연 시간이 최대 { $worst }{ JOSA($worst, "으로/로") }, 평소 { $usual }의 { $times }배입니다. 측정되는 대기자는 없습니다.

finding-disk-cgroup-throttled-title = cgroup I/O 제한
finding-disk-cgroup-throttled-summary = { $cgroup }{ JOSA($cgroup, "이/가") } { $device }에서 { $limit }{ JOSA($limit, "으로/로") } 제한되어 { $victim }{ JOSA($victim, "이/가") } { $wait }{ $together } 기다립니다.
finding-disk-cgroup-throttled-culprit = { $file }에 설정된 { $device } 제한 { $limit }
finding-disk-cgroup-throttled-limit = { $cgroup }의 제한 { $limit }
finding-disk-cgroup-throttled-at-limit = 제한 { $limit } 가운데 { $rate } 사용, 대기 { $wait } ({ $source })
finding-disk-cgroup-throttled-device = { $device } 탓이 아님
finding-disk-cgroup-throttled-idle = { $device }{ JOSA($device, "이/가") } 일하는 시간은 { $busy }뿐입니다
finding-disk-cgroup-throttled-advice = 이 작업을 일부러 묶어 둔 것이 아니라면 { $device }에 대한 { $cgroup }의 제한 { $limit }{ JOSA($limit, "을/를") } 올리거나 없애십시오.
finding-disk-cgroup-throttled-expect = 대기가 최대 { $wait } 줄고, 그다음은 장치 속도가 정합니다.

finding-disk-loop-backing-title = 루프 장치 아래의 디스크
finding-disk-loop-backing-summary = { $victim }{ JOSA($victim, "이/가") } { $device }{ JOSA($device, "을/를") } { $wait }{ $together } 기다립니다. 파일 { $file }{ JOSA($file, "은/는") } { $below }에 있고, 그곳에서는 { $culprit }의 I/O가 원인입니다.
finding-disk-loop-backing-file = { $below }에 있는 { $file }
finding-disk-loop-backing-advice = { $file }{ JOSA($file, "을/를") } 다른 장치로 옮기거나, 그곳의 다른 부하를 줄이거나, { $device }에 직접 I/O를 켜서 페이지가 두 번 캐시되지 않게 하십시오.
finding-disk-loop-backing-expect = 루프 장치의 지연 시간이 { $below } 자체의 지연 시간에 가까워집니다.

finding-disk-journal-title = 저널 대기
finding-disk-journal-summary = { $victim }{ JOSA($victim, "이/가") } { $device }의 저널 커밋을 { $wait }{ $together } 기다립니다. 이 장치를 가장 많이 쓰는 것은 { $culprit }입니다.
finding-disk-journal-commit = { $device }의 저널 커밋
finding-disk-journal-evidence = 대기 가운데 { $journal }{ JOSA($journal, "이/가") } 저널에서 생깁니다. 캐시 플러시 { $flushes }
finding-disk-journal-advice = 누가 얼마나 자주 fsync를 부르는지 확인하고, 여러 변경을 fsync 한 번으로 묶거나 저널이나 이 데이터를 다른 장치에 두십시오.
finding-disk-journal-expect = 커밋을 절반으로 줄이면 { $journal }의 절반쯤을 아낍니다.

finding-disk-wait-off-device-title = 디스크 작업 없는 I/O 대기
finding-disk-wait-off-device-summary = 사용률이 { $busy }{ JOSA($busy, "을/를") } 넘는 디스크가 없는데도 { $victim }{ JOSA($victim, "이/가") } I/O를 { $wait }{ $together } 기다립니다.
finding-disk-wait-off-device-unseen = 로컬 디스크가 아닌 다른 것
finding-disk-wait-off-device-idle = 이 컨테이너나 VM 바깥의 제한, 또는 네트워크나 FUSE 파일 시스템
finding-disk-wait-off-device-evidence = 사용률이 { $busy }{ JOSA($busy, "을/를") } 넘는 디스크가 없습니다
finding-disk-wait-off-device-advice = cgroup과 하이퍼바이저의 I/O 제한, 그리고 네트워크 파일 시스템을 확인하십시오.
finding-disk-wait-off-device-expect = 기다리는 제한이나 서버의 이름을 알 수 있습니다.

## disk.errors의 발견 사항
finding-disk-io-errors-title = 디스크 I/O 오류
finding-disk-io-errors-summary = 이번 실행 동안 { $device }에서 요청 { $count }건이 실패했습니다.
finding-disk-io-errors-advice = 장치의 건강 상태와 케이블을 점검하고 백업을 확보하십시오.
finding-disk-io-errors-expect = 재할당 섹터와 대기 섹터, 매체 오류, 남은 수명을 볼 수 있습니다.
finding-disk-filesystem-errors-title = 파일 시스템 오류
finding-disk-filesystem-errors-summary = 이번 실행 동안 { $device }의 파일 시스템이 오류 { $count }건을 보고했습니다.
finding-disk-filesystem-errors-advice = 읽을 수 있는 것을 백업한 다음, 마운트를 해제하고 파일 시스템을 검사하십시오.
finding-disk-filesystem-errors-expect = 검사를 통과하면 오류 수가 초기화됩니다. 다시 생기는 오류는 장치 문제입니다.
finding-disk-array-degraded-title = 성능 저하된 배열
finding-disk-array-degraded-summary = { $device }에 구성 디스크 { $count }개가 빠져 있습니다. 한 번 더 고장 나면 데이터를 잃을 수 있습니다.
finding-disk-array-degraded-advice = 고장 난 구성 디스크를 교체하고 배열을 재구성하십시오.
finding-disk-array-degraded-expect = 빠진 디스크를 알 수 있고, 재구성이 끝나면 다시 이중화됩니다.
finding-disk-device-failed-title = 스토리지 장치 고장
finding-disk-device-failed-summary = { $device }{ JOSA($device, "이/가") } 응답하지 않습니다(보고 { $count }건).
finding-disk-device-failed-advice = 드라이버가 남긴 내용을 읽고 케이블, 전원, 인클로저, 장치를 점검하십시오.
finding-disk-device-failed-expect = 단순한 재설정인지 장치를 잃은 것인지 구별할 수 있습니다.

## 제한
control-io-throttle-title = cgroup I/O 스로틀
control-io-throttle-enable = io(v2)나 blkio(v1) 컨트롤러가 있는 cgroup 계층을 마운트하십시오.
control-io-throttle-who = 컨테이너 런타임이나 systemd 슬라이스의 관리자
control-io-throttle-none = I/O를 제한하는 cgroup이 없습니다

## 스토리지 컨트롤러
cell-storage-controller-utilization-title = 스토리지 컨트롤러 사용률
cell-storage-controller-utilization-enable = /sys를 읽을 수 있게 하십시오. 디스크를 /sys/block의 PCI 기능별로 묶습니다.
cell-storage-controller-utilization-who = 호스트나 하이퍼바이저의 관리자
cell-storage-controller-saturation-title = 스토리지 컨트롤러 포화도
cell-storage-controller-saturation-enable = /sys와 /proc/diskstats를 읽을 수 있게 하십시오.
cell-storage-controller-saturation-who = 호스트나 하이퍼바이저의 관리자
cell-storage-controller-errors-title = 스토리지 컨트롤러 오류
cell-storage-controller-errors-enable = 커널 로그를 읽거나(root 또는 CAP_SYSLOG), PCI 기능이 오류(AER)를 보고하는 장비를 쓰십시오.
cell-storage-controller-errors-who = 물리 호스트의 관리자
storage-controller-none = PCI 컨트롤러에 연결된 디스크가 없습니다
storage-controller-alias = { $controller }에는 디스크가 하나뿐이므로 그 디스크의 값과 같습니다.
storage-controller-no-maximum = 링크의 최대 속도를 알 수 없어 비율 없이 전송률만 보입니다.
finding-storage-controller-link-full-title = 컨트롤러 링크 포화
finding-storage-controller-link-full-summary = { $controller }의 링크가 { $share } 찼고, 그 디스크들을 { $wait } 기다립니다.
finding-storage-controller-link-full-evidence = 최대 { $limit } 가운데 { $rate }
finding-storage-controller-link-full-advice = 디스크를 여러 컨트롤러나 링크로 나누고, 링크가 최대 폭으로 동작하는지 확인하십시오.
finding-storage-controller-link-full-expect = { $share }의 부하가 나뉘고, 링크에 여유가 생기는 만큼 대기가 줄어듭니다.

## CPU 인터커넥트
cell-cpu-interconnect-utilization-title = CPU 인터커넥트 사용률
cell-cpu-interconnect-utilization-enable = 언코어 PMU(UPI, xGMI)를 쓸 수 있는 장비에서 root로 측정하십시오. 게스트에는 대개 없습니다.
cell-cpu-interconnect-utilization-who = 물리 호스트의 관리자
cell-cpu-interconnect-saturation-title = CPU 인터커넥트 포화도
cell-cpu-interconnect-saturation-enable = 물리 호스트에서 root로 언코어 PMU를 써서 측정하십시오.
cell-cpu-interconnect-saturation-who = 물리 호스트의 관리자
cell-cpu-interconnect-errors-title = CPU 인터커넥트 오류
cell-cpu-interconnect-errors-enable = 물리 호스트의 언코어 PMU로 링크의 CRC 이벤트를 세십시오.
cell-cpu-interconnect-errors-who = 물리 호스트의 관리자와 그 관리 컨트롤러
cpu-interconnect-one-node = NUMA 노드가 하나라서 소켓 사이의 링크가 없습니다
cpu-interconnect-by-numastat = 링크 부하가 아니라 다른 노드에 할당된 페이지의 비율(numastat)입니다.

## 메모리 인터커넥트
cell-memory-interconnect-utilization-title = 메모리 대역폭
cell-memory-interconnect-utilization-enable = 메모리 컨트롤러 PMU(uncore_imc)가 있는 장비에서 root로 측정하거나 resctrl을 마운트하십시오.
cell-memory-interconnect-utilization-who = 물리 호스트의 관리자
cell-memory-interconnect-saturation-title = 메모리 버스 포화도
cell-memory-interconnect-saturation-enable = 게스트에 가상 PMU를 주거나 물리 호스트에서 측정하십시오. 사이클과 명령어 수가 필요합니다.
cell-memory-interconnect-saturation-who = 물리 호스트나 하이퍼바이저의 관리자
cell-memory-interconnect-errors-title = 메모리 버스 오류
cell-memory-interconnect-errors-enable = 메모리 컨트롤러의 EDAC 드라이버를 적재하십시오. 게스트라면 물리 호스트에만 있습니다.
cell-memory-interconnect-errors-who = 물리 호스트의 관리자
memory-interconnect-no-maximum = 최대 대역폭을 알 수 없어 비율 없이 전송률만 보입니다.
memory-interconnect-by-ipc = 사이클당 명령어 수입니다. 바쁜 CPU가 기준보다 낮으면 대부분 메모리를 기다리는 것입니다.

## I/O 인터커넥트
cell-io-interconnect-utilization-title = I/O 버스 사용률
cell-io-interconnect-utilization-enable = 물리 호스트에서 측정하십시오. IIO PMU가 PCIe 전송량을 셉니다.
cell-io-interconnect-utilization-who = 물리 호스트의 관리자
cell-io-interconnect-saturation-title = I/O 버스 포화도
cell-io-interconnect-saturation-enable = PCIe 링크 속도가 sysfs에 나오는 장비를 쓰거나, swiotlb를 보려면 debugfs를 마운트하십시오.
cell-io-interconnect-saturation-who = 물리 호스트의 관리자
cell-io-interconnect-errors-title = I/O 버스 오류
cell-io-interconnect-errors-enable = 커널 로그를 읽거나(root 또는 CAP_SYSLOG), PCI 기능이 오류(AER)를 보고하는 장비를 쓰십시오.
cell-io-interconnect-errors-who = 물리 호스트의 관리자
io-interconnect-by-links = 전송량이 아니라 최대 속도에 못 미치는 링크와 DMA 바운스 버퍼로 판단합니다.
finding-io-interconnect-pcie-fatal-title = 치명적 PCIe 오류
finding-io-interconnect-pcie-fatal-summary = 이번 실행 동안 { $device }에서 치명적 PCIe 오류가 { $count }건 생겼습니다.
finding-io-interconnect-pcie-fatal-evidence = 치명적 오류 { $count }건 (AER)
finding-io-interconnect-pcie-fatal-advice = 카드나 라이저를 다시 꽂거나 교체하고 펌웨어를 갱신하십시오.
finding-io-interconnect-pcie-fatal-expect = 어느 계층이 실패했는지 알 수 있고, 고친 뒤에는 수가 늘지 않습니다.

## 기준값
threshold-disk-busy = 병렬 처리를 못 하는 디스크를 살펴볼 만하다고 보는 사용 시간 비율
threshold-disk-latency-rise = 느려졌다고 부르려면 평소 지연 시간의 몇 배여야 하는지
threshold-disk-latency-rise-floor = 이보다 짧은 지연 시간의 상승은 세지 않음
threshold-disk-queue-share = 장치가 아니라 커널 대기열을 원인으로 보는 대기열 시간의 비율
threshold-io-throttle-near-limit = cgroup I/O 제한에 걸렸다고 보는 제한 대비 사용 비율
threshold-storage-controller-busy = 컨트롤러 링크가 찼다고 보는 비율
threshold-memory-interconnect-low-ipc = 바쁜 CPU가 메모리를 기다린다고 보는 사이클당 명령어 수
threshold-memory-interconnect-busy-cpu = 사이클당 명령어 수가 의미를 갖는 CPU 사용률
threshold-cpu-interconnect-remote-share = 살펴볼 만하다고 보는 다른 노드 페이지 할당의 비율
threshold-io-interconnect-swiotlb = 살펴볼 만하다고 보는 DMA 바운스 버퍼 사용 비율

## 부분의 세부 값
detail-busy = 사용 시간 비율
detail-queue-length = 대기열 길이
detail-in-flight = 처리 중
detail-reads-per-s = 읽기
detail-writes-per-s = 쓰기
detail-read-bytes-per-s = 읽기 전송률
detail-write-bytes-per-s = 쓰기 전송률
detail-mean-latency = 평균 지연 시간
detail-baseline-latency = 평소 지연 시간
detail-flushes-per-s = 캐시 플러시
detail-queue-latency-p50 = 대기열 지연 시간, 중앙값
detail-queue-latency-p99 = 대기열 지연 시간, 99%
detail-device-latency-p50 = 장치 지연 시간, 중앙값
detail-device-latency-p99 = 장치 지연 시간, 99%
detail-io-full = 모두 멈춘 시간
detail-limit = 제한
detail-rate = 전송률
detail-throughput = 처리량
detail-requests-per-s = 요청
detail-disks = 디스크 수
detail-link-limit = 링크 최대 속도
detail-link-now = 현재 링크 속도
detail-total-errors = 누적 오류
