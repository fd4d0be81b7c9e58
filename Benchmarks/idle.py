#!/usr/bin/python3
"""Thousands of torrents of 1,000 pieces that nobody asks for: how soon `weir seed` listens, what each costs, and what idling
costs while they are announced a few at a time. Prints a row for `RESULTS.md` a count.

    Benchmarks/idle.py [--counts 10000,30000] [--seconds 60] [--pieces 1000] [--sleep]

The torrents are made first: 20 KiB each, on tmpfs. `--sleep` also lets a real libtorrent wake one of them, plain and encrypted,
and waits until it sleeps again.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Tests/EndToEnd"))
import lab as laboratory  # noqa: E402
import many  # noqa: E402
from lab import wait_for  # noqa: E402


def wait_for_sleep(seeder, name, seconds):
    """Until no more lines of progress tell of the torrent: each second there is one while it is awake. Answers when."""
    latest = [0, time.monotonic()]

    def is_quiet():
        lines = seeder.text().count(name)
        if lines != latest[0]:
            latest[:] = [lines, time.monotonic()]
        return latest[0] and time.monotonic() - latest[1] > 4
    wait_for(is_quiet, seconds, "sleep")
    return latest[1]


def measure(lab, tracker, count, options, base):
    collection = many.Collection(lab.folder / f"many-{count}", count, options.pieces, tracker.announce)
    seeder = many.Seeder(lab, collection)
    tracker.seeder = seeder.port
    time.sleep(2)
    rss, anonymous = seeder.memory()
    heard, cpu = len(tracker.heard), seeder.idle_cpu(options.seconds)
    announced = len(tracker.heard) - heard
    later = seeder.memory()[0]
    stopped = seeder.stop()
    print(f"| {count:,} | {seeder.listening:.2f} s | {seeder.ready:.1f} s | {rss / 1024:.1f} MB | {anonymous / 1024:.1f} MB "
          f"| {(rss - base) / count:.2f} KiB | {(later - base) / count:.2f} KiB | {cpu * 100:.2f} % | {announced} "
          f"| {len(tracker.events('stopped', seeder.port))} in {stopped:.1f} s |", flush=True)
    if options.sleep:
        seeder = many.Seeder(lab, collection, "--json")
        tracker.seeder = seeder.port
        for number, encryption in ((1, "plain"), (count - 1, "encrypted")):
            before = seeder.memory()[0]
            took, now = many.wake(lab, collection, number, encryption), time.monotonic()
            awake = seeder.memory()[0]
            asleep = wait_for_sleep(seeder, collection.names[number], 120)
            print(f"  {encryption}: downloaded in {took:.2f} s, asleep again {asleep - now:.0f} s later; RSS "
                  f"{before / 1024:.1f} → {awake / 1024:.1f} → {seeder.memory()[0] / 1024:.1f} MB", flush=True)
        seeder.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--counts", default="10000,30000")
    parser.add_argument("--pieces", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--sleep", action="store_true")
    options = parser.parse_args()
    laboratory.enter_namespace()
    lab = laboratory.Lab()
    tracker = many.Tracker()
    one = many.Seeder(lab, many.Collection(lab.folder / "one", 1, options.pieces, tracker.announce))
    time.sleep(2)
    base = one.memory()[0]
    one.stop()
    print(f"base: {base / 1024:.1f} MB (one torrent)\n")
    print("| torrents | listening | all in | RSS | anonymous | each | after | idle CPU | announced meanwhile | told stopped |")
    print("|" + " --- |" * 10)
    for count in map(int, options.counts.split(",")):
        tracker.heard.clear()
        measure(lab, tracker, count, options, base)


if __name__ == "__main__":
    main()
