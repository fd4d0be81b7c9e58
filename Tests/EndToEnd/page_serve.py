#!/usr/bin/python3
"""The dashboard of a real `weir serve`, in a real Chromium: set up, a file and a magnet added and watched, caps and governed
torrents with the reason for their limits, one torrent edited, stopped, started and removed, and the end of a session."""

import http.client
import json
import sys
import time
import traceback

import lab as laboratory
import page
from lab import wait_for
from page import EventStream, choose, expect, press, press_row, session_cookie, shown, text
from serve_world import CAP, ServeWorld
from webdriver import Browser

PASSWORD = "correct horse"
CHECKS = []
ROWS = "#grid-body .row:not([hidden])"


def check(name):
    def keep(body):
        CHECKS.append((name, body))
        return body
    return keep


def send(browser, **fields):
    for name, value in fields.items():
        browser.run("document.querySelector(`dialog input[name=${arguments[0]}]`).value = arguments[1]", name, value)
    browser.run("document.querySelector('dialog form').requestSubmit()")


def open_row(browser, name):
    """The page of the torrent with this in its name, which a search leaves alone in the list."""
    browser.run("const s = document.getElementById('search'); s.value = arguments[0]; s.dispatchEvent(new Event('input'))", name)
    browser.wait(f"document.querySelectorAll('{ROWS}').length === 1", f"one row with {name}")
    browser.run(f"document.querySelector('{ROWS} .name').dispatchEvent(new MouseEvent('dblclick', {{ bubbles: true }}))")
    browser.wait("document.querySelector('dialog.torrent .verdict .headline')", "its page")


def close(browser):
    browser.run("document.querySelectorAll('dialog').forEach((dialog) => dialog.close())")
    browser.wait("!document.querySelector('dialog')", "the dialogs to close")
    browser.run("const s = document.getElementById('search'); s.value = ''; s.dispatchEvent(new Event('input'))")


def tab(browser, name):
    browser.run("[...document.querySelectorAll('[role=tab]')].find((tab) => tab.textContent.startsWith(arguments[0])).click()", name)


@check("set-up with the token of the log")
def _(at):
    browser = at.browser
    token = at.world.weir.console().split("set_up_token=")[1].split()[0]
    browser.open(at.url)
    browser.wait("!document.getElementById('who').hidden", "the way to set up")
    browser.run("document.getElementById('who').click()")
    browser.wait("document.querySelector('dialog input[name=token]')", "the form")
    send(browser, token=token[:-1] + "x", name="ada", password=PASSWORD)
    browser.wait("!document.querySelector('dialog .problem').hidden", "why not")
    send(browser, token=token, name="ada", password=PASSWORD)
    browser.wait("document.getElementById('who').textContent === 'ada'", "who is logged in", 60)
    same = at.world.weir.call("GET", "/api/ui/overview")[0]
    expect(same == 401, f"without a session the API answers {same}")


@check("a file and a magnet are added; the file's torrent is watched while it comes")
def _(at):
    browser, world = at.browser, at.world
    path = world.folder / "fetched.torrent"
    path.write_bytes(world.payload.bytes)
    browser.run("document.getElementById('add').click()")
    browser.wait("document.querySelector('dialog input[type=file]')", "the form")
    browser.type("dialog input[type=file]", str(path))
    browser.type("dialog textarea", "magnet:?xt=urn:btih:" + "ab" * 20 + "&dn=nobody%20has%20it")
    browser.run("document.querySelector('dialog .primary').click()")
    browser.wait("!document.querySelector('dialog')", "the torrents to be added")
    cells = f"[...document.querySelectorAll('{ROWS}')].find((row) => row.querySelector('.name').textContent === 'fetched by Weir')"
    browser.wait(cells, "the new row")
    seen = set()

    def has_come():
        part = browser.run(f"return {cells}?.querySelector('.progress').textContent ?? ''")
        seen.add(part)
        return part.startswith("100")
    wait_for(has_come, 90, "the download")
    expect(len(seen) > 3, f"the progress is seen: {sorted(seen)}")
    open_row(browser, "nobody has")
    expect("no way to learn of peers" in text(browser, "dialog .verdict"), "why the magnet waits: " + text(browser, "dialog .verdict"))
    close(browser)
    return f"{len(seen)} steps of progress"


@check("caps: what is used, by whom; what the governed torrents were given and why")
def _(at):
    browser = at.browser
    browser.wait("[...document.querySelectorAll('.card')].some((card) => card.textContent.includes('The lab'))", "the cap")
    card = "[...document.querySelectorAll('.card')].find((card) => card.textContent.includes('The lab'))"
    said = browser.run(f"return {card}.textContent + [...{card}.querySelectorAll('[title]')].map((one) => one.title).join()")
    expect("300\u00a0KiB/s" in said and "home" in said, f"its size, and who uses it: {said}")
    choose(browser, "Where", "=home")
    browser.wait(f"document.querySelectorAll('{ROWS}').length === 2", "two governed torrents")
    press_row(browser, 0)
    expect("in a qBittorrent" in text(browser, "#selection .muted"), "what can be done to it is done there")
    browser.press("Escape")
    browser.run("[...document.querySelectorAll('.filters button')].find((b) => b.textContent === 'Clear').click()")
    open_row(browser, "held by")
    browser.wait("/holds it|No cap holds it/.test(document.querySelector('dialog .headline').textContent)", "the verdict")
    browser.wait("/The lab: cap 300/.test(document.querySelector('dialog .evidence').textContent)", "the evidence")
    expect("→" in text(browser, "dialog .timeline"), "what was set")
    close(browser)
    held = at.world.explanation("held by")
    expect(held["limit"] <= CAP and held["verdict"]["code"] in ("held_by_cap", "below_limit"), held)


@check("`weir why` says the same of both kinds, by name, by hash and for programs")
def _(at):
    world = at.world
    resting = world.explanation("wanted by")
    expect(resting["verdict"]["code"] == "no_demand" and resting["instance"] == "home", resting)
    expect(world.explanation(world.resting.info_hash)["name"].startswith("wanted by nobody <b>"), "by its hash")
    own = world.explanation("fetched by")
    expect(own["verdict"]["code"] and own["trackers"] and "peers" in own, own)
    words = world.why("held by", check=0).stdout
    expect("The lab" in words and "what to do: " in words and "limit" in words, words)
    expect(world.why("there is no such torrent").returncode == 69, "what nobody has")
    everything = world.why(check=0).stdout
    for name in ("held by its cap", "wanted by nobody", "fetched by Weir"):
        expect(name in everything, f"{name} in {everything}")
    expect("\u202e" not in everything and "\x1b" not in everything, f"marks that turn the writing: {everything!r}")


@check("one torrent is renamed, limited, and has other trackers; what is undone is undone")
def _(at):
    browser, world = at.browser, at.world
    open_row(browser, "fetched by")
    press(browser, "Rename", "dialog.torrent footer")
    browser.wait("document.querySelector('dialog.ask input')", "the form")
    browser.run("document.querySelector('dialog.ask input').value = 'another name'")
    press(browser, "Rename", "dialog.ask footer")
    browser.wait("document.querySelector('dialog.torrent h2').textContent === 'another name'", "the new name")
    browser.wait("[...document.querySelectorAll('.toasts button')].some((b) => b.textContent === 'Undo')", "the way back")
    press(browser, "Undo", ".toasts")
    browser.wait("document.querySelector('dialog.torrent h2').textContent === 'fetched by Weir'", "the old name")
    tab(browser, "Trackers")
    press(browser, "Add trackers")
    browser.wait("document.querySelector('dialog.ask textarea')", "the form")
    browser.type("dialog.ask textarea", "udp://second.example:6969/announce\nhttp://third.example/0123456789abcdef/announce")
    press(browser, "Add", "dialog.ask footer")
    browser.wait("document.querySelectorAll('dialog.torrent .tab-body tbody tr').length === 3", "three trackers")
    expect("0123456789abcdef" not in browser.run("return document.documentElement.outerHTML"), "no key is shown")
    browser.run("[...document.querySelectorAll('dialog.torrent tbody tr')].at(-1).querySelector('.danger-text').click()")
    browser.wait("document.querySelector('dialog.ask')", "the question")
    press(browser, "Remove", "dialog.ask footer")
    browser.wait("document.querySelectorAll('dialog.torrent .tab-body tbody tr').length === 2", "two trackers")
    tab(browser, "Files")
    browser.run("const s = document.querySelector('dialog.torrent tbody select'); s.value = 'high'; s.dispatchEvent(new Event('change'))")
    browser.wait("document.querySelector('dialog.torrent tbody select')?.value === 'high'", "the priority")
    press(browser, "Limits", "dialog.torrent footer")
    browser.wait("document.querySelectorAll('dialog.ask input').length === 2", "the form")
    browser.run("document.querySelector('dialog.ask input').value = '123 KiB'")
    press(browser, "Next", "dialog.ask footer")
    tab(browser, "Overview")
    browser.wait("document.querySelector('dialog.torrent .pairs')?.textContent.includes('123\\u00a0KiB/s')", "the limit")
    close(browser)


@check("stop, start, remove with the files")
def _(at):
    browser, world = at.browser, at.world
    open_row(browser, "fetched by")
    press(browser, "Stop", "dialog.torrent footer")
    browser.wait("/Stopped/.test(document.querySelector('dialog.torrent .facts').textContent)", "the stop")
    press(browser, "Start", "dialog.torrent footer")
    browser.wait("/Seeding/.test(document.querySelector('dialog.torrent .facts').textContent)", "the start")
    place = world.folder / "downloads" / world.payload.name
    expect(place.exists(), "the file is there")
    press(browser, "Remove", "dialog.torrent footer")
    browser.wait("document.querySelector('dialog.ask input[type=checkbox]')", "the question")
    browser.run("document.querySelector('dialog.ask input[type=checkbox]').click()")
    browser.run("document.querySelector('dialog.ask .danger').click()")
    browser.wait("!document.querySelector('dialog')", "it to be removed")
    browser.run("const s = document.getElementById('search'); s.value = ''; s.dispatchEvent(new Event('input'))")
    browser.wait(f"![...document.querySelectorAll('{ROWS} .name')].some((cell) => cell.textContent === 'fetched by Weir')", "the row to go")
    wait_for(lambda: not place.exists(), 30, "the file to go")
    expect(world.home.info()[0]["progress"] == 1, "what is governed is as it was")


def ask(at, method, path, body=None, **headers):
    """Over real HTTP, with just these headers; answers the status."""
    connection = http.client.HTTPConnection("127.0.0.1", at.world.weir.port, timeout=30)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    data = b"" if body is None else json.dumps(body).encode()
    for name, value in headers.items():
        for one in value if isinstance(value, list) else [value]:
            connection.putheader(name.replace("_", "-"), one)
    if method == "POST":
        connection.putheader("Content-Length", str(len(data)))
    connection.endheaders(data or None)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


@check("who may ask from where: names, origins and sites, over real HTTP")
def _(at):
    cookie = session_cookie(at.browser).removeprefix("Cookie: ")
    port = at.world.weir.port
    here = f"127.0.0.1:{port}"
    hosts = [(here, True), (f"localhost:{port}", True), (f"LOCALHOST:{port}", True), (f"[::1]:{port}", True), ("localhost", True),
             ("evil.example", False), (f"evil.example:{port}", False), ("localhost:1", False), (f"localhost.evil.example:{port}", False),
             (f"192.168.1.5:{port}", False), (f"127.0.0.1.evil.example:{port}", False), ("", False), ("a b", False),
             (f"localhost@evil.example:{port}", False)]
    same_origin = f"http://{here}"
    origins = [({}, True), ({"Origin": same_origin}, True), ({"Sec_Fetch_Site": "same-origin"}, True), ({"Sec_Fetch_Site": "none"}, True),
               ({"Origin": same_origin, "Sec_Fetch_Site": "same-origin"}, True), ({"Origin": "http://evil.example"}, False),
               ({"Origin": "null"}, False), ({"Origin": ""}, False), ({"Origin": "file://"}, False), ({"Origin": f"http://localhost:{port + 1}"}, False),
               ({"Origin": f"http://{here}.evil.example"}, False), ({"Sec_Fetch_Site": "cross-site"}, False), ({"Sec_Fetch_Site": "same-site"}, False),
               ({"Origin": same_origin, "Sec_Fetch_Site": "cross-site"}, False), ({"Origin": [same_origin, "http://evil.example"]}, False)]
    rows = 0
    for host, is_known in hosts:
        for method, path in (("GET", "/api/ui/overview"), ("POST", "/pause")):
            found = ask(at, method, path, Host=host, Cookie=cookie)
            expect((found == 200) == is_known and found in (200, 400, 403), f"{method} as {host!r}: {found}")
            rows += 1
    for headers, is_ours in origins:
        for method, path, matters in (("GET", "/api/ui/overview", False), ("POST", "/resume", True)):
            found = ask(at, method, path, Host=here, Cookie=cookie, **headers)
            expect(found == (200 if is_ours or not matters else 403), f"{method} with {headers}: {found}")
            rows += 1
    for types, wanted in (("application/json", 200), ("text/plain", 415), ("application/x-www-form-urlencoded", 415)):
        expect(ask(at, "POST", "/resume", {}, Host=here, Cookie=cookie, Content_Type=types) == wanted, types)
        rows += 1
    for path in ("/pause", "/rollback", "/api/access/logout", "/api/ui/torrents/apply"):
        expect(ask(at, "GET", path, Host=here, Cookie=cookie) == 405, f"GET {path} has no effect")
        rows += 1
    expect(ask(at, "POST", "/pause", Host=here) == 401, "without a session")
    return f"{rows + 1} rows"


@check("a log-out ends the open streams at once, and the page asks to log in")
def _(at):
    browser = at.browser
    stream = EventStream(at, session_cookie(browser))
    browser.run("document.getElementById('who').click()")
    browser.wait("document.querySelector('dialog.account footer .primary')", "the account")
    started = time.monotonic()
    press(browser, "Log out", "dialog.account footer")
    expect(stream.ends_within(10), "the stream")
    spent = time.monotonic() - started
    browser.wait("document.querySelector('dialog input[name=password]')?.autocomplete === 'current-password'", "the log-in form")
    watched = browser.run("return watched")
    expect(watched["policy"] == [] and watched["dialogs"] == 0, watched)
    return f"{1000 * spent:.0f} ms"


class At:
    pass


def main():
    laboratory.enter_namespace()
    at = At()
    at.world = ServeWorld()
    at.world.serve()
    at.port = at.world.weir.port
    at.url = f"http://127.0.0.1:{at.port}/"
    at.browser = Browser()
    failed = 0
    try:
        for name, body in CHECKS:
            started = time.monotonic()
            try:
                found = body(at)
                print(f"ok {name}{': ' + found if found else ''} ({time.monotonic() - started:.1f} s)", flush=True)
            except Exception as error:  # Whatever it is: the other checks go on.
                failed += 1
                line = traceback.extract_tb(error.__traceback__)[1].lineno
                print(f"FAILED {name}: {error} (line {line})", flush=True)
                at.browser.screenshot(page.ROOT / f".build/screenshots/serve-failed-{len(name)}.png")
                at.browser.run("document.querySelectorAll('dialog').forEach((dialog) => dialog.close())")
        if failed:
            print(at.world.weir.console()[-4000:])
    finally:
        at.browser.close()
        at.world.close()
    print(f"{len(CHECKS) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
