#!/usr/bin/python3
"""A small swarm on loopback with a real qBittorrent that Weir governs; shows for each tracker what it may take and takes.

    demo.py [--seconds N]     stops by itself after N seconds; otherwise with Ctrl-C
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Tests/EndToEnd"))
import lab as laboratory  # noqa: E402

TRACKERS = {"alpha": (2_000_000, 3), "beta": (1_000_000, 2), "gamma": (500_000, 2)}
SIZE = 512 << 20


def human(rate):
    return "unlimited" if rate is None else f"{rate / 1e6:.2f} MB/s"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--port", type=int, default=8089)
    options = parser.parse_args()
    lab = laboratory.Lab()
    print("Starting a tracker and a qBittorrent of our own on loopback ...", flush=True)
    ports = dict(zip(TRACKERS, lab.tracker(len(TRACKERS))))
    client = laboratory.QBittorrent(lab, "demo")
    torrents = {name: [laboratory.Torrent(f"{name}-{n}", SIZE, f"http://127.0.0.1:{ports[name]}/announce")
                       for n in range(count)] for name, (_, count) in TRACKERS.items()}
    everything = [t for group in torrents.values() for t in group]
    lab.allow(everything)
    client.add(everything)
    weir = laboratory.Weir(lab)
    weir.port = options.port
    if laboratory.can_connect(options.port):
        sys.exit(f"port {options.port} is in use: is a Weir running? Choose another with --port")
    trackers = [{"id": name, "name": name, "pattern": f":{ports[name]}/", "max_upload_speed": cap, "priority": 5}
                for name, (cap, _) in TRACKERS.items()]
    trackers.append({"id": "default", "name": "everything else", "pattern": ".*", "max_upload_speed": -1, "priority": 1})
    weir.configure([client], trackers, allocation_strategy="adaptive", poll_interval=3, update_interval=30)
    weir.start()
    print(f"Weir governs it: http://127.0.0.1:{options.port}/stats/trackers (also /health, /metrics, /preview/next-cycle)")
    print(f"Its qBittorrent: {client.url} ({client.USER} / {client.PASSWORD})", flush=True)
    leechers = laboratory.Leechers(lab)
    for torrent in everything:
        leechers.add(torrent, [client.listen])
    started = last = time.monotonic()
    before = leechers.received()
    print("".join(f"{name + ' cap ' + human(cap):>26}" for name, (cap, _) in TRACKERS.items()))
    while options.seconds is None or time.monotonic() - started < options.seconds:
        time.sleep(5)
        now, got = time.monotonic(), leechers.received()
        print("".join(f"{human((sum(got[t.name] - before[t.name] for t in group)) / (now - last)):>26}"
                      for group in torrents.values()), flush=True)
        for torrent in everything:
            if got[torrent.name] >= SIZE:
                leechers.again(torrent)
                got[torrent.name] = 0
        last, before = now, got
        if weir.process.poll() is not None:
            sys.exit("Weir ended:\n" + weir.console()[-2000:])
    weir.stop()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
