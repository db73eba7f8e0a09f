# `make abuse': what usher does to a good client when others mean ill, in figures; as root.  system-abuse.sh runs a small one.
# Included by Makefile.am; paths are those of the top folder.

EXTRA_DIST += tests/abuse/abuse.pl tests/abuse/abuse.sh

abuse: usher
	top_builddir=$(top_builddir) bash $(srcdir)/tests/abuse/abuse.sh
.PHONY: abuse
