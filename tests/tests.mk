# All that `make check' builds and runs.  Included by Makefile.am; paths are those of the top folder.

# Shell tests of the built program.  They run as anybody and need no network.
run_tests = \
	tests/run/run-activate.sh \
	tests/run/run-article.sh \
	tests/run/run-backends.sh \
	tests/run/run-basic.sh \
	tests/run/run-captured.sh \
	tests/run/run-explain.sh \
	tests/run/run-exec.sh \
	tests/run/run-hostile.sh \
	tests/run/run-include.sh \
	tests/run/run-listen.sh \
	tests/run/run-log.sh \
	tests/run/run-manual.sh \
	tests/run/run-pass.sh \
	tests/run/run-privsep.sh \
	tests/run/run-proxy.sh \
	tests/run/run-protocols.sh \
	tests/run/run-relay.sh \
	tests/run/run-server-first.sh \
	tests/run/run-resolve.sh \
	tests/run/run-silence.sh \
	tests/run/run-ssh.sh \
	tests/run/run-stunnel.sh \
	tests/run/run-tls.sh \
	tests/run/run-undecided.sh

# What a sanitizer build cannot tell, being linked with more, or tells no better.
if !SANITIZERS
run_tests += tests/run/run-binary.sh tests/run/run-faults.sh tests/run/run-peers.sh
endif

# Shell tests that need root, a real systemd, xinetd, ...: `make check-system'.
system_tests = \
	tests/system/system-abuse.sh \
	tests/system/system-inetd.sh \
	tests/system/system-listen.sh \
	tests/system/system-machines.sh \
	tests/system/system-systemd.sh \
	tests/system/system-transparent.sh

# One unit test a module, by its name.
unit_tests = \
	tests/unit/test-address \
	tests/unit/test-balance \
	tests/unit/test-bind \
	tests/unit/test-children \
	tests/unit/test-dial \
	tests/unit/test-exec \
	tests/unit/test-grammar \
	tests/unit/test-include \
	tests/unit/test-intake \
	tests/unit/test-listen \
	tests/unit/test-log \
	tests/unit/test-logfmt \
	tests/unit/test-notify \
	tests/unit/test-number \
	tests/unit/test-oom \
	tests/unit/test-options \
	tests/unit/test-prefix \
	tests/unit/test-privsep \
	tests/unit/test-proxy_header \
	tests/unit/test-probe \
	tests/unit/test-ratelimit \
	tests/unit/test-relay \
	tests/unit/test-resolve \
	tests/unit/test-rule \
	tests/unit/test-sandbox \
	tests/unit/test-settings \
	tests/unit/test-sniff \
	tests/unit/test-span \
	tests/unit/test-srv \
	tests/unit/test-title \
	tests/unit/test-words

# The fuzz targets, fed with what stands in tests/corpus, so that any compiler can run them.
replay_tests = \
	tests/fuzz/replay-address \
	tests/fuzz/replay-connection \
	tests/fuzz/replay-logfmt \
	tests/fuzz/replay-privsep \
	tests/fuzz/replay-probe \
	tests/fuzz/replay-proxy_header \
	tests/fuzz/replay-rule

# report writes down what it was given by whoever ran it; usher-captured is usher with a parser that attacks it.
check_PROGRAMS = $(unit_tests) $(replay_tests) tests/faults/faults tests/helpers/report tests/helpers/usher-captured tests/pass/receiver
# The longest first.
TESTS = $(run_tests) $(unit_tests) $(replay_tests)

# A unit test is one source file of its name, and what several of them need.
check_LIBRARIES = tests/unit/libfixture.a
tests_unit_libfixture_a_SOURCES = tests/unit/fixture.c tests/unit/fixture.h tests/unit/tap.h
LDADD = tests/unit/libfixture.a libusher.a

# What the archive has of the same names is then not taken from it.
tests_helpers_usher_captured_SOURCES = src/main.c tests/helpers/captured.c
tests_helpers_usher_captured_LDADD = libusher.a

tests_faults_faults_SOURCES = tests/faults/calls.c tests/faults/ends.c tests/faults/faults.c tests/faults/faults.h tests/faults/inject.c \
	tests/faults/intercept.c tests/faults/judge.c tests/faults/play.c tests/faults/run.h tests/faults/scenario.c

# The calls of usher that fuzz-connection.c takes the place of.
connection_wraps = -Wl,--wrap=connect,--wrap=log_line,--wrap=log_wants,--wrap=nanosleep,--wrap=pipe2,--wrap=poll,--wrap=ppoll,--wrap=syscall

tests_fuzz_replay_address_SOURCES = tests/fuzz/fuzz-address.c tests/fuzz/replay.c
tests_fuzz_replay_connection_SOURCES = tests/fuzz/fuzz-connection.c tests/fuzz/replay.c
# What the others are fed with says nothing to this one, and takes minutes.
tests_fuzz_replay_connection_CPPFLAGS = $(AM_CPPFLAGS) -DFOLDER='"connection"'
tests_fuzz_replay_connection_LDFLAGS = $(AM_LDFLAGS) $(connection_wraps)
tests_fuzz_replay_logfmt_SOURCES = tests/fuzz/fuzz-logfmt.c tests/fuzz/replay.c
tests_fuzz_replay_privsep_SOURCES = tests/fuzz/fuzz-privsep.c tests/fuzz/replay.c
tests_fuzz_replay_probe_SOURCES = tests/fuzz/fuzz-probe.c tests/fuzz/replay.c
tests_fuzz_replay_proxy_header_SOURCES = tests/fuzz/fuzz-proxy_header.c tests/fuzz/replay.c
tests_fuzz_replay_rule_SOURCES = tests/fuzz/fuzz-rule.c tests/fuzz/replay.c

# libFuzzer brings its own main.
if FUZZING
noinst_PROGRAMS = tests/fuzz/fuzz-address tests/fuzz/fuzz-connection tests/fuzz/fuzz-logfmt tests/fuzz/fuzz-privsep \
	tests/fuzz/fuzz-probe tests/fuzz/fuzz-proxy_header tests/fuzz/fuzz-rule
fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_address_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_connection_LDFLAGS = $(fuzz_ldflags) $(connection_wraps)
tests_fuzz_fuzz_logfmt_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_privsep_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_probe_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_proxy_header_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_rule_LDFLAGS = $(fuzz_ldflags)
endif

EXTRA_DIST = tests/captures tests/fuzz/fuzz.sh tests/corpus tests/cross tests/demo tests/distros tests/faults/README.md tests/lib.sh tests/lint \
	tests/run tests/system \
	tests/helpers/client.pl tests/helpers/converse.pl tests/helpers/deaf.pl tests/helpers/dns.pl tests/helpers/duplex.pl \
	tests/helpers/flood.pl tests/helpers/hostile.pl tests/helpers/launch.pl tests/helpers/record.pl tests/helpers/syslog.pl

# What tests left beside themselves would count as theirs in a build elsewhere, which then does not run them.
dist-hook:
	rm -f $(distdir)/tests/*/*.log $(distdir)/tests/*/*.trs

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

# Built and tested where it will run.  On the command line: DISTROS; there or in the environment: what tests/distros/distro.sh names.
DISTROS = bullseye bookworm trixie
check-distros: all
	@test "$$(id -u)" = 0 || { echo 'make check-distros: must be run as root' >&2; exit 1; }
	UNIT_TESTS='$(unit_tests)' RUN_TESTS='$(run_tests)' LIBCS='$(LIBCS)' COMPILERS='$(COMPILERS)' $(MAKE) $(AM_MAKEFLAGS) check-TESTS \
		check_PROGRAMS= TESTS='$(DISTROS:%=tests/distros/distro-%.sh)' TEST_SUITE_LOG=distros-suite.log
	@if grep -l '^:test-global-result: SKIP' $(DISTROS:%=tests/distros/distro-%.trs); then \
		echo 'make check-distros: these were skipped' >&2; exit 1; fi

# Built for other machines and run by qemu-user; CROSS in the environment: which.
check-cross:
	UNIT_TESTS='$(unit_tests)' $(MAKE) $(AM_MAKEFLAGS) check-TESTS check_PROGRAMS= TESTS=tests/cross/cross.sh TEST_SUITE_LOG=cross-suite.log
	@! grep -l '^:test-global-result: SKIP' tests/cross/cross.trs

# A build with --enable-fuzzing; FUZZ_SECONDS in the environment, 60 without.
check-fuzz: all
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS check_PROGRAMS= TESTS=tests/fuzz/fuzz.sh TEST_SUITE_LOG=fuzz-suite.log

# The probes on what real clients sent: captures out of Debian's source packages.  In the environment: what captures.sh names.
check-captures: all
	bash $(srcdir)/tests/captures/captures.sh ./usher

CLEANFILES = cross-suite.log distros-suite.log system-suite.log fuzz-suite.log
.PHONY: check-captures check-cross check-distros check-fuzz check-system

include $(srcdir)/tests/bench/protocols.mk
