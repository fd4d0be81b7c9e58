#!/usr/bin/env bash
# The swarm test and the version facts against other qBittorrents: 4.2.5, 5.1.0 and 5.3.0, each in a chroot of Debian's own packages;
# and Weir's own Web API beside that of the 5.1.0, which it answers as.
# The chroots are made once, in $WEIR_CHROOTS (default .build/chroots), and kept.
set -euo pipefail
cd "$(dirname "$0")/../.."
chroots=${WEIR_CHROOTS:-$PWD/.build/chroots}
# The mirror that this machine's own packages come from.
mirror=${WEIR_MIRROR:-$({ cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null || true; } |
    awk '/^(deb|URIs:) / { for (i = 2; i <= NF; i++) if ($i ~ /^https?:/) { print $i; exit } }')}
command -v debootstrap >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends debootstrap >/dev/null; }
mkdir -p "$chroots"

make_chroot() { # suite extra-suite
    local name=$1 suite=$2 extra=$3 root=$chroots/$1
    [ -e "$root/.complete" ] && return
    rm -rf "$root"
    debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$chroots/$name.log" 2>&1
    cp -r /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/" 2>/dev/null || true
    echo "deb $mirror $suite main" >"$root/etc/apt/sources.list"
    [ -z "$extra" ] || echo "deb $mirror $extra main" >>"$root/etc/apt/sources.list"
    chroot "$root" apt-get update -qq >>"$chroots/$name.log" 2>&1
    local target=()
    [ -z "$extra" ] || target=(-t "$extra")
    DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get install -y -qq --no-install-recommends "${target[@]}" \
        qbittorrent-nox >>"$chroots/$name.log" 2>&1
    touch "$root/.complete"
}

run_in() { # name, script, its arguments
    local root=$chroots/$1 script=$2
    shift 2
    # The test's temporary folder has to be where the chroot sees it too.
    mkdir -p "$root/dev/shm" "$root/proc"
    mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
    mountpoint -q "$root/dev/shm" || mount --bind /dev/shm "$root/dev/shm"
    local status=0
    /usr/bin/python3 "Tests/EndToEnd/$script.py" --root "$root" "$@" || status=$?
    umount "$root/dev/shm" "$root/proc"
    return $status
}

status=0
make_chroot 4.2.5 bullseye ""
make_chroot 5.1.0 trixie ""
make_chroot 5.3.0 trixie trixie-backports
for name in 4.2.5 5.1.0 5.3.0; do
    run_in "$name" swarm "$@" || status=1
    run_in "$name" daemon_caps || status=1
done
/usr/bin/python3 Tests/EndToEnd/beside.py --root "$chroots/5.1.0" || status=1
exit $status
