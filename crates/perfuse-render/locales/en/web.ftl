### The pages of the daemon.

## Navigation
web-nav = Pages
web-nav-status = Status
web-nav-history = History
web-nav-dash = Dashboard
web-nav-charts = Charts
web-nav-checklist = Checklist
web-nav-incidents = Incidents
web-nav-advice = Advice
web-nav-maintenance = Maintenance
web-language = Language
web-skip = Skip to the content
web-home = To the status page
web-login = Log in
web-logout = Log out
web-times = Times in
web-lost = Connection lost. Trying again …
web-now = now
web-groups = Groups

## States
web-state-operational = Operational
web-state-unknown = Unknown
web-state-degraded = Degraded
web-state-partial = Partial outage
web-state-major = Major outage
web-state-maintenance = Maintenance
web-group-well = all { $count }
web-group-bad = { $bad } of { $count }

## The public page
web-banner-operational = All systems operational
web-banner-unknown = The state of some systems is not known
web-banner-degraded = Some systems are slow or impaired
web-banner-partial = Part of the systems is out of service
web-banner-outage = Some systems are out of service
web-banner-major = All systems are out of service
web-banner-maintenance = Maintenance is under way
web-empty = No component is configured
web-empty-how = What is to be watched stands in the configuration; perfuse serve --check-config tells whether it is right.
web-held = Because of { $root }
web-flapping = Changes all the time
web-not-ready = Not ready
web-suspect = A check fails
web-hidden = Not on the public page
web-instances = Instances
web-uptime = { $percent } uptime
web-uptime-90 = Uptime of the last 90 days
web-no-data = no data
web-bars = { $title }, the last { $days } days: { $uptime }
web-days-ago = { $days } days ago
web-today = Today
web-incidents-open = Incidents under way
web-incident-title = { $component }: { $state }
web-ongoing = under way
web-lasted = lasted { $time }
web-step-first = First failure
web-step-held = { $state } because of { $root }
web-step-cleared = All checks pass again
web-work = Maintenance
web-work-now = Maintenance under way
web-work-planned = Planned maintenance
web-work-none = No maintenance is under way or planned.
web-open-end = open end
web-all-components = All components
web-recent = Past incidents
web-recent-none = No incidents in the last 14 days.
web-history-more = All incidents of the last 90 days
web-history-none = No incidents in the last 90 days.
web-newer = Newer
web-older = Older

## The dashboard
web-components = Components
web-component = Component
web-checks = Checks
web-check = Check
web-result = Result
web-took = Took
web-value = Value
web-at = At
web-check-now = Check now
web-since = Since
web-outcome-pass = Passed
web-outcome-slow = Slow
web-outcome-fail = Failed
web-outcome-nodata = Could not be made
web-outcome-none = No result yet
web-budget = { $share } of the error budget is left
web-budget-spent = The error budget is used up
web-slo = Objective { $objective }, { $events ->
    [one] { $events } observation
   *[other] { $events } observations
}.
web-burn = Burn rate over { $long } and { $short }: { $rates } (limit { $limit })
web-tile-bad = need attention
web-tile-host = Host
web-tile-open = open now
web-tile-running = watched for { $time }
web-host-healthy = Nothing waits
web-host-unknown = Too little is measurable
web-host-findings = { $count ->
    [one] finding needs attention
   *[other] findings need attention
}
web-troubles = The daemon has troubles of its own
web-use = Resources: utilization, saturation, errors
web-use-more = The whole checklist
web-use-none = The host has not been measured yet.
web-explain = What this means
web-book-source = Source
web-book-trap = Mind
web-book-next = Next

## Charts
web-charts-all = All charts
web-charts-none = No series has been stored yet.
web-range = Range of time
web-unzoom = Back from zoom
web-zoom-hint = Drag over a chart to zoom, double-click to go back.
web-more-lines = and { $count } more

## Incidents
web-began = Began
web-detected = Detected
web-after = after { $time }
web-length = Length
web-worst = Worst state
web-cause = First cause
web-cause-searched = The cause is being looked for.
web-cause-none = No cause was found in what was captured.
web-number = Name
web-explains = explains { $share } of the waiting
web-compared = Before, during and after
web-series = Series
web-before = Before
web-during = During
web-after-it = After
web-timeline = What happened
web-event-first = First failure of { $check }
web-event-own = No other component is to blame any more
web-event-steady = Steady again
web-event-ready = Ready
web-event-burning = The error budget burns too fast
web-event-burned = The error budget no longer burns too fast
web-flame-on = On CPU
web-flame-off = Off CPU: what threads waited for
web-flame-open = Open it alone
web-captures = Captured

## Maintenance and logging in
web-work-start = Start maintenance
web-work-stop = End it
web-work-all = (none chosen: all)
web-work-length = For how long
web-work-length-hint = Such as 30m, 2h or 1d. Empty: until somebody ends it.
web-work-bad-length = A length is a number with a unit, such as 30m, 2h or 1d.
web-work-reason = Reason, for the status page
web-password = Password or token
web-login-hint = The token of this host stands in a file that only the owner of the daemon can read.
web-login-why = Changes are taken from those who logged in.
web-login-wrong = That is not right.

## Refusals
web-refused-host = This host is not addressed by that name.
web-refused-origin = The request comes from a page of another site.
web-refused-often = Too many requests. Please wait a little.
web-refused-time = It took too long.
web-refused-nobody = Please log in, or send a token.
web-refused-token = That token is not right.
web-refused-nothing = There is nothing here.
web-refused-push = The token of the check is missing: Authorization: Bearer TOKEN.
web-refused-report = A report is passed, failed or waiting.
web-refused-range = The range ends before it begins, or is longer than what is kept.
web-refused-store = The store cannot be read now.

## What series of the host are called
web-series-threads-count = Threads by state
web-series-processes-count = Processes
web-series-tcp-count = TCP connections of port
web-series-accept-queue-count = Waiting to be accepted, by port
web-series-accept-queue-max-count = Most that may wait to be accepted, by port
web-series-receive-queue-bytes = Received and not yet read, by port
web-series-send-queue-bytes = Written and not yet acknowledged, by port
web-series-process-cpu-seconds-per-second = CPU time by process
web-series-process-memory-bytes = Memory by process
web-series-verdict-count = Verdicts: 0 ok, 1 watch, 2 bottleneck, 3 error
web-series-probe-duration-seconds = Duration of the checks of
web-series-probe-up = Results of the checks of (1 passed, 0.5 slow, 0 failed)
web-series-probe-value = Values of the checks of

## Advice
web-advice-what = What comes back over the last days, what will be full, and what is larger than it need be. Looked for once an hour.
web-advice-none = Nothing comes back, nothing fills up: there are too few days yet, or all is well.
web-advice-reached = the limit is reached
