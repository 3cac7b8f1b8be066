#!/usr/bin/env bash
# Checks each published crate with the `rust-version` in its manifest, which rustup installs.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo metadata --format-version 1 --no-deps |
    python3 -c '
import json, sys
for package in json.load(sys.stdin)["packages"]:
    if package["publish"] is None:
        print(package["rust_version"], package["name"])
' | while read -r version name; do
    echo "== $name with Rust $version"
    rustup toolchain install "$version" --profile minimal --no-self-update
    cargo "+$version" check --locked --package "$name" --target-dir "target/msrv-$version" </dev/null
done
