#!/usr/bin/python3
"""The Python package qbittorrent-api (PyPI) drives `weir serve` as it drives a qBittorrent.

    facade.py [--package FOLDER]     a folder where the package is installed; else pip brings it
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time

import lab as laboratory
from lab import bencode, free_port, wait_for


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def same(found, wanted, what):
    if found != wanted:
        raise AssertionError(f"{what}: {found!r}, not {wanted!r}")


def package(folder):
    """Brings the package before the lab's namespace hides the network."""
    if not folder:
        folder = tempfile.mkdtemp(prefix="weir-qbittorrent-api-")
        done = subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--target", folder,
                               "qbittorrent-api"], capture_output=True, text=True)
        if done.returncode:
            # Without a registry there is nothing to try, and that is said.
            print(f"SKIPPED: qbittorrent-api cannot be installed: {done.stderr[-500:]}")
            sys.exit(0)
    return folder


def torrent(name, size=300_000):
    import hashlib
    data = random.Random(name).randbytes(size)
    info = {"length": size, "name": name, "piece length": 65536,
            "pieces": b"".join(hashlib.sha1(data[i:i + 65536]).digest() for i in range(0, size, 65536))}
    return bencode({"announce": f"http://127.0.0.1:1/{name}/announce", "info": info}), data, hashlib.sha1(bencode(info)).hexdigest()


class Service:
    def __init__(self, at, name):
        self.home = at.folder / name
        (self.home / "downloads").mkdir(parents=True)
        self.port = free_port()
        environment = {**os.environ, "HOME": str(self.home), "WEIR_GLOBAL_PORT": str(self.port)}
        for variable in ("STATE_DIRECTORY", "XDG_STATE_HOME", "XDG_DOWNLOAD_DIR", "XDG_CONFIG_HOME", "WEIR_CONFIG"):
            environment.pop(variable, None)
        self.log = at.folder / f"{name}.log"
        self.process = at.start([laboratory.BINARY, "serve", "--state", self.home / "state", "--downloads", self.home / "downloads"],
                                f"{name}.log", env=environment, cwd=self.home)
        wait_for(lambda: laboratory.can_connect(self.port), 30, "the service")


def drives(at, api):
    """Logs in, adds, lists, follows, limits, tags, moves, stops and removes."""
    service = Service(at, "weir")
    client = api.Client(host=f"http://127.0.0.1:{service.port}", username="admin", password="anything")
    client.auth_log_in()
    same((client.app.version, client.app.web_api_version), ("v5.1.4", "2.11.4"), "the versions")
    same(client.app.default_save_path, str(service.home / "downloads"), "the folder")
    client.app.preferences = {"up_limit": 1_024_000, "max_ratio_enabled": False}
    wait_for(lambda: client.app.preferences.up_limit == 1_024_000, 10, "the preference")

    # Add and list.
    one, data, one_hash = torrent("one")
    two, _, two_hash = torrent("two")
    (service.home / "downloads/one").write_bytes(data)
    client.torrents_create_category("tv", str(service.home / "tv"))
    same(client.torrents_add(torrent_files=[one], is_skip_checking=True, tags=["a"]), "Ok.", "adding")
    same(client.torrents_add(torrent_files=[two], category="tv", is_stopped=True, use_auto_torrent_management=True), "Ok.", "adding")
    wait_for(lambda: len(client.torrents_info()) == 2, 10, "the list")
    same(client.torrents_add(torrent_files=[one]), "Fails.", "adding it again")
    try:
        client.torrents_add(torrent_files=[b"no torrent"])
        raise AssertionError("a file that is no torrent was taken")
    except api.UnsupportedMediaType415Error:
        pass
    rows = {row.hash: row for row in client.torrents_info(sort="name")}
    same(list(rows), [one_hash, two_hash], "sorted by name")
    expect(rows[one_hash].progress == 1 and rows[one_hash].state_enum.is_uploading, rows[one_hash].state)
    expect(rows[two_hash].state_enum.is_stopped and rows[two_hash].category == "tv", rows[two_hash])
    same([row.hash for row in client.torrents_info(status_filter="stopped")], [two_hash], "the stopped")
    same([row.hash for row in client.torrents_info(tag="a")], [one_hash], "the tagged")
    same(client.torrents_properties(one_hash).piece_size, 65536, "a property")
    same([file.name for file in client.torrents_files(one_hash)], ["one"], "the files")
    same(client.torrents_trackers(one_hash)[-1].url, "http://127.0.0.1:1/one/announce", "the tracker")
    same(len(client.torrents_piece_states(one_hash)), 5, "the pieces")
    same(client.torrents_export(one_hash), one, "the exported file")

    # Follow.
    full = client.sync_maindata()
    expect(full.full_update and set(full.torrents) == {one_hash, two_hash}, "the first answer is whole")
    client.torrents_set_upload_limit(50_000, torrent_hashes=one_hash)
    seen = {}

    def follows():
        delta = client.sync_maindata(rid=seen.get("rid", full.rid))
        expect("full_update" not in delta, "a delta")
        seen["rid"] = delta.rid
        return delta.get("torrents", {}).get(one_hash, {}).get("up_limit") == 50_000
    wait_for(follows, 10, "the limit in the deltas")
    # The answers in between were lost.
    again = client.sync_maindata(rid=full.rid)
    same(again.torrents[one_hash].up_limit, 50_000, "after lost answers")

    # Change.
    same(client.torrents_upload_limit(one_hash), {one_hash: 50_000}, "the limit")
    client.torrents_add_tags(["b", "c"], torrent_hashes="all")
    client.torrents_remove_tags(["c"], torrent_hashes=two_hash)
    wait_for(lambda: {row.hash: row.tags for row in client.torrents_info()} == {one_hash: "a, b, c", two_hash: "b"}, 10, "the tags")
    client.torrents_set_share_limits(2.5, 60, -1, torrent_hashes=one_hash)
    wait_for(lambda: client.torrents_info(torrent_hashes=one_hash)[0].ratio_limit == 2.5, 10, "the share limit")
    client.torrents_rename(one_hash, "another name")
    wait_for(lambda: client.torrents_info(torrent_hashes=one_hash)[0].name == "another name", 10, "the name")
    client.transfer_set_speed_limits_mode(True)
    wait_for(lambda: client.transfer_speed_limits_mode() == "1", 10, "the alternative limits")
    client.torrents_set_location(str(service.home / "elsewhere"), torrent_hashes=one_hash)
    wait_for(lambda: (service.home / "elsewhere/one").exists(), 20, "the move")
    same((service.home / "elsewhere/one").read_bytes(), data, "what was moved")
    expect(not (service.home / "downloads/one").exists(), "the old place is empty")
    client.torrents_stop(one_hash)
    wait_for(lambda: client.torrents_info(torrent_hashes=one_hash)[0].state_enum.is_stopped, 10, "stopped")
    client.torrents_start("all")
    wait_for(lambda: all(not row.state_enum.is_stopped for row in client.torrents_info()), 10, "started")

    # Remove.
    client.torrents_delete(delete_files=True, torrent_hashes=one_hash)
    client.torrents_delete(delete_files=False, torrent_hashes=two_hash)
    wait_for(lambda: not client.torrents_info(), 10, "removed")
    wait_for(lambda: not (service.home / "elsewhere/one").exists(), 10, "the data is gone")
    gone = client.sync_maindata(rid=full.rid)
    same(set(gone.torrents_removed), {one_hash, two_hash}, "those that went")
    client.auth_log_out()


def asks_who(at, api):
    """After the set-up everybody has to log in; a key serves as a password; guessing is slowed down."""
    import urllib.request
    service = Service(at, "guarded")
    token = json.loads(subprocess.run(
        ["sed", "-n", r's/.*set_up_token=\([0-9a-f]*\).*/"\1"/p', service.log], capture_output=True, text=True).stdout)

    def post(path, body, cookie=""):
        request = urllib.request.Request(
            f"http://127.0.0.1:{service.port}{path}", json.dumps(body).encode(), {"Content-Type": "application/json", "Cookie": cookie})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read()), answer.headers.get("Set-Cookie", "").split(";")[0]
    _, cookie = post("/api/access/setup", {"token": token, "name": "me", "password": "long enough"})
    reader = post("/api/access/keys/create", {"name": "reader", "role": "read"}, cookie)[0]["key"]
    url = f"http://127.0.0.1:{service.port}"
    try:
        api.Client(host=url, username="me", password="wrong").auth_log_in()
        raise AssertionError("a wrong password was taken")
    except api.LoginFailed:
        pass
    client = api.Client(host=url, username="me", password="long enough")
    same(len(client.torrents_info()), 0, "the list for who has logged in")
    client.torrents_create_tags(["x"])
    read = api.Client(host=url, username="any", password=reader)
    same(len(read.torrents_info()), 0, "the list by a key")
    try:
        read.torrents_create_tags(["y"])
        raise AssertionError("a key for reading changed something")
    except api.Forbidden403Error:
        pass
    log = service.log.read_text()
    expect("long enough" not in log and reader not in log, "no secret in the log")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--package")
    options = parser.parse_args()
    if "WEIR_FACADE_PACKAGE" not in os.environ:
        os.environ["WEIR_FACADE_PACKAGE"] = package(options.package)
    laboratory.enter_namespace()
    sys.path.insert(0, os.environ["WEIR_FACADE_PACKAGE"])
    import qbittorrentapi as api
    at = laboratory.Lab()
    failures = 0
    for check in (drives, asks_who):
        started = time.monotonic()
        try:
            check(at, api)
            print(f"{check.__doc__.splitlines()[0]} ok ({time.monotonic() - started:.1f} s)", flush=True)
        except Exception as error:
            failures += 1
            print(f"{check.__doc__.splitlines()[0]} FAILED: {type(error).__name__}: {error}", flush=True)
    print(f"{2 - failures} passed, {failures} failed", flush=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
