# Included by Makefile.am.
unit_templates = units/usher@.service.in units/usher.service.in units/usher-exec.service.in units/usher-transparent.service.in \
	units/usher.xinetd.in
EXTRA_DIST += units/usher.socket $(unit_templates)
CLEANFILES += $(unit_templates:.in=)

# Not into /etc/xinetd.d: installing usher must not take port 443 away from whoever has it.
dist_doc_DATA = units/listen.conf units/transparent.conf tests/pass/receiver.c tests/pass/receiver.py
doc_DATA = units/usher.xinetd

if SYSTEMD
systemdsystemunit_DATA = units/usher.socket units/usher@.service units/usher.service units/usher-exec.service units/usher-transparent.service
endif

# What usher-transparent.service runs.
dist_libexec_SCRIPTS = units/usher-transparent

# systemd's own folder stands outside every prefix, and distcheck may write nowhere else.
AM_DISTCHECK_CONFIGURE_FLAGS = --with-systemdsystemunitdir='$$dc_install_base/lib/systemd/system'

# Where configure put things is what a unit has to name.
unit_paths = -e 's|[@]sbindir[@]|$(sbindir)|g' -e 's|[@]sysconfdir[@]|$(sysconfdir)|g' \
	-e 's|[@]libexecdir[@]|$(libexecdir)|g'

units/usher@.service: $(srcdir)/units/usher@.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) units && $(SED) $(unit_paths) < $(srcdir)/units/usher@.service.in > $@.tmp && mv $@.tmp $@

units/usher.service: $(srcdir)/units/usher.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) units && $(SED) $(unit_paths) < $(srcdir)/units/usher.service.in > $@.tmp && mv $@.tmp $@

units/usher-exec.service: $(srcdir)/units/usher-exec.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) units && $(SED) $(unit_paths) < $(srcdir)/units/usher-exec.service.in > $@.tmp && mv $@.tmp $@

units/usher-transparent.service: $(srcdir)/units/usher-transparent.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) units && $(SED) $(unit_paths) < $(srcdir)/units/usher-transparent.service.in > $@.tmp && mv $@.tmp $@

units/usher.xinetd: $(srcdir)/units/usher.xinetd.in Makefile
	$(AM_V_GEN)$(MKDIR_P) units && $(SED) $(unit_paths) < $(srcdir)/units/usher.xinetd.in > $@.tmp && mv $@.tmp $@
