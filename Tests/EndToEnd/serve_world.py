"""A small real swarm around one `weir serve`: a tracker, a qBittorrent that is governed, Weir's own engine beside it, and
libtorrent peers. For the tests of what people see of it."""

import json
import os

import lab as laboratory
from lab import wait_for

KIB = 1 << 10
CAP = 300 * KIB
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class ServeWorld(laboratory.Lab):
    """`held` is seeded by the qBittorrent, to somebody who takes all that the cap gives, and `resting` to nobody; `payload` is
    there for Weir to fetch, from a seeder that sends 400 KiB a second."""

    def __init__(self):
        super().__init__()
        self.tracker_port = self.tracker()[0]
        announce = f"http://127.0.0.1:{self.tracker_port}/announce"
        size = 64 * laboratory.PIECE
        self.held = laboratory.Torrent("held by its cap", size, announce)
        self.resting = laboratory.Torrent("wanted by nobody <b>", size, announce)
        self.payload = laboratory.Torrent("fetched by Weir", 24 * laboratory.PIECE, announce)
        self.allow([self.held, self.resting, self.payload])
        self.home = laboratory.QBittorrent(self, "home")
        self.home.add([self.held, self.resting])
        self.seeder = laboratory.Leechers(self)
        (self.seeder.folder / self.payload.name).write_bytes(bytes(self.payload.size))
        self.seeder.add(self.payload, [])
        self.seeder.handles[self.payload.name][0].set_upload_limit(400 * KIB)
        self.leech = laboratory.Leechers(self)
        self.leech.add(self.held, [self.home.listen])
        self.runtime = self.folder / "runtime"
        self.runtime.mkdir(mode=0o700)
        self.environment = {**os.environ, "XDG_RUNTIME_DIR": str(self.runtime), "HOME": str(self.folder)}
        self.weir = laboratory.Weir(self)
        self.weir.configure(
            [self.home],
            [{"id": "lab", "name": "The lab", "pattern": "//127\\.0\\.0\\.1", "max_upload_speed": CAP, "priority": 1},
             {"id": "rest", "name": "Everything else", "pattern": ".*", "max_upload_speed": -1, "priority": 1}],
            {"engine": {"enabled": True, "state": f"{self.folder}/state", "directory": f"{self.folder}/downloads"}},
            poll_interval=1, update_interval=5)

    def serve(self):
        self.weir.start(env=self.environment)
        wait_for(lambda: self.weir.call("GET", "/health")[1]["last_cycle_time"], 60, "the first cycle")

    def why(self, *arguments, check=None):
        return self.weir.run("why", *arguments, env=self.environment, check=check)

    def explanation(self, selector):
        """Of the one torrent that this names; None while there is none."""
        done = self.why(selector, "--json")
        return json.loads(done.stdout)["torrents"][0] if done.returncode == 0 else None
