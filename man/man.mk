# Included by Makefile.am.
dist_man_MANS = man/usher.8 man/usher.conf.5 man/usher-protocols.7
