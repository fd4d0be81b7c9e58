#!/usr/bin/python3
"""Real clients of qBittorrent drive `weir serve` as they drive a qBittorrent: from PyPI qbittorrent-api, aioqbt,
python-qbittorrent, autoremove-torrents and qbit_manage. Those that are no Python packages speak here by the requests that they
are known to make (exchanges.py).

    facade.py [--packages FOLDER]    a folder with a folder of each package; else pip brings them
"""

import argparse
import atexit
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

import lab as laboratory
from lab import bencode, free_port, wait_for
from library_service import expect, same
from nginx import Nginx


# Each in a folder of its own, for they want each other's libraries in other versions. The one first is never done without.
PACKAGES = {
    "qbittorrent-api": [], "aioqbt": [], "python-qbittorrent": [], "qbit_manage": [],
    # Of what it names one is for Python 2 only.
    "autoremove-torrents": ["--no-deps", "deluge-client", "ply", "pyyaml", "requests", "urllib3", "idna", "certifi", "charset-normalizer"],
}


def packages(folder):
    """Brings the packages before the lab's namespace hides the network; answers the folder that has them."""
    if folder:
        return folder
    folder = tempfile.mkdtemp(prefix="weir-clients-")
    atexit.register(shutil.rmtree, folder, True)
    for name, more in PACKAGES.items():
        done = subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--target",
                               f"{folder}/{name}", name, *more], capture_output=True, text=True)
        if done.returncode:
            # Without a registry there is nothing to try, and that is said.
            print(f"SKIPPED: {name} cannot be installed: {done.stderr[-500:]}", flush=True)
            shutil.rmtree(f"{folder}/{name}", ignore_errors=True)
            if name == "qbittorrent-api":
                break
    return folder


def torrent(name, size=300_000):
    import hashlib
    data = random.Random(name).randbytes(size)
    info = {"length": size, "name": name, "piece length": 65536,
            "pieces": b"".join(hashlib.sha1(data[i:i + 65536]).digest() for i in range(0, size, 65536))}
    return bencode({"announce": f"http://127.0.0.1:1/{name}/announce", "info": info}), data, hashlib.sha1(bencode(info)).hexdigest()


class Service:
    def __init__(self, at, name, **settings):
        self.home = at.folder / name
        (self.home / "downloads").mkdir(parents=True)
        self.port = free_port()
        environment = {**os.environ, "HOME": str(self.home), "WEIR_GLOBAL_PORT": str(self.port), **settings}
        for variable in ("STATE_DIRECTORY", "XDG_STATE_HOME", "XDG_DOWNLOAD_DIR", "XDG_CONFIG_HOME", "WEIR_CONFIG"):
            environment.pop(variable, None)
        self.log = at.folder / f"{name}.log"
        self.process = at.start([laboratory.BINARY, "serve", "--state", self.home / "state", "--downloads", self.home / "downloads"],
                                f"{name}.log", env=environment, cwd=self.home)
        wait_for(self.answers, 60, "the service")

    def answers(self):
        """It listens before it knows its torrents, and says until then that it is starting."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v2/app/webapiVersion", timeout=30) as answer:
                return answer.status == 200
        except OSError:
            return False


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
    wait_for(lambda: not (service.home / "downloads/one").exists(), 20, "the old place is empty")
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


def is_guarded(api, url):
    try:
        api.Client(host=url, username="me", password="wrong").auth_log_in()
        raise AssertionError("a wrong password was taken")
    except api.LoginFailed:
        pass


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
    is_guarded(api, url)
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


def behind_nginx(at, api):
    """qbittorrent-api by https, behind nginx and below a path: adds, follows and removes, as somebody who logs in."""
    service = Service(at, "behind", WEIR_GLOBAL_ALLOWED_HOSTS="home.example", WEIR_SERVER_BASE_PATH="/weir",
                      WEIR_SERVER_TRUSTED_PROXIES="127.0.0.1")
    front = Nginx(at, service.port)
    token = re.search(r"set_up_token=([0-9a-f]+)", service.log.read_text())[1]
    request = urllib.request.Request(
        f"http://127.0.0.1:{service.port}/api/access/setup", json.dumps({"token": token, "name": "me", "password": "long enough"}).encode(),
        {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=30).close()
    certificate = str(front.log.with_name("certificate.pem"))
    os.environ["REQUESTS_CA_BUNDLE"] = certificate
    try:
        drive_behind(api, front.url, service)
    finally:
        del os.environ["REQUESTS_CA_BUNDLE"]


def drive_behind(api, url, service):
    is_guarded(api, url)
    client = api.Client(host=url, username="me", password="long enough")
    first = client.sync_maindata()
    file, _, info_hash = torrent("behind")
    same(client.torrents_add(torrent_files=[file], is_stopped=True, tags=["a"]), "Ok.", "adding")
    wait_for(lambda: info_hash in client.sync_maindata(rid=first.rid).get("torrents", {}), 20, "the news of it")
    # More than nginx takes in a body unless it is told.
    many = [bencode({"announce": "http://127.0.0.1:1/announce", "info": {
        "length": 16384 * 30_000, "name": f"large {n}", "piece length": 16384, "pieces": bytes(600_000)}}) for n in range(3)]
    same(client.torrents_add(torrent_files=many, is_stopped=True), "Ok.", "adding large ones")
    wait_for(lambda: len(client.torrents_info(status_filter="stopped")) == 4, 20, "the list")
    client.torrents_delete(True, torrent_hashes="all")
    wait_for(lambda: not client.torrents_info(), 20, "the removal")
    client.auth_log_out()
    expect("long enough" not in service.log.read_text(), "the password is in the log")


def run(at, package, script, *arguments, program=None):
    """Runs a script, or a program of the package, that has the package."""
    folder = os.path.join(os.environ["WEIR_FACADE_PACKAGES"], package)
    command = [os.path.join(folder, "bin", program)] if program else ["-c", script]
    done = subprocess.run([sys.executable, *command, *map(str, arguments)], capture_output=True, text=True, timeout=120,
                          cwd=at.folder, env={**os.environ, "PYTHONPATH": folder, "HOME": str(at.folder)})
    expect(done.returncode == 0, f"{package} ended with {done.returncode}: {done.stdout[-800:]}{done.stderr[-800:]}")
    return done.stdout + done.stderr


def seeded(service, *names):
    """Torrents that the service has whole."""
    hashes = {}
    import qbittorrentapi as api
    client = api.Client(host=f"http://127.0.0.1:{service.port}", username="admin", password="anything")
    for name in names:
        file, data, hashes[name] = torrent(name)
        (service.home / "downloads" / name).write_bytes(data)
        same(client.torrents_add(torrent_files=[file], is_skip_checking=True), "Ok.", f"adding {name}")
    wait_for(lambda: len(client.torrents_info(status_filter="completed")) == len(names), 60, "the torrents to be whole")
    return client, hashes


AIOQBT = """
import asyncio, sys
from aioqbt.api import AddFormBuilder
from aioqbt.client import create_client
from aioqbt.exc import ConflictError

async def main(url, file, elsewhere):
    async with await create_client(url, username='admin', password='anything') as client:
        assert await client.app.version() == 'v5.1.4' and await client.app.webapi_version() == '2.11.4'
        assert (await client.app.preferences())['save_path']
        await client.app.set_preferences({'up_limit': 2048000})
        data = open(file, 'rb').read()
        await client.torrents.add(AddFormBuilder.with_client(client).include_file(data, 'x.torrent').stopped(True).tags(['x']).build())
        for _ in range(200):
            rows = await client.torrents.info()
            if rows:
                break
            await asyncio.sleep(0.05)
        [row] = rows
        assert row.state.value == 'stoppedDL' and row.tags == ['x'], row
        id, torrents = row.hash, client.torrents
        await torrents.properties(id), await torrents.webseeds(id), await torrents.piece_states(id), await torrents.piece_hashes(id)
        assert [file.name for file in await torrents.files(id)] == ['aio'] and len(await torrents.trackers(id)) == 4
        assert await torrents.export(id) == data and await torrents.count() == 1
        await torrents.start([id]), await torrents.recheck([id]), await torrents.reannounce([id]), await torrents.stop([id])
        await torrents.add_trackers(id, ['http://127.0.0.1:1/new/announce'])
        await torrents.edit_tracker(id, 'http://127.0.0.1:1/new/announce', 'http://127.0.0.1:1/newer/announce')
        await torrents.remove_trackers(id, ['http://127.0.0.1:1/newer/announce'])
        await torrents.file_prio(id, [0], 6)
        await torrents.set_upload_limit([id], 2048), await torrents.set_download_limit([id], 1024)
        await torrents.create_category('c', elsewhere), await torrents.edit_category('c', elsewhere + '2')
        await torrents.set_category([id], 'c')
        assert (await torrents.categories())['c'].savePath.endswith('2')
        await torrents.create_tags(['t', 'u']), await torrents.add_tags([id], ['t']), await torrents.remove_tags([id], ['x'])
        await torrents.delete_tags(['u'])
        await torrents.set_auto_management([id], False), await torrents.set_sequential_download([id], True)
        await torrents.set_first_last_piece_prio([id], True), await torrents.set_force_start([id], True)
        await torrents.rename(id, 'another'), await torrents.add_peers([id], ['127.0.0.1:9'])
        try:
            await torrents.top_prio([id])
            assert False, 'a queue that is off was taken'
        except ConflictError:
            pass
        main = await client.sync.maindata()
        assert main.full_update and main.torrents[id]['name'] == 'another' and main.torrents[id]['tags'] == 't', main
        await client.transfer.info(), await client.transfer.toggle_speed_limits_mode(), await client.log.main(), await client.rss.items()
        await torrents.delete([id], True)

asyncio.run(main(*sys.argv[1:]))
"""


def drives_aioqbt(at, api):
    """aioqbt: asynchronous, with types of its own for all it reads."""
    service = Service(at, "aio")
    (at.folder / "aio.torrent").write_bytes(torrent("aio")[0])
    run(at, "aioqbt", AIOQBT, f"http://127.0.0.1:{service.port}/api/v2/", at.folder / "aio.torrent", service.home / "c")


OLDER = """
import sys, time
import qbittorrent
url, file, folder = sys.argv[1:]
client = qbittorrent.Client(url)
client.login('admin', 'anything')
assert (client.qbittorrent_version, client.api_version) == ('v5.1.4', '2.11.4')
assert client.download_from_file(open(file, 'rb'), savepath=folder, category='c') == 'Ok.'
until = time.monotonic() + 20
while not client.torrents() and time.monotonic() < until:
    time.sleep(0.05)
[row] = client.torrents()
id = row['hash']
assert row['category'] == 'c' and row['save_path'].rstrip('/') == folder, row
assert client.get_torrent(id)['piece_size'] == 65536 and len(client.get_torrent_trackers(id)) == 4
assert [file['name'] for file in client.get_torrent_files(id)] == ['older'] and client.get_torrent_webseeds(id) == []
assert len(client.get_torrent_piece_states(id)) == 5 and id in client.sync_main_data()['torrents']
client.pause(id), client.resume(id), client.recheck([id]), client.force_start([id], True), client.set_file_priority(id, 0, 1)
client.create_category('d'), client.set_category([id], 'd'), client.remove_category('d')
client.set_torrent_upload_limit([id], 5000), client.set_automatic_torrent_management([id])
client.add_trackers(id, 'http://127.0.0.1:1/z/announce')
client.preferences(), client.get_log(), client.get_alternative_speed_status, client.set_global_download_limit(0)
client.delete_permanently([id])
until = time.monotonic() + 20
while client.torrents() and time.monotonic() < until:
    time.sleep(0.05)
assert client.torrents() == []
client.logout()
"""


def drives_older(at, api):
    """python-qbittorrent: old names of endpoints, and form data as requests makes it."""
    service = Service(at, "older")
    (at.folder / "older.torrent").write_bytes(torrent("older")[0])
    run(at, "python-qbittorrent", OLDER, f"http://127.0.0.1:{service.port}/", at.folder / "older.torrent", service.home / "there")


def removes(at, api):
    """autoremove-torrents: removes what its rules say, with the data, and nothing else."""
    service = Service(at, "removing")
    client, hashes = seeded(service, "old", "new")
    client.torrents_create_category("old")
    client.torrents_set_category("old", torrent_hashes=hashes["old"])
    wait_for(lambda: client.torrents_info(category="old"), 20, "the category")
    (at.folder / "rules.yml").write_text(json.dumps({"task": {
        "client": "qbittorrent", "host": f"http://127.0.0.1:{service.port}", "username": "admin", "password": "anything",
        "strategies": {"s": {"categories": "old", "remove": "ratio < 0.5"}}, "delete_data": True}}))
    said = run(at, "autoremove-torrents", None, f"--conf={at.folder / 'rules.yml'}", f"--log={at.folder}",
               program="autoremove-torrents")
    wait_for(lambda: [row.name for row in client.torrents_info()] == ["new"], 20, f"the removal ({said[-600:]})")
    wait_for(lambda: not (service.home / "downloads/old").exists(), 20, "the data to go")
    expect((service.home / "downloads/new").exists(), "what was to stay is gone")


def manages(at, api):
    """qbit_manage: categories by folder, tags by tracker, tracker errors, share limits."""
    service = Service(at, "managed")
    client, hashes = seeded(service, "film", "song")
    downloads = str(service.home / "downloads")
    folder = at.folder / "qbit_manage"
    folder.mkdir()
    (folder / "config.yml").write_text(json.dumps({
        "commands": {name: name in ("cat_update", "tag_update", "rem_unregistered", "tag_tracker_error", "share_limits", "skip_cleanup")
                     for name in ("dry_run", "cat_update", "tag_update", "rem_unregistered", "tag_tracker_error", "recheck",
                                  "rem_orphaned", "tag_nohardlinks", "share_limits", "skip_cleanup", "skip_qb_version_check")},
        "qbt": {"host": f"http://127.0.0.1:{service.port}", "user": "admin", "pass": "anything"},
        "settings": {"tracker_error_tag": "issue"}, "directory": {"root_dir": downloads}, "cat": {"general": downloads},
        "tracker": {"127.0.0.1": {"tag": "local"}, "other": {"tag": "other"}}, "recyclebin": {"enabled": False},
        "share_limits": {"all": {"priority": 1, "max_ratio": 5, "max_seeding_time": 120, "limit_upload_speed": 100, "cleanup": False}}}))
    wait_for(lambda: all(any("not reachable" in line.msg for line in client.torrents_trackers(id)) for id in hashes.values()), 60,
             "the trackers to fail")
    said = run(at, "qbit_manage", None, "--run", "--web-server=False", "--config-dir", folder, program="qbit-manage")

    def managed():
        rows = client.torrents_info()
        return all(row.category == "general" and row.up_limit == 102400 and row.ratio_limit == 5 and row.seeding_time_limit == 120
                   and {"local", "issue"} <= set(row.tags.split(", ")) for row in rows) and len(rows) == 2
    wait_for(managed, 20, f"what it set ({said[-1500:]})")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--packages")
    parser.add_argument("names", nargs="*", help="only these checks")
    options = parser.parse_args()
    if "WEIR_FACADE_PACKAGES" not in os.environ:
        os.environ["WEIR_FACADE_PACKAGES"] = packages(options.packages)
        # The lab runs this script anew in its namespaces, and would forget to clean up.
        done = subprocess.run([sys.executable, *sys.argv], env=os.environ)
        sys.exit(done.returncode)
    laboratory.enter_namespace()
    folder = os.environ["WEIR_FACADE_PACKAGES"]
    present = set(os.listdir(folder))
    if "qbittorrent-api" not in present:
        sys.exit(0)
    sys.path.insert(0, os.path.join(folder, "qbittorrent-api"))
    import qbittorrentapi as api
    import exchanges
    at = laboratory.Lab()
    checks = {drives: "qbittorrent-api", asks_who: "qbittorrent-api", behind_nginx: "qbittorrent-api", drives_aioqbt: "aioqbt", drives_older: "python-qbittorrent",
              removes: "autoremove-torrents", manages: "qbit_manage"}
    for name in exchanges.CLIENTS:
        def replay(at, api, name=name):
            exchanges.replay(name, Service(at, name), torrent)
        replay.__doc__ = f"{name}: the requests that it makes"
        replay.__name__ = name
        checks[replay] = "qbittorrent-api"
    passed = failures = 0
    for check, package in checks.items():
        if package not in present or options.names and check.__name__ not in options.names:
            continue
        started = time.monotonic()
        try:
            check(at, api)
            passed += 1
            print(f"{check.__doc__.splitlines()[0]} ok ({time.monotonic() - started:.1f} s)", flush=True)
        except Exception as error:
            failures += 1
            print(f"{check.__doc__.splitlines()[0]} FAILED: {type(error).__name__}: {error}", flush=True)
    print(f"{passed} passed, {failures} failed", flush=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
