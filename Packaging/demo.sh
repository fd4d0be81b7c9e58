#!/bin/sh
# Builds Weir, and starts it with its own engine, its dashboard and a small swarm on loopback. Ctrl-C ends all of it.
set -eu
cd "$(dirname "$0")/.."
swift build -c release --static-swift-stdlib --product weir -Xlinker -s >&2
exec /usr/bin/python3 Packaging/demo.py "$@"
