#!/bin/sh
# Installs the Debian packages that building (`build`) or testing (`test`) needs, if any is missing.
set -eu
build="libargon2-dev libcurl4-openssl-dev libmicrohttpd-dev libminiupnpc-dev libnatpmp-dev libpcre2-dev libsqlite3-dev libssl-dev libyaml-dev pkg-config"
demo="python3"
test="qbittorrent-nox opentracker python3-libtorrent python3-pip python3-yaml chromium chromium-driver miniupnpd iproute2 wrk curl binutils mktorrent transmission-cli transmission-daemon aria2 rtorrent systemd dpkg-dev adduser strace groff-base nginx openssl"
case "${1:-build}" in
    build) wanted="$build $demo" ;;
    test) wanted="$build $demo $test" ;;
    *) echo "usage: $0 build|test" >&2; exit 64 ;;
esac
missing=""
for package in $wanted; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q "ok installed" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
command -v apt-get >/dev/null || { echo "Weir needs these packages:$missing" >&2; exit 69; }
sudo=""
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "Install as root:$missing" >&2; exit 77; }
    sudo="sudo"
fi
echo "Installing:$missing" >&2
$sudo apt-get update -qq

# Only the programs are wanted: of what Debian would make services of, nothing is started, now or with the next start of the machine.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap '$sudo rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null
    $sudo chmod 755 "$policy"
fi
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
for service in miniupnpd nginx opentracker transmission-daemon; do
    case " $missing " in *" $service "*) ;; *) continue ;; esac
    ! command -v systemctl >/dev/null || $sudo systemctl disable --quiet "$service" 2>/dev/null || true
done
