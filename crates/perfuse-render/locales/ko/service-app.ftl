### 애플리케이션에서 알아내지 못한 것.

app-timeout = { $seconds }초 안에 응답이 없습니다
app-broken = 응답을 읽을 수 없어 연결을 끊었습니다. 다시 시도합니다
app-too-many = 시계열이 { $most }개를 넘어 { $more }개를 뺐습니다
app-postgresql-rights = 다른 사용자 세션의 상태와 문장을 볼 수 없습니다. 다음으로 권한을 주십시오: GRANT pg_monitor TO "{ $user }"
app-rule-nothing = 규칙에 있는 { $metric }{ JOSA($metric, "이/가") } 엔드포인트에 없습니다
app-jvm-none = { $name }에 해당하는, 카운터가 있는 실행 중인 자바 가상 머신이 없습니다. -XX:-UsePerfData를 쓰면 카운터가 없습니다
app-kafka-many = 오프셋이 있는 파티션이 { $most }개를 넘습니다. 필요한 그룹의 이름을 지정하십시오
app-kafka-no-group = 클러스터에 컨슈머 그룹 { $group }{ JOSA($group, "이/가") } 없습니다
app-variable-no-process = 실행 중인 { $name } 프로세스가 없습니다
app-variable-symbol = { $file }에 변수 { $symbol }{ JOSA($symbol, "이/가") } 없습니다: { $problem }
app-variable-type = { $symbol }의 타입을 알 수 없습니다. type으로 지정하십시오
app-variable-read = 프로세스 { $pid }의 메모리를 읽을 수 없습니다: { $problem }. 같은 사용자이거나 CAP_SYS_PTRACE가 있어야 합니다
app-probe-open = { $event }의 횟수를 셀 수 없습니다: { $problem }
app-kafka-name-groups = { $reason }. groups에 그룹의 이름을 지정하십시오
app-kafka-no-members = { $reason }. 그룹의 멤버를 알 수 없습니다
app-jolokia-odd = Jolokia 에이전트의 응답이 아닙니다: { $problem }
app-jolokia-refused = 에이전트가 일부를 알려 주지 않습니다: { $problem }
