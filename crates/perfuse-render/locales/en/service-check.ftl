### What checks of the daemon found.

check-passed = all conditions hold
check-failed = { $problem }
check-not-made = the check could not be made: { $problem }
check-timeout = no answer within { $seconds } s
check-slow = the answer took { $milliseconds } ms
check-redirects = too many redirects
check-unexpected = an unexpected answer: "{ $found }"
check-http-status = HTTP status { $status }
check-http-header = the header { $name } is missing or has another value
check-http-body-lacks = the body does not have "{ $what }"
check-http-body-has = the body has "{ $what }"
check-http-too-long = the body is longer than { $bytes } bytes
check-http-no-json = the body is not JSON
check-http-json = { $path } is { $found }, not { $wanted }
check-certificate = the certificate is valid for { $days } more days
check-dns-lacks = { $wanted } is not among the answers: { $found }
check-command = { $text }
check-unit = the unit is { $state }
check-process = { $count } processes of the name { $name }
check-value = { $name } is { $value }
