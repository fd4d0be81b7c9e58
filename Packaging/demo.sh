#!/bin/sh
# Builds Weir, starts a throw-away qBittorrent with a small swarm on loopback, and governs it. Ctrl-C ends all of it.
set -eu
cd "$(dirname "$0")/.."
swift build -c release --static-swift-stdlib --product weir -Xlinker -s >&2
exec /usr/bin/python3 Packaging/demo.py "$@"
