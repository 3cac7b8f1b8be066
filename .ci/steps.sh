# What `.ci/run` and `.ci/full` share. Sourced, not run.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$repository"
mkdir -p target
scratch=$(mktemp -d "$PWD/target/ci.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
times=()

step() { # command with arguments
    local from=$SECONDS
    printf '\n== %4d s: %s\n' "$SECONDS" "$*"
    "$@"
    times+=("$(printf '%5d s  %s' $((SECONDS - from)) "$*")")
}

# Prints how long each step took.
summary() {
    printf '\n== steps\n'
    printf '%s\n' "${times[@]}"
    echo "== passed in $SECONDS s"
}

# Runs a command that the README promises.
readme() { # command
    grep -qxF -- "$1" README.md || fail "README.md has no line: $1"
    step sh -c "$1"
}

works() { # command with arguments
    "$@" >/dev/null 2>&1
}

# Installs what the tests need besides Rust and a C compiler.
tools() {
    local packages=()
    step sh setup.sh
    works c++ --version || packages+=(g++)
    works opusinfo -h || packages+=(opus-tools)
    works ffmpeg -version || packages+=(ffmpeg)
    works strace -V || packages+=(strace)
    works python3 -c "import ensurepip, venv" || packages+=(python3 python3-venv)
    works npm --version || packages+=(nodejs npm)
    [ ${#packages[@]} = 0 ] || step apt_install "${packages[@]}"
    works cargo fmt --version || step rustup component add rustfmt
    works cargo clippy --version || step rustup component add clippy
}

apt_install() { # packages
    local root=()
    command -v apt-get >/dev/null || fail "no apt-get; install by hand: $*"
    [ "$(id -u)" = 0 ] || root=(sudo)
    "${root[@]}" apt-get update -q
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=120 "$@"
}

# Finds the real recordings, which are not part of the repository.
corpus() {
    if [ -d ../shared/corpus ]; then
        export OPUS_ZARR_CORPUS=$PWD/../shared/corpus
    else
        echo "SKIPPED: tests on real recordings (no ../shared/corpus)"
    fi
}

fail() { # message
    echo "$0: $*" >&2
    exit 1
}
