### What applications say about themselves, as causes.

resource-database = Database
resource-pool = Pool
resource-queue = Queue
resource-heap = Heap
app-said = { $source } itself tells of { $wait } of waiting
app-rate = { $rate }
app-rate-unknown = an unknown number

finding-app-blocked-session-title = Sessions wait for a lock that another session holds
finding-app-blocked-session-summary = { $waiting ->
    [one] { $waiting } session of { $source } waits for { $holder } ({ $doing }), for { $longest } now.
   *[other] { $waiting } sessions of { $source } wait for { $holder } ({ $doing }), the longest for { $longest }.
}
finding-app-blocked-session-summary-unknown = { $waiting ->
    [one] { $waiting } session of { $source } waits for { $object }, for { $longest } now; the server does not tell who holds it.
   *[other] { $waiting } sessions of { $source } wait for { $object }, the longest for { $longest }; the server does not tell who holds it.
}
finding-app-blocked-session-sessions = waiting sessions of { $source }
finding-app-blocked-session-evidence-wait = { $waiting } wait, the longest for { $longest }, for { $object }
finding-app-blocked-session-evidence-waiters = { $waiting } wait ({ $waiters }), the longest for { $longest }, for { $object }
finding-app-blocked-session-evidence-silent = its last statement is not known
finding-app-blocked-session-evidence-unknown = the transaction that is open longest, and waits for nothing itself
finding-app-blocked-session-evidence-holder = its last statement: { $statement }
finding-app-blocked-session-advice = End the session { $holder }, or let it commit.
finding-app-blocked-session-expect = { $waiting ->
    [one] { $waiting } session goes on at once; its wait of { $longest } ends.
   *[other] { $waiting } sessions go on at once; the wait of { $longest } ends.
}
finding-app-blocked-session-advice-idle = End transactions that are left open by a time limit, and commit before waiting for anything else in the program.
finding-app-blocked-session-advice-suspect = See what { $suspect } does; if it holds the lock, end it, or let it commit.
finding-app-blocked-session-advice-tell = Let the server keep account of these locks, to know the holder the next time.
finding-app-blocked-session-expect-tell = The next incident names the session that holds the lock.
finding-app-blocked-session-expect-idle = No lock is held for longer than the limit by a session that does nothing.

finding-app-pool-exhausted-title = A pool has nothing left
finding-app-pool-exhausted-summary = Of the pool { $pool }, { $used } of { $max } are in use, and { $pending } wait for one.
finding-app-pool-exhausted-evidence = { $used } of { $max } in use, { $pending } waiting
finding-app-pool-exhausted-advice = Find what holds on to them for long; if the server behind has room, raise the maximum of { $pool } to { $wanted }.
finding-app-pool-exhausted-expect = With { $wanted } the { $pending } that wait now have one.

finding-app-queue-behind-title = Messages come faster than they are taken
finding-app-queue-behind-summary = { $queue } holds { $length } messages: { $came } come in, { $went } are taken, by { $consumers } consumers.
finding-app-queue-behind-summary-stopped = { $queue } holds { $length } messages: { $name } ({ $pid }), which takes them, is stopped by a signal.
finding-app-queue-behind-taken = is taken from by
finding-app-queue-behind-signal = SIGSTOP, SIGTSTP or a debugger
finding-app-queue-behind-stopped = it is stopped
finding-app-queue-behind-advice-stopped = Let { $name } go on, and see who stopped it.
finding-app-queue-behind-advice-see = See what { $name } waits for.
finding-app-queue-behind-expect-see = The first cause there is the cause here.
finding-app-queue-behind-evidence = { $length } waiting; in { $came }, out { $went }, { $consumers } consumers
finding-app-queue-behind-advice = See what the consumers of { $queue } wait for; add some if they are busy.
finding-app-queue-behind-advice-more = Run { $wanted } consumers of { $queue } instead of { $now }, or make each faster.
finding-app-queue-behind-advice-nobody = Start a consumer of { $queue }.
finding-app-queue-behind-advice-stuck = The consumers of { $queue } take nothing: see what they wait for.
finding-app-queue-behind-expect = The queue is empty after { $drain }.
finding-app-queue-behind-expect-nobody = The queue shrinks once somebody takes from it.
finding-app-queue-behind-expect-unknown = The queue shrinks once more is taken than comes in.

finding-app-heap-full-title = The heap is too small for what it holds
finding-app-heap-full-summary = The heap of { $name } is { $share } full after a collection ({ $max } at most), and collections stop it for { $pauses } of the time.
finding-app-heap-full-collector = the garbage collector
finding-app-heap-full-evidence = { $share } of { $max } still in use after a collection; stopped { $pauses } of the time
finding-app-heap-full-advice = Give the heap { $wanted } instead of { $now }, if the host has the memory.
finding-app-heap-full-expect = The same objects then fill { $after } of it, and collections become rare.
finding-app-heap-full-advice-look = See which classes fill it, and whether they grow without end.
finding-app-heap-full-expect-look = The class at the top is what to hold less of.

finding-app-slow-command-title = One command keeps the server busy alone
finding-app-slow-command-summary = { $count ->
    [one] { $command } kept { $source } busy for { $seconds }; { $client } sent it.
   *[other] { $command } keeps { $source } busy for { $seconds } at a time ({ $count } times); { $client } sends it.
}
finding-app-slow-command-summary-unsent = { $command } keeps { $source } busy, for { $seconds } so far: it answers nobody else.
finding-app-slow-command-sent = sent by
finding-app-slow-command-evidence = { $count ->
    [one] once, for { $seconds }: { $busy } of the time
   *[other] { $seconds } at a time, { $count } times: { $busy } of the time
}
finding-app-slow-command-evidence-unsent = it still runs, for { $seconds } so far
finding-app-slow-command-advice = Make { $command } smaller, or run it elsewhere or at another time; it comes from { $client }.
finding-app-slow-command-advice-unsent = End { $command }, and make it smaller before it runs again.
finding-app-slow-command-advice-scan = Replace { $command } by SCAN with a COUNT, which answers in small steps; it comes from { $client }.
finding-app-slow-command-expect = Nobody waits { $seconds } behind it any more.

finding-app-limit-reached-title = A limit of the application is reached
finding-app-limit-reached-summary = { $limit } of { $source }: { $used } of { $max }; { $refused } are refused or dropped.
finding-app-limit-reached-summary-full = { $limit } of { $source }: { $used } of { $max } are taken.
finding-app-limit-reached-summary-denied = { $limit } of { $source } is reached: it lets nobody in any more.
finding-app-limit-reached-evidence = { $used } of { $max }, { $refused } refused or dropped
finding-app-limit-reached-evidence-full = { $used } of { $max } are taken
finding-app-limit-reached-evidence-denied = it refused the collector itself
finding-app-limit-reached-most = most of it is taken by
finding-app-limit-reached-advice = See who uses it up; raise { $limit } ({ $max }) if the host has room for more.
finding-app-limit-reached-advice-most = { $most } have most of it: let them give back what they do not need. Raise { $limit } ({ $max }) if the host has room for more.
finding-app-limit-reached-expect = { $refused } are no longer refused or dropped.
finding-app-limit-reached-expect-unknown = There is room again below the limit.
app-limit-now = now { $max }
app-limit-unknown = its value is not known

error-no-command = No process is called { $name }.

finding-why-gone-title = The process has ended
finding-why-gone-summary = { $name } ({ $pid }), which did the work until then, does not run any more.
finding-why-gone-evidence = it was there before the first failure, and is not there now
finding-why-gone-ended = ended
finding-why-gone-advice = Start it again, and read its last lines to see why it ended.
finding-why-gone-expect = The check succeeds as soon as it runs.
finding-why-not-listening-title = The process runs but does not listen any more
finding-why-not-listening-summary = { $name } ({ $pid }) still runs, but nobody listens on port { $port }.
finding-why-not-listening-evidence = it listened on port { $port } before the first failure
finding-why-not-listening-port = port { $port }
finding-why-not-listening-advice = See what the process does instead, and whether its start has failed.
finding-why-not-listening-expect = The check succeeds as soon as it listens.

pattern-daily-queue-summary = { $series } grows to { $peak } at { $clock } on { $agree } of { $days } days; usually it is { $usual }.
pattern-daily-queue-advice = Add workers before { $clock } and keep them for { $hours } hours, or spread what starts then.
pattern-daily-queue-expect = It stays near { $usual } instead of { $peak }.
pattern-limit-nears-summary = { $series } is at { $share } of its limit and grows by { $growth } of it a day: it is reached in { $days } days.
pattern-limit-nears-advice = Raise the limit, or find what grows, within { $days } days.
pattern-limit-nears-expect = With twice the limit it is { $share } full.
pattern-pool-too-large-summary = Of { $max } in { $series }, never more than { $peak } were used in { $days } days.
pattern-pool-too-large-advice = Lower its maximum from { $max } to { $wanted }: that is half as much again as was ever used.
pattern-pool-too-large-expect = { $spare } fewer are held open for nothing.
