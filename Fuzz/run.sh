#!/bin/sh
# Fuzzes what takes bytes from outside. Without --runs, the long form: ten million runs of each target.
set -u
runs=10000000
seconds=0
sanitizers=fuzzer,address
scratch_path=.build-fuzz
targets=""
usage() {
    echo "usage: $0 [--plain] [--runs N] [--seconds S] [target...]" >&2
    exit 64
}
while [ $# -gt 0 ]; do
    case "$1" in
        # Three times as fast without the address sanitizer, which finds nothing where no pointer is unsafe.
        --plain) sanitizers=fuzzer scratch_path=.build-fuzz-plain ;;
        --runs) [ $# -ge 2 ] || usage; runs="$2"; shift ;;
        --seconds) [ $# -ge 2 ] || usage; seconds="$2"; shift ;;
        -*) usage ;;
        *) targets="$targets $1" ;;
    esac
    shift
done
folder=$(cd "$(dirname "$0")" && pwd)
cd "$folder/.." || exit 1
[ -n "$targets" ] || targets=$(ls "$folder/corpus")
for target in $targets; do
    [ -d "$folder/corpus/$target" ] || { echo "there is no target $target" >&2; exit 64; }
done

# The package leaves this folder out, and so it must be there.
mkdir -p "$folder/crashes"

# Every module is instrumented, so that coverage leads into all of them.
FUZZ=1 ${SWIFT:-swift} build -c release --product weir-fuzz --scratch-path "$scratch_path" \
    -Xswiftc -sanitize="$sanitizers" -Xswiftc -use-ld=lld -Xswiftc -enable-testing >&2 || exit 1
program=$scratch_path/release/weir-fuzz

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
# The sanitizer keeps little freed memory: what is used after being freed is so within the same run.
export ASAN_OPTIONS=detect_leaks=0:malloc_context_size=0:quarantine_size_mb=8:thread_local_quarantine_size_kb=64
# Swift's own trace of a trap takes minutes for a program with this many symbols.
export SWIFT_BACKTRACE=enable=no

found=0
printf '%-10s %12s %10s %9s %12s\n' target executions per_second coverage peak_memory
for target in $targets; do
    cp -R "$folder/corpus/$target" "$scratch/$target"
    # A text has to be long only where it is several answers, or holds padding.
    length=512
    count=$runs
    case "$target" in
        client | openings) length=2048 ;;
        # A torrent of several files with piece layers.
        metainfo) length=1024 ;;
        # Opens a database each time.
        record) count=$((runs / 200 + 1)) ;;
    esac
    log="$scratch/$target.log"
    start=$(date +%s)
    FUZZ_TARGET="$target" "$program" "$scratch/$target" -runs="$count" -max_total_time="$seconds" \
        -max_len="$length" -timeout=30 -rss_limit_mb=512 -malloc_limit_mb=64 -detect_leaks=0 \
        -print_final_stats=1 -artifact_prefix="$folder/crashes/$target-" >"$log" 2>&1
    status=$?
    awk -v target="$target" -v took="$(($(date +%s) - start))" '
        { for (field = 1; field < NF; field++) if ($field == "cov:") coverage = $(field + 1) }
        $1 == "stat::number_of_executed_units:" { executions = $2 }
        $1 == "stat::peak_rss_mb:" { memory = $2 }
        END {
            rate = took > 0 ? executions / took : executions
            printf "%-10s %12d %10d %9d %9d MiB\n", target, executions, rate, coverage, memory
        }' "$log"
    rm -rf "${scratch:?}/$target"
    [ "$status" -eq 0 ] && continue
    found=1
    grep -E 'Fatal error|ERROR|SUMMARY|Test unit written' "$log" | sed 's/^/    /' | head -n 12
    input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
    echo "    again: SWIFT_BACKTRACE=$SWIFT_BACKTRACE FUZZ_TARGET=$target $program ${input:-(no input was kept)}"
done
exit "$found"
