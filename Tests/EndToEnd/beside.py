#!/usr/bin/python3
"""Weir beside a real qBittorrent 5.1: the same requests, in the same order, to both, and what differs in status, content type,
members and their types, or in the values that were asked for. A difference is in the table below, with its reason, or a fault.

    beside.py --root CHROOT    the 5.1.0 that versions.sh makes; the installed 4.5.2 differs in much that is newer
"""

import argparse
import hashlib
import http.client
import json
import os
import random
import re
import subprocess
import sys
import time
import urllib.parse

import lab as laboratory
import qbittorrent
from lab import bencode, free_port, wait_for

# What differs by intention: in which requests, and why. Documentation/As-a-qBittorrent.md tells it to people.
JUSTIFIED = {
    r"(PUT|DELETE|PATCH|OPTIONS) .*|read with .* body": "the same status, with a word in the body",
    r"log in while logged in": "a new session, and a cookie for it",
    r"app/version": "5.1.4 is what Weir answers as",
    r"(app/network|app/getDirectory|log/main|rss/|search/|torrentcreator/|app/sendTest|app/setCookies).*": "off",
    r".*WebSeeds?|setSSLParameters": "off",
    r"(resume|pause) .*|filter (paused|resumed)": "the old words are taken as well",
    r"delete without deleteFiles|left at last": "the files stay, as Sonarr means it",
    r"share limits .*": "nonsense is no limit, where 0 would end the torrent; large limits are not cut off",
    r"limit of all is .*": "exact, and not in whole KiB",
    r"uploadLimit .*": "of torrents that are there; all means all",
    r"location relative|savePath empty": "a relative path is refused",
    r"location nowhere": "the same status, and why",
    r"preferences (broken|list|of wrong types.*)": "refused, and not passed over",
    r"setSuperSeeding on": "refused, because Weir cannot",
    r"filePrio .*|renameF.*|editTracker .*|category (again|edited .*)|torrents/export magnet|indexes .*|add (bad file|B and bad)": "the same status, in other words, or as the next",
    r"add trackers nonsense": "refused, and not announced to",
    r"(trackers|tracker addresses) .*|torrents/trackers .*": "each added tracker is a tier of its own; no order by lot; other words",
    r"tags .*|added with odd tag": "no control characters",
    r"categories .*|maindata at last": "without spaces around their names; paths are absolute",
    r"torrents/export .*": "the torrent's own bytes, as they came",
    r"values of .*": "times, and what a torrent without a queue has for a place",
    r"list .*": "equal ones are ordered by hash; behind the end there is nothing",
    r"files now 3": "renameFile takes folders as well, and renameFolder files",
}

HASH_OF_NONE = "0" * 40
MAGNET_HASH = "ab" * 20
MAGNET = f"magnet:?xt=urn:btih:{MAGNET_HASH}&dn=mag%20net&tr=http%3A%2F%2F127.0.0.1%3A1%2Fm%2Fannounce"


class Content:
    """A torrent with what it consists of; one file without a path is a torrent of one file."""

    def __init__(self, name, files, trackers, private=False):
        self.name, self.files = name, [(path, random.Random(f"{name}{path}").randbytes(size)) for path, size in files]
        data = b"".join(part for _, part in self.files)
        info = {"name": name, "piece length": 32768,
                "pieces": b"".join(hashlib.sha1(data[at:at + 32768]).digest() for at in range(0, len(data), 32768))}
        if files[0][0] is None:
            info["length"] = len(data)
        else:
            info["files"] = [{"length": len(part), "path": path.split("/")} for path, part in self.files]
        if private:
            info["private"] = 1
        self.hash = hashlib.sha1(bencode(info)).hexdigest()
        self.file = bencode({"announce": trackers[0], "announce-list": [[t] for t in trackers], "info": info, "comment": "c",
                             "created by": "me", "creation date": 1600000000})

    def write(self, folder):
        for path, part in self.files:
            place = os.path.join(folder, self.name, path) if path else os.path.join(folder, self.name)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, "wb") as file:
                file.write(part)


A = Content("Folder", [("one.bin", 50_000), ("sub/two.bin", 70_000), ("three.txt", 10)],
            ["http://127.0.0.1:1/keykeykey/announce", "udp://127.0.0.1:1/announce"], private=True)
B, C, *ODD = (Content(f"{name}.bin", [(None, size)], [f"http://127.0.0.1:1/{name}/announce"])
              for name, size in (("b", 200_000), ("c", 100_000), ("d", 10_000), ("e", 20_000), ("f", 30_000), ("g", 40_000)))


class Target:
    """A Web API, and where its torrents go."""

    def __init__(self, port, folder, outside, cookie):
        self.port, self.folder, self.outside, self.cookie = port, folder, outside, cookie

    def send(self, method, path, query=None, form=None, body=None, kind=None, headers=None, known=True, files=None):
        headers = {**(headers or {}), **({"Cookie": self.cookie} if known else {})}
        if files is not None:
            edge = "b" + "x" * 20
            parts = [f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
                     for name, value in (form or {}).items()]
            parts += [f'--{edge}\r\nContent-Disposition: form-data; name="torrents"; filename="{name}"\r\n'
                      "Content-Type: application/x-bittorrent\r\n\r\n".encode() + data + b"\r\n" for name, data in files]
            body, kind = b"".join(parts) + f"--{edge}--\r\n".encode(), f"multipart/form-data; boundary={edge}"
        elif form is not None:
            body, kind = urllib.parse.urlencode(form).encode(), "application/x-www-form-urlencoded"
        if kind:
            headers["Content-Type"] = kind
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, "/api/v2/" + path + ("?" + urllib.parse.urlencode(query) if query else ""), body, headers)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def rows(self):
        return {row["hash"]: row for row in json.loads(self.send("GET", "torrents/info")[2])}


STEPS = []


def step(label, method, path, show=None, until=None, **request):
    """`show` takes from the answer what is compared; else it is its shape. `until` waits for what the request began."""
    STEPS.append((label, method, path, show, until, request))


def get(place, label=None, show=None, **query):
    step(label or place, "GET", place, show, query=query or None)


def post(place, label=None, until=None, show=None, **form):
    step(label or place, "POST", place, show, until, form=form)


def hashes(rows):
    return [row["hash"][:6] for row in rows] if isinstance(rows, list) else rows


def only(*names):
    return lambda rows: {name: rows[0].get(name) for name in names} if isinstance(rows, list) and rows else rows


def timeless(value):
    """Without times, and what depends on them."""
    moving = {"added_on", "completion_on", "last_activity", "magnet_uri", "reannounce", "seeding_time", "time_active", "addition_date",
              "completion_date", "time_elapsed", "msg", "tracker", "priority", "num_peers"}
    if isinstance(value, list):
        return [timeless(one) for one in value]
    return {k: timeless(v) for k, v in value.items() if k not in moving} if isinstance(value, dict) else value


def whole(value):
    return value


def there(*contents):
    """And checked, as far as they are to be."""
    def check(target):
        states = {info_hash: row["state"] for info_hash, row in target.rows().items()}
        return all(content.hash in states for content in contents) and not any("check" in state for state in states.values())
    return check


def gone(content):
    return lambda target: content.hash not in target.rows()


def files_are(*names):
    def check(target):
        found = json.loads(target.send("GET", "torrents/files", query={"hash": A.hash})[2])
        return {file["name"] for file in found} >= set(names)
    return check


def describe():
    for path in ("app/version", "torrents/info", "no/such", "torrents/nosuch", "app/setPreferences", "auth/logout"):
        step(f"stranger {path}", "GET", path, known=False)
    step("stranger adds", "POST", "torrents/add", known=False, form={"urls": "x"})
    good = {"username": "admin", "password": "adminadmin"}
    step("wrong password", "POST", "auth/login", known=False, form={**good, "password": "wrong"})
    step("no password", "POST", "auth/login", known=False, form={})
    step("log in by GET", "GET", "auth/login", known=False, query=good)
    step("log in", "POST", "auth/login", known=False, form=good)
    step("log in, multipart", "POST", "auth/login", known=False, form=good, files=[])
    step("log in while logged in", "POST", "auth/login", form=good)
    step("a cookie that is none", "GET", "app/version", known=False, headers={"Cookie": "SID=nonsense"})
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        step(f"{method} app/version", method, "app/version")
    step("read by POST", "POST", "torrents/info")
    step("read by empty form", "POST", "torrents/info", form={})
    step("read with text body", "POST", "app/version", body=b"hello", kind="text/plain")
    step("read with JSON body", "POST", "torrents/info", body=b"{}", kind="application/json")
    step("read with no text", "POST", "torrents/info", body=b"", kind="text/plain")
    for name, value in (("Origin", "http://evil.example"), ("Referer", "http://evil.example/x"), ("Origin", "null")):
        step(f"foreign {name} {value}", "GET", "app/version", headers={name: value})
    for path in ("", "torrents", "torrents/", "torrents/nosuch", "nosuch/info", "torrents/info/more"):
        get(path, f"no such place {path!r}")
    for path in ("app/version", "app/webapiVersion", "app/buildInfo", "app/preferences", "app/defaultSavePath", "app/networkInterfaceList",
                 "app/networkInterfaceAddressList", "app/cookies", "app/getDirectoryContent", "log/main", "log/peers", "rss/items", "rss/rules",
                 "rss/matchingArticles", "search/plugins", "search/status", "torrentcreator/status", "transfer/info", "transfer/uploadLimit",
                 "transfer/downloadLimit", "transfer/speedLimitsMode", "torrents/categories", "torrents/tags", "torrents/info", "torrents/count",
                 "sync/maindata"):
        get(path)
    get("torrents/delete", "setter by GET", hashes="all")
    for path in ("torrents/properties", "torrents/trackers", "torrents/webseeds", "torrents/files", "torrents/pieceStates", "torrents/pieceHashes",
                 "torrents/export", "sync/torrentPeers", "torrents/SSLParameters"):
        get(path, f"{path} of none")
        for what, value in (("unknown", HASH_OF_NONE), ("nonsense", "xyz"), ("nothing", "")):
            get(path, f"{path} of {what}", hash=value)


def add():
    for label, form in (("nothing", {}), ("no links", {"urls": ""}), ("bad magnet", {"urls": "magnet:?xt=urn:btih:zz"}), ("no link", {"urls": "hello"})):
        post("torrents/add", f"add {label}", **form)
    stopped = {"paused": "true", "stopped": "true"}
    step("add bad file", "POST", "torrents/add", form={}, files=[("x.torrent", b"no torrent")])
    step("add A", "POST", "torrents/add", None, there(A), files=[("a", A.file)],
         form={"skip_checking": "true", "savepath": "@FOLDER@", "category": "films", "tags": "x,y", "autoTMM": "false"})
    step("add A again", "POST", "torrents/add", form={}, files=[("a", A.file)])
    step("add B", "POST", "torrents/add", None, there(B), files=[("b", B.file)],
         form={**stopped, "upLimit": "1000", "dlLimit": "2000", "ratioLimit": "2", "seedingTimeLimit": "60", "inactiveSeedingTimeLimit": "30",
               "rename": "other name", "sequentialDownload": "true", "firstLastPiecePrio": "true"})
    step("add B and bad", "POST", "torrents/add", form={}, files=[("b", B.file), ("x", b"zz")])
    step("add C and A", "POST", "torrents/add", None, there(C), form=stopped, files=[("c", C.file), ("a", A.file)])
    post("torrents/add", "add magnet", lambda target: MAGNET_HASH in target.rows(), urls=MAGNET, **stopped)
    post("torrents/add", "add magnet again", urls=MAGNET)
    for content, (what, more) in zip(ODD, (("category", {"category": "a//b"}), ("tag", {"tags": "good,\x01bad"}), ("relative folder", {"savepath": "relative/there"}),
                       ("folder with dots", {"savepath": "@FOLDER@/x/../y"}))):
        step(f"add with odd {what}", "POST", "torrents/add", None, there(content), form={**stopped, **more}, files=[("d", content.file)])
        get("torrents/info", f"added with odd {what}", only("category", "tags", "save_path", "content_path", "auto_tmm"), hashes=content.hash)


def read():
    for name, value in (("A", A.hash), ("B", B.hash), ("magnet", MAGNET_HASH)):
        get("torrents/info", f"info {name}", hashes=value)
        get("torrents/info", f"values of {name}", timeless, hashes=value)
        for path in ("properties", "trackers", "webseeds", "files", "pieceStates", "pieceHashes", "SSLParameters", "export"):
            get(f"torrents/{path}", f"torrents/{path} {name}", hash=value)
        get("sync/torrentPeers", f"peers of {name}", hash=value)
        get("torrents/properties", f"values of properties of {name}", timeless, hash=value)
    for what, value in (("upper case", A.hash.upper()), ("comma", f"{A.hash},{B.hash}"), ("ALL", "ALL"), ("nothing", ""), ("two", f"{A.hash}|{B.hash}")):
        get("torrents/info", f"list by {what}", lambda rows: sorted(hashes(rows)), hashes=value)
    for word in ("all", "downloading", "seeding", "completed", "paused", "stopped", "resumed", "running", "active", "inactive", "stalled",
                 "stalled_uploading", "stalled_downloading", "checking", "moving", "errored", "nonsense", ""):
        get("torrents/info", f"filter {word}", hashes, filter=word, sort="hash")
    for query in ({"category": "films"}, {"category": ""}, {"category": "none"}, {"tag": "x"}, {"tag": ""}, {"tag": "none"}, {"private": "true"},
                  {"private": "false"}):
        get("torrents/info", f"chosen by {query}", lambda rows: sorted(hashes(rows)), **query)
    for query in ({"sort": "name"}, {"sort": "name", "reverse": "true"}, {"sort": "size", "reverse": "1"}, {"sort": "nonsense"}, {"limit": "2"},
                  {"limit": "2", "offset": "1"}, {"offset": "-1"}, {"offset": "99"}, {"limit": "-1"}, {"limit": "0"}, {"limit": "abc"}):
        get("torrents/info", f"list of {query}", hashes, **{"sort": "name", **query})
    get("torrents/info", "with trackers", includeTrackers="true", hashes=A.hash)
    for text in ("0|2", "9", "x"):
        get("torrents/files", f"indexes {text}", hash=A.hash, indexes=text)
    for text in (None, "0", "abc", "99999"):
        get("sync/maindata", f"maindata {text}", **({"rid": text} if text else {}))


def limits():
    for what, value in (("two and none", f"{A.hash}|{B.hash}|{HASH_OF_NONE}"), ("all", "all"), ("nonsense", "xyz|")):
        post("torrents/uploadLimit", f"uploadLimit {what}", show=whole, hashes=value)
    post("torrents/uploadLimit", "limit of no torrent")
    for value in ("5000", "0", "-1", "abc", "", "2147483647", "2147483648", "99999999999999999999", "1.5", "1"):
        post("torrents/setUploadLimit", f"setUploadLimit {value}", hashes=A.hash, limit=value)
        post("torrents/uploadLimit", f"limit after {value}", show=whole, hashes=A.hash)
    for what, form in (("no limit", {"hashes": A.hash}), ("no hashes", {"limit": "5"}), ("unknown", {"hashes": HASH_OF_NONE, "limit": "5"})):
        post("torrents/setUploadLimit", f"setUploadLimit {what}", **form)
    step("setter by query", "POST", "torrents/setUploadLimit", query={"hashes": A.hash, "limit": "5"})
    step("setter by multipart", "POST", "torrents/setUploadLimit", form={"hashes": A.hash, "limit": "6000"}, files=[])
    step("repeated field", "POST", "torrents/setUploadLimit", body=f"hashes={A.hash}&limit=1111&limit=2222".encode(),
         kind="application/x-www-form-urlencoded")
    post("torrents/uploadLimit", "limit at last", show=whole, hashes=A.hash)
    for value in ("100000", "0", "500", "123456", "-1", "abc"):
        post("transfer/setUploadLimit", f"limit of all set {value}", limit=value)
        get("transfer/uploadLimit", f"limit of all is {value}", whole)
    post("transfer/setUploadLimit", "limit of all set to nothing")
    for value in ("1", "0", "2", "abc", ""):
        post("transfer/setSpeedLimitsMode", f"mode {value}", mode=value)
    post("transfer/setSpeedLimitsMode", "mode 0 again", mode="0")
    for number in (1, 2):
        post("transfer/toggleSpeedLimitsMode", f"toggle {number}")
        get("transfer/speedLimitsMode", f"mode after toggle {number}", whole)
    for what, form in (("none", {}), ("bad", {"peers": "x"}), ("two", {"peers": "10.1.1.1:5000|[::1]:33"})):
        post("transfer/banPeers", f"ban {what}", **form)
    full = {"hashes": A.hash, "ratioLimit": "1.5", "seedingTimeLimit": "60", "inactiveSeedingTimeLimit": "-2"}
    shown = only("ratio_limit", "seeding_time_limit", "inactive_seeding_time_limit", "max_ratio", "max_seeding_time")
    for what, change in (("usual", {}), ("nonsense", {"ratioLimit": "abc", "seedingTimeLimit": "x", "inactiveSeedingTimeLimit": "y"}),
                         ("much", {"ratioLimit": "99999999", "seedingTimeLimit": "99999999"}), ("none", {"ratioLimit": "-1", "seedingTimeLimit": "-2"})):
        post("torrents/setShareLimits", f"share limits {what}", **{**full, **change})
        get("torrents/info", f"share limits after {what}", shown, hashes=A.hash)
    del full["inactiveSeedingTimeLimit"]
    post("torrents/setShareLimits", "no inactive limit", **full)


def sort():
    for what, form in (("none", {}), ("empty", {"category": ""}), ("tv", {"category": "tv", "savePath": "/tmp/tv"}), ("again", {"category": "tv"}),
                       ("bad", {"category": "a//b"}), ("slash", {"category": "/a"}), ("backslash", {"category": "a\\b"}), ("below", {"category": "tv/sub"})):
        post("torrents/createCategory", f"category {what}", **form)
    for what, form in (("none", {"category": "nosuch", "savePath": "/x"}), ("without folder", {"category": "tv"}), ("nameless", {"category": "", "savePath": "/x"}),
                       ("moved", {"category": "tv", "savePath": "/tmp/tv2"}), ("the same", {"category": "tv", "savePath": "/tmp/tv2"})):
        post("torrents/editCategory", f"category edited {what}", **form)
    get("torrents/categories", "categories now", whole)
    for what, form in (("none", {}), ("unknown", {"category": "nosuch"}), ("tv", {"category": "tv"}), ("empty", {"category": ""})):
        post("torrents/setCategory", f"setCategory {what}", hashes=A.hash, **form)
    post("torrents/removeCategories", "no categories removed")
    post("torrents/removeCategories", "two categories removed", categories="tv\nnosuch")
    get("torrents/categories", "categories at last", whole)
    for what, form in (("none", {}), ("empty", {"tags": ""}), ("some", {"tags": "p, q ,,r"}), ("slash", {"tags": "a/b"})):
        post("torrents/createTags", f"createTags {what}", **form)
    for action, forms in (("addTags", [{}, {"tags": "p,new"}, {"tags": ""}]), ("removeTags", [{"tags": "p"}]), ("setTags", [{}, {"tags": "s,t"}, {"tags": ""}]),
                          ("addTags", [{"tags": "p,n2"}]), ("removeTags", [{"tags": ""}]), ("addTags", [{"tags": "p,n3"}]), ("removeTags", [{}])):
        for form in forms:
            post(f"torrents/{action}", f"{action} {form}", hashes=A.hash, **form)
            get("torrents/info", f"tagged after {action} {form}", only("tags"), hashes=A.hash)
    post("torrents/deleteTags", "deleteTags", tags="p,nosuch")
    post("torrents/deleteTags", "deleteTags of none")
    get("torrents/tags", "tags at last", whole)


def change():
    for what, form in (("none", {}), ("empty", {"name": ""}), ("spaces", {"name": "  "}), ("lines", {"name": "a\nb"})):
        post("torrents/rename", f"rename {what}", hash=A.hash, **form)
    get("torrents/info", "the name at last", only("name"), hashes=A.hash)
    post("torrents/rename", "rename unknown", hash=HASH_OF_NONE, name="x")
    one = {"hash": A.hash, "oldPath": "Folder/one.bin"}
    for what, form in (("none", {"hash": A.hash}), ("of unknown", {"hash": HASH_OF_NONE, "oldPath": "a", "newPath": "b"}),
                       ("of no path", {"hash": A.hash, "oldPath": "nosuch", "newPath": "b"}), ("taken", {**one, "newPath": "Folder/three.txt"}),
                       ("out", {**one, "newPath": "/tmp/out"}), ("to nothing", {**one, "newPath": ""}),
                       ("from nothing", {"hash": A.hash, "oldPath": "", "newPath": "x"}), ("of a magnet", {"hash": MAGNET_HASH, "oldPath": "a", "newPath": "b"})):
        post("torrents/renameFile", f"renameFile {what}", **form)
    post("torrents/renameFile", "renameFile", files_are("Folder/uno.bin"), **one, newPath="Folder/uno.bin")
    post("torrents/renameFolder", "renameFolder", files_are("Folder/sub2/two.bin"), hash=A.hash, oldPath="Folder/sub", newPath="Folder/sub2")
    post("torrents/renameFolder", "renameFolder of none", hash=A.hash, oldPath="nosuch", newPath="x")
    get("torrents/files", "files now", lambda files: [file["name"] for file in files], hash=A.hash)
    for number, form in enumerate(({}, {"id": "0"}, {"priority": "1"}, {"id": "0", "priority": "5"}, {"id": "0", "priority": "abc"}, {"id": "x", "priority": "1"},
                                   {"id": "99", "priority": "1"}, {"id": "-1", "priority": "1"}, {"id": "0|2", "priority": "0"}, {"id": "", "priority": "1"})):
        post("torrents/filePrio", f"filePrio {number} {form}", hash=A.hash, **form)
    post("torrents/filePrio", "filePrio of a magnet", hash=MAGNET_HASH, id="0", priority="1")
    new = "http://127.0.0.1:1/new/announce"
    for what, form in (("none", {}), ("two", {"urls": f"{new}\n\nudp://127.0.0.1:1/n2"}), ("nonsense", {"urls": "hello"}), ("empty", {"urls": ""})):
        post("torrents/addTrackers", f"add trackers {what}", hash=A.hash, **form)
    post("torrents/addTrackers", "add trackers of unknown", hash=HASH_OF_NONE, urls=new)
    post("torrents/addTrackers", "add trackers good and bad", hash=B.hash, urls=f"{new}\nhello")
    for what, form in (("none", {}), ("unknown", {"origUrl": "http://nosuch/", "newUrl": "http://x/announce"}), ("taken", {"origUrl": new, "newUrl": "udp://127.0.0.1:1/n2"}),
                       ("the same", {"origUrl": new, "newUrl": new}), ("another", {"origUrl": new, "newUrl": new + "2"})):
        post("torrents/editTracker", f"editTracker {what}", hash=A.hash, **form)
    get("torrents/trackers", "tracker addresses now", lambda lines: sorted(line["url"] for line in lines), hash=A.hash)
    for what, form in (("none", {}), ("unknown", {"urls": "http://nosuch"}), ("one of two", {"urls": f"{new}2|http://nosuch"})):
        post("torrents/removeTrackers", f"removeTrackers {what}", hash=A.hash, **form)
    get("torrents/trackers", "tracker addresses at last", lambda lines: sorted(line["url"] for line in lines), hash=A.hash)
    for action in ("addWebSeeds", "editWebSeed", "removeWebSeeds", "setSSLParameters"):
        post(f"torrents/{action}", action, hash=A.hash, urls="http://a/b")
    for what, form in (("none", {}), ("bad", {"peers": "x"}), ("one", {"peers": "10.1.1.1:5000"})):
        post("torrents/addPeers", f"addPeers {what}", hashes=A.hash, **form)
    post("torrents/addPeers", "addPeers to none", hashes=HASH_OF_NONE, peers="10.1.1.1:5000")


def command():
    for action in ("start", "stop", "resume", "pause", "recheck", "reannounce"):
        post(f"torrents/{action}", f"{action} none")
        post(f"torrents/{action}", f"{action} unknown", hashes=HASH_OF_NONE)
        post(f"torrents/{action}", f"{action} empty", hashes="")
    for action, field in (("setForceStart", "value"), ("setSuperSeeding", "value"), ("setAutoManagement", "enable")):
        post(f"torrents/{action}", f"{action} none")
        post(f"torrents/{action}", f"{action} of no value", hashes=B.hash)
        for value, word in (("junk", "junk"), ("true", "on"), ("false", "off")):
            post(f"torrents/{action}", f"{action} {word}", hashes=B.hash, **{field: value})
    post("torrents/stop", "stop B", hashes=B.hash)
    for action in ("toggleSequentialDownload", "toggleFirstLastPiecePrio", "topPrio", "bottomPrio", "increasePrio", "decreasePrio"):
        post(f"torrents/{action}", f"{action} none")
        post(f"torrents/{action}", f"{action} B", hashes=B.hash)
    for what, form in (("none", {}), ("empty", {"location": ""}), ("relative", {"location": "rel"}), ("nowhere", {"location": "/proc/nothing"})):
        post("torrents/setLocation", f"location {what}", hashes=C.hash, **form)
    moved = lambda name: lambda target: target.rows()[C.hash]["save_path"] == f"{target.folder}/{name}"
    post("torrents/setLocation", "location", moved("moved"), hashes=C.hash, location="@FOLDER@/moved")
    post("torrents/setSavePath", "savePath", moved("moved2"), id=C.hash, path="@FOLDER@/moved2")
    post("torrents/setSavePath", "savePath none", id=C.hash)
    post("torrents/setSavePath", "savePath empty", id=C.hash, path="")
    post("torrents/setDownloadPath", "downloadPath", id=C.hash, path="")
    shown = lambda value: {name: value.get(name) for name in ("up_limit", "dl_limit", "max_ratio", "max_ratio_enabled", "queueing_enabled")}
    for what, text in (("broken", "{"), ("list", "[]"), ("empty", "{}"), ("unknown", '{"nosuch": 1}'),
                       ("usual", '{"up_limit": 102400, "dl_limit": 0, "max_ratio": 2.5, "max_ratio_enabled": true, "queueing_enabled": true}'),
                       ("of wrong types", '{"up_limit": "abc", "queueing_enabled": "yes"}'), ("off", '{"max_ratio_enabled": false, "up_limit": -5}')):
        post("app/setPreferences", f"preferences {what}", json=text)
        get("app/preferences", f"preferences {what}, read again", shown)
    post("app/setPreferences", "preferences none")
    step("preferences without escapes", "POST", "app/setPreferences", body=b'json={"up_limit":204800}', kind="application/x-www-form-urlencoded")
    for action in ("topPrio", "bottomPrio", "increasePrio", "decreasePrio"):
        post(f"torrents/{action}", f"{action} in a queue, none")
        post(f"torrents/{action}", f"{action} in a queue", hashes=B.hash)
    for what, form in (("no hashes", {"deleteFiles": "false"}), ("without deleteFiles", {"hashes": C.hash}), ("unknown", {"hashes": HASH_OF_NONE, "deleteFiles": "false"})):
        post("torrents/delete", f"delete {what}", **form)
    post("torrents/delete", "delete in upper case", gone(B), hashes=B.hash.upper(), deleteFiles="false")
    get("torrents/info", "left at last", lambda rows: sorted(hashes(rows)))
    post("torrents/delete", "delete all", lambda target: not target.rows(), hashes="all", deleteFiles="true")
    get("sync/maindata", "maindata at last")
    for path in ("search/start", "search/stop", "rss/addFeed", "rss/setRule", "torrentcreator/addTask", "app/sendTestEmail", "app/setCookies"):
        post(path)
    post("auth/logout", "log out")
    get("app/version", "logged out")


def shape(value):
    if isinstance(value, dict):
        return {name: shape(one) for name, one in sorted(value.items())}
    if isinstance(value, list):
        shapes = [shape(one) for one in value]
        return [one for place, one in enumerate(shapes) if one not in shapes[:place]]
    return "null" if value is None else "bool" if isinstance(value, bool) else "number" if isinstance(value, (int, float)) else "text"


def run(target):
    """What was answered, by label."""
    def filled(value):
        if isinstance(value, str):
            return value.replace("@FOLDER@", target.folder)
        return {name: filled(one) for name, one in value.items()} if isinstance(value, dict) else value
    answers = {}
    for label, method, path, show, until, request in STEPS:
        assert label not in answers, label
        status, headers, body = target.send(method, path, **{name: filled(value) if name != "files" else value for name, value in request.items()})
        text = body.decode("utf-8", "replace").replace(target.folder, "<folder>")
        try:
            value = json.loads(text) if text[:1] in ("[", "{") else text
        except ValueError:
            value = text
        shown = show(value) if show and status == 200 else value if isinstance(value, str) else shape(value)
        answers[label] = {"status": status, "type": headers.get("content-type", "").lower().replace(" ", "").split(";")[0],
                          "cookie": "set-cookie" in headers, "answer": shown}
        if until:
            wait_for(lambda: until(target), 60, label)
    return answers


def differences(here, there, path=""):
    if isinstance(here, dict) and isinstance(there, dict):
        found = []
        for name in sorted(set(here) | set(there)):
            if name not in there or name not in here:
                found.append(f"{path}/{name}: only {'here' if name in here else 'there'}")
            else:
                found += differences(here[name], there[name], f"{path}/{name}")
        return found
    return [] if here == there else [f"{path}: here {str(here)[:200]!r}, there {str(there)[:200]!r}"]


def start_weir(at):
    home = at.folder / "weir"
    folder = home / "downloads"
    folder.mkdir(parents=True)
    port = free_port()
    environment = {**os.environ, "HOME": str(home), "WEIR_GLOBAL_PORT": str(port)}
    for name in ("STATE_DIRECTORY", "XDG_STATE_HOME", "WEIR_CONFIG"):
        environment.pop(name, None)
    state = home / "state"
    subprocess.run([laboratory.BINARY, "user", "add", "admin", "--state", state], input="adminadmin\n", text=True, check=True, env=environment,
                   capture_output=True)
    at.start([laboratory.BINARY, "serve", "--state", state, "--downloads", folder], "weir.log", env=environment, cwd=home)
    target = Target(port, str(folder), str(folder), "")

    def logged_in():
        try:
            _, headers, _ = target.send("POST", "auth/login", form={"username": "admin", "password": "adminadmin"})
        except OSError:
            return None
        return headers.get("set-cookie", "").split(";")[0]
    target.cookie = wait_for(logged_in, 60, "Weir")
    return target


def start_qbittorrent(root):
    if root:
        os.makedirs(f"{root}/proc", exist_ok=True)
        if not os.path.ismount(f"{root}/proc"):
            subprocess.run(["mount", "-t", "proc", "proc", f"{root}/proc"], check=True)
    server = qbittorrent.QBittorrent(chroot=root)
    server.start()
    server.login()
    print("beside", server.call("GET", "app/version")[1].decode())
    cookie = "; ".join(f"{name}={value}" for name, value in server.cookies.items())
    return server, Target(server.port, server.inside(server.save_path), server.save_path, cookie)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", help="a chroot of another Debian")
    parser.add_argument("--all", action="store_true", help="show the justified differences too")
    options = parser.parse_args()
    laboratory.enter_namespace()
    for part in (describe, add, read, limits, sort, change, command):
        part()
    with_folders = []
    server, theirs = start_qbittorrent(options.root)
    try:
        for target in (start_weir(laboratory.Lab()), theirs):
            A.write(target.outside)
            with_folders.append(run(target))
    finally:
        server.remove()
    here, there = with_folders
    faults = justified = 0
    for label in here:
        found = differences(here[label], there[label])
        reason = next((reason for pattern, reason in JUSTIFIED.items() if re.fullmatch(pattern, label)), None)
        justified += bool(found and reason)
        faults += bool(found and not reason)
        if found and (options.all or not reason):
            print(f"{label}{': ' + reason if reason else ''}", *(f"    {line}" for line in found), sep="\n")
    print(f"{len(here)} requests: {justified} answered otherwise for a reason, {faults} without one")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
