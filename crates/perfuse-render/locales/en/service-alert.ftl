### What the daemon tells when something happens to a component.

## The first line
alert-subject-bad = { $title }: { $state }
alert-subject-still = { $title }: still { $state }
alert-subject-flapping = { $title }: changes its state all the time
alert-subject-budget = { $title }: the error budget burns too fast
alert-subject-resolved = { $title }: operational again after { $duration }
alert-subject-budget-over = { $title }: the error budget no longer burns too fast
alert-subject-gone = { $title }: no longer watched

## The lines below
alert-since = Since { $since }, for { $duration }.
alert-lasted = From { $since } to { $ended }: { $duration }.
alert-cause = First cause: { $cause }
alert-no-cause = The cause is not known yet.
alert-affected = Held up by it: { $names }
alert-flapping = It changes its state all the time.
alert-burning = The error budget burns too fast: more than { $rate } times its rate over { $long } and over { $short }.
alert-incident = Details: perfuse incident show { $id }
alert-page = Page: { $url }
alert-host = Host: { $host }

## When nobody could be told
alert-undelivered = { $count ->
    [one] One notice for { $receiver } could not be delivered yet: { $problem }
   *[other] { $count } notices for { $receiver } could not be delivered yet: { $problem }
}
alert-given-up = Notices for { $receiver } were given up: { $problem }
alert-not-kept = Notices cannot be kept over a restart: { $problem }
