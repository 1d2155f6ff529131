# perf script.

help-script = 기록을 표본마다 글로 보여 줍니다.
script-list = 여기에는 스크립트가 없습니다. 기록을 읽는 Perl이나 Python 프로그램은 이 프로그램에 들어 있지 않습니다.
script-none = `{ $script }`{ JOSA($script, "은/는") } Perl이나 Python 스크립트로 보이지만, 스크립트는 이 프로그램에 들어 있지 않습니다. 필드는 -F로 고릅니다.
script-without = { $option } 기능은 이 프로그램에 들어 있지 않습니다.
script-fields = 필드 `{ $list }`{ JOSA($list, "은/는") } 쓸 수 없습니다: { $why } 가능한 필드: { $names }
script-cpus = 0-3,7처럼 적은 CPU 목록
script-two-times = --reltime과 --deltatime은 함께 쓸 수 없습니다.
script-bad = 레코드 { $count }개를 해독하지 못했습니다. 첫 번째: { $first }
