#!/bin/sh
# Make sure that there is a Chromium for the tests that look at the page.
set -eu
. "$(dirname "$0")/apt.sh"

# --version: on Ubuntu, chromium-browser may be a stub that only says how to get the real one
is_there() {
    command -v "$1" >/dev/null && "$1" --version >/dev/null 2>&1
}

fail() {
    echo "The tests of the page need a browser: $1." >&2
    exit 1
}

# Without recommended packages there is no font, and boxes stand for letters: hence the one.
install() {
    may_install && apt_install "the tests of the page" "$1" fonts-dejavu-core
}

# The one without a window takes less than half of the processor's time: see tests/support/browser.py.
is_there chromium-headless-shell && exit 0
install chromium-headless-shell && exit 0
for name in chromium chromium-browser google-chrome google-chrome-stable; do
    is_there "$name" && exit 0
done
install chromium || fail "install the package chromium, or Google Chrome"
