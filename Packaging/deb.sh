#!/bin/sh
# Builds a .deb of the built binary with dpkg-deb alone: deb.sh [BINARY [FOLDER]]; prints the package's path. COMPRESSION is
# dpkg-deb's, xz unless said.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
binary=$(realpath "${1:-$root/.build/release/weir}")
mkdir -p "${2:-$root/.build/deb}"
output=$(realpath "${2:-$root/.build/deb}")
version=$("$binary" version | cut -d ' ' -f 2)
architecture=$(dpkg --print-architecture)
# The same sources give the same bytes.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(stat -c %Y "$root/CHANGELOG.md")}
export SOURCE_DATE_EPOCH

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree
umask 022

put() { # mode, from, to
    install -D -m "$1" "$2" "$tree/$3"
}
put 755 "$binary" usr/bin/weir
put 644 "$root/Packaging/systemd/weir.service" lib/systemd/system/weir.service
put 644 "$root/Packaging/weir.yaml" etc/weir/weir.yaml
install -d -m 700 "$tree/etc/weir/credentials"
doc=usr/share/doc/weir
put 644 "$root/Documentation/weir.example.yaml" $doc/examples/weir.yaml
put 644 "$root/Documentation/UserGuide.md" $doc/UserGuide.md
mkdir -p "$tree/usr/share/man/man1" "$tree/usr/share/bash-completion/completions" \
    "$tree/usr/share/zsh/vendor-completions" "$tree/usr/share/fish/vendor_completions.d"
# One table of commands prints the help, the manual and the completions.
"$binary" manual | gzip -9n >"$tree/usr/share/man/man1/weir.1.gz"
"$binary" completions bash >"$tree/usr/share/bash-completion/completions/weir"
"$binary" completions zsh >"$tree/usr/share/zsh/vendor-completions/_weir"
"$binary" completions fish >"$tree/usr/share/fish/vendor_completions.d/weir.fish"
gzip -9n <"$root/CHANGELOG.md" >"$tree/$doc/NEWS.md.gz"
{
    printf 'weir (%s) unstable; urgency=medium\n\n  * See NEWS.md.gz.\n\n' "$version"
    printf ' -- Weir developers <developers@weir.invalid>  %s\n' "$(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")"
} | gzip -9n >"$tree/$doc/changelog.gz"
cat >"$tree/$doc/copyright" <<'END'
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Weir

Files: *
Copyright: 2026 Weir developers
License: Apache-2.0
 On Debian systems the full text of the Apache License 2.0 is in
 /usr/share/common-licenses/Apache-2.0.
 .
 The program holds the Swift runtime and standard library, Copyright Apple Inc.
 and the Swift project authors, under the Apache License 2.0 with Runtime
 Library Exception.
END
chmod 644 "$tree/$doc/copyright"
mkdir -p "$tree/usr/share/lintian/overrides"
echo 'weir: non-standard-dir-perm 0700 != 0755 [etc/weir/credentials/]' >"$tree/usr/share/lintian/overrides/weir"
if command -v strip >/dev/null; then strip --strip-unneeded "$tree/usr/bin/weir" 2>/dev/null || true; fi

# What the program is linked with decides what it depends on.
mkdir -p "$work/debian" "$tree/DEBIAN"
printf 'Source: weir\n\nPackage: weir\nArchitecture: any\n' >"$work/debian/control"
depends=$(cd "$work" && dpkg-shlibdeps -O --ignore-missing-info "$tree/usr/bin/weir" 2>"$work/shlibdeps" | sed -n 's/^shlibs:Depends=//p')
# Its relocations are packed, which no symbol tells: glibc reads them from 2.36 on.
depends=$(echo "$depends" | sed 's/libc6 (>= 2\.[0-9]*)/libc6 (>= 2.36)/')
[ -n "$depends" ] || { cat "$work/shlibdeps" >&2; exit 1; }
size=$(du -k -s --apparent-size "$tree" | cut -f 1)
sed -e "s|@VERSION@|$version|" -e "s|@ARCHITECTURE@|$architecture|" -e "s|@SIZE@|$size|" -e "s/@DEPENDS@/$depends/" \
    "$root/Packaging/debian/control.in" >"$tree/DEBIAN/control"
echo /etc/weir/weir.yaml >"$tree/DEBIAN/conffiles"
for script in postinst prerm postrm; do put 755 "$root/Packaging/debian/$script" DEBIAN/$script; done
(cd "$tree" && find . -type f ! -path './DEBIAN/*' ! -path './etc/*' -printf '%P\n' | sort | xargs md5sum) >"$tree/DEBIAN/md5sums"
chmod 644 "$tree/DEBIAN/control" "$tree/DEBIAN/conffiles" "$tree/DEBIAN/md5sums"
find "$tree" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

package=$output/weir_${version}_$architecture.deb
dpkg-deb --root-owner-group "-Z${COMPRESSION:-xz}" --build "$tree" "$package" >&2
echo "$package"
