# Figures of the protocol table: `make bench-verdict', what a verdict costs; `make bench-false-positives', how often it is wrong.
# Built by `make check', so that they keep building, and run by nobody but who wants to know.  Included by tests/tests.mk.
check_PROGRAMS += tests/bench/false-positives tests/bench/verdict
bench_samples = tests/bench/samples.c tests/bench/samples.h
tests_bench_false_positives_SOURCES = tests/bench/false-positives.c $(bench_samples)
tests_bench_verdict_SOURCES = tests/bench/verdict.c $(bench_samples)

bench-false-positives: tests/bench/false-positives
	srcdir=$(srcdir) tests/bench/false-positives

bench-verdict: tests/bench/verdict
	srcdir=$(srcdir) tests/bench/verdict

.PHONY: bench-false-positives bench-verdict
