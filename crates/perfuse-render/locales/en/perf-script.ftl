# perf script.

help-script = A recording as text, sample by sample.
script-list = There are no scripts here: programs in Perl or Python that read recordings are not part of this program.
script-none = `{ $script }` would be a script in Perl or Python; those are not part of this program. Fields are chosen with -F.
script-without = { $option } is not part of this program.
script-fields = The fields `{ $list }` do not do: { $why } Fields: { $names }
script-cpus = a list of CPUs, such as 0-3,7
script-two-times = --reltime and --deltatime exclude each other.
script-bad = { $count } records could not be decoded. The first: { $first }
