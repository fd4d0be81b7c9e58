#!/bin/sh
# Builds the pages of the public interfaces into .build/docs with the toolchain's DocC.
set -eu
cd "$(dirname "$0")/.."
graphs=.build/symbol-graphs
rm -rf "$graphs" .build/docs
mkdir -p "$graphs"
swift package dump-symbol-graph --minimum-access-level public --skip-synthesized-members >/dev/null
for folder in .build/*/symbolgraph .build/symbolgraph; do
    [ -d "$folder" ] || continue
    # The test helpers and what libraries add to are left out.
    find "$folder" -name '*.symbols.json' ! -name '*Tests*' ! -name 'TestKit*' ! -name '*@*' -exec cp {} "$graphs" \;
done
[ -n "$(ls "$graphs")" ] || { echo "no symbol graphs were made" >&2; exit 1; }
docc convert Documentation/Weir.docc --additional-symbol-graph-dir "$graphs" --fallback-display-name Weir \
    --fallback-bundle-identifier weir --transform-for-static-hosting --output-dir .build/docs
echo "The pages are in .build/docs: python3 -m http.server --bind 127.0.0.1 -d .build/docs 8000"
