# Sourced by the scripts next to it: installing from the distribution, on a machine that lets us.

# $as_root unquoted: it is a command and its option, or nothing.
as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo -n"

may_install() {
    command -v apt-get >/dev/null && $as_root true 2>/dev/null
}

# What for, then the packages. Without recommended ones: they are far more than what is needed.
apt_install() {
    what_for=$1
    shift
    echo "Installing $* for $what_for ..."
    # One source that does not answer fails the update; the package may well be in another.
    $as_root apt-get -qq update || true
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@" >/dev/null
}
