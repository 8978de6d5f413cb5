#!/usr/bin/env bash
# Compiles the shaders with Microsoft's compilers, without Windows: naga writes the HLSL that wgpu's DX12 backend would.
#   scripts/hlsl.sh [dxc]    with DXC; what it has compiled before is remembered in the target folder
#   scripts/hlsl.sh fxc      with FXC, which wgpu uses where there is no dxcompiler.dll, under wine; takes minutes
#   scripts/hlsl.sh fxc thin shaders with a name that this regular expression matches
# DXC is a library that the Python package compushady has with it, FXC one of cefpython3's for Windows; pip downloads them.
# Debian and Ubuntu: apt-get install g++ python3-pip; for FXC also unzip wine64 g++-mingw-w64-x86-64
set -euo pipefail
cd "$(dirname "$0")/.."

compiler=${1:-dxc}
only=${2:-.}
work=${CARGO_TARGET_DIR:-target}/hlsl
mkdir -p "$work"
work=$(cd "$work" && pwd)

skip() {
    echo "shaders for DX12: skipped, $1"
    exit 0
}
download() { python3 -m pip download --quiet --disable-pip-version-check --no-deps -d "$work" "$@" >/dev/null 2>&1; }

if [ "$compiler" = dxc ]; then
    if [ ! -x "$work/dxc" ]; then
        { command -v g++ && command -v python3; } >/dev/null || skip "no g++ or Python here"
        # The source package has the library too; its build is not wanted, and its failure is none.
        download --no-binary=:all: --no-build-isolation compushady==0.17.5 || download compushady==0.17.5 || true
        archive=$(find "$work" -name 'compushady-*.tar.gz' | head -n 1)
        [ -n "$archive" ] || skip "pip cannot download compushady, which has DXC"
        tar xzf "$archive" -C "$work" --strip-components=3 --wildcards \
            '*/backends/libdxcompiler_x86_64.so*' '*/backends/dxcapi.h' '*/backends/WinAdapter.h'
        mv "$work"/libdxcompiler_x86_64.so* "$work/libdxcompiler.so"
        rm "$archive"
        g++ -O1 -std=c++17 -fms-extensions -w -I"$work" -o "$work/dxc" tools/hlsl/dxc.cpp -ldl
    fi
    kind=hlsl60
    adapters="gpu gpu-subgroups-32 software"
else
    if [ ! -f "$work/fxc.exe" ]; then
        { command -v wine && command -v unzip && command -v x86_64-w64-mingw32-g++; } >/dev/null ||
            skip "no wine, unzip or x86_64-w64-mingw32-g++ here"
        download --platform win_amd64 --python-version 3.9 --only-binary=:all: cefpython3 ||
            skip "pip cannot download cefpython3, which has FXC"
        unzip -o -j -q "$work"/cefpython3*.whl '*d3dcompiler_47.dll' -d "$work"
        rm "$work"/cefpython3*.whl
        x86_64-w64-mingw32-g++ -O2 -static -o "$work/fxc.exe" tools/hlsl/fxc.cpp
    fi
    kind=hlsl51
    # FXC's shader model has no subgroups; wgpu then offers none.
    adapters="gpu software"
fi

rm -rf "$work/$kind"
# shellcheck disable=SC2086 # several names
scripts/shaders.sh "$work/$kind" "$kind" $adapters
# "hash  file", sorted by hash. Adapters share many shaders.
matching=$(find "$work/$kind" -name '*.hlsl' | grep -E "$only") || {
    echo "no shader has a name that matches $only" >&2
    exit 1
}
echo "$matching" | tr '\n' '\0' | xargs -0 sha256sum | sort -u -k 1,1 >"$work/all"
known=$work/$compiler.ok
touch "$known"
sort -o "$known" "$known"
join -v 1 "$work/all" "$known" | cut -d ' ' -f 2- | sed 's/^ *//' >"$work/new"

# The library ends its process on some inputs: go on after the shader that did it.
dxc() {
    local list=$1 done=0 count
    count=$(wc -l <"$list")
    : >"$list.out"
    while [ "$done" -lt "$count" ]; do
        tail -n +"$((done + 1))" "$list" | "$work/dxc" "$work/libdxcompiler.so" >>"$list.out" 2>/dev/null || true
        done=$(wc -l <"$list.out")
        if [ "$done" -lt "$count" ]; then
            done=$((done + 1))
            printf 'BAD\t0\t%s\tends the compiler\n' "$(sed -n "${done}p" "$list")" >>"$list.out"
        fi
    done
}
rm -f "$work"/part.*
if [ "$compiler" = dxc ]; then
    split -n "r/$(nproc)" "$work/new" "$work/part."
    for list in "$work"/part.*; do dxc "$list" & done
    wait
    cat "$work"/part.*.out >"$work/out"
else
    WINEDEBUG=-all WINEPREFIX=$work/wine wine "$work/fxc.exe" "Z:$work/d3dcompiler_47.dll" "Z:$work/new" \
        2>/dev/null | tr -d '\r' >"$work/out" || true
fi

grep '^ok' "$work/out" | cut -f 3 | tr '\n' '\0' | xargs -0 -r sha256sum | cut -d ' ' -f 1 >>"$known" || true
grep -v '^ok' "$work/out" | cut -f 3- || true
total=$(wc -l <"$work/all")
tried=$(wc -l <"$work/new")
good=$(grep -c '^ok' "$work/out" || true)
summary="${compiler^^} compiles $((total - tried + good)) of $total shaders ($tried of them new)"
if [ "$tried" -gt 0 ]; then
    summary+=", the slowest in $(cut -f 2 "$work/out" | sort -n | tail -n 1) ms"
fi
echo "$summary"
[ "$total" -gt 0 ] && [ "$good" -eq "$tried" ]
