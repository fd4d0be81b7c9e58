"""A small Debian with systemd as its first process, in namespaces of this machine: as a container, without any manager of them.

Its network is the caller's. What it changes lies in memory and is forgotten; the root below is made once by debootstrap, and kept.
"""

import os
import pty
import re
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from lab import ROOT, wait_for

PATIENCE = 120
# In namespaces of its own, as the first process: $1 what was mounted by `Machine`, $2 the terminal, $3 and on systemd's arguments.
BOOT = r"""
set -eu
place=$1 root=$1/root console=$2
shift 2
# Whatever group of processes this one is in now is the root of those that are seen inside.
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
for path in sys sysrq-trigger irq bus; do
    if [ -e "$root/proc/$path" ]; then mount --bind "$root/proc/$path" "$root/proc/$path"; mount -o remount,bind,ro "$root/proc/$path"; fi
done
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755,nosuid,size=1m tmpfs "$root/dev"
for device in null:3 zero:5 full:7 random:8 urandom:9; do mknod -m 666 "$root/dev/${device%:*}" c 1 "${device#*:}"; done
mknod -m 666 "$root/dev/tty" c 5 0
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
touch "$root/dev/console"
mount --bind "$console" "$root/dev/console"
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs "$root/run"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/tmp"
hostname weir-test
cd "$root"
mkdir -p .old
pivot_root . .old
umount -l /.old
rmdir /.old
# As systemd does at the start of a real machine: the folders of credentials are mounted through this.
mount --make-rshared /
exec </dev/null >/dev/console 2>&1
exec env -i container=weir-test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd "$@"
"""


def mirror():
    """What this machine's own packages come from."""
    if os.environ.get("WEIR_MIRROR"):
        return os.environ["WEIR_MIRROR"]
    for path in [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]:
        found = re.search(r"^(?:deb|URIs:)\s.*?(https?:\S+)", path.read_text() if path.exists() else "", re.M)
        if found:
            return found[1]
    sys.exit("no mirror of Debian's packages is configured here: name one in WEIR_MIRROR")


def make_root(package, folder=None):
    """A Debian 12 with systemd and what the package depends on; needs the network when it is not there yet."""
    root = Path(folder or os.environ.get("WEIR_CHROOTS") or ROOT / ".build/chroots") / "bookworm-systemd"
    depends = subprocess.run(["dpkg-deb", "-f", package, "Depends"], capture_output=True, text=True, check=True).stdout
    names = sorted({part.split()[0] for part in depends.strip().split(", ")})
    done = root / ".complete"
    if done.exists() and done.read_text().split() == names:
        return root
    root.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{root}.log", "w") as log:
        def run(*words, **options):
            if subprocess.run(words, stdout=log, stderr=log, **options).returncode:
                sys.exit(f"{' '.join(map(str, words))} failed:\n{Path(log.name).read_text()[-2000:]}")
        if not (root / "usr/bin/apt-get").exists():
            run("rm", "-rf", root)
            run("debootstrap", "--variant=minbase", "--include=systemd,systemd-sysv", "bookworm", root, mirror())
        run("cp", "-r", "/etc/apt/apt.conf.d/.", root / "etc/apt/apt.conf.d/")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        run("chroot", root, "apt-get", "update", env=environment)
        run("chroot", root, "apt-get", "install", "-y", "--no-install-recommends", *names, "ca-certificates", "procps", env=environment)
    done.write_text("\n".join(names))
    return root


class Machine:
    def __init__(self, at, root):
        self.at = at
        self.place = Path(tempfile.mkdtemp(prefix="machine-", dir=at.folder))
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", self.place], check=True)
        for name in ("upper", "work", "root", "cgroup"):
            (self.place / name).mkdir()
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o",
                        f"lowerdir={root},upperdir={self.place}/upper,workdir={self.place}/work", self.root], check=True)
        subprocess.run(["mount", "-t", "cgroup2", "cgroup2", self.place / "cgroup"], check=True)
        self.cgroup = self.place / "cgroup" / f"weir-machine-{os.getpid()}"
        self.cgroup.mkdir()
        self.said = bytearray()
        self.process = None
        for path in ("etc/machine-id", "var/lib/dbus/machine-id"):
            (self.root / path).unlink(missing_ok=True)
        (self.root / "etc/machine-id").write_text("")
        # Nothing that would touch the kernel below both, look for the network, or for somebody at a keyboard.
        for unit in ("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer",
                     "modprobe@.service", "systemd-modules-load.service", "systemd-sysctl.service", "sys-kernel-debug.mount",
                     "sys-kernel-tracing.mount", "sys-kernel-config.mount", "sys-fs-fuse-connections.mount", "console-getty.service",
                     "getty@tty1.service", "e2scrub_reap.service"):
            (self.root / "etc/systemd/system" / unit).symlink_to("/dev/null")
        (self.root / "usr/sbin/policy-rc.d").unlink(missing_ok=True)

    @property
    def root(self):
        """Its files as they are on disk, without what it has mounted."""
        return self.place / "root"

    def boot(self):
        ours, theirs = pty.openpty()
        terminal = os.ttyname(theirs)
        threading.Thread(target=self.listen, args=(ours,), daemon=True).start()

        def enter():
            (self.cgroup / "cgroup.procs").write_text("0")
        self.process = self.at.start(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--uts", "--ipc", "--cgroup", "bash", "-c", BOOT, "boot",
             self.place, terminal, "--unit=multi-user.target"], "machine.log", preexec_fn=enter)
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        wait_for(lambda: self.process.poll() is not None or children.read_text().strip(), PATIENCE, "the first process")
        self.pid = int(children.read_text().split()[0]) if self.process.poll() is None else 0
        wait_for(self.is_up, PATIENCE, "the boot")
        os.close(theirs)

    def is_up(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the machine has ended: {(self.at.folder / 'machine.log').read_text()[-2000:]}{self.console()}")
        return self.run("systemctl", "is-system-running").stdout.strip() in ("running", "degraded")

    def listen(self, descriptor):
        try:
            while data := os.read(descriptor, 4096):
                self.said += data
        except OSError:
            pass

    def console(self):
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.said.decode(errors="replace"))[-3000:]

    def run(self, *words, check=None, seconds=PATIENCE, **options):
        """Runs a command inside; answers the completed process."""
        command = ["nsenter", "--target", str(self.pid), "--mount", "--pid", "--uts", "--ipc", "--cgroup",
                   "env", "--chdir=/", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "HOME=/root",
                   "SYSTEMD_PAGER=", "SYSTEMD_COLORS=0",
                   "DEBIAN_FRONTEND=noninteractive"]
        done = subprocess.run([*command, *map(str, words)], capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL,
                              errors="replace", **options)
        if check is not None and done.returncode != check:
            raise AssertionError(f"{' '.join(map(str, words))}: exit {done.returncode}, not {check}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done

    def properties(self, unit, *names):
        found = self.run("systemctl", "show", unit, *[f"--property={name}" for name in names], check=0).stdout
        return dict(line.partition("=")[::2] for line in found.splitlines())

    def power_off(self):
        self.run("systemctl", "poweroff", "--no-block")
        self.process.wait(PATIENCE)

    def remove_groups(self):
        for folder, _, _ in os.walk(self.cgroup, topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                return False
        return True

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        try:
            # All processes go with the first one, and then their groups can.
            wait_for(self.remove_groups, 20, "the end of the machine's processes")
        except AssertionError as problem:
            print(problem, flush=True)
        for path in ("cgroup", "root", "."):
            subprocess.run(["umount", "-l", self.place / path], stderr=subprocess.DEVNULL)
