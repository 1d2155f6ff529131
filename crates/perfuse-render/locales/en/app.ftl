### What applications say about themselves, as causes.

resource-database = Database
resource-pool = Pool
resource-queue = Queue
resource-heap = Heap
app-said = { $source } itself tells of { $wait } of waiting
app-rate = { $rate }
app-rate-unknown = an unknown number

finding-app-blocked-session-title = Sessions wait for a lock that another session holds
finding-app-blocked-session-summary = { $waiting } sessions of { $source } wait for { $holder } ({ $doing }), the longest for { $longest }.
finding-app-blocked-session-sessions = waiting sessions of { $source }
finding-app-blocked-session-evidence-wait = { $waiting } wait, the longest for { $longest }, for { $object }
finding-app-blocked-session-evidence-holder = its last statement: { $statement }
finding-app-blocked-session-advice = End the session { $holder }, or let it commit.
finding-app-blocked-session-expect = { $waiting } sessions go on at once; the wait of { $longest } ends.
finding-app-blocked-session-advice-idle = End transactions that are left open by a time limit, and commit before waiting for anything else in the program.
finding-app-blocked-session-expect-idle = No lock is held for longer than the limit by a session that does nothing.

finding-app-pool-exhausted-title = A pool has nothing left
finding-app-pool-exhausted-summary = Of the pool { $pool }, { $used } of { $max } are in use, and { $pending } wait for one.
finding-app-pool-exhausted-evidence = { $used } of { $max } in use, { $pending } waiting
finding-app-pool-exhausted-advice = Find what holds on to them for long; if the server behind has room, raise the maximum of { $pool } to { $wanted }.
finding-app-pool-exhausted-expect = With { $wanted } the { $pending } that wait now have one.

finding-app-queue-behind-title = Messages come faster than they are taken
finding-app-queue-behind-summary = { $queue } holds { $length } messages: { $came } come in, { $went } are taken, by { $consumers } consumers.
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
finding-app-heap-full-advice = Give the heap { $wanted }, if the host has the memory.
finding-app-heap-full-expect = The same objects then fill { $after } of it, and collections become rare.
finding-app-heap-full-advice-look = See which classes fill it, and whether they grow without end.
finding-app-heap-full-expect-look = The class at the top is what to hold less of.

finding-app-slow-command-title = One command keeps the server busy alone
finding-app-slow-command-summary = { $command } keeps { $source } busy for { $seconds } at a time ({ $count } times); { $client } sends it.
finding-app-slow-command-sent = sent by
finding-app-slow-command-evidence = { $seconds } at a time, { $count } times: { $busy } of the time
finding-app-slow-command-advice = Make { $command } smaller, or run it elsewhere or at another time; it comes from { $client }.
finding-app-slow-command-advice-scan = Replace { $command } by SCAN with a COUNT, which answers in small steps; it comes from { $client }.
finding-app-slow-command-expect = Nobody waits { $seconds } behind it any more.

finding-app-limit-reached-title = A limit of the application is reached
finding-app-limit-reached-summary = { $limit } of { $source }: { $used } of { $max }; { $refused } are refused or dropped.
finding-app-limit-reached-evidence = { $used } of { $max }, { $refused } refused or dropped
finding-app-limit-reached-advice = See who uses it up; raise { $limit } (now { $max }) if the host has room for more.
finding-app-limit-reached-expect = { $refused } are no longer refused or dropped.
finding-app-limit-reached-expect-unknown = There is room again below the limit.

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
pattern-pool-too-large-advice = { $wanted } are enough, with half as much again to spare.
pattern-pool-too-large-expect = { $spare } fewer are held open for nothing.
