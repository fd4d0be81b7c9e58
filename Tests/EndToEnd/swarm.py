#!/usr/bin/python3
"""The caps hold on a real swarm.

Two real qBittorrents seed ten torrents on three trackers, one of them public, to real libtorrent leechers, and Weir governs
both. For each strategy, every tracker's upload over any 10 s must stay under cap × 1.03 (with `soft`: all trackers together),
and with `adaptive` reach 0.90 × min(cap, demand) although the demand is uneven.

    swarm.py [--strategies equal,weighted,soft,adaptive] [--seconds 60] [--settle 30] [--attempts 1] [--root CHROOT]
             [--json FILE]
"""

import argparse
import json
import sys
import time

import lab as laboratory

MIB = 1 << 20
SIZE = 256 * MIB
# tracker: cap, and for each torrent the instance that seeds it and its demand in bytes a second (None: all it can get).
TRACKERS = {
    "uneven": (1_000_000, [("home", None), ("home", 4_000), ("colo", 4_000), ("colo", 4_000)]),
    "even": (1_500_000, [("home", None), ("colo", None), ("colo", None)]),
    "public": (800_000, [("home", None), ("colo", 150_000), ("colo", 2_000)]),
}


def build(lab, root):
    ports = dict(zip(TRACKERS, lab.tracker(len(TRACKERS))))
    instances = {name: laboratory.QBittorrent(lab, name, root=root, pseudo_trackers=True) for name in ("home", "colo")}
    swarm = []
    for tracker, (_, demands) in TRACKERS.items():
        for number, (instance, demand) in enumerate(demands):
            announce = f"http://127.0.0.1:{ports[tracker]}/announce"
            torrent = laboratory.Torrent(f"{tracker}-{number}", SIZE, announce, private=tracker != "public")
            swarm.append((tracker, torrent, instances[instance], demand))
    lab.allow([torrent for _, torrent, _, _ in swarm])
    for instance in instances.values():
        instance.add([torrent for _, torrent, seeder, _ in swarm if seeder is instance])
    return ports, instances, swarm


def demand_of(tracker):
    _, demands = TRACKERS[tracker]
    return sum(d if d is not None else 1 << 40 for _, d in demands)


def windows(samples):
    """The pairs of samples between which lie 10 s. A sample that is late by a second says that this process stood still: what came
    meanwhile waits in the kernel and is counted afterwards, all at once, so that nothing is known of the seconds around it."""
    late = [0]
    for (before, _), (at, _) in zip(samples, samples[1:]):
        late.append(late[-1] + (at - before > 2))
    found, last = [], 0
    for first, (begun, _) in enumerate(samples):
        while last < len(samples) and samples[last][0] < begun + 9.99:
            last += 1
        if last == len(samples):
            break
        # Of the second after one that was late too little is known as well.
        if late[last] == late[max(0, first - 1)]:
            found.append((first, last))
    return found


def measure(weir, leechers, swarm, settle, seconds):
    """Bytes a second by tracker: the largest and the smallest 10 s average, and the mean. None where nothing could be measured."""
    time.sleep(settle)
    samples = []
    start = time.monotonic()
    while time.monotonic() <= start + seconds:
        now = time.monotonic()
        got = leechers.received()
        samples.append((now, {t: sum(got[x.name] for k, x, _, _ in swarm if k == t) for t in TRACKERS}))
        time.sleep(max(0, now + 1 - time.monotonic()))
    result = {}
    pairs = windows(samples)
    if not pairs:
        return None, 0
    totals = [0] * len(pairs)
    for tracker in TRACKERS:
        def rate(a, b):
            return (samples[b][1][tracker] - samples[a][1][tracker]) / (samples[b][0] - samples[a][0])
        rates = [rate(first, last) for first, last in pairs]
        totals = [one + total for one, total in zip(rates, totals)]
        result[tracker] = {"max10": max(rates), "min10": min(rates), "mean": rate(0, len(samples) - 1)}
    return result, max(totals)


def try_strategy(lab, weir, instances, trackers, swarm, strategy, version, options):
    """Governs the swarm with a strategy for a while; answers its rows and what is wrong with them."""
    weir.configure(instances.values(), trackers, allocation_strategy=strategy, update_interval=20, poll_interval=3,
                   **({} if options.headroom is None else {"headroom": options.headroom}))
    # One Weir all along: what it has learned of its clients' limiters stays with it, as in daily use.
    if weir.process is None:
        weir.start()
    else:
        assert weir.call("POST", "/config/reload")[0] == 200
    leechers = laboratory.Leechers(lab)
    for _, torrent, seeder, demand in swarm:
        leechers.add(torrent, [seeder.listen], demand or 0)
    result, total = measure(weir, leechers, swarm, options.settle, options.seconds)
    leechers.close()
    rows, problems = [], []
    if result is None:
        return rows, [f"{strategy}: there were no ten seconds in which this test was on time"]
    for tracker, (cap, _) in TRACKERS.items():
        wanted = min(cap, demand_of(tracker))
        row = {"version": version, "strategy": strategy, "tracker": tracker, "cap": cap, **result[tracker],
               "of_cap": result[tracker]["max10"] / cap, "of_wanted": result[tracker]["mean"] / wanted}
        rows.append(row)
        print(f"{strategy:10}{tracker:10}{cap:>10}{row['max10']:>10.0f}{row['of_cap']:>8.3f}{row['mean']:>10.0f}"
              f"{row['of_wanted']:>21.3f}", flush=True)
        # With `soft` a tracker may borrow half its cap from trackers that leave theirs; together they may not.
        if row["of_cap"] > (1.55 if strategy == "soft" else options.bound):
            problems.append(f"{strategy}/{tracker}: {row['of_cap']:.3f} × cap over 10 s")
        if strategy == "adaptive" and row["of_wanted"] < options.floor:
            problems.append(f"{strategy}/{tracker}: only {row['of_wanted']:.3f} of min(cap, demand)")
    of_caps = total / sum(cap for cap, _ in TRACKERS.values())
    print(f"{strategy:10}{'together':10}{'':>10}{total:>10.0f}{of_caps:>8.3f}", flush=True)
    if of_caps > options.bound:
        problems.append(f"{strategy}: all trackers together {of_caps:.3f} × their caps over 10 s")
    return rows, problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--strategies", default="equal,weighted,soft,adaptive")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--settle", type=int, default=30)
    parser.add_argument("--bound", type=float, default=1.03, help="the largest 10 s average, in caps")
    parser.add_argument("--floor", type=float, default=0.90, help="the smallest mean of adaptive, of min(cap, demand)")
    parser.add_argument("--attempts", type=int, default=1, help="measure a strategy that fails again, so often in all")
    parser.add_argument("--headroom", type=float, default=None)
    parser.add_argument("--root")
    parser.add_argument("--json")
    options = parser.parse_args()
    laboratory.enter_namespace()
    lab = laboratory.Lab()
    ports, instances, swarm = build(lab, options.root)
    weir = laboratory.Weir(lab)
    trackers = [{"id": t, "name": t, "pattern": f".*:{ports[t]}/.*", "max_upload_speed": TRACKERS[t][0], "priority": 5}
                for t in TRACKERS]
    trackers.append({"id": "default", "name": "default", "pattern": ".*", "max_upload_speed": -1, "priority": 1})
    version = instances["home"].version()
    print(f"qBittorrent {version}: {len(swarm)} torrents, {len(TRACKERS)} trackers, 2 instances", flush=True)
    print(f"{'strategy':10}{'tracker':10}{'cap':>10}{'max 10 s':>10}{'of cap':>8}{'mean':>10}{'of min(cap, demand)':>21}", flush=True)
    failures, rows = [], []
    for strategy in options.strategies.split(","):
        for attempt in range(options.attempts):
            found, problems = try_strategy(lab, weir, instances, trackers, swarm, strategy, version, options)
            if not problems:
                break
            # Time is real here, and the machine may be busy with something else.
            for problem in problems if attempt + 1 < options.attempts else []:
                print(f"again, because {problem}", flush=True)
        rows += found
        failures += problems
    code = weir.stop()
    if code != 0:
        failures.append(f"Weir ended with {code}")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(rows, file, indent=1)
    for failure in failures:
        print("FAILED", failure)
        print(weir.console()[-3000:])
    print(f"{len(rows) - len(failures)} passed, {len(failures)} failed", flush=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
