#!/usr/bin/env bash
# The determinism test and the differential test on another CPU family: built for aarch64, run under qemu-user. The roots,
# receipts and gas must be those of the committed vector, and Cranelift's and Winch's aarch64 back ends must agree with
# the interpreters. Wants a cross compiler for C, an emulator and Rust's aarch64 target; arguments go to the tests.
set -euo pipefail
cd "$(dirname "$0")/.."
target=aarch64-unknown-linux-gnu
for tool in aarch64-linux-gnu-gcc aarch64-linux-gnu-ar qemu-aarch64; do
    command -v "$tool" > /dev/null || {
        echo "$tool is missing; on Debian: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user" >&2
        exit 3
    }
done
if command -v rustup > /dev/null && ! rustup target list --installed | grep -qx "$target"; then
    rustup target add "$target"
fi
export CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc
export AR_aarch64_unknown_linux_gnu=aarch64-linux-gnu-ar
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu"
# The emulator keeps tables of all address space that is reserved.
export ESKER_SLOTS="${ESKER_SLOTS:-12}"
exec cargo test --release --workspace --target "$target" --test determinism --test differential -- "$@"
