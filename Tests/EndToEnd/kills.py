#!/usr/bin/python3
"""Weir is killed (-9) at random points against a real qBittorrent, many times.

After each kill, every limit that qBittorrent has must be one that the journal knows for that torrent: its original, or the old
or new value of a recorded intent. Then `weir rollback`, with no daemon running, must bring back every original limit exactly.

    kills.py [--count 200] [--torrents 150] [--seed N]
"""

import argparse
import random
import sqlite3
import sys
import time

import lab as laboratory

ORIGINALS = [None, None, None, 50_000, 123_456, 2_000_000]


def known_limits(path):
    """By hash: every limit that the journal has recorded for the torrent."""
    known = {}
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    for torrent, *limits in database.execute("SELECT torrent, from_limit, to_limit FROM intents"):
        known.setdefault(torrent.hex(), set()).update(limits)
    database.close()
    return known


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--torrents", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    laboratory.enter_namespace()
    lab = laboratory.Lab()
    chance = random.Random(options.seed)
    client = laboratory.QBittorrent(lab, "home")
    torrents = [laboratory.Torrent(f"t{n}", laboratory.PIECE, f"http://{'abc'[n % 3]}.example/announce")
                for n in range(options.torrents)]
    client.add(torrents)
    originals = {t.info_hash: chance.choice(ORIGINALS) for t in torrents}
    for limit in set(originals.values()) - {None}:
        client.set_limit([h for h, wanted in originals.items() if wanted == limit], limit)
    weir = laboratory.Weir(lab)
    journal = weir.folder / "weir.db"
    failures, touched, latest = [], 0, time.monotonic()
    for number in range(options.count):
        caps = [chance.randrange(200_000, 20_000_000) for _ in range(3)]
        trackers = [{"id": name, "name": name, "pattern": f"//{name}\\.example/", "max_upload_speed": cap, "priority": 1}
                    for name, cap in zip("abc", caps)]
        trackers.append({"id": "rest", "name": "rest", "pattern": ".*", "max_upload_speed": -1, "priority": 1})
        strategy = chance.choice(["equal", "weighted", "soft", "adaptive"])
        weir.configure([client], trackers, allocation_strategy=strategy, poll_interval=1)
        weir.process = lab.start([laboratory.BINARY, "serve", "--config", weir.config], "weir.console", cwd=weir.folder)
        time.sleep(chance.uniform(0.005, 0.25))
        if chance.random() < 0.3 and laboratory.can_connect(weir.port):
            # Another plan on top of the first: new caps by a reload, then the kill in its midst.
            for tracker in trackers[:3]:
                tracker["max_upload_speed"] = chance.randrange(200_000, 20_000_000)
            weir.configure([client], trackers, allocation_strategy=strategy, poll_interval=1)
            try:
                weir.call("POST", "/config/reload")
            except OSError:
                pass
            time.sleep(chance.uniform(0.0, 0.1))
        weir.kill()
        limits = client.limits()
        known = known_limits(journal) if journal.exists() else {}
        for torrent, limit in limits.items():
            if limit != originals[torrent] and limit not in known.get(torrent, set()):
                failures.append(f"kill {number}: {torrent} has {limit}, which nobody recorded")
        touched += sum(limits[t] != originals[t] for t in limits)
        done = weir.run("rollback", "--yes", "--config", weir.config)
        after = client.limits()
        wrong = [t for t in after if after[t] != originals[t]]
        if done.returncode != 0 or wrong:
            failures.append(f"kill {number}: rollback exit {done.returncode}, {len(wrong)} limits wrong: "
                            f"{done.stdout[-400:]}{done.stderr[-400:]}")
            client.set_limit(list(originals), None)
            for limit in set(originals.values()) - {None}:
                client.set_limit([h for h, wanted in originals.items() if wanted == limit], limit)
        if weir.run("resume", "--config", weir.config).returncode != 0:
            failures.append(f"kill {number}: cannot resume")
        if time.monotonic() - latest > 20:
            latest = time.monotonic()
            print(f"{number + 1} kills, {touched} limits found changed, {len(failures)} failures", flush=True)
        if len(failures) > 20:
            break
    print(f"{options.count} kills; {touched} limits were found changed and given back", flush=True)
    if touched == 0:
        failures.append("no kill came after a limit was set: the test has proven nothing")
    for failure in failures:
        print("FAILED", failure)
    print(f"{options.count - len(failures)} passed, {len(failures)} failed", flush=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
