### What could not be learned of an application.

app-timeout = no answer within { $seconds } s
app-broken = the answer could not be read, and the connection was given up; it is tried again
app-too-many = more than { $most } series; { $more } are left out
app-postgresql-rights = the states and statements of other users' sessions cannot be seen; grant the right with: GRANT pg_monitor TO "{ $user }"
app-rule-nothing = the endpoint has no { $metric }, for which there is a rule
app-jvm-none = no running Java virtual machine with counters was found for { $name }; it keeps none with -XX:-UsePerfData
app-kafka-many = more than { $most } partitions with offsets; name the groups that matter
app-kafka-no-group = the cluster has no consumer group { $group }
app-variable-no-process = no process { $name } runs
app-variable-symbol = { $file } has no variable { $symbol }: { $problem }
app-variable-type = the type of { $symbol } is not known; say it with type
app-variable-read = the memory of process { $pid } cannot be read: { $problem }; it takes the same user or CAP_SYS_PTRACE
app-probe-open = { $event } cannot be counted: { $problem }
app-kafka-name-groups = { $reason }; name the groups with groups
app-kafka-no-members = { $reason }; the members of groups are not known
app-jolokia-odd = the answer is not that of a Jolokia agent: { $problem }
app-jolokia-refused = the agent does not tell everything: { $problem }
