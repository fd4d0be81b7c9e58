"""The dashboard in a real Chromium, over 12,000 torrents with hostile names among them: speed, keyboard, phone, dark and
light, what is refused to a foreign page, and that nothing from outside becomes anything but text.

    page.py [--strict] [--screenshots FOLDER]
    page.py --picture FILE                       only makes the picture of the README

The stated bounds (first paint < 1 s, filter < 16 ms, 50 frames a second) hold with --strict on a machine that has nothing
else to do; without it they are wider, for machines that are shared.
"""

import argparse
import http.server
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

from webdriver import Browser

ROOT = Path(__file__).resolve().parents[2]
TORRENTS = 12_000
ROWS = "#grid-body .row:not([hidden])"
BOUNDS = {True: {"paint": 1.0, "filter": 16, "frames": 50}, False: {"paint": 15, "filter": 300, "frames": 8}}


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def fixture_binary():
    named = os.environ.get("PAGE_FIXTURE")
    if named:
        return named
    for folder in ("release", "debug"):
        path = ROOT / ".build" / folder / "page-fixture"
        if path.exists():
            return path
    subprocess.run(["swift", "build", "--product", "page-fixture"], cwd=ROOT, check=True)
    return ROOT / ".build/debug/page-fixture"


class Fixture:
    """The page and the API over made-up torrents."""

    def __init__(self, torrents=TORRENTS, port=0, more=()):
        self.process = subprocess.Popen([fixture_binary(), str(port), str(torrents), *more], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        expect(self.url.startswith("http://127.0.0.1:"), "the fixture did not start")
        self.port = int(re.search(r":(\d+)/", self.url).group(1))

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return json.load(answer)

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


CHECKS = []


def check(name):
    def keep(body):
        CHECKS.append((name, body))
        return body
    return keep


def text(browser, selector):
    return browser.run("return document.querySelector(arguments[0])?.textContent ?? ''", selector)


def selected(browser):
    return browser.run("return document.querySelector('#selection').hidden ? 0 : "
                       "Number(document.querySelector('#selection strong').textContent.replace(/\\D/g, ''))")


def shown(browser):
    return browser.run("return Number(document.getElementById('grid').getAttribute('aria-rowcount')) - 1")


@check("first paint")
def _(at):
    # Once for the caches, as for anybody who comes back; the connection and the scripts are counted all the same.
    times = []
    for _ in range(3):
        at.browser.open(at.fixture.url)
        times.append(at.browser.wait(
            "performance.getEntriesByName('weir-list-painted')[0]?.startTime ?? 0", "the list") / 1000)
    expect(shown(at.browser) == TORRENTS, f"{shown(at.browser)} torrents are shown")
    expect(min(times) < at.bounds["paint"], f"first paint after {min(times):.2f} s")
    return f"{min(times):.2f} s, worst of three {max(times):.2f} s"


@check("caps, what is stuck and instances are there")
def _(at):
    browser = at.browser
    browser.wait("document.querySelectorAll('.card').length === 5", "five caps")
    browser.wait("document.getElementById('live').dataset.state === 'live'", "the stream")
    expect("Alpha" in text(browser, ".card h3") and "MiB/s" in text(browser, ".card .used"), "a cap has name and rate")
    expect(browser.run("return [...document.querySelectorAll('canvas')].every((c) => c.width > 0 && "
                       "c.getAttribute('aria-label').includes('cap'))"), "charts are drawn, and described in words")
    expect("Nobody connected has what is missing" in text(browser, "#stuck-groups"), "a reason is told")
    expect("Wait for a seed" in text(browser, "#stuck-groups"), "a remedy is told")
    instances = text(browser, "#instance-rows")
    for part in ("seedbox", "v5.1.4", "Drift3", "Open intents2", "connection refused"):
        expect(part in instances, f"{part} in the instances: {instances}")
    browser.run("document.querySelector('[data-range=\"24h\"]').click()")
    browser.wait("document.querySelector('canvas').getAttribute('aria-label').includes('24h')", "a day's chart")
    browser.run("document.querySelector('[data-range=\"1h\"]').click()")


def filter_times(browser, texts):
    """Milliseconds that each took, with the frame after it."""
    times = []
    for words in texts:
        answer = browser.run_async("""
            const search = document.getElementById("search");
            search.value = arguments[0];
            watched.busy = 0;
            const started = performance.now();
            search.dispatchEvent(new Event("input"));
            const direct = performance.now() - started;
            plainFrame(() => plainFrame(() => done({ time: direct + watched.busy,
              count: Number(document.getElementById("grid").getAttribute("aria-rowcount")) - 1,
              first: document.querySelector("#grid-body .row:not([hidden]) .name")?.textContent ?? "" })));
            """, words)
        times.append(answer["time"])
        if words == "river flac":
            expect(0 < answer["count"] < TORRENTS and "River" in answer["first"], f"found {answer}")
        if words == "zzz":
            expect(answer["count"] == 0 and "No torrent fits" in text(browser, "#empty"), "nothing found is said")
    return times


@check("filter")
def _(at):
    times = filter_times(at.browser, ["r", "ri", "river", "river flac", "alpha.example", "zzz", "x265 stone", ""])
    expect(shown(at.browser) == TORRENTS, "all are back")
    middle = statistics.median(times)
    slowest = max(times) if at.is_strict else middle
    expect(slowest < at.bounds["filter"], f"a filter took {slowest:.1f} ms")
    return f"{middle:.1f} ms, worst {max(times):.1f} ms"


@check("scrolling")
def _(at):
    best = {"rate": 0}
    for _ in range(3):
        found = scroll(at)
        best = max(best, found, key=lambda one: one["rate"])
        if best["rate"] >= at.bounds["frames"]:
            break
    # A machine that draws even a page at rest seldom is judged by that.
    bound = at.bounds["frames"] if at.is_strict else min(at.bounds["frames"], best["rest"] / 4)
    expect(best["rate"] >= bound, f"{best['rate']:.0f} frames a second, {best['rest']:.0f} at rest")
    return f"{best['rate']:.0f} frames/s ({best['rest']:.0f} at rest), {best['rows']} rows exist"


def scroll(at):
    """Scrolls for two seconds, eleven rows a frame; answers the frames a second, then and before."""
    rest = at.browser.run_async("""
        let frames = 0, started;
        const step = (time) => {
          started ??= time;
          frames += 1;
          if (time - started < 500) plainFrame(step);
          else done((1000 * (frames - 1)) / (time - started));
        };
        plainFrame(step);
        """)
    answer = at.browser.run_async("""
        const grid = document.getElementById("grid");
        document.getElementById("torrents").scrollIntoView({ behavior: "instant" });
        let frames = 0, blank = 0, started;
        const step = (time) => {
          started ??= time;
          frames += 1;
          grid.scrollTop += 333;
          if (time - started < 2000) return plainFrame(step);
          plainFrame(() => plainFrame(() => {
            const names = [...document.querySelectorAll("#grid-body .row:not([hidden])")];
            done({ rate: (1000 * (frames - 1)) / (time - started), rows: names.length, top: grid.scrollTop,
              all: document.querySelectorAll("#grid *").length,
              first: Math.min(...names.map((row) => Number(row.getAttribute("aria-rowindex")))) });
          }));
        };
        plainFrame(step);
        """)
    expect(answer["top"] > 1000 and answer["first"] > 20, f"it has moved: {answer}")
    expect(answer["all"] < 2500, f"{answer['all']} elements for 12,000 torrents")
    at.browser.run("document.getElementById('grid').scrollTop = 0")
    return answer | {"rest": rest}


@check("hostile names are text")
def _(at):
    browser = at.browser
    browser.run("document.getElementById('grid').scrollTop = 0")
    browser.wait("document.querySelector('#grid-body .row:not([hidden])[aria-rowindex=\"2\"]')", "the top of the list")
    names = browser.run("return [...document.querySelectorAll('#grid-body .name')].map((cell) => cell.textContent)")
    for name in ("<img src=x onerror=\"document.title='pwned'\">", "<script>document.title='pwned'</script>",
                 "\u00b7gpj.exe\u00b7 invoice", "name\u00b7with\u00b7\u00b7lines\u00b7and nul", "&lt;b&gt;entities&amp;"):
        expect(name in names, f"{name!r} is not shown as it is: {names[:12]}")
    browser.run("document.querySelectorAll('#grid-body .row:not([hidden])')[0].querySelector('.name')"
                ".dispatchEvent(new MouseEvent('dblclick', { bubbles: true }))")
    browser.wait("document.querySelector('dialog.torrent .verdict .headline')", "the torrent's page")
    for tab in ("Peers", "Trackers", "Files", "Timeline"):
        browser.run("[...document.querySelectorAll('[role=tab]')].find((tab) => "
                    "tab.textContent.startsWith(arguments[0])).click()", tab)
        time.sleep(0.1)
        content = text(browser, "dialog .tab-body")
        if tab == "Peers":
            expect("<svg onload=" in content and "receiving: " in content, "clients and reasons")
        if tab == "Trackers":
            expect("0123456789abcdef" not in browser.run("return document.querySelector('dialog').outerHTML"),
                   "the passkey is masked")
        if tab == "Files":
            expect("<b>bold</b>/x.mkv" in content, "file names")
    browser.run("[...document.querySelectorAll('[role=tab]')][0].click()")
    browser.wait("document.querySelector('dialog .pairs')", "the overview")
    content = text(browser, "dialog .pairs")
    for part in ("<a href=javascript:document.title='pwned'>click</a>\u00b7", "<svg onload=document.title='pwned'>\u00b7", "\u00b7tag"):
        expect(part in content, f"{part!r} is not shown as it is: {content}")
    for place in ("#instance-rows", "#banner"):
        expect("attic <img src=x onerror" in text(browser, place), f"the instance's name in {place}")
    for label in ("Category", "Tag"):
        browser.run("[...document.querySelectorAll('.filters select')].find((one) => one.ariaLabel === arguments[0]).dispatchEvent(new Event('focus'))", label)
    expect("<svg onload=" in text(browser, ".filters") and "<script>" in text(browser, ".filters"), "categories and tags to choose from")
    # What Weir itself says of what it was sent.
    said = browser.run_async("fetch('match/test?url=' + encodeURIComponent('<img src=x>')).then((a) => done(a.headers.get('content-type')))")
    expect(said == "application/json", f"an echo is no page: {said}")
    for path in ("nowhere<img src=x>", "api/ui/torrent?id=<script>x</script>", "history?limit=<b>"):
        kind, sniff = browser.run_async("fetch(arguments[0]).then((a) => done([a.headers.get('content-type'), a.headers.get('x-content-type-options')]))", path)
        expect(kind == "application/json" and sniff == "nosniff", f"an error is no page: {kind}")
    foreign = browser.run("return document.querySelectorAll('#grid :is(img, script, b, svg), dialog :is(img, script), dialog td b, img, "
                          "#instance-rows :is(img, script), .filters :is(img, svg, script) option, option *, [onload], [onerror], "
                          "[href^=javascript]').length")
    expect(foreign == 0, f"{foreign} elements came out of texts")
    expect("pwned" not in browser.run("return document.title"), "no script of a name has run")
    browser.press("Escape")
    browser.wait("!document.querySelector('dialog')", "the page to close")


def choose(browser, label, value):
    browser.run("const s = [...document.querySelectorAll('.filters select')].find((one) => one.ariaLabel === arguments[0]); "
                "s.focus(); s.value = arguments[1]; s.dispatchEvent(new Event('change'))", label, value)


def press_row(browser, place):
    browser.run("[...document.querySelectorAll('#grid-body .row:not([hidden])')].sort((a, b) => a.ariaRowIndex - b.ariaRowIndex)"
                "[arguments[0]].querySelector('.name').dispatchEvent(new MouseEvent('click', { bubbles: true }))", place)


@check("columns are chosen, moved, and kept in the browser; so is the order")
def _(at):
    browser = at.browser
    heads = "[...document.querySelectorAll('#grid-head .cell:not(.tick)')].map((c) => c.classList[1]).join(' ')"
    before = browser.run(f"return {heads}")
    browser.run("document.getElementById('columns').click()")
    browser.wait("document.querySelector('dialog .chooser')", "the columns")
    for key, is_on in (("reason", True), ("completed", True), ("ratio", False)):
        expect(browser.run("const b = document.querySelector(`.chooser [data-key=${arguments[0]}] input`); b.click(); return b.checked", key) == is_on, key)
    browser.run("document.querySelector('.chooser [data-key=up] [data-step=\"-1\"]').click()")
    chosen = browser.run(f"return {heads}").split()
    expect(chosen[-2:] == ["reason", "completed"] and "ratio" not in chosen and chosen.index("up") < chosen.index("down"), f"{chosen}, not {before}")
    browser.press("Escape")
    browser.run("document.querySelector('#grid-head .size button').click()")
    browser.open(at.fixture.url)
    browser.wait("document.querySelectorAll('#grid-body .row:not([hidden])').length > 0", "the list")
    expect(browser.run(f"return {heads}").split() == chosen, "the columns after a reload")
    expect(browser.run("return document.querySelector('#grid-head .size').getAttribute('aria-sort')") == "descending", "the order after a reload")
    browser.run("document.getElementById('columns').click()")
    browser.run("[...document.querySelectorAll('dialog footer button')].find((b) => b.textContent === 'As there is room').click()")
    expect(browser.run(f"return {heads}") == before, "what there is room for")
    browser.run("document.querySelector('#grid-head .added button').click()")
    stored = browser.run("return JSON.stringify({ ...localStorage })")
    expect(len(stored) < 300 and "magnet" not in stored, f"what the browser keeps: {stored}")


@check("keyboard")
def _(at):
    browser = at.browser
    browser.run("document.activeElement?.blur()")
    browser.press("/")
    expect(browser.run("return document.activeElement.id") == "search", "/ goes to the search")
    browser.type("#search", "river")
    count = shown(browser)
    browser.press("Down")
    expect(browser.run("return document.activeElement.id") == "grid", "an arrow goes from the search to the list")
    browser.press("Down", "Shift+Down", "Shift+Down")
    expect(selected(browser) == 3, f"Shift and arrows select: {selected(browser)}")
    active = browser.run("return document.getElementById(document.getElementById('grid')"
                         ".getAttribute('aria-activedescendant'))?.getAttribute('aria-rowindex')")
    expect(active == "5", f"the active row is told to assistive programs: {active}")
    browser.press("Control+a")
    expect(selected(browser) == count, "Ctrl-A selects what is shown")
    browser.press("Escape")
    expect(selected(browser) == 0, "Escape selects nothing")
    browser.press("End")
    browser.wait(f"document.querySelector('#grid-body .row.active')?.getAttribute('aria-rowindex') === '{count + 1}'", "End")
    browser.press("Home", "Enter")
    browser.wait("document.querySelector('dialog.torrent .tab-body dl')", "Enter opens")
    expect(re.search(r"#torrent=[0-9a-f]{40}$", browser.run("return location.href")), "the address names the torrent")
    browser.press("Escape")
    browser.wait("!document.querySelector('dialog')", "Escape closes")
    browser.press("Delete")
    browser.wait("document.querySelector('dialog.ask')", "Delete asks")
    expect("Remove 1 torrent" in text(browser, "dialog h2"), "it says what is removed")
    expect(browser.run("return document.activeElement.textContent") == "Cancel", "the safe answer has the focus")
    browser.press("Escape")
    browser.wait("!document.querySelector('dialog')", "Escape cancels")
    expect(shown(browser) == count, "nothing was removed")
    browser.press("Delete")
    browser.wait("document.querySelector('dialog.ask')", "Delete asks again")
    browser.run("document.querySelector('dialog .danger').click()")
    browser.wait(f"Number(document.getElementById('grid').getAttribute('aria-rowcount')) - 1 === {count - 1}",
                 "the removed torrent to go")
    browser.press("/", "Escape")
    expect(shown(browser) == TORRENTS - 1, "Escape in the search clears it")


@check("many at once: first shown, then done")
def _(at):
    browser = at.browser
    rows = "document.querySelectorAll('#grid-body .row:not([hidden])')"
    browser.run(f"""
        const rows = [...{rows}].sort((a, b) => a.ariaRowIndex - b.ariaRowIndex);
        rows[4].querySelector(".name").dispatchEvent(new MouseEvent("click", {{ bubbles: true }}));
        rows[8].querySelector(".name").dispatchEvent(new MouseEvent("click", {{ bubbles: true, shiftKey: true }}));
        rows[10].querySelector(".name").dispatchEvent(new MouseEvent("click", {{ bubbles: true, ctrlKey: true }}));
        """)
    expect(selected(browser) == 6, f"Shift and Ctrl select: {selected(browser)}")
    before = at.fixture.get("api/ui/overview")["states"].get("stopped", 0)
    browser.run("[...document.querySelectorAll('#selection button')].find((b) => b.textContent === 'Stop').click()")
    browser.wait("document.querySelector('dialog.ask .names li')", "the preview")
    found = re.search(r"Stop (\d+) torrent", text(browser, "dialog h2"))
    expect(found and 1 <= int(found.group(1)) <= 6, "the preview counts")
    expect(at.fixture.get("api/ui/overview")["states"].get("stopped", 0) == before, "looking changes nothing")
    browser.run("document.querySelector('dialog .primary').click()")
    browser.wait("!document.querySelector('dialog')", "the dialog to close")
    after = at.fixture.get("api/ui/overview")["states"]["stopped"]
    expect(after == before + int(found.group(1)), f"{after - before} were stopped")
    browser.press("Escape")


@check("sort, filters, and the way from a reason to its torrents")
def _(at):
    browser = at.browser
    first = "[...document.querySelectorAll('#grid-body .row:not([hidden])')].find((r) => r.ariaRowIndex === '2')"
    browser.run("document.querySelector('#grid-head .size button').click()")
    browser.wait("document.querySelector('#grid-head .size').getAttribute('aria-sort') === 'descending'", "the order")
    large = browser.run(f"return {first}.querySelector('.size').textContent")
    browser.run("document.querySelector('#grid-head .size button').click()")
    browser.wait(f"{first}.querySelector('.size').textContent !== {json.dumps(large)}", "the other order")
    expect("GiB" in large, large)
    browser.run("[...document.querySelectorAll('#stuck-groups button')].find((b) => b.textContent === 'Show').click()")
    count = shown(browser)
    expect(0 < count < 1000, f"{count} torrents with that reason")
    expect(browser.run("return document.querySelectorAll('.filters select.chosen').length") == 1, "the filter is seen")
    browser.run("const s = document.querySelector('.filters select'); s.focus(); s.value = '=stopped'; "
                "s.dispatchEvent(new Event('change'))")
    expect(shown(browser) <= count, "filters add up")
    browser.run("[...document.querySelectorAll('.filters button')].find((b) => b.textContent === 'Clear').click()")
    browser.run("document.querySelector('#grid-head .added button').click()")


@check("the next plan, pause, and a rollback that asks")
def _(at):
    browser = at.browser
    browser.run("document.getElementById('plan').click()")
    browser.wait("document.querySelectorAll('dialog tbody tr').length === 40", "the plan's changes")
    browser.press("Escape")
    browser.run("document.getElementById('rollback').click()")
    browser.wait("document.querySelector('dialog.ask')", "the question")
    expect("908 torrents" in text(browser, "dialog.ask"), "how many")
    browser.press("Escape")
    expect(at.fixture.get("health")["paused"] is False, "nothing was done")
    browser.run("document.getElementById('pause').click()")
    browser.wait("document.getElementById('pause').textContent === 'Resume'", "the pause to be shown")
    browser.run("document.getElementById('pause').click()")
    browser.wait("document.getElementById('pause').textContent === 'Pause'", "the end of the pause")


@check("light, dark and phone")
def _(at):
    browser = at.browser
    colours = []
    for scheme in ("light", "dark"):
        browser.scheme(scheme)
        browser.size(1600, 1000)
        browser.run("scrollTo({ top: 0, behavior: 'instant' })")
        time.sleep(0.3)
        colours.append(browser.run("return getComputedStyle(document.body).backgroundColor"))
        browser.screenshot(at.screenshots / f"dashboard-{scheme}.png")
        browser.size(390, 844, phone=True)
        for place in ("caps", "stuck", "instances", "torrents"):
            browser.run("document.getElementById(arguments[0]).scrollIntoView({ behavior: 'instant' })", place)
            width = browser.run("return document.documentElement.scrollWidth")
            expect(width <= 390, f"{place} is {width} wide on a phone")
        time.sleep(0.3)
        browser.screenshot(at.screenshots / f"phone-{scheme}.png")
    # Before anybody can log in there is a button more, and then a name that may be long.
    for text in ("Set up", "administrator-of-the-house"):
        room = browser.run("const who = document.getElementById('who'); who.hidden = false; who.textContent = arguments[0];"
                           "return [document.documentElement.scrollWidth, document.getElementById('add').getBoundingClientRect().right, "
                           "document.querySelector('.brand').getBoundingClientRect().right, document.querySelector('.totals').firstElementChild.getBoundingClientRect().left]", text)
        expect(max(room[:2]) <= 390 and room[2] <= room[3], f"with {text!r} the head of the page is {room} wide on a phone")
    browser.run("document.getElementById('who').hidden = true")
    expect(colours[0] != colours[1], f"the scheme changes the colours: {colours}")
    browser.run("document.querySelector('#grid-body .row:not([hidden]) .name').click()")
    browser.wait("document.querySelector('dialog.torrent .tab-body dl')", "a tap to open a torrent")
    expect(browser.run("return Math.max(document.documentElement.scrollWidth, "
                       "document.querySelector('dialog').getBoundingClientRect().right)") <= 390, "the torrent's page fits")
    browser.screenshot(at.screenshots / "phone-torrent.png")
    browser.press("Escape")
    browser.size(1440, 900)
    browser.scheme("light")
    browser.run("document.getElementById('theme').click(); document.getElementById('theme').click()")
    expect(browser.run("return getComputedStyle(document.body).backgroundColor") == colours[1], "dark by choice")
    browser.run("document.getElementById('theme').click()")


@check("rows change by themselves")
def _(at):
    # All of them: the made-up rates of a single tracker, or their sum, stand still for half a minute now and then.
    totals = "['total-up', 'total-down', 'cap-cards'].map((name) => document.getElementById(name).innerText).join()"
    before = at.browser.run(f"return {totals}")
    at.browser.wait(f"{totals} !== {json.dumps(before)}", "news", 20)
    at.browser.run("document.querySelector('#grid-head .up button').click()")
    time.sleep(0.3)
    rates = "[...document.querySelectorAll('#grid-body .up')].map((cell) => cell.textContent).join()"
    before = at.browser.run(f"return {rates}")
    at.browser.wait(f"{rates} !== {json.dumps(before)}", "other rates", 30)


@check("nothing was refused by the policy, failed, or went elsewhere")
def _(at):
    watched = at.browser.run("return watched")
    at.browser.collect()
    expect(watched["policy"] == [] and watched["errors"] == [] and watched["dialogs"] == 0, watched)
    # But for what was asked for wrongly on purpose.
    errors = [m["message"] for m in at.browser.messages if m["level"] in ("SEVERE", "WARNING") and "%3C" not in m["message"]]
    expect(errors == [], errors)
    foreign = [url for url in at.browser.requests if not url.startswith((at.fixture.url, "data:", "about:", "chrome"))]
    expect(foreign == [] and len(at.browser.requests) > 30, f"requests elsewhere: {foreign[:5]}")
    return f"{len(at.browser.requests)} requests"


@check("30,000 rows of two kinds: where they are, why they have their limit, and nothing that has no meaning there")
def _(at):
    fixture = Fixture(more=["-", "open", "18000"])
    browser = at.browser
    try:
        times = []
        for _ in range(3 if at.is_strict else 1):
            browser.open(fixture.url)
            times.append(browser.wait("performance.getEntriesByName('weir-list-painted')[0]?.startTime ?? 0", "the list") / 1000)
        expect(shown(browser) == 30_000, f"{shown(browser)} torrents are shown")
        expect(min(times) < 2.5 * at.bounds["paint"], f"first paint after {min(times):.2f} s")
        times = filter_times(browser, ["g", "go", "governed 17", "river", "home", "zzz", ""])
        slowest = max(times) if at.is_strict else statistics.median(times)
        expect(slowest < at.bounds["filter"], f"a filter took {slowest:.1f} ms")
        rate = max((scroll(at) for _ in range(3 if at.is_strict else 1)), key=lambda one: one["rate"])
        expect(rate["rate"] >= (at.bounds["frames"] if at.is_strict else min(at.bounds["frames"], rate["rest"] / 4)), rate)
        choose(browser, "Where", "=seedbox")
        expect(shown(browser) == 12_000, f"{shown(browser)} torrents are in the seedbox")
        choose(browser, "Where", "=home")
        expect(shown(browser) == 6000, f"{shown(browser)} torrents are at home")
        rates = "[...document.querySelectorAll('#grid-body .row:not([hidden]) .up')].map((cell) => cell.textContent).join()"
        before = browser.run(f"return {rates}")
        browser.wait(f"{rates} !== {json.dumps(before)}", "their rates to change", 30)
        press_row(browser, 0)
        expect(text(browser, "#selection .muted").startswith("in a qBittorrent"), text(browser, "#selection .muted"))
        offered = "[...document.querySelectorAll('#selection button')].filter((b) => !b.hidden).map((b) => b.textContent).join()"
        expect(browser.run(f"return {offered}") == "", f"offered for a governed one: {browser.run(f'return {offered}')}")
        browser.press("Delete")
        expect(browser.run("return !document.querySelector('dialog')"), "a governed one is not removed")
        browser.press("Enter")
        browser.wait("document.querySelector('dialog .verdict .headline')", "its page")
        content = text(browser, "dialog")
        for part in ("onerror", "Its limit holds it", "What Weir has set", "Alpha: cap 8.00 MiB/s"):
            expect(part in content, f"{part} in {content}")
        expect("#governed=" in browser.run("return location.href"), "the address names it")
        browser.press("Escape")
        browser.run("[...document.querySelectorAll('.filters button')].find((b) => b.textContent === 'Clear').click()")
        browser.run("document.getElementById('grid').focus()")
        browser.press("Control+a")
        expect("of them 12" in text(browser, "#selection .muted"), text(browser, "#selection .muted"))
        expect("Stop" in browser.run(f"return {offered}"), "what can be done to Weir's own")
        foreign = browser.run("return document.querySelectorAll('#grid :is(img, script, b, svg), select svg, .filters img').length")
        expect(foreign == 0 and "pwned" not in browser.run("return document.title"), "hostile names and categories are text")
        watched = browser.run("return watched")
        expect(watched["policy"] == [] and watched["errors"] == [] and watched["dialogs"] == 0, watched)
        return f"{min(times):.1f} to {max(times):.1f} ms a filter, {rate['rate']:.0f} frames/s"
    finally:
        fixture.close()
        browser.open(at.fixture.url)
        browser.wait("document.querySelectorAll('#grid-body .row:not([hidden])').length > 0", "the first list again")


@check("a newcomer is told what to do, and a link that is added appears")
def _(at):
    fixture = Fixture(torrents=0)
    try:
        at.browser.open(fixture.url)
        at.browser.wait("document.getElementById('empty').textContent.includes('Add your first torrent')", "the invitation")
        expect("No caps yet" in text(at.browser, "#cap-cards"), "how to make a cap")
        at.browser.screenshot(at.screenshots / "empty.png")
        at.browser.run("document.querySelector('#empty button').click()")
        at.browser.type("dialog textarea", "ftp://no.example/x\nmagnet:?xt=urn:btih:" + "ab" * 20)
        at.browser.run("document.querySelector('dialog .primary').click()")
        at.browser.wait("document.querySelector('dialog ul.problem li')?.textContent.includes('This is no magnet link')", "why not")
        expect(at.browser.run("return document.querySelector('dialog textarea').value") == "ftp://no.example/x",
               "what failed stays in its field")
        at.browser.press("Escape")
        at.browser.wait(f"document.querySelector('{ROWS} .name')?.textContent === 'A new torrent'", "the new torrent")
    finally:
        fixture.close()


@check("set-up, log-out and log-in")
def _(at):
    browser = at.browser
    fixture = Fixture(torrents=20, more=["-", "locked"])

    def send(**fields):
        for name, value in fields.items():
            browser.run("const i = document.querySelector(`dialog input[name=${arguments[0]}]`); i.value = arguments[1]", name, value)
        browser.run("document.querySelector('dialog form').requestSubmit()")

    try:
        browser.open(fixture.url)
        browser.wait("document.querySelector('dialog input[name=token]')", "the set-up form")
        expect(browser.run("return document.querySelectorAll('#grid-body .row:not([hidden])').length") == 0, "nothing is shown")
        browser.press("Escape")
        browser.wait("document.querySelector('dialog input[name=token]')", "the form to stay")
        send(token="wrong", name="ada", password="long enough")
        browser.wait("!document.querySelector('dialog .problem').hidden", "why not")
        send(token="let me in", name="ada", password="long enough")
        browser.wait(f"document.querySelectorAll('{ROWS}').length === 20", "the torrents after the set-up")
        expect(text(browser, "#who") == "ada", "who is logged in")
        keys_and_sessions(at, fixture)
        cookie = session_cookie(browser)
        stream = EventStream(fixture, cookie)
        press(browser, "Log out", "dialog footer")
        expect(stream.ends_within(10), "a log-out ends the open streams")
        browser.wait("document.querySelector('dialog input[name=password]')?.autocomplete === 'current-password'", "the log-in form")
        send(name="ada", password="wrong one")
        browser.wait("!document.querySelector('dialog .problem').hidden", "why not")
        for _ in range(3):
            browser.wait("!document.querySelector('dialog form button').disabled", "the form")
            send(name="ada", password="wrong one")
            browser.wait("!document.querySelector('dialog .problem').hidden", "why not")
        browser.wait("/The next one can be made in [1-3] s/.test(document.querySelector('dialog .problem').textContent)", "the wait to be shown")
        expect(browser.run("return document.querySelector('dialog form button').disabled"), "nothing is sent while it waits")
        browser.wait("!document.querySelector('dialog form button').disabled", "the wait to end")
        send(name="ada", password="even longer")
        browser.wait(f"document.querySelectorAll('{ROWS}').length === 20", "the torrents after the log-in")
        stored = browser.run("return JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }])")
        expect("session" not in stored and "enough" not in stored, f"no secret in the browser's storage: {stored}")
    finally:
        fixture.close()


def press(browser, label, within="dialog"):
    browser.run("[...document.querySelectorAll(`${arguments[0]} button`)].filter((b) => b.textContent === arguments[1]).at(-1).click()",
                within, label)


def session_cookie(browser):
    found = [c for c in browser.cdp("Network.getAllCookies")["cookies"] if c["name"] == "weir_session"]
    expect(found[0]["httpOnly"] and found[0]["sameSite"] == "Strict", f"the cookie {found}")
    return "Cookie: weir_session=" + found[0]["value"]


class EventStream:
    """Server-sent events over a connection of its own."""

    def __init__(self, fixture, header):
        self.socket = socket.create_connection(("127.0.0.1", fixture.port), timeout=15)
        self.socket.sendall(f"GET /api/ui/events HTTP/1.1\r\nHost: 127.0.0.1:{fixture.port}\r\n{header}\r\n\r\n".encode())
        self.head = self.socket.recv(4096)
        expect(b" 200 " in self.head, f"the stream: {self.head[:200]}")

    def ends_within(self, seconds):
        """The chunk of no bytes ends a body."""
        deadline = time.monotonic() + seconds
        self.socket.settimeout(seconds)
        data = self.head
        while time.monotonic() < deadline:
            try:
                more = self.socket.recv(65536)
            except TimeoutError:
                return False
            data = data[-16:] + more
            if not more or data.endswith(b"0\r\n\r\n"):
                self.socket.close()
                return True
        return False


def keys_and_sessions(at, fixture):
    """A key is shown once, lets in, and is taken back with its open streams; a session of somebody else is ended."""
    browser = at.browser
    browser.run("document.getElementById('who').click()")
    browser.wait("document.querySelector('dialog.account form.make')", "the account")
    browser.run("document.querySelector('.make input').value = 'sonarr'; document.querySelector('.make').requestSubmit()")
    secret = browser.wait("document.querySelector('.secret')?.value", "the secret")
    expect(secret == "key-sonarr", secret)
    press(browser, "I have it")
    browser.wait("!document.querySelector('.secret')", "the secret to go")
    browser.wait("document.querySelector('dialog.account td')?.textContent === 'sonarr'", "the key in the list")
    expect(secret not in browser.run("return document.documentElement.outerHTML + JSON.stringify({ ...localStorage })"), "the secret is nowhere any more")
    stream = EventStream(fixture, f"X-API-Key: {secret}")
    press(browser, "Revoke")
    browser.wait("document.querySelector('dialog.ask')", "the question")
    press(browser, "Revoke", "dialog.ask footer")
    expect(stream.ends_within(10), "a key that is taken back ends its streams")
    request = urllib.request.Request(fixture.url + "api/access/login", json.dumps({"name": "ada", "password": "long enough"}).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        other = EventStream(fixture, "Cookie: " + answer.headers["Set-Cookie"].split(";")[0])
    browser.press("Escape")
    browser.wait("!document.querySelector('dialog')", "the account to close")
    browser.run("document.getElementById('who').click()")
    browser.wait("[...document.querySelectorAll('dialog.account td button')].some((b) => b.textContent === 'Log out')", "the other session")
    press(browser, "Log out", "dialog.account td")
    expect(other.ends_within(10), "a session that is ended ends its streams")
    press(browser, "Change password")
    browser.wait("document.querySelectorAll('dialog.ask input[type=password]').length === 3", "the passwords")
    browser.run("[...document.querySelectorAll('dialog.ask input')].forEach((i, n) => { i.value = ['long enough', 'even longer', 'even longer'][n]; })")
    press(browser, "Change it", "dialog.ask footer")
    browser.wait("!document.querySelector('dialog.ask')", "the new password to be taken")
    expect(browser.run("return document.querySelector('dialog.account') !== null"), "the account stays open")


@check("a foreign page changes nothing and reads nothing")
def _(at):
    attack = f"""<!doctype html><title>foreign</title><iframe name=f></iframe>
        <form id=form method=post target=f enctype=text/plain action="{at.fixture.url}pause"><input name='{{"a":"' value='"}}'></form>
        <script>
        window.read = [];
        const url = "{at.fixture.url}";
        const keep = (name) => (value) => window.read.push(name + value.slice(0, 40));
        const tries = [
          fetch(url + "pause", {{ method: "POST", mode: "no-cors", headers: {{ "content-type": "text/plain" }}, body: "{{}}" }}),
          fetch(url + "pause", {{ method: "POST", headers: {{ "content-type": "application/json" }}, body: "{{}}" }}),
          fetch(url + "api/ui/overview").then((a) => a.text()).then(keep("fetch ")),
          fetch(url + "api/ui/overview", {{ mode: "no-cors" }}).then((a) => a.text()).then((t) => t && keep("opaque ")(t)),
          new Promise((done) => {{ const s = new EventSource(url + "api/ui/events"); s.onmessage = (e) => keep("events ")(e.data);
            s.onopen = () => keep("open ")("stream"); s.onerror = done; }}),
          new Promise((done) => {{ const i = new Image(); i.onload = () => keep("image ")("loaded"); i.onerror = done; i.src = url + "pause"; }}),
        ];
        form.submit();
        Promise.allSettled(tries.map((t) => Promise.race([t, new Promise((done) => setTimeout(done, 4000))]))).then(() => {{ window.ended = true; }});
        </script>"""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(attack.encode())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        at.browser.open(f"http://127.0.0.1:{server.server_port}/")
        at.browser.wait("window.ended", "the attack to end")
        expect(at.browser.run("return window.read") == [], "a foreign page has read something")
        expect(at.fixture.get("health")["paused"] is False, "a foreign page has paused Weir")
        at.browser.open(f"http://evil.example:{at.fixture.port}/")
        expect("not one that Weir answers to" in at.browser.run("return document.body.textContent"), "a name that is not ours")
        at.browser.open(f"http://127.0.0.1:{server.server_port}/frame")
        at.browser.run(f"const f = document.createElement('iframe'); f.id = 'x'; f.src = '{at.fixture.url}'; document.body.append(f)")
        time.sleep(0.5)
        inside = at.browser.run_async("setTimeout(() => { try { done(document.getElementById('x').contentDocument?.title ?? 'none'); } catch { done('none'); } }, 300)")
        expect("Weir" not in inside, "nobody frames the page")
    finally:
        server.shutdown()


@check("a restart of Weir: the page says so, and goes on by itself")
def _(at):
    at.browser.open(at.fixture.url)
    at.browser.wait("document.getElementById('live').dataset.state === 'live'", "the stream")
    at.fixture.close()
    at.browser.wait("document.getElementById('live').dataset.state === 'down'", "the loss to be shown")
    at.fixture = Fixture(port=at.fixture.port)
    at.browser.wait("document.getElementById('live').dataset.state === 'live'", "the stream again", 60)
    at.browser.wait(f"Number(document.getElementById('grid').getAttribute('aria-rowcount')) - 1 === {TORRENTS}", "the list")


def picture(path):
    fixture = Fixture(more=["-", "open", "908", "tame"])
    browser = Browser(width=1600, height=1130 + 87)
    try:
        browser.size(1600, 1130)
        browser.open(fixture.url)
        browser.wait("document.querySelectorAll('canvas').length === 5 && document.getElementById('live').dataset.state === 'live'", "the page")
        browser.run("document.querySelector('#grid-head .up button').click()")
        time.sleep(2)
        browser.screenshot(path)
    finally:
        browser.close()
        fixture.close()


class At:
    pass


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strict", action="store_true", help="hold the stated bounds")
    parser.add_argument("--screenshots", type=Path, default=ROOT / ".build/screenshots")
    parser.add_argument("--picture", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.picture:
        return picture(arguments.picture)
    at = At()
    at.is_strict = arguments.strict
    at.bounds = BOUNDS[arguments.strict]
    at.screenshots = arguments.screenshots
    at.fixture = Fixture()
    failed = 0
    at.browser = Browser(hosts="MAP evil.example 127.0.0.1")
    try:
        for name, body in CHECKS:
            started = time.monotonic()
            try:
                found = body(at)
            except AssertionError as error:
                failed += 1
                print(f"FAILED {name}: {error}", flush=True)
                at.browser.screenshot(at.screenshots / f"failed-{len(name)}.png")
                at.browser.run("document.querySelectorAll('dialog').forEach((dialog) => dialog.close())")
                continue
            print(f"ok {name}{': ' + found if found else ''} ({time.monotonic() - started:.1f} s)", flush=True)
    finally:
        at.browser.close()
        at.fixture.close()
    print(f"{len(CHECKS) - failed} passed, {failed} failed; screenshots in {at.screenshots}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
