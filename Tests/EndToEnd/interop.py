#!/usr/bin/python3
"""Weir exchanges torrents with other people's clients, both ways, bit for bit.

    interop.py [--clients libtorrent,qbittorrent,transmission,rtorrent,aria2] [--payload one,many] [--encryption plain,encrypted]
               [--mebibytes 16] [--files 200] [--tracker http,udp] [--only get|seed]
               [--magnet] [--distant] [--alternate]
    interop.py --long [--part 0]
"""

import argparse
import filecmp
import hashlib
import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

import clients
import lab as laboratory
from lab import bencode, wait_for

PIECE = 256 * 1024


class Payload:
    """A file or a folder of files with random bytes, and its torrent."""

    def __init__(self, lab, name, size, files, scheme, port, private=True):
        self.name, self.port = name, port
        announce = f"{scheme}://{lab.address}:{port}/announce"
        self.folder = lab.folder / ("payload-" + name)
        self.folder.mkdir()
        chance = random.Random(name)
        data = chance.randbytes(size)
        info = {"name": name, "piece length": PIECE,
                "pieces": b"".join(hashlib.sha1(data[i:i + PIECE]).digest() for i in range(0, size, PIECE))}
        if private:
            info["private"] = 1
        if files == 1:
            (self.folder / name).write_bytes(data)
            info["length"] = size
        else:
            cuts = sorted(chance.randrange(size + 1) for _ in range(files - 1))
            info["files"] = []
            for number, (start, end) in enumerate(zip([0, *cuts], [*cuts, size])):
                path = [f"folder {number % 20}", f"file {number:05}.bin"]
                place = self.folder / name / path[0] / path[1]
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(data[start:end])
                info["files"].append({"length": end - start, "path": path})
        self.lab, self.info, self.announce, self.count = lab, info, announce, 0

    def renew(self):
        """Makes a torrent of its own of the same bytes, so that the tracker names nobody of another exchange."""
        self.count += 1
        info = {**self.info, "source": str(self.count)}
        self.info_hash = hashlib.sha1(bencode(info)).hexdigest()
        self.torrent = self.lab.folder / f"{self.name}-{self.count}.torrent"
        self.torrent.write_bytes(bencode({"announce": self.announce, "info": info}))
        self.magnet = f"magnet:?xt=urn:btih:{self.info_hash}&tr={self.announce}"
        self.lab.allow([self])
        wait_for(lambda: self.lab.is_served(self.port, self.info_hash), clients.PATIENCE, "the tracker reading its list")

    def differs_from(self, folder, with_empty_files=True):
        """The first file that is missing or different, or None."""
        for place in sorted(self.folder.rglob("*")):
            if place.is_file() and (with_empty_files or place.stat().st_size > 0):
                other = folder / place.relative_to(self.folder)
                if not other.exists():
                    return f"{other.name} is missing"
                if not filecmp.cmp(place, other, shallow=False):
                    return f"{other.name} differs"
        return None


def exchange(lab, payload, seeder, leecher, torrent, seconds):
    """Lets one client fetch a payload from another; answers the seconds it took, or raises with what went wrong.

    Who dials comes second, when the tracker knows the other: trackers ask their clients to come back after half an hour."""
    target = leecher.data_folder()
    try:
        if leecher.dials:
            seeder.seed(payload.torrent, payload.folder)
            wait_for(lambda: lab.known(payload.port, payload.info_hash)[0] > 0, clients.PATIENCE,
                     f"the tracker hearing of {seeder.name}")
            started = time.monotonic()
            leecher.download(torrent, target)
        else:
            started = time.monotonic()
            leecher.download(torrent, target)
            wait_for(lambda: lab.known(payload.port, payload.info_hash)[1] > 0, clients.PATIENCE,
                     f"the tracker hearing of {leecher.name}")
            seeder.seed(payload.torrent, payload.folder)
        wait_for(lambda: leecher.check() or seeder.check() or leecher.is_complete(), seconds,
                 f"{leecher.name} downloading from {seeder.name}")
        took = time.monotonic() - started
        leecher.close()
        problem = payload.differs_from(target, leecher.makes_empty_files)
        if problem:
            raise AssertionError(problem)
        return took
    finally:
        leecher.close()
        seeder.close()


def attempt_twice(lab, payload, name, verb, encryption, options, what):
    """One exchange of the matrix, once more if it failed: what fails twice is no accident. Says what came of it; answers the
    seconds, or None."""
    for attempt in ("", "  again"):
        payload.renew()
        ours, other = clients.Weir(lab, encryption), clients.OTHERS[name](lab, encryption)
        seeder, leecher = (other, ours) if verb == "get" else (ours, other)
        try:
            torrent = payload.magnet if options.magnet else payload.torrent
            took = exchange(lab, payload, seeder, leecher, torrent, options.seconds)
            print(f"{what}{took:8.2f} s{attempt}", flush=True)
            return took
        except AssertionError as error:
            print(f"{what}  FAILED{attempt}: {error}\n-- {ours.log()[-1500:]}\n-- {other.log()[-800:]}", flush=True)
    return None


def run(options, results):
    """The exchanges that the options name, in a lab of their own. Adds the seconds of each, None for those that failed."""
    lab = laboratory.Lab()
    if options.distant:
        lab.make_distant()
    port = lab.tracker()[0]
    for scheme in options.tracker.split(","):
        for number, kind in enumerate(options.payload.split(",")):
            payload = Payload(lab, f"{kind}-{scheme}", options.mebibytes << 20, 1 if kind == "one" else options.files, scheme,
                              port,
                              # The metadata of private torrents is not for strangers.
                              private=not options.magnet)
            encryptions = options.encryption.split(",")
            for encryption in [encryptions[number % len(encryptions)]] if options.alternate else encryptions:
                for name in options.clients.split(","):
                    for verb in ("get", "seed"):
                        if options.only not in (None, verb) or scheme not in clients.OTHERS[name].schemes:
                            continue
                        how = scheme + (" magnet" if options.magnet else "") + (" distant" if options.distant else "")
                        what = f"{verb:5}{name:15}{kind:5}{encryption:10}{how:13}"
                        took = attempt_twice(lab, payload, name, verb, encryption, options, what)
                        results[how, kind, encryption, name, verb] = took
    lab.close()


def table(results):
    """The results in Markdown: a line for each kind of exchange, a column for each client."""
    names = list(dict.fromkeys(key[3] for key in results))
    lines = ["| tracker | payload | connection | " + " | ".join(names) + " |", "| --- " * (3 + len(names)) + "|"]
    for how, kind, encryption in dict.fromkeys(key[:3] for key in results):
        cells = []
        for name in names:
            both = [results.get((how, kind, encryption, name, verb), "") for verb in ("get", "seed")]
            cells.append("–" if both == ["", ""] else " / ".join("FAILED" if took is None else took and f"{took:.1f}" for took in both))
        lines.append(f"| {how} | {kind} | {encryption} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


# The long form: what it changes of the options, one lab after the other.
LONG = [
    {"payload": "one,many", "encryption": "plain,encrypted"},
    {"payload": "one", "encryption": "plain,encrypted", "tracker": "udp"},
    {"payload": "one,many", "encryption": "plain,encrypted", "magnet": True},
    {"payload": "one,many", "encryption": "plain,encrypted", "distant": True, "mebibytes": 4, "seconds": 300},
]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", default=",".join(clients.installed()))
    parser.add_argument("--payload", default="one,many")
    parser.add_argument("--encryption", default="plain,encrypted")
    parser.add_argument("--tracker", default="http")
    parser.add_argument("--mebibytes", type=int, default=16)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--only", choices=["get", "seed"])
    parser.add_argument("--magnet", action="store_true", help="the downloading side is given a magnet link")
    parser.add_argument("--distant", action="store_true",
                        help="Weir is at the other end of a line with 25 ms of delay and 1 %% loss each way")
    parser.add_argument("--alternate", action="store_true",
                        help="the short form: not every payload with every encryption, but each with its own")
    parser.add_argument("--long", action="store_true", help="the whole matrix, with 2,000 files and the libtorrents of PyPI")
    parser.add_argument("--part", type=int, help="only this part of the matrix, from 0")
    options = parser.parse_args()
    if options.long and "WEIR_LAB" not in os.environ:
        # Before the network is left.
        os.environ["WEIR_PYPI"] = tempfile.mkdtemp(prefix="weir-pypi-")
        for kind in clients.FROM_PYPI:
            if not clients.install(kind, os.environ["WEIR_PYPI"]):
                print(f"{kind.name} cannot be installed from PyPI: left out", flush=True)
    laboratory.enter_namespace()
    results = {}
    if options.long:
        names = options.clients.split(",")
        names += [kind.name for kind in clients.FROM_PYPI if clients.find(kind, os.environ["WEIR_PYPI"])]
        options.clients, options.files = ",".join(names), 2000
        for section in LONG if options.part is None else [LONG[options.part]]:
            run(argparse.Namespace(**{**vars(options), **section}), results)
        shutil.rmtree(os.environ["WEIR_PYPI"], ignore_errors=True)
        print(table(results), flush=True)
    else:
        run(options, results)
    failures = sum(took is None for took in results.values())
    print(f"{len(results) - failures} passed, {failures} failed", flush=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
