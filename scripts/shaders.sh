#!/usr/bin/env bash
# Writes every assembled shader to a new folder, as adapter/kernel/label.wgsl: for reading, and for other compilers.
#   scripts/shaders.sh DIR                         in WGSL, as passed to wgpu, for every kind of adapter
#   scripts/shaders.sh DIR hlsl60                  as naga translates them: spirv, msl, hlsl60 for DXC, hlsl51 for FXC
#   scripts/shaders.sh DIR wgsl gpu software       for some adapters
# The kinds of adapters are the folders that the first form writes: GPUs and software adapters, with subgroups of one
# width or without, with 64-bit words or without. A browser can get those of gpu and software. `products` has every
# kernel for GPUs, and the products of a training step for shapes that select each algorithm.
set -euo pipefail

folder=${1:?the folder to write to}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
if [ -n "$(ls -A "$folder")" ]; then
    echo "$folder is not empty" >&2
    exit 1
fi
cd "$(dirname "$0")/.."
as=${2:-wgsl}
wgsl=$folder
if [ "$as" != wgsl ]; then
    wgsl=$(mktemp -d)
    trap 'rm -rf "$wgsl"' EXIT
fi
# As scripts/test.sh compiles the unit tests.
if ! output=$(CARGO_PROFILE_TEST_OPT_LEVEL=0 WGRAD_SHADERS=$wgsl WGRAD_SHADERS_FOR=${*:3} \
    cargo test --quiet --lib shaders_are_written_where_asked 2>&1); then
    echo "$output" >&2
    exit 1
fi
if [ "$as" != wgsl ]; then
    translate=${CARGO_TARGET_DIR:-target}/translate
    cargo build --quiet --locked --manifest-path tools/translate/Cargo.toml --target-dir "$translate"
    "$translate/debug/translate" "$wgsl" "$folder" "$as"
fi
