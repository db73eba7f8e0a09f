#!/bin/bash
# tests/abuse/abuse.sh with small numbers: whether a good client is served while others mean ill, and nothing is left behind.
ABUSE_QUICK=yes exec bash "$(dirname "$0")/../abuse/abuse.sh" "$@"
