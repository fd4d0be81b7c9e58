"""Runs a table of named checks, several at a time, each with servers and a Weir of its own.

    checks = Checks(__doc__)

    @checks("Q2 rollback restores the original")
    def _(at):
        home = at.fake()
        ...

    checks.main()

Each check prints one line; the last line is "N passed, N failed", and the exit code is 1 when one failed.
"""

import argparse
import concurrent.futures
import sys
import threading
import time
import traceback

import lab as laboratory
from fake_qbittorrent import FakeQBittorrent
from lab import wait_for

REST = {"id": "rest", "name": "rest", "pattern": ".*", "max_upload_speed": -1, "priority": 1}


def tracker(name, cap, pattern=None, **more):
    """A configured tracker for torrents that announce to http://NAME.example/."""
    return {"id": name, "name": name, "pattern": pattern or f"//{name}\\.example/", "max_upload_speed": cap, "priority": 1,
            **more}


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def same(found, wanted, what):
    if found != wanted:
        raise AssertionError(f"{what}: {shortened(found)}, not {shortened(wanted)}")


def shortened(value):
    text = repr(value)
    return text if len(text) < 400 else text[:400] + "…"


class Bench(laboratory.Lab):
    """What one check uses; it is taken away when the check ends."""

    def __init__(self):
        super().__init__()
        self.fakes, self.weirs = [], []

    def fake(self, name="home", version="5.1.0", **torrents):
        """`torrents` are the arguments of its first `add`."""
        fake = FakeQBittorrent(name, version)
        self.fakes.append(fake)
        if torrents:
            fake.add(**torrents)
        return fake

    def qbittorrent(self, name="home", **options):
        return laboratory.QBittorrent(self, name, **options)

    def weir(self, instances, trackers, sections=None, start=True, settled=True, **settings):
        """A Weir that polls every second; `settled` waits for the end of its first cycle."""
        weir = laboratory.Weir(self, f"weir{len(self.weirs)}")
        self.weirs.append(weir)
        # The fakes keep their limits exactly: numbers are compared without headroom.
        weir.configure(instances, trackers, sections, **{"poll_interval": 1, "headroom": 0, **settings})
        if start:
            weir.start()
            if settled:
                wait_for(lambda: health(weir)["last_cycle_time"], 30, "the first cycle")
        return weir

    def cycles(self, weir, count=2):
        """Waits until so many more cycles have ended. Two of them surely saw what was so when this was called."""
        def ended():
            status, stats = weir.call("GET", "/stats")
            return stats["allocation_cycles"] if status == 200 else -1
        wanted = ended() + count
        wait_for(lambda: ended() >= wanted, 30, f"{count} cycles")

    def close(self):
        for fake in self.fakes:
            fake.stop()
        super().close()


def health(weir):
    return weir.call("GET", "/health")[1]


def outcome(weir):
    """Of a cycle that is run now."""
    status, body = weir.call("POST", "/cycle/force")
    same(status, 200, f"/cycle/force answered {body}")
    return body["outcome"]


class Checks:
    def __init__(self, description):
        self.description, self.table = description, []

    def __call__(self, name):
        def take(function):
            self.table.append((name, function))
            return function
        return take

    def main(self):
        parser = argparse.ArgumentParser(description=self.description, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("names", nargs="*", help="only checks whose name contains one of these")
        parser.add_argument("--jobs", type=int, default=8, help="so many at a time")
        parser.add_argument("--times", action="store_true", help="print how long each took")
        options = parser.parse_args()
        laboratory.enter_namespace()
        chosen = [(name, function) for name, function in self.table
                  if not options.names or any(part.lower() in name.lower() for part in options.names)]
        # A child dies with the thread that started it, so that all threads live until the end.
        pool = concurrent.futures.ThreadPoolExecutor(options.jobs)
        runs = [pool.submit(run, function) for _, function in chosen]
        failed = 0
        for (name, _), pending in zip(chosen, runs):
            problem, seconds = pending.result()
            failed += problem is not None
            spent = f" ({seconds:.1f} s)" if options.times else ""
            print(f"{name}: {'ok' if problem is None else 'FAILED'}{spent}", flush=True)
            if problem:
                print("\n".join("    " + line for line in problem.splitlines()), flush=True)
        pool.shutdown()
        print(f"{len(chosen) - failed} passed, {failed} failed", flush=True)
        sys.exit(1 if failed else 0)


def run(function):
    """What went wrong, or nothing, and the seconds it took."""
    started = time.monotonic()
    bench = Bench()
    problem = None
    try:
        function(bench)
    except Exception as failure:  # Whatever it is: the other checks go on.
        place = traceback.extract_tb(failure.__traceback__)
        lines = " ← ".join(str(frame.lineno) for frame in reversed(place) if frame.name == "_" or "checks" not in frame.filename)
        problem = f"{type(failure).__name__}: {failure} (line {lines})"
        for weir in bench.weirs:
            if weir.process is not None:
                problem += f"\n{weir.name} said:\n" + "\n".join(weir.console().splitlines()[-12:])
    finally:
        bench.close()
    return problem, time.monotonic() - started


def in_background(function, *arguments):
    """Runs a function in a thread; `.result()` of what this answers waits for its end."""
    future = concurrent.futures.Future()

    def body():
        try:
            future.set_result(function(*arguments))
        except Exception as failure:
            future.set_exception(failure)
    threading.Thread(target=body, daemon=True).start()
    return future
