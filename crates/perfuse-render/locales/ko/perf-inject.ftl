# perf inject: 기록을 다시 씁니다.

help-inject = 기록을 다시 쓰면서 빠진 것, 곧 빌드 ID나 스레드가 잠든 시간을 넣습니다. -i와 -o가 없으면 표준 입력에서 읽어 표준 출력으로 씁니다.
help-inject-build-ids = 샘플과 그 호출자가 있는 파일의 빌드 ID를 그 파일의 첫 샘플 앞에 넣습니다.
help-inject-force = 여기서는 달라지는 것이 없습니다. perf의 명령줄을 위한 옵션입니다.
help-inject-input = 기록입니다. `-`는 표준 입력입니다.
help-inject-jit = JIT 컴파일러의 코드를 함께 넣습니다. jit-PID.dump에 적힌 함수마다 그 옆에 파일을 만들고 그 매핑을 기록에 넣습니다. 컴파일러가 쓰는 시계로 기록해야 합니다(record -k mono).
help-inject-vmlinux = 여기서는 달라지는 것이 없습니다. perf의 명령줄을 위한 옵션입니다.
help-inject-output = 새 기록입니다. `-`는 표준 출력이며, 그때는 스트림이 됩니다.
help-inject-sched-stat = sched:sched_stat_*와 sched:sched_switch를 합칩니다. 스레드가 잠든 자리를, 잠든 시간을 주기로 하여 보여 줍니다.
help-inject-verbose = 여기서는 더 알려 주는 것이 없습니다. perf의 명령줄을 위한 옵션입니다.
help-inject-buildid-all = 매핑된 모든 파일의 빌드 ID를 넣습니다.
help-inject-guest-data = 거절하며 까닭을 알려 줍니다.
help-inject-guestmount = 거절하며 까닭을 알려 줍니다.
help-inject-ignore-vmlinux = 여기서는 달라지는 것이 없습니다. perf의 명령줄을 위한 옵션입니다.
help-inject-itrace = 거절하며 까닭을 알려 줍니다.
help-inject-kallsyms = 여기서는 달라지는 것이 없습니다. perf의 명령줄을 위한 옵션입니다.
help-inject-known-build-ids = 파일이 무엇이라 하든 이 경로에 쓸 빌드 ID입니다. `BUILDID PATH`를 쉼표로 나누거나, 줄마다 한 쌍이 있는 file://LIST로 줍니다.
help-inject-strip = 거절하며 까닭을 알려 줍니다.
help-inject-vm-time-correlation = 거절하며 까닭을 알려 줍니다.

inject-no-itrace = 명령 추적(Intel PT, Arm SPE)은 여기서 해독하지 않으므로 거기서 아무것도 만들 수 없습니다. --itrace 없는 `inject`는 기록에 있는 추적을 그대로 넘깁니다.
inject-no-guest = 게스트의 기록을 호스트의 기록과 합치는 일은 여기서 하지 않습니다.
inject-jit-clock = 컴파일러의 코드는 `mono` 시계로 적혀 있습니다. -k mono로 기록하십시오.
inject-jit-dump = { $path } 파일을 뺐습니다: { $error }
inject-jit-counter = { $path } 파일을 뺐습니다. 그 시각은 시계가 아니라 CPU 자체 카운터의 값입니다.
inject-no-threads = { $event }의 샘플이 스레드를 알려 주지 않습니다. 스레드를 함께 기록하십시오.
inject-known = 16진수 빌드 ID, 빈칸, 경로
inject-terminal = 새 기록이 이 터미널로 나갑니다. -o FILE로 어디에 쓸지 정하거나 다른 명령으로 이어 주십시오.
inject-cut = 스트림에는 64KiB보다 긴 것을 넣을 자리가 없어서 머리말의 다음 부분이 빠졌습니다: { $features }.
