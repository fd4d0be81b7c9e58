"""The requests by which clients of qBittorrent that are no Python packages are known to drive it, and what each insists on in the
answers: in their order, with their methods, encodings and odd habits. Written from what was seen of the clients, not with their
code."""

import http.client
import json
import time
import urllib.parse

from lab import wait_for


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


class Caller:
    """One connection after the other, with the cookies that were set."""

    def __init__(self, service, whole_cookie=False):
        self.service, self.whole_cookie, self.cookie = service, whole_cookie, None

    def __call__(self, method, path, form=None, files=None, raw=None, kind=None, status=(200,), headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=60)
        headers = dict(headers or {})
        body = None
        if files is not None:
            boundary = "----formdata-weir"
            parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
                     for key, value in (form or {}).items()]
            parts += [f'--{boundary}\r\nContent-Disposition: form-data; name="torrents"; filename="{name}"\r\n'
                      "Content-Type: application/x-bittorrent\r\n\r\n".encode() + data + b"\r\n" for name, data in files.items()]
            body = b"".join(parts) + f"--{boundary}--\r\n".encode()
            headers["Content-Type"] = f"multipart/form-data; boundary={boundary}"
        elif raw is not None:
            body = raw
            headers["Content-Type"] = kind
        elif form is not None:
            body = urllib.parse.urlencode(form)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if self.cookie:
            headers["Cookie"] = self.cookie
        connection.request(method, "/api/v2/" + path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.headers.get("Set-Cookie"):
            cookie = answer.headers["Set-Cookie"]
            self.cookie = cookie if self.whole_cookie else cookie.split(";")[0]
        expect(answer.status in status, f"{method} {path}: {answer.status} {text[:200]!r}")
        self.type = answer.headers.get("Content-Type", "")
        return text

    def json(self, *arguments, **more):
        return json.loads(self(*arguments, **more))


def member_kinds(row, kinds):
    for name, kind in kinds.items():
        value = row[name]
        expect(isinstance(value, kind) and (kind is bool or not isinstance(value, bool)), f"{name} is {value!r}")


NUMBER = (int, float)
ROW = {"hash": str, "name": str, "size": int, "progress": NUMBER, "eta": int, "state": str, "category": str, "save_path": str,
       "content_path": str, "ratio": NUMBER, "ratio_limit": NUMBER, "seeding_time": int, "seeding_time_limit": int,
       "inactive_seeding_time_limit": int, "last_activity": int, "tags": str, "auto_tmm": bool, "amount_left": int,
       "total_size": int, "tracker": str, "infohash_v1": str, "infohash_v2": str, "added_on": int, "num_leechs": int,
       "num_seeds": int, "upspeed": int, "dlspeed": int, "up_limit": int, "uploaded": int}


def arr(service, torrent, category, add):
    """Sonarr and its kin: the version without having logged in, the log-in, the preferences, a category that is read back."""
    call = Caller(service)
    version = call("GET", "app/webapiVersion", status=(200, 403)).decode()
    expect([int(part) for part in version.split(".")] >= [2, 11, 0], version)
    expect(call("POST", "auth/login", {"username": "admin", "password": "x"}) in (b"Ok.", b""), "the log-in")
    preferences = call.json("GET", "app/preferences")
    member_kinds(preferences, {"save_path": str, "max_ratio_enabled": bool, "max_ratio": NUMBER, "max_seeding_time_enabled": bool,
                               "max_seeding_time": int, "max_ratio_act": int, "queueing_enabled": bool, "dht": bool,
                               "max_inactive_seeding_time_enabled": bool, "max_inactive_seeding_time": int})
    call("POST", "torrents/createCategory", {"category": category})
    expect(category in call.json("GET", "torrents/categories"), "the category is not there")
    file, data, info_hash = torrent(category)
    (service.home / "downloads" / category).write_bytes(data)
    expect(call("POST", "torrents/add", {"category": category, "stopped": "false", **add}, {"x.torrent": file}) != b"Fails.", "adding")
    for _ in range(100):
        # It asks ten times, a tenth of a second apart.
        try:
            call.json("GET", f"torrents/properties?hash={info_hash.upper()}")
            break
        except AssertionError:
            time.sleep(0.1)
    wait_for(lambda: call.json("GET", f"torrents/info?category={category}"), 20, "the torrent")
    [row] = call.json("GET", f"torrents/info?category={category}")
    member_kinds(row, ROW)
    expect(row["content_path"] != row["save_path"], "the content's path is the folder's")
    call.json("GET", f"torrents/files?hash={info_hash}")
    call("POST", "torrents/topPrio", {"hashes": info_hash}, status=(200, 409))
    call("POST", "torrents/setCategory", {"hashes": info_hash, "category": category})
    call("POST", "torrents/setShareLimits", {"hashes": info_hash, "ratioLimit": 2, "seedingTimeLimit": -2, "inactiveSeedingTimeLimit": -2})
    # Without "deleteFiles": the data stays.
    call("POST", "torrents/delete", {"hashes": info_hash})
    wait_for(lambda: not call.json("GET", f"torrents/info?category={category}"), 20, "the removal")
    expect((service.home / "downloads" / category).exists(), "the data is gone")


def sonarr(service, torrent):
    arr(service, torrent, "tv-sonarr", {"ratioLimit": 1.5, "seedingTimeLimit": 600})


def radarr(service, torrent):
    arr(service, torrent, "radarr", {"sequentialDownload": "true", "firstLastPiecePrio": "true"})


def prowlarr(service, torrent):
    arr(service, torrent, "prowlarr", {})


def cross_seed(service, torrent):
    """Everything by POST, with empty bodies as plain text, and the whole Set-Cookie line sent back."""
    call = Caller(service, whole_cookie=True)
    call("POST", "auth/login", {"username": "admin", "password": "x"})
    expect(call.cookie and "SID=" in call.cookie, "no cookie")
    empty = {"raw": b"", "kind": "text/plain;charset=UTF-8"}
    expect(call("POST", "app/version", **empty).startswith(b"v5."), "the version")
    call.json("POST", "app/preferences", **empty)
    call("POST", "torrents/createTags", {"tags": "cross-seed"})
    file, data, info_hash = torrent("cross")
    (service.home / "downloads/cross").write_bytes(data)
    call("POST", "torrents/add", {"savepath": service.home / "downloads", "autoTMM": "false", "category": "x.cross-seed",
                                  "tags": "cross-seed", "skip_checking": "false", "stopped": "true", "contentLayout": "Original",
                                  "foo": "bar"}, {"x.torrent": file})
    wait_for(lambda: call.json("POST", "torrents/info", {"hashes": info_hash}), 20, "the torrent")
    [row] = call.json("POST", "torrents/info", {"hashes": info_hash, "includeFiles": "true", "includeTrackers": "true"})
    member_kinds(row, ROW)
    call("POST", "torrents/recheck", {"hashes": info_hash})
    wait_for(lambda: call.json("POST", "torrents/info", {"hashes": info_hash})[0]["progress"] == 1, 30, "the check")
    call("POST", "torrents/start", {"hashes": info_hash})
    wait_for(lambda: call.json("POST", "torrents/info", {"hashes": info_hash})[0]["state"] == "stalledUP", 30, "the start")
    call.json("POST", "torrents/files", {"hash": info_hash})
    call.json("POST", "torrents/trackers", {"hash": info_hash})
    call.json("POST", "torrents/categories", **empty)
    call("POST", "torrents/stop", {"hashes": info_hash})


def autobrr(service, torrent):
    """Strict types; paused and stopped both; reannounces until a tracker works."""
    call = Caller(service)
    call("POST", "auth/login", {"username": "admin", "password": "x"}, status=(200, 204))
    expect(call.cookie, "no cookie")
    call("GET", "app/webapiVersion")
    file, _, info_hash = torrent("brr")
    call("POST", "torrents/add", {"paused": "true", "stopped": "true", "category": "brr", "tags": "a,b", "upLimit": "1048576",
                                  "ratioLimit": "1.00", "seedingTimeLimit": "60"}, {"x.torrent": file})
    expect(call.type.startswith(("text/plain", "application/json")), call.type)
    wait_for(lambda: call.json("GET", f"torrents/info?hashes={info_hash}"), 20, "the torrent")
    for line in call.json("GET", f"torrents/trackers?hash={info_hash}"):
        member_kinds(line, {"url": str, "status": int, "msg": str, "num_peers": int, "num_seeds": int, "num_leeches": int,
                            "num_downloaded": int})
    call("POST", "torrents/reannounce", {"hashes": info_hash})
    member_kinds(call.json("GET", "transfer/info"), {
        "connection_status": str, "dht_nodes": int, "dl_info_data": int, "dl_info_speed": int, "dl_rate_limit": int, "up_info_data": int,
        "up_info_speed": int, "up_rate_limit": int})
    call("POST", "torrents/delete", {"hashes": info_hash, "deleteFiles": "true"})


def qui(service, torrent):
    """As autobrr; then the whole picture by `sync/maindata`, and actions on many at once."""
    call = Caller(service)
    call("POST", "auth/login", {"username": "admin", "password": "x"}, status=(200, 204))
    for path in ("app/version", "app/webapiVersion", "app/buildInfo", "app/preferences"):
        call("GET", path)
    file, _, info_hash = torrent("qui")
    call("POST", "torrents/add", {"stopped": "true"}, {"x.torrent": file})
    wait_for(lambda: call.json("GET", "torrents/info"), 20, "the torrent")
    main = call.json("GET", "sync/maindata?rid=0")
    row = main["torrents"][info_hash]
    member_kinds(row, {name: kind for name, kind in ROW.items() if name != "hash"})
    expect(row.get("private") in (True, False, None), "private is neither")
    actions = [("addTags", {"tags": "a,b"}), ("setTags", {"tags": "c"}), ("removeTags", {"tags": "a"}), ("setCategory", {"category": ""}),
               ("setAutoManagement", {"enable": "false"}), ("setUploadLimit", {"limit": "1000"}), ("setDownloadLimit", {"limit": "0"}),
               ("toggleSequentialDownload", {}), ("setForceStart", {"value": "false"}), ("recheck", {}), ("start", {}), ("stop", {}),
               ("setShareLimits", {"ratioLimit": "-2", "seedingTimeLimit": "-2", "inactiveSeedingTimeLimit": "-2"}),
               ("setLocation", {"location": service.home / "elsewhere"})]
    for action, form in actions:
        call("POST", f"torrents/{action}", {"hashes": info_hash, **form})
    wait_for(lambda: call.json("GET", f"sync/maindata?rid={main['rid']}").get("torrents", {}).get(info_hash, {}).get("tags") == "c", 20,
             "the tag among the differences")
    for path in (f"torrents/properties?hash={info_hash}", f"torrents/trackers?hash={info_hash}", f"torrents/files?hash={info_hash}",
                 f"sync/torrentPeers?hash={info_hash}&rid=0", f"torrents/pieceStates?hash={info_hash}", "torrents/tags",
                 "torrents/categories", "transfer/info"):
        call.json("GET", path)
    call("GET", f"torrents/export?hash={info_hash}")
    call("GET", "transfer/speedLimitsMode")
    call("POST", "torrents/editTracker", {"hash": info_hash, "origUrl": "http://127.0.0.1:1/qui/announce", "newUrl": "http://127.0.0.1:1/b"})
    call("POST", "torrents/renameFile", {"hash": info_hash, "oldPath": "qui", "newPath": "qui2"})


def vuetorrent(service, torrent):
    """A web page's start, then `sync/maindata` again and again."""
    call = Caller(service)
    host = {"Referer": f"http://127.0.0.1:{service.port}/", "Origin": f"http://127.0.0.1:{service.port}"}
    call("POST", "auth/login", {"username": "admin", "password": "x"}, headers=host)
    call("GET", "app/version", headers=host)
    call.json("GET", "app/buildInfo", headers=host)
    file, _, info_hash = torrent("vue")
    call("POST", "torrents/add", {"stopped": "true", "tags": "a,b"}, {"x.torrent": file}, headers=host)
    wait_for(lambda: call.json("GET", "torrents/info"), 20, "the torrent")
    main = call.json("GET", "sync/maindata", headers=host)
    expect(main["torrents"][info_hash]["tags"] == "a, b" and main["full_update"] is True, main)
    member_kinds(main["server_state"], {"dl_info_speed": int, "up_info_speed": int, "free_space_on_disk": int, "queueing": bool,
                                        "use_alt_speed_limits": bool, "global_ratio": str, "alltime_ul": int, "alltime_dl": int,
                                        "connection_status": str, "dht_nodes": int})
    call.json("GET", "app/preferences", headers=host)
    call.json("GET", "log/main?normal=true&info=true&warning=true&critical=true&last_known_id=-1", headers=host)
    rid = main["rid"]
    for _ in range(5):
        rid = call.json("GET", f"sync/maindata?rid={rid}", headers=host)["rid"]
    call("POST", "app/setPreferences", {"json": json.dumps({"dl_limit": 0, "web_ui_upnp": False})}, headers=host)
    call("POST", "transfer/toggleSpeedLimitsMode", {}, headers=host)
    call("GET", "rss/items?withData=true", headers=host)
    call("POST", "auth/logout", {}, headers=host)


def qbit_manage(service, torrent):
    """Many small questions; the package itself is run as well where it can be had."""
    call = Caller(service)
    call("POST", "auth/login", {"username": "admin", "password": "x"})
    file, _, info_hash = torrent("manage")
    call("POST", "torrents/add", {"is_stopped": "true", "stopped": "true"}, {"x.torrent": file})
    wait_for(lambda: call.json("POST", "torrents/info", {"filter": "all"}), 20, "the torrent")
    for _ in range(20):
        call.json("POST", "torrents/trackers", {"hash": info_hash})
        call("GET", "app/webapiVersion")
    call("POST", "torrents/addTags", {"hashes": info_hash, "tags": "t"})
    call("POST", "torrents/createCategory", {"category": "m", "savePath": str(service.home / "m")})
    call("POST", "torrents/setCategory", {"hashes": info_hash, "category": "m"})
    call("POST", "torrents/setShareLimits", {"hashes": info_hash, "ratioLimit": 5, "seedingTimeLimit": 120, "inactiveSeedingTimeLimit": -2})
    call.json("POST", "torrents/files", {"hash": info_hash})
    call("POST", "torrents/setUploadLimit", {"hashes": info_hash, "limit": 102400})
    call("POST", "torrents/start", {"hashes": info_hash})
    call.json("POST", "torrents/tags", {})


CLIENTS = {"sonarr": sonarr, "radarr": radarr, "prowlarr": prowlarr, "cross-seed": cross_seed, "autobrr": autobrr, "qui": qui,
           "vuetorrent": vuetorrent, "qbit_manage": qbit_manage}


def replay(name, service, torrent):
    CLIENTS[name](service, torrent)
