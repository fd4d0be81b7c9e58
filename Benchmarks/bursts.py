#!/usr/bin/python3
"""How evenly a real qBittorrent keeps its own upload limits, without Weir: the 10 s averages of what arrives at the sockets of
16 peers for each of three trackers with three torrents, whose limits add up to 0.5 MB/s for each tracker.

    bursts.py [--seconds 90] [--settle 15] [--limit 500000]
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Tests" / "EndToEnd"))

import lab as laboratory
from lab import PIECE, wait_for
from leechers import LightLeechers

TRACKERS, TORRENTS, PEERS, SIZE = ("a", "b", "c"), 3, 16, 64 << 20


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=90)
    parser.add_argument("--settle", type=float, default=15)
    parser.add_argument("--limit", type=int, default=500_000)
    options = parser.parse_args()
    laboratory.enter_namespace()
    at = laboratory.Lab()
    home = laboratory.QBittorrent(at, "home")
    torrents = {name: [laboratory.Torrent(f"{name}-{n}", SIZE, f"http://{name}.example/announce") for n in range(TORRENTS)]
                for name in TRACKERS}
    home.add([torrent for group in torrents.values() for torrent in group])
    leechers = LightLeechers()
    for name, group in torrents.items():
        home.set_limit([torrent.info_hash for torrent in group], options.limit // TORRENTS)
        for n in range(PEERS):
            leechers.add(name, group[n % TORRENTS], PIECE, home.listen, None, depth=6)
    leechers.start()
    wait_for(lambda: leechers.connected() == len(TRACKERS) * PEERS, 60, "the peers' handshakes")
    time.sleep(options.settle)
    begun = time.monotonic()
    time.sleep(options.seconds)
    ended = time.monotonic()
    print(f"qBittorrent {home.version()}, in parts of the limit\n{'tracker':10}{'10 s: least':>12}{'most':>8}{'mean':>8}")
    for name in TRACKERS:
        tens = leechers.rates(name, begun, ended)
        print(f"{name:10}{min(tens) / options.limit:>12.3f}{max(tens) / options.limit:>8.3f}"
              f"{leechers.mean(name, begun, ended) / options.limit:>8.3f}")
    leechers.close()
    at.close()


if __name__ == "__main__":
    main()
