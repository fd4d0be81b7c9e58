#!/usr/bin/python3
"""The caps of `weir serve` hold to the byte, also where its engine and a real qBittorrent share them.

Five trackers, 200 torrents in the engine, 500 peers that speak BEP 3 (leechers.py), and one real qBittorrent that seeds
torrents of three of the trackers under the same caps. What counts is what arrives at the peers' sockets:

  alone    the engine alone, peers want all they can get
  little   the engine alone, peers want 40 % of the cap
  both     engine and qBittorrent, peers of both want all they can get
  some     as `both`, but the peers of qBittorrent want a fifth of the cap
  mostly   peers of qBittorrent want all, those of the engine a third of the cap

Every 10 s average must be at most cap × (1 + bound) and at least min(cap, demand) × (1 - bound). Where qBittorrent alone
could fill what is missing (`mostly`), its own limiter and the governor's sampling decide, and its bounds are its own.

    daemon_caps.py [--seconds 60] [--settle 70] [--bound 0.02] [--shared-bound 0.03] [--shared-floor 0.10] [--floor 0] [--attempts 3] [--trace] [--root CHROOT]

qBittorrent sends what its limit allows in half a second in one burst, so that any 10 s hold 20 of them or 21: alone under a steady limit it
sends 0.95 to 1.09 of it (Benchmarks/bursts.py). 10 s averages of caps that both use have the bounds of limits on real qBittorrents: --shared-bound above
the cap, --shared-floor below min(cap, demand).
"""

import argparse
import json
import sys
import time

import lab as laboratory
from leechers import LightLeechers
from lab import PIECE, wait_for

import library_service as library

SIZE = 64 << 20
CAPS = {"alone": 3_000_000, "little": 2_000_000, "both": 2_000_000, "some": 1_500_000, "mostly": 1_000_000}
# Of each tracker: what peers of the engine and of qBittorrent want, in caps; None is all they can get.
DEMAND = {"alone": (None, 0), "little": (0.4, 0), "both": (None, None), "some": (None, 0.2), "mostly": (0.33, None)}
ENGINE_TORRENTS, ENGINE_PEERS, THEIR_TORRENTS, THEIR_PEERS = 40, 90, 3, 16


def build(at, options):
    home = laboratory.QBittorrent(at, "home", root=options.root)

    def torrents(prefix, name, count):
        return [laboratory.Torrent(f"{prefix}-{name}-{n}", SIZE, f"http://{name}.example/announce") for n in range(count)]

    ours = {name: torrents("ours", name, ENGINE_TORRENTS) for name in CAPS}
    theirs = {name: torrents("theirs", name, THEIR_TORRENTS) for name in CAPS if DEMAND[name][1] != 0}
    home.add([torrent for group in theirs.values() for torrent in group])
    rest = {"id": "rest", "name": "rest", "pattern": ".*", "max_upload_speed": -1, "priority": 1}
    trackers = [{"id": name, "name": name, "pattern": f"//{name}\\.example/", "max_upload_speed": cap, "priority": 1}
                for name, cap in CAPS.items()]
    weir = library.Governing(at, [home], [*trackers, rest], poll_interval=5)
    weir.downloads.mkdir()
    for group in ours.values():
        for torrent in group:
            with open(weir.downloads / torrent.name, "ab") as file:
                file.truncate(SIZE)
    weir.start()
    weir.do("app/setPreferences", {"json": json.dumps({"max_connec": 1000, "max_active_uploads": -1, "queueing_enabled": False})})
    for group in ours.values():
        weir.do("torrents/add", {"skip_checking": "true"}, [t.bytes for t in group])
    wait_for(lambda: sum(row["progress"] == 1 for row in weir.info().values()) == len(CAPS) * ENGINE_TORRENTS, 120, "our torrents")
    leechers = LightLeechers()
    port = library.listening_port(weir)
    for name, cap in CAPS.items():
        engine, instance = DEMAND[name]
        for n in range(ENGINE_PEERS):
            leechers.add(f"{name}/engine", ours[name][n % ENGINE_TORRENTS], PIECE, port,
                         None if engine is None else engine * cap / ENGINE_PEERS)
        for n in range(THEIR_PEERS if instance != 0 else 0):
            leechers.add(f"{name}/instance", theirs[name][n % THEIR_TORRENTS], PIECE, home.listen,
                         None if instance is None else instance * cap / THEIR_PEERS, depth=6)
    leechers.start()
    return home, weir, leechers


def groups(name):
    return [f"{name}/engine"] + ([f"{name}/instance"] if DEMAND[name][1] != 0 else [])


def counters(home, weir):
    """What Weir and qBittorrent say they have uploaded, by group."""
    found = {}
    for side, rows in (("engine", weir.info().values()), ("instance", home.info())):
        for row in rows:
            group = f"{row['name'].split('-')[1]}/{side}"
            found[group] = found.get(group, 0) + row["uploaded"]
    return found


def measure(home, weir, leechers, options):
    end = time.monotonic() + options.settle
    while time.monotonic() < end:
        time.sleep(1)
        if options.trace:
            trace(leechers)
    begun, said = time.monotonic(), counters(home, weir)
    while time.monotonic() < begun + options.seconds:
        time.sleep(1)
        if options.trace:
            trace(leechers)
    ended, said_later = time.monotonic(), counters(home, weir)
    problems = []
    print(f"{'tracker':10}{'cap kB/s':>10}{'10 s: min':>11}{'max':>8}{'mean':>8}{'of wanted':>11}{'engine':>9}{'instance':>10}",
          flush=True)
    for name, cap in CAPS.items():
        wanted = [cap * 10 if part is None else part * cap for part in DEMAND[name]]
        wanted = min(cap, sum(wanted))
        tens = leechers.rates(groups(name), begun, ended)
        shares = [leechers.mean(group, begun, ended) / cap for group in groups(name)]
        print(f"{name:10}{cap / 1000:>10.0f}{min(tens) / cap:>11.3f}{max(tens) / cap:>8.3f}{sum(shares):>8.3f}"
              f"{min(tens) / wanted:>11.3f}{shares[0]:>9.3f}" + (f"{shares[1]:>10.3f}" if len(shares) > 1 else ""), flush=True)
        isShared = len(shares) > 1
        over = max(options.bound, options.shared_bound) if isShared else options.bound
        under = max(options.bound, options.shared_floor) if isShared else options.bound
        # A part of what qBittorrent sends is kept free beside its bursts.
        lost = max(options.bound, 0.04) if isShared else options.bound
        if name == "mostly":
            # Where only qBittorrent could use what is left, it is as exact as its limiter and the governor's plan.
            under, lost = max(options.bound, 0.15), max(options.bound, options.shared_floor)
        if not 1 - lost <= sum(shares) / (wanted / cap) <= 1 + options.bound:
            problems.append(f"{name}: on the whole {sum(shares):.3f} of the cap")
        if options.floor:
            under = max(under, 1 - options.floor)
        if max(tens) > cap * (1 + over):
            problems.append(f"{name}: {max(tens) / cap:.3f} of the cap")
        if min(tens) < wanted * (1 - under):
            problems.append(f"{name}: only {min(tens) / wanted:.3f} of min(cap, demand)")
        for group in groups(name):
            arrived, sent = leechers.mean(group, begun, ended), (said_later[group] - said[group]) / (ended - begun)
            # Counters are read a moment later, and qBittorrent's are up to 1.5 s old.
            slack = cap * 3 / (ended - begun) + 0.01 * arrived
            if abs(sent - arrived) > slack:
                problems.append(f"{group} says {sent:.0f} B/s, and {arrived:.0f} B/s arrived")
    return problems


def trace(leechers):
    now = time.monotonic()
    line = []
    for name, cap in CAPS.items():
        parts = [leechers.mean(group, now - 1.6, now) / cap for group in groups(name)]
        line.append(f"{name} " + "+".join(f"{part:.2f}" for part in parts) + f"={sum(parts):.2f}")
    print("   ".join(line), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--settle", type=int, default=70)
    parser.add_argument("--bound", type=float, default=0.02)
    parser.add_argument("--shared-bound", type=float, default=0.03)
    parser.add_argument("--shared-floor", type=float, default=0.10)
    parser.add_argument("--floor", type=float, default=0, help="the least of min(cap, demand), on a machine that is busy")
    parser.add_argument("--attempts", type=int, default=3)
    parser.add_argument("--trace", action="store_true")
    parser.add_argument("--root", help="a chroot with another qBittorrent, as versions.sh makes them")
    options = parser.parse_args()
    laboratory.enter_namespace()
    at = laboratory.Lab()
    home, weir, leechers = build(at, options)
    wanted = len(leechers.peers)
    wait_for(lambda: leechers.connected() >= wanted * 0.98, 60, "the peers' handshakes")
    print(f"{len(weir.info())} torrents in the engine, {len(home.info())} in qBittorrent {home.version()}, {wanted} peers", flush=True)
    for attempt in range(options.attempts):
        problems = measure(home, weir, leechers, options)
        print(f"{leechers.connected()} peers are connected, {leechers.drops} connections were lost", flush=True)
        if not problems:
            break
        # Time is real here, and the machine may be busy with something else.
        for problem in problems if attempt + 1 < options.attempts else []:
            print(f"again, because {problem}", flush=True)
    leechers.close()
    weir.stop()
    for problem in problems:
        print("FAILED", problem, flush=True)
    at.close()
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
