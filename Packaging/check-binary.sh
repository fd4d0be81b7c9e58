#!/bin/sh
# Fails when the shipped binary has grown past its bound or ICU has come in (by an `import Foundation`).
set -eu
binary=$1
limit=$((16 * 1024 * 1024))
size=$(stat -c %s "$binary")
if [ "$size" -gt "$limit" ]; then
    echo "$binary has $size bytes; the bound is $limit" >&2
    exit 1
fi
if grep -aq 'icudt[0-9]' "$binary"; then
    echo "$binary contains ICU: something imports Foundation" >&2
    exit 1
fi
if grep -aq _RegexParser "$binary"; then
    echo "$binary contains the standard library's patterns: something searches a text for a text (see Package.swift)" >&2
    exit 1
fi
if ldd "$binary" | grep -q libswift; then
    echo "$binary needs the Swift runtime" >&2
    exit 1
fi
echo "$binary: $size bytes, no ICU, no patterns, no Swift runtime needed"
