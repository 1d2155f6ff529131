# A victim and a holder of one System V semaphore (semop(2)), which no library of this project reaches:
#   perl shop.pl victim|holder KEY MICROSECONDS
# The victim says every 250 ms how it fares, as all victims do.
use strict;
use warnings;
use Time::HiRes qw(time sleep);

$| = 1;
my ($role, $key, $us) = @ARGV;
my $id = semget($key, 1, 0600 | 01000) // die "semget: $!";
my ($take, $give) = (pack("s!3", 0, -1, 0), pack("s!3", 0, 1, 0));

if ($role eq 'holder') {
    while (1) {
        semop($id, $take) or next;
        sleep($us / 1e6);
        semop($id, $give) or die "semop: $!";
        sleep($us / 4e6);
    }
}

semctl($id, 0, 16, 1) // die "semctl: $!";
my ($due, $told, @took) = (time, time);
while (1) {
    $due += $us / 1e6;
    my $now = time;
    if ($due > $now) { sleep($due - $now) }
    elsif ($now - $due > 2) { $due = $now }
    semop($id, $take) or next;
    my $work = 0;
    $work += $_ for 1 .. 3000;
    semop($id, $give) or die "semop: $!";
    push @took, time - $due;
    next if time - $told < 0.25;
    @took = sort { $a <=> $b } @took;
    printf "sli %d 0 %d\n", scalar @took, 1e6 * $took[int($#took * 0.99)];
    ($told, @took) = (time);
}
