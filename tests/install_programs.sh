#!/bin/sh
# Make sure that there are the other browsers, the proxies, the database with its pooler and the
# Prometheus that the room is tried with.
#
# Where they cannot be installed, their tests are skipped; on CI (CI=true), this fails.
# Without an argument: for make test; with "webkit": for make webkit.
set -eu
. "$(dirname "$0")/apt.sh"

# On Debian, nginx is where an ordinary user's shell does not look.
PATH="$PATH:/usr/sbin:/usr/local/sbin"

is_there() {
    command -v "$1" >/dev/null
}

# MiniBrowser comes with WebKitWebDriver.
missing() {
    if [ "$wanted" = webkit ]; then
        is_there WebKitWebDriver || echo webkit2gtk-driver
        is_there Xvfb || echo xvfb
        return
    fi
    is_there firefox-esr || is_there firefox || echo firefox-esr
    is_there nginx || echo nginx-light
    is_there caddy || echo caddy
    is_there openssl || echo openssl
    is_there prometheus || echo prometheus
    ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || is_there postgres || echo postgresql
    is_there pgbouncer || echo pgbouncer
}

# Debian's package makes a database and starts it, which nobody here wants: the tests make their own.
without_cluster() {
    settings=/etc/postgresql-common/createcluster.d
    if [ -e "$settings/chatroom.conf" ] || [ -e /etc/postgresql-common/createcluster.conf ]; then
        return  # somebody else has the package already
    fi
    $as_root mkdir -p "$settings"
    echo "create_main_cluster = false" | $as_root tee "$settings/chatroom.conf" >/dev/null
}

wanted=${1:-}

# One by one if not all together, as where a distribution lacks one. $missing unquoted: words.
missing=$(missing)
[ -n "$missing" ] || exit 0
if may_install; then
    what_for="the tests with other browsers, proxies, PostgreSQL and Prometheus"
    case $missing in *postgresql*) without_cluster ;; esac
    apt_install "$what_for" $missing || for package in $missing; do
        apt_install "$what_for" "$package" || true
    done
fi

missing=$(missing)
[ -n "$missing" ] || exit 0
echo "Not here, by the names of Debian's packages:" $missing >&2
[ "${CI:-}" != true ] || exit 1
echo "The tests that need them are skipped." >&2
