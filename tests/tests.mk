# All that `make check' builds and runs.  Included by Makefile.am; paths are those of the top folder.

# Shell tests of the built program.  They run as anybody and need no network.
run_tests = \
	tests/run/run-activate.sh \
	tests/run/run-article.sh \
	tests/run/run-basic.sh \
	tests/run/run-explain.sh \
	tests/run/run-handover.sh \
	tests/run/run-listen.sh \
	tests/run/run-manual.sh \
	tests/run/run-protocols.sh \
	tests/run/run-relay.sh \
	tests/run/run-server-first.sh \
	tests/run/run-silence.sh \
	tests/run/run-ssh.sh \
	tests/run/run-stunnel.sh \
	tests/run/run-tls.sh

# What a sanitizer build cannot tell, being linked with more, or tells no better.
if !SANITIZERS
run_tests += tests/run/run-binary.sh tests/run/run-peers.sh
endif

# Shell tests that need root, a real systemd, xinetd, ...: `make check-system'.
system_tests = \
	tests/system/system-inetd.sh \
	tests/system/system-listen.sh \
	tests/system/system-systemd.sh

# One unit test a module, by its name.
unit_tests = \
	test-address \
	test-bind \
	test-children \
	test-dial \
	test-grammar \
	test-handover \
	test-intake \
	test-listen \
	test-log \
	test-logfmt \
	test-notify \
	test-options \
	test-probe \
	test-relay \
	test-resolve \
	test-rule \
	test-sniff \
	test-span \
	test-title

# The fuzz targets, fed with what stands in tests/corpus, so that any compiler can run them.
replay_tests = \
	replay-address \
	replay-logfmt \
	replay-probe \
	replay-rule

# tests/report writes down what it was given by whoever ran it.
check_PROGRAMS = $(unit_tests) $(replay_tests) tests/report
TESTS = $(unit_tests) $(replay_tests) $(run_tests)

LDADD = libusher.a

fixture = tests/unit/fixture.c tests/unit/fixture.h tests/unit/tap.h
test_address_SOURCES = tests/unit/test-address.c tests/unit/tap.h
test_bind_SOURCES = tests/unit/test-bind.c $(fixture)
test_children_SOURCES = tests/unit/test-children.c tests/unit/tap.h
test_dial_SOURCES = tests/unit/test-dial.c $(fixture)
test_grammar_SOURCES = tests/unit/test-grammar.c $(fixture)
test_handover_SOURCES = tests/unit/test-handover.c $(fixture)
test_intake_SOURCES = tests/unit/test-intake.c $(fixture)
test_listen_SOURCES = tests/unit/test-listen.c $(fixture)
test_log_SOURCES = tests/unit/test-log.c $(fixture)
test_logfmt_SOURCES = tests/unit/test-logfmt.c tests/unit/tap.h
test_notify_SOURCES = tests/unit/test-notify.c $(fixture)
test_options_SOURCES = tests/unit/test-options.c $(fixture)
test_probe_SOURCES = tests/unit/test-probe.c tests/unit/tap.h
test_relay_SOURCES = tests/unit/test-relay.c $(fixture)
test_resolve_SOURCES = tests/unit/test-resolve.c $(fixture)
test_rule_SOURCES = tests/unit/test-rule.c $(fixture)
test_sniff_SOURCES = tests/unit/test-sniff.c $(fixture)
test_span_SOURCES = tests/unit/test-span.c tests/unit/tap.h
test_title_SOURCES = tests/unit/test-title.c $(fixture)
tests_report_SOURCES = tests/unit/report.c

replay_address_SOURCES = tests/fuzz/fuzz-address.c tests/fuzz/replay.c
replay_logfmt_SOURCES = tests/fuzz/fuzz-logfmt.c tests/fuzz/replay.c
replay_probe_SOURCES = tests/fuzz/fuzz-probe.c tests/fuzz/replay.c
replay_rule_SOURCES = tests/fuzz/fuzz-rule.c tests/fuzz/replay.c

# libFuzzer brings its own main.
if FUZZING
noinst_PROGRAMS = fuzz-address fuzz-logfmt fuzz-probe fuzz-rule
fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_address_SOURCES = tests/fuzz/fuzz-address.c
fuzz_address_LDFLAGS = $(fuzz_ldflags)
fuzz_logfmt_SOURCES = tests/fuzz/fuzz-logfmt.c
fuzz_logfmt_LDFLAGS = $(fuzz_ldflags)
fuzz_probe_SOURCES = tests/fuzz/fuzz-probe.c
fuzz_probe_LDFLAGS = $(fuzz_ldflags)
fuzz_rule_SOURCES = tests/fuzz/fuzz-rule.c
fuzz_rule_LDFLAGS = $(fuzz_ldflags)
endif

EXTRA_DIST = tests/fuzz/fuzz.sh tests/corpus tests/demo tests/lib.sh tests/run tests/system

TEST_EXTENSIONS = .sh
tap_driver = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
LOG_DRIVER = $(tap_driver)
SH_LOG_DRIVER = $(tap_driver)
SH_LOG_COMPILER = bash

# Skipping is failing here: whoever asks for these tests wants to know that they were run.
check-system: all
	@test "$$(id -u)" = 0 || { echo 'make check-system: must be run as root' >&2; exit 1; }
	@test -n '$(strip $(system_tests))' || { echo 'make check-system: there are no system tests' >&2; exit 1; }
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(system_tests)' TEST_SUITE_LOG=system-suite.log
	@if grep -l '^:test-result: SKIP' $(system_tests:.sh=.trs); then \
		echo 'make check-system: these were skipped' >&2; exit 1; fi

# A build with --enable-fuzzing; FUZZ_SECONDS in the environment, 60 without.
check-fuzz: all
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS check_PROGRAMS= TESTS=tests/fuzz/fuzz.sh TEST_SUITE_LOG=fuzz-suite.log

CLEANFILES = system-suite.log fuzz-suite.log
.PHONY: check-fuzz check-system

include $(srcdir)/tests/bench/protocols.mk
