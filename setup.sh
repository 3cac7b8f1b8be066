#!/bin/sh
# Installs everything needed to build opus-zarr except Rust: cmake, make and a C compiler, which
# build libopus from source. Does nothing if they are installed.
set -eu

main() {
    command -v cargo >/dev/null 2>&1 ||
        fail "cargo not found; install Rust from https://rustup.rs, open a new shell and run this again"
    missing=$(missing_tools)
    if [ -z "$missing" ]; then
        say "nothing to do: found $(tools)"
        return
    fi
    say "missing: $missing"
    manager=$(package_manager)
    [ -n "$manager" ] || fail "no supported package manager found; install $missing manually"
    # shellcheck disable=SC2046 # a list of words
    install_packages $(packages)
    missing=$(missing_tools)
    [ -z "$missing" ] || fail "$manager installed the packages, but $missing is still missing"
    say "done: found $(tools)"
}

say() {
    echo "setup: $*"
}

fail() {
    echo "setup: error: $*" >&2
    exit 1
}

# cmake uses make unless its environment variable selects ninja.
tools() {
    case ${CMAKE_GENERATOR-} in
    Ninja*) echo "cc cmake ninja" ;;
    *) echo "cc cmake make" ;;
    esac
}

missing_tools() {
    list=
    for tool in $(tools); do
        command -v "$tool" >/dev/null 2>&1 || list="$list $tool"
    done
    echo "${list# }"
}

package_manager() {
    for candidate in apt-get dnf yum zypper pacman apk brew; do
        if command -v "$candidate" >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
    done
}

# The packages that contain the missing tools.
packages() {
    for tool in $missing; do
        case $manager:$tool in
        apt-get:cc) echo gcc libc6-dev ;;
        apk:cc) echo gcc musl-dev ;;
        *:cc) echo gcc ;;
        apt-get:ninja | dnf:ninja | yum:ninja) echo ninja-build ;;
        apk:ninja) echo samurai ;;
        *) echo "$tool" ;;
        esac
    done
}

install_packages() {
    case $manager in
    apt-get)
        as_root apt-get update -q ||
            say "apt-get update failed; continuing with the existing package lists"
        as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=120 "$@"
        ;;
    dnf | yum) as_root "$manager" install -y "$@" ;;
    zypper) as_root zypper --non-interactive install "$@" ;;
    pacman) as_root pacman -Sy --needed --noconfirm "$@" ;;
    apk) as_root apk add --no-cache "$@" ;;
    brew) install_with_brew "$@" ;;
    esac || fail "$manager failed to install $*; see its output above"
}

# On macOS, Apple provides the compiler and make. Homebrew refuses to run as root.
install_with_brew() {
    case " $missing " in
    *" cc "* | *" make "*) fail "$missing not found; run xcode-select --install, then run this again" ;;
    esac
    say "brew install $*"
    brew install "$@"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        say "$*"
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        say "sudo $*"
        sudo "$@"
    else
        fail "root permissions needed, but sudo not found; install $missing with $manager as root"
    fi
}

main
