#!/bin/sh
# Make sure that there is Node.js with what the tests of the page want from npm: tsc and axe-core.
set -eu
. "$(dirname "$0")/apt.sh"

folder=$(dirname "$0")/page

fail() {
    echo "The tests of the page need Node.js 20 or newer, and npm: $1." >&2
    exit 1
}

# Debian 12 has 18.
is_new_enough() {
    command -v "$1" >/dev/null &&
        [ "$("$1" --version | sed 's/^v\([0-9]*\).*/\1/')" -ge 20 ] 2>/dev/null
}

# As the browser's script does: on a machine that lets us, from the distribution.
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    may_install || fail "install them, on Debian and Ubuntu with: sudo apt-get install nodejs npm"
    apt_install "the tests of the page" nodejs npm ||
        fail "apt-get could not install nodejs and npm"
fi

# The folder is younger than the list of what is in it, else it is made anew.
if [ -z "$(find "$folder/node_modules/.done" -newer "$folder/package.json" 2>/dev/null)" ]; then
    echo "Installing tests/page/package.json ..."
    npm install --prefix "$folder" --silent --no-package-lock --no-audit --no-fund ||
        fail "npm could not install tests/page/package.json"
    touch "$folder/node_modules/.done"
fi

# The tests take it from there: see tests/support/page_tools.py.
if ! is_new_enough node && ! is_new_enough "$folder/node_modules/.bin/node"; then
    echo "This is Node.js $(node --version); installing a newer one for the tests of the page ..."
    npm install --prefix "$folder" --silent --no-save --no-package-lock --no-audit --no-fund \
        node@22 || fail "this is $(node --version), and npm could not install a newer one"
fi
