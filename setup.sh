#!/bin/sh
# Installs what opus-zarr needs to be built, beside Rust: libopus is built from its
# source, with cmake, make and a C compiler. Where they are, this does nothing.
set -eu

main() {
    command -v cargo >/dev/null 2>&1 ||
        fail "cargo is missing: install Rust as https://rustup.rs says, open a new shell, and run this again"
    missing=$(missing_tools)
    if [ -z "$missing" ]; then
        say "nothing to do: $(tools) are there"
        return
    fi
    say "missing: $missing"
    manager=$(package_manager)
    [ -n "$manager" ] || fail "no known package manager: install $missing by hand"
    # shellcheck disable=SC2046 # a list of words
    install_packages $(packages)
    missing=$(missing_tools)
    [ -z "$missing" ] || fail "$manager installed the packages, but there still is no $missing"
    say "done: $(tools) are there"
}

say() {
    echo "setup: $*"
}

fail() {
    echo "setup: error: $*" >&2
    exit 1
}

# cmake writes makefiles, unless its own variable asks for ninja.
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

# The packages that have the missing tools.
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
            say "apt-get update failed: trying with the package lists that are there"
        as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=120 "$@"
        ;;
    dnf | yum) as_root "$manager" install -y "$@" ;;
    zypper) as_root zypper --non-interactive install "$@" ;;
    pacman) as_root pacman -Sy --needed --noconfirm "$@" ;;
    apk) as_root apk add --no-cache "$@" ;;
    brew) install_with_brew "$@" ;;
    esac || fail "$manager could not install $*: see its output above"
}

# On macOS the compiler and make are Apple's. Homebrew refuses to run as root.
install_with_brew() {
    case " $missing " in
    *" cc "* | *" make "*) fail "no $missing: run xcode-select --install, then run this again" ;;
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
        fail "this is not root and there is no sudo: install $missing with $manager as root"
    fi
}

main
