# Perl: hashes, sorting, expressions, packing, forks and pipes. The argument is how much of it.
use strict;
use warnings;

my $much = shift;
my ($state, %count, @words) = (1);
for (1 .. $much * 8000) {
    $state = ($state * 1103515245 + 12345) % 2147483648;
    my $word = join '', map { chr 97 + ($state >> $_) % 26 } 3, 9, 15, 21;
    push @words, $word;
    $count{substr $word, 0, 1}++;
}
print join(' ', map { "$_=$count{$_}" } sort keys %count), "\n";
my $text = join ' ', sort { $a cmp $b } @words;
my $vowels = () = $text =~ /\b[aeiou][^aeiou ]+\b/g;
(my $changed = $text) =~ s/(\w)(\w)(\w)(\w)/$4$2$3$1/g;
printf "%d %d %d %08x\n", length $text, $vowels, $changed =~ tr/a-m//, unpack '%32C*', $changed;
my $float = 0;
$float += sqrt($_) / ($_ + 1.5) for 1 .. $much * 5000;
printf "%.15g %s\n", $float, 2**0.5 * 1e300;
my %squares = map { $_ => $_ * $_ } 1 .. $much * 1000;
my $total = 0;
$total += $squares{$_} for keys %squares;
print "$total ", 2**53 + 1, " ", 7 / 3, "\n";
for my $child (1 .. 5) {
    my $pid = open(my $pipe, '-|') // die "fork: $!";
    if (!$pid) {
        print "child $child: ", join(',', map { $_ ** 2 % 101 } 1 .. 20 * $child), "\n";
        exit $child;
    }
    my @lines = <$pipe>;
    close $pipe;
    print @lines, $? >> 8, "\n";
}
