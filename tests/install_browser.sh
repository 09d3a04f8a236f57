#!/bin/sh
# Make sure that there is a Chromium for the tests that look at the page.
set -eu

# --version: on Ubuntu, chromium-browser may be a stub that only says how to get the real one
is_there() {
    command -v "$1" >/dev/null && "$1" --version >/dev/null 2>&1
}

fail() {
    echo "The tests of the page need a browser: $1." >&2
    exit 1
}

# $as_root unquoted: it is a command and its option, or nothing.
as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo -n"

# Without recommended packages there is no font, and boxes stand for letters: hence the one.
install() {
    command -v apt-get >/dev/null && $as_root true 2>/dev/null || return 1
    echo "Installing $1 for the tests of the page ..."
    # One source that does not answer fails the update; Chromium may well be in another.
    $as_root apt-get -qq update || true
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends \
        "$1" fonts-dejavu-core >/dev/null
}

# The one without a window takes less than half of the processor's time: see tests/support/browser.py.
is_there chromium-headless-shell && exit 0
install chromium-headless-shell && exit 0
for name in chromium chromium-browser google-chrome google-chrome-stable; do
    is_there "$name" && exit 0
done
install chromium || fail "install the package chromium, or Google Chrome"
