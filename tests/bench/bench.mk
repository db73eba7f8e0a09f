# `make bench': usher beside its peers; bench-quick: the same in two minutes, to see that it works; bench-systemd: under a real
# systemd, in a container; bench-directives: what a directive of a unit costs there, for each connection.
# Included by Makefile.am; paths are those of the top folder.

bench_programs = tests/bench/load tests/bench/bulk tests/bench/forkpause
EXTRA_PROGRAMS = $(bench_programs)
tests_bench_load_SOURCES = tests/bench/load.c tests/bench/bulk.h
tests_bench_load_LDADD =
tests_bench_bulk_SOURCES = tests/bench/bulk.c tests/bench/bulk.h
tests_bench_bulk_LDADD =
tests_bench_forkpause_SOURCES = tests/bench/forkpause.c
tests_bench_forkpause_LDADD =

EXTRA_DIST += tests/bench/README.md tests/bench/bench.sh tests/bench/bench.svg tests/bench/bench-systemd.sh \
	tests/bench/cgroup.sh tests/bench/directives.sh tests/bench/inside-directives.sh tests/bench/inside-systemd.sh \
	tests/bench/peers.sh tests/bench/plot.gp tests/bench/summary.pl

bench: usher $(bench_programs)
	top_builddir=$(top_builddir) bash $(srcdir)/tests/bench/bench.sh

bench-quick: usher $(bench_programs)
	top_builddir=$(top_builddir) BENCH_QUICK=yes bash $(srcdir)/tests/bench/bench.sh

bench-systemd: all $(bench_programs)
	top_builddir=$(top_builddir) bash $(srcdir)/tests/bench/bench-systemd.sh

bench-directives: all $(bench_programs)
	top_builddir=$(top_builddir) bash $(srcdir)/tests/bench/directives.sh

CLEANFILES += $(bench_programs)
clean-local: bench-clean
bench-clean:
	rm -rf tests/bench/results
.PHONY: bench bench-quick bench-systemd bench-directives bench-clean
