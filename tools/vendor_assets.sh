#!/bin/sh
# Fetch the front-end libraries again, at the versions in static/vendor, and check them against SHA256SUMS.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
unpack() { npm pack --silent "$2" >/dev/null; mkdir "$1"; tar xzf ./*.tgz -C "$1" --strip-components=1; rm ./*.tgz; }
unpack htmx htmx.org@4.0.1
unpack tabler @tabler/core@1.6.1
unpack icons @tabler/icons@3.51.0
unpack axe axe-core@4.14.1
cp htmx/dist/htmx.min.js htmx/dist/ext/hx-sse.min.js htmx/LICENSE "$root/static/vendor/htmx-4.0.1/"
sed '/sourceMappingURL/d' tabler/dist/css/tabler.min.css > "$root/static/vendor/tabler-1.6.1/tabler.min.css"
cp axe/axe.min.js "$root/tests/vendor/"
python3 "$root/tools/icons.py" icons
cd "$root/static/vendor" && sha256sum -c SHA256SUMS
