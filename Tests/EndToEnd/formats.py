#!/usr/bin/python3
"""Torrent files and magnet links: `weir create` and `weir show` against libtorrent, mktorrent and transmission-create."""

import hashlib
import json
import os
import random
import subprocess
import time

import lab as laboratory
import libtorrent as lt
from checks import Checks, expect, same

checks = Checks(__doc__)
BAD = 65
TRACKER = "http://tracker.example/0123456789abcdef0123456789abcdef/announce"


def offline(at):
    return laboratory.Weir(at)


def tree(folder):
    """Files of every odd size, names in several scripts; answers their paths."""
    chance = random.Random(5)
    sizes = {"a.bin": 300_000, "b/deep/er/c": 16384, "b/deep/d": 1, "empty": 0, "ü ñ 日本": 40_000, "b.txt": 32768, "z/last": 70_001,
             "twin": 40_000, "twin 2": 40_000, "B/upper": 5}
    twin = chance.randbytes(40_000)
    for name, size in sizes.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(twin if "twin" in name else chance.randbytes(size))
    return sorted(sizes)


def hashes(info):
    """As libtorrent sees them; of a version that it is not of, none."""
    found = info.info_hashes()
    return (str(found.v1) if found.has_v1() else None, str(found.v2) if found.has_v2() else None)


def files(info):
    storage = info.files()
    pad = lt.file_storage.flag_pad_file
    return sorted((storage.file_path(n), storage.file_size(n)) for n in range(storage.num_files())
                  if not storage.file_flags(n) & pad)


def shown(weir, argument, *options):
    return json.loads(weir.run("show", argument, "--json", *options, check=0).stdout)


def agree(weir, path, what):
    """What `weir show` says of a torrent is what libtorrent reads in it."""
    info, found = lt.torrent_info(str(path)), shown(weir, path, "--secrets")
    same((found["info_hash"], found["info_hash_v2"]), hashes(info), f"{what}: info-hashes")
    listed = sorted((file["path"], file["size"]) for file in found["files"] if "padding" not in file["attributes"])
    expect(listed == files(info), f"{what}: files: {sorted(set(listed) ^ set(files(info)))}")
    same((found["name"], found["piece_length"], found["private"]), (info.name(), info.piece_length(), info.priv()), what)
    # libtorrent shuffles the trackers of a tier.
    listed = sorted((tier, url) for tier, urls in enumerate(found["trackers"]) for url in urls)
    same(listed, sorted((t.tier, t.url) for t in info.trackers()), f"{what}: trackers")
    same(found["web_seeds"], [seed["url"] for seed in info.web_seeds()], f"{what}: web seeds")
    return found


def complete(paths, folder):
    """Whether libtorrent finds every piece of the torrents in a folder."""
    session = lt.session({"listen_interfaces": "127.0.0.1:0", "enable_dht": False, "enable_lsd": False, "alert_mask": 0, "active_checking": 50})
    handles = [session.add_torrent({"ti": lt.torrent_info(str(path)), "save_path": str(folder)}) for path in paths]
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if all(handle.status().is_seeding for handle in handles):
            return True
        time.sleep(0.05)
    return [(str(path), handle.status().progress) for path, handle in zip(paths, handles)]


@checks("what weir creates has the hashes, files and pieces that libtorrent finds")
def _(at):
    weir = offline(at)
    folder = weir.folder / "data"
    tree(folder / "many")
    (folder / "one.bin").write_bytes(random.Random(1).randbytes(1_234_567))
    (folder / "tiny").write_bytes(b"x")
    made = []
    for version in ("v1", "v2", "hybrid"):
        for source in ("many", "one.bin", "tiny"):
            for length in ("16K", None):
                path = weir.folder / f"{source}-{version}-{length}.torrent"
                size = ["--piece-length", length] if length else []
                done = weir.run("create", folder / source, f"--{version}", "-o", path, "-t", TRACKER, "--json", *size, check=0)
                what = f"{source} as {version} with {length}"
                found = agree(weir, path, what)
                same(json.loads(done.stdout)["info_hash"], found["info_hash"], f"{what}: the hash that is reported")
                same((found["name"], found["version"]), (source, version), what)
                if version != "v2":
                    info = lt.bdecode(path.read_bytes())[b"info"]
                    same(hashlib.sha1(lt.bencode(info)).hexdigest(), found["info_hash"], f"{what}: encoded again")
                made.append(path)
    same(complete(made, folder), True, "libtorrent's check")


@checks("what weir creates is the same each time, and every option is in it")
def _(at):
    weir = offline(at)
    folder = weir.folder / "data"
    names = tree(folder)
    torrents = []
    for run in range(2):
        path = weir.folder / f"{run}.torrent"
        weir.run("create", folder, "-o", path, "--no-date", "--hybrid", check=0)
        torrents.append(path.read_bytes())
    expect(torrents[0] == torrents[1] and b"weir" not in torrents[0], "two runs differ")
    path = weir.folder / "options.torrent"
    weir.run("create", folder, "-o", path, "-p", "-t", "http://one.example/a", "-t", "udp://two.example:80/announce", "--tier",
             "https://three.example/a,http://four.example/a", "-w", "http://seed.example/f/", "-n", "other", "-c", "words", "-s", "SRC",
             check=0)
    info = lt.torrent_info(str(path))
    same(sorted((t.tier, t.url) for t in info.trackers()),
         [(0, "http://one.example/a"), (1, "udp://two.example:80/announce"), (2, "http://four.example/a"), (2, "https://three.example/a")],
         "tiers")
    same((info.name(), info.comment(), info.priv()), ("other", "words", True), "options")
    found = agree(weir, path, "options")
    same((found["source"], found["comment"], found["files"][0]["path"]), ("SRC", "words", "other/B/upper"), "options shown")
    same(sorted(file["path"][6:] for file in found["files"]), names, "files shown")


@checks("weir shows what libtorrent, mktorrent and transmission-create make")
def _(at):
    weir = offline(at)
    folder = weir.folder / "data"
    tree(folder / "many")
    for flags, version in ((lt.create_torrent.v1_only, "v1"), (lt.create_torrent.v2_only, "v2"), (0, "hybrid")):
        for source in ("many", "many/a.bin"):
            storage = lt.file_storage()
            lt.add_files(storage, str(folder / source))
            creator = lt.create_torrent(storage, 16384, flags=flags)
            creator.add_tracker(TRACKER, 0)
            creator.add_tracker("udp://other.example:80", 1)
            creator.add_url_seed("http://seed.example/a%20b/")
            creator.set_priv(True)
            lt.set_piece_hashes(creator, str((folder / source).parent))
            path = weir.folder / "lt.torrent"
            path.write_bytes(lt.bencode(creator.generate()))
            found = agree(weir, path, f"libtorrent's {source} as {version}")
            same(found["version"], version, source)
    path = weir.folder / "tool.torrent"
    for tool in (["mktorrent", "-l", "15", "-p", "-a", f"{TRACKER},http://b.example/a", "-a", "http://c.example/a", "-c", "words", "-w",
                  "http://w.example/", "-o", path, folder / "many"],
                 ["transmission-create", "-p", "-t", TRACKER, "-t", "udp://b.example:1/a", "-c", "words", "-o", path, folder / "many"]):
        path.unlink(missing_ok=True)
        subprocess.run(list(map(str, tool)), check=True, capture_output=True)
        same(agree(weir, path, tool[0])["comment"], "words", tool[0])


@checks("magnet links mean what they mean to libtorrent")
def _(at):
    weir = offline(at)
    folder = weir.folder / "data"
    tree(folder)
    for version in ("v1", "v2", "hybrid"):
        path = weir.folder / f"{version}.torrent"
        weir.run("create", folder, f"--{version}", "-o", path, "-t", "http://t.example/a?b=c d", "-w", "http://w.example/", check=0)
        info = lt.torrent_info(str(path))
        found = shown(weir, lt.make_magnet_uri(info), "--secrets")
        same((found["info_hash"], found["info_hash_v2"]), hashes(info), version)
        same((found["name"], found["trackers"], found["web_seeds"]),
             ("data", ["http://t.example/a?b=c%20d"], ["http://w.example/"]), version)
        again = lt.parse_magnet_uri(shown(weir, path, "--secrets")["magnet"])
        same((str(again.info_hashes.v1) if version != "v2" else None, again.name), (found["info_hash"], "data"), "read by libtorrent")
    same(shown(weir, "magnet:?xt=urn:btih:AERUKZ4JVPG66AJDIVTYTK6N54ASGRLH&so=1,3-4&x.pe=[::1]:80")["info_hash"],
         "0123456789abcdef0123456789abcdef01234567", "base32")
    for bad in ("magnet:?", "magnet:?xt=urn:btih:12", "magnet:?xt=urn:btih:" + 40 * "0" + "&so=x"):
        done = weir.run("show", bad)
        same((done.returncode, done.stdout), (BAD, ""), bad)
        expect("link" in done.stderr, done.stderr)


@checks("hostile names end up where libtorrent puts them, below the folder")
def _(at):
    weir = offline(at)
    paths = [[b"/etc", b"x"], [b"a\\b"], [b"", b"q"], [b"a\x01b"], ["x\u202ey".encode()], [b"bad\xff.foo"], [b"foo... bar"], [b" sp "],
             [b"C:\\x"], ["\u2025".encode()], [b"trail."], [b"x\0y"], [b"CON"], [b"A.txt"], [b"a.txt"], [b"f"], [b"f", b"g"],
             [b"x" * 300 + b".txt"], [b"Dir", b"x"], [b"dir", b"x"], [b"README.TXT"], [b"readme.txt"], ["é".encode()], ["é".encode()]]
    info = {b"name": b"n", b"piece length": 16384, b"pieces": b"a" * 20, b"files": [{b"length": 10, b"path": path} for path in paths]}
    path = weir.folder / "names.torrent"
    path.write_bytes(lt.bencode({b"info": info}))
    agree(weir, path, "names")
    for climb in ([b"..", b"..", b"etc", b"passwd"], [b"."], [b"/"], [b"..\\..\\x"], [b".\0."]):
        path.write_bytes(lt.bencode({b"info": {**info, b"files": [{b"length": 10, b"path": climb}]}}))
        for file in shown(weir, path)["files"]:
            parts = file["path"].split("/")
            expect(parts[0] == "n" and not {"", ".", ".."} & set(parts), f"{climb}: {file['path']}")


@checks("what libtorrent refuses is refused, with 65 and the reason")
def _(at):
    weir = offline(at)
    good = {b"length": 20000, b"name": b"n", b"piece length": 16384, b"pieces": b"a" * 40}
    def without(key):
        return {name: value for name, value in good.items() if name != key}
    many = {**without(b"length"), b"files": [{b"length": 20000, b"path": [b"a"]}]}
    bad = {
        "no piece length": without(b"piece length"), "a negative piece length": {**good, b"piece length": -1},
        "no name": without(b"name"), "a name that is a number": {**good, b"name": 1}, "no pieces": without(b"pieces"),
        "too few pieces": {**good, b"pieces": b"a" * 20}, "ragged pieces": {**good, b"pieces": b"a" * 41},
        "a negative length": {**good, b"length": -20000}, "no length": without(b"length"), "nothing": {**good, b"length": 0, b"pieces": b""},
        "no files": {**many, b"files": []}, "a file without path": {**many, b"files": [{b"length": 20000}]},
        "a file of negative length": {**many, b"files": [{b"length": -1, b"path": [b"a"]}]},
    }
    path = weir.folder / "bad.torrent"
    for name, info in bad.items():
        path.write_bytes(lt.bencode({b"info": info}))
        try:
            lt.torrent_info(str(path))
            expect(False, f"libtorrent takes {name}")
        except RuntimeError:
            pass
        done = weir.run("show", path)
        same((done.returncode, done.stdout), (BAD, ""), name)
        expect("bad.torrent" in done.stderr and len(done.stderr.splitlines()) == 1, f"{name}: {done.stderr}")
    for name, content in {"nothing": b"", "a page": b"<html></html>", "a bomb": b"l" * 1_000_000, "a huge string": b"d4:info99999999999:",
                          "a number": b"i007e", "no info": b"de"}.items():
        path.write_bytes(content)
        started = time.monotonic()
        same(weir.run("show", path).returncode, BAD, name)
        expect(time.monotonic() - started < 2, f"{name} took {time.monotonic() - started:.1f} s")
    for missing in ("nowhere.torrent", weir.folder, "/dev/zero"):
        done = weir.run("show", missing)
        same((done.returncode, done.stdout), (BAD, ""), f"{missing}")


@checks("every cut and many changed bytes of a good torrent end in words, never in a trap")
def _(at):
    weir = offline(at)
    folder = weir.folder / "data"
    tree(folder)
    path = weir.folder / "good.torrent"
    weir.run("create", folder, "--hybrid", "-o", path, "-t", TRACKER, check=0)
    good, chance = path.read_bytes(), random.Random(9)
    for turn in range(60):
        bytes = bytearray(good)
        if turn % 2:
            del bytes[chance.randrange(len(bytes)):]
        for _ in range(turn % 5):
            if bytes:
                bytes[chance.randrange(len(bytes))] = chance.randrange(256)
        path.write_bytes(bytes)
        done = weir.run("show", path, "--json")
        expect(done.returncode in (0, BAD), f"turn {turn}: exit {done.returncode}\n{done.stderr}")


@checks("keys in announce URLs are masked unless they are asked for")
def _(at):
    weir = offline(at)
    (weir.folder / "f").write_bytes(b"content")
    path = weir.folder / "f.torrent"
    weir.run("create", weir.folder / "f", "-o", path, "-t", TRACKER, "-t", "https://x.example/a?passkey=secretword", check=0)
    for options in ([], ["--json"]):
        text = weir.run("show", path, *options, check=0).stdout
        expect("0123456789abcdef" not in text and "secretword" not in text and "tracker.example" in text, text)
        whole = weir.run("show", path, "--secrets", *options, check=0).stdout
        expect(TRACKER in whole and "secretword" in whole, whole)
        link = weir.run("show", f"magnet:?xt=urn:btih:{40 * 'a'}&tr={TRACKER}", *options, check=0).stdout
        expect("0123456789abcdef" not in link and "tracker.example" in link, link)


@checks("weir create refuses what it cannot do, and keeps a file that is there")
def _(at):
    weir = offline(at)
    folder = weir.folder / "data"
    folder.mkdir()
    (folder / "f").write_bytes(b"content")
    path = weir.folder / "x.torrent"
    path.write_text("mine")
    done = weir.run("create", folder, "-o", path)
    same((done.returncode, path.read_text()), (1, "mine"), "a file that is there")
    expect("--force" in done.stderr, done.stderr)
    weir.run("create", folder, "-o", path, "--force", check=0)
    agree(weir, path, "forced")
    same(weir.run("create", folder, check=0).stdout.split(":")[0], "./data.torrent", "the name by default")
    same(weir.run("create", folder).returncode, 1, "the name by default, which is taken now")
    done = weir.run("create", folder, "-o", "nowhere/x.torrent")
    same((done.returncode, "cannot be written" in done.stderr), (1, True), f"no such folder: {done.stderr}")
    for words in (["--v1", "--v2"], ["--piece-length", "3K"], ["--piece-length", "5"], ["--piece-length", "x"], ["-t", "ftp://x/"],
                  ["-w", "udp://x/"], ["--tier", "http://a/,x"]):
        done = weir.run("create", folder, "-o", "y.torrent", *words)
        same((done.returncode, done.stdout), (64, ""), f"{words}")
    empty = weir.folder / "empty"
    empty.mkdir()
    os.mkfifo(weir.folder / "pipe")
    (weir.folder / "loop").mkdir()
    (weir.folder / "loop/again").symlink_to("..", target_is_directory=True)
    (weir.folder / "latin").mkdir()
    open(os.fsencode(weir.folder / "latin") + b"/\xe9", "wb").close()
    for source, word in ((empty, "content"), (weir.folder / "pipe", "regular"), (weir.folder / "nowhere", "No such"),
                         (weir.folder / "latin", "UTF-8"), (weir.folder / "loop", "")):
        done = weir.run("create", source, "-o", "z.torrent")
        same(done.returncode, BAD, f"{source}: {done.stderr}")
        expect(word in done.stderr, done.stderr)
    expect(not (weir.folder / "y.torrent").exists() and not (weir.folder / "z.torrent").exists(), "something was written")
    (folder / "F").write_bytes(b"other")
    done = weir.run("create", folder, "-o", weir.folder / "case.torrent", check=0)
    expect("data/f as data/f.1" in done.stderr, done.stderr)
    (folder / "link").symlink_to("f")
    weir.run("create", folder, "-o", weir.folder / "link.torrent", check=0)
    same(len(shown(weir, weir.folder / "link.torrent")["files"]), 3, "a link stands for its file")


if __name__ == "__main__":
    checks.main()
