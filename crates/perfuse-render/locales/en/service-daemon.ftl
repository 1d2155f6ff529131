### The daemon: its log, its troubles, what came of orders, and events.

daemon-serving = serving on { $url }
daemon-stopping = stopping
daemon-stopping-slowly = something does not end in time, and is left behind
daemon-reloading = reading the configuration again
daemon-reloaded = the configuration is in force: { $count } components
daemon-config-stays = the configuration was not taken, the one before stays in force: { $problem }
daemon-needs-restart = addresses, certificates, the state directory or the retention have changed: they take effect after a restart
daemon-plan = the components cannot be used: { $problem }
daemon-changed = { $component }: { $from } → { $to }
daemon-late = { $count } checks of the last minute began more than a second late
daemon-clock-ahead = the clock was set ahead by { $seconds } s
daemon-clock-back = the clock was set back by { $seconds } s
daemon-sampler-ended = this host is no longer sampled: the sampler has ended
daemon-store = the store cannot be written, what comes waits in memory: { $problem }
daemon-store-lost = { $count } seconds of numbers were lost since the start, because the disk took nothing
daemon-damaged = { $file } is damaged: { $problem }
daemon-damaged-aside = { $file } was damaged and has been set aside as { $aside }: { $problem }
daemon-memory = what was known before the start could not be read: { $problem }
daemon-locked = the store in { $directory } is in use by process { $pid }: only one daemon can write there
daemon-address-taken = { $address } is in use by another program; `--listen` takes another address
daemon-socket-taken = another daemon answers at { $path }
daemon-not-started = the daemon does not start: { $problem }
daemon-part = a part of the daemon cannot follow the new configuration: { $problem }
daemon-open = { $address } can be reached by others: [auth] has to have a password or a token
daemon-ended = the daemon is ending
daemon-no-component = there is no component { $name }; there is: { $names }
daemon-no-incident = there is no incident { $id }
daemon-maintenance-for = maintenance { $id } has begun, for { $time }
daemon-maintenance-open = maintenance { $id } has begun, until it is stopped
daemon-maintenance-stopped = { $count } windows of maintenance are over
daemon-maintenance-none = no such maintenance is under way
daemon-checked = { $count } checks were made
daemon-report-taken = the report was taken
daemon-report-refused = there is no such check, or its token is another one
daemon-report-word = a report is `passed`, `failed` or `waiting`, not `{ $word }`
daemon-report-instance = the name of the instance is too long, or there are too many instances
daemon-report-passed = reported: passed
daemon-report-failed = reported: failed
daemon-report-waiting = reported: passed, and waits to be deployed

## The host and its listeners
daemon-host-well = nothing waits
daemon-host-finding = { $summary }
daemon-host-unmeasurable = too little can be measured here
daemon-host-no-cell = there is no cell { $cell } in the checklist
daemon-host-cell = { $cell }: { $verdict }, { $value }
daemon-host-cell-plain = { $cell }: { $verdict }
daemon-listener = { $owner } listens at { $addresses }
daemon-listener-full = the accept queue is full: { $waiting } wait, { $backlog } may
daemon-listener-drops = { $count } connection requests were dropped since the last look
daemon-listener-gone = nobody listens at port { $port } any more; it was { $owner }

## What happened
daemon-event-first = the check { $check } failed for the first time
daemon-event-cleared = all checks are well again
daemon-event-changed = { $from } → { $to }
daemon-event-changed-held = { $from } → { $to }, held by { $root }
daemon-event-held = it is held by { $root }
daemon-event-free = it is no longer held by another component
daemon-event-flapping = it began to flap
daemon-event-steady = it no longer flaps
daemon-event-ready = it is ready
daemon-event-not-ready = it is not ready
daemon-event-ready-unknown = nothing tells any more whether it is ready
daemon-event-burning = the error budget burns too fast, over { $window }
daemon-event-not-burning = the error budget no longer burns too fast, over { $window }
