#!/bin/sh
# All benchmarks. Figures that are kept are in RESULTS.md, with the command.
set -eu
cd "$(dirname "$0")/.."
/usr/bin/python3 Benchmarks/governor.py "$@"
/usr/bin/python3 Benchmarks/daemon.py
