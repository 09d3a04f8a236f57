#!/bin/sh
# Make sure that there is Node.js with what the tests of the page want from npm: tsc and axe-core.
set -eu

folder=$(dirname "$0")/page

fail() {
    echo "The tests of the page need Node.js 20 or newer, and npm: $1." >&2
    exit 1
}

# As the browser's script does: on a machine that lets us, from the distribution.
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    command -v apt-get >/dev/null || fail "install them"
    if [ "$(id -u)" = 0 ]; then
        as_root=""
    elif sudo -n true 2>/dev/null; then
        as_root="sudo -n"
    else
        fail "install them with: sudo apt-get install nodejs npm"
    fi
    echo "Installing Node.js for the tests of the page ..."
    # $as_root unquoted: it is a command and its option, or nothing.
    $as_root apt-get -qq update || true
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends \
        nodejs npm >/dev/null || fail "apt-get could not install nodejs and npm"
fi

major=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
[ "$major" -ge 20 ] || fail "this is $(node --version)"

# The folder is younger than the list of what is in it, else it is made anew.
if [ -n "$(find "$folder/node_modules/.done" -newer "$folder/package.json" 2>/dev/null)" ]; then
    exit 0
fi
echo "Installing tests/page/package.json ..."
npm install --prefix "$folder" --silent --no-package-lock --no-audit --no-fund ||
    fail "npm could not install tests/page/package.json"
touch "$folder/node_modules/.done"
