#!/bin/sh
# Make sure that there is a Chromium for the tests that look at the page.
set -eu

# --version: on Ubuntu, chromium-browser may be a stub that only says how to get the real one
for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$name" >/dev/null && "$name" --version >/dev/null 2>&1; then
        exit 0
    fi
done

fail() {
    echo "The tests of the page need a browser: $1." >&2
    exit 1
}

command -v apt-get >/dev/null || fail "install the package chromium, or Google Chrome"
if [ "$(id -u)" = 0 ]; then
    as_root=""
elif sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    fail "install one with: sudo apt-get install chromium"
fi

echo "Installing Chromium for the tests of the page ..."
# $as_root unquoted: it is a command and its option, or nothing.
# One source that does not answer fails the update; Chromium may well be in another.
$as_root apt-get -qq update || true
# Without recommended packages there is no font, and boxes stand for letters: hence the one.
$as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends \
    chromium fonts-dejavu-core >/dev/null ||
    fail "apt-get could not install chromium; install Google Chrome"
