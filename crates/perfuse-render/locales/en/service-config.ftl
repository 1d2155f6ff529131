### The configuration of the daemon: what is wrong with it, and what was expected.

config-syntax = this is not TOML: { $problem }
config-too-large = the file is larger than { $bytes } bytes
config-unknown-key = [{ $section }] has no key `{ $key }`; there is: { $names }
config-wrong = `{ $key }` has to be { $expected }
config-missing = [{ $section }] needs `{ $key }`
config-missing-kind = every [[{ $section }]] needs `kind`, one of: { $names }
config-unknown-kind = `{ $kind }` is no kind of [[{ $section }]]; there is: { $names }
config-twice = the name `{ $name }` is there twice
config-check-twice = the check `{ $name }` is there twice; checks of one kind need a `name` or an `instance` each
config-no-component = `{ $name }` is no component; there is: { $names }
config-circle = components need each other in a circle: { $circle }
config-secret-twice = only one of `{ $key }`, `{ $key }_file` and `{ $key }_env` can be given
config-secret-file = the secret in { $file } could not be read: { $problem }
config-secret-variable = the environment has no variable { $variable }

## What was expected; ends the sentence of config-wrong
config-expected-text = a text in quotes
config-expected-some-text = a text in quotes that is not empty
config-expected-flag = true or false
config-expected-integer = a whole number from { $from } to { $to }
config-expected-number = a number
config-expected-integers = a whole number, or a list of them
config-expected-duration = a time such as "30s", "5m" or "1h30m", at most a year
config-expected-list = a list of texts, such as ["a", "b"]
config-expected-some-list = a list that is not empty
config-expected-pairs = a table of texts, in braces and with commas between: name = "value"
config-expected-table = a table
config-expected-tables = a list of tables, each with its [[header]]
config-expected-choice = one of: { $names }
config-expected-regex = a regular expression (of the syntax of the Rust library regex)
config-expected-datetime = a date with a time, such as 2026-12-01T02:00:00+09:00, without quotes
config-expected-timeout-within-every = at most `every`: a check that still runs is not begun again
config-expected-method = an HTTP method in capitals, such as "GET"
config-expected-status = HTTP statuses, from 100 to 599
config-expected-json-pointer = a table whose names are JSON pointers, such as "/status/db"
config-expected-socket-address = an address with a port, such as "127.0.0.1:7780" or "[::1]:7780"
config-expected-host-port = a host with a port, such as "db.example.org:5432"
config-expected-url = a URL with a scheme that fits and a host
config-expected-url-http = a URL that begins with http:// or https://
config-expected-share = a part of the whole, from 0 to 1
config-expected-objective = above 0 and below 1, such as 0.999
config-expected-name = letters, digits, `-`, `_` and `.`
config-expected-auth = a loopback address, or else [auth] has to have a password or a token
config-expected-offset = "Z", or the hours and minutes ahead of UTC, such as "+09:00"
config-expected-days = days of the week: "mon", "tue", "wed", "thu", "fri", "sat", "sun"
config-expected-clock = hours and minutes, such as "02:30"
config-expected-once-or-weekly = left out: a window with `days` or `at` comes every week
config-expected-at-most-a-week = at most a week
config-expected-after-start = after `start`
config-expected-template = a text with values of these names, each in two pairs of braces: { $names }
config-expected-mailbox = an address such as "ops@example.org" or "Operators <ops@example.org>"
config-expected-seconds = whole seconds, at least one
config-expected-ssl-mode = a URL whose ssl mode is one of: { $names }
config-expected-not-with-verify = left out: the URL says that the certificate is verified
