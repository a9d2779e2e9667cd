// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

// Each contract answers any call with the 32-byte result of one kernel, the same that `wat/kernels` computes. Inner loops
// are assembly where Solidity's bounds checks would otherwise be most of the work: the wasm kernels have none either.

contract Trivial {
    fallback() external {}
}

contract Fib {
    fallback(bytes calldata) external returns (bytes memory) {
        return abi.encode(fib(27));
    }

    function fib(uint256 n) private pure returns (uint256) {
        unchecked {
            return n < 2 ? n : fib(n - 1) + fib(n - 2);
        }
    }
}

contract Keccak {
    /// 1,000 hashes of 1 KiB; each hash replaces the first 32 bytes.
    fallback() external {
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            for { let word := 0 } lt(word, 32) { word := add(word, 1) } {
                mstore(add(buffer, shl(5, word)), add(word, 1))
            }
            for { let round := 0 } lt(round, 1000) { round := add(round, 1) } {
                mstore(buffer, keccak256(buffer, 1024))
            }
            return(buffer, 32)
        }
    }
}

contract Matmul {
    /// Product of two 64 × 64 matrices modulo 2^64, folded into one number. Numbers wrap at 2^256 in between, which
    /// changes nothing modulo 2^64.
    fallback() external {
        assembly ("memory-safe") {
            let a := mload(0x40)
            for { let n := 0 } lt(n, 8192) { n := add(n, 1) } {
                mstore(add(a, shl(5, n)), and(mul(shl(3, n), 0x9e3779b97f4a7c15), 0xffffffffffffffff))
            }
            let b := add(a, 0x20000)
            let folded := 0
            for { let i := 0 } lt(i, 64) { i := add(i, 1) } {
                let row := add(a, shl(11, i))
                for { let j := 0 } lt(j, 64) { j := add(j, 1) } {
                    let sum := 0
                    let y := add(b, shl(5, j))
                    for { let x := row } lt(x, add(row, 2048)) { x := add(x, 32) } {
                        sum := add(sum, mul(mload(x), mload(y)))
                        y := add(y, 2048)
                    }
                    folded := add(mul(folded, 31), sum)
                }
            }
            mstore(0, and(folded, 0xffffffffffffffff))
            return(0, 32)
        }
    }
}

contract Mul256 {
    /// 2,000 times x := x * y + x modulo 2^256.
    fallback(bytes calldata) external returns (bytes memory) {
        uint256 x = 0x0123456789abcdeffedcba98765432100f1e2d3c4b5a69788796a5b4c3d2e1f1;
        uint256 y = 0xf0debc9a78563412112233445566778899aabbccddeeff010fedcba987654320;
        unchecked {
            for (uint256 i = 0; i < 2000; ++i) x = x * y + x;
        }
        return abi.encode(x);
    }
}

contract Sort {
    /// Quicksort of 4,096 pseudo-random 32-bit numbers, folded into one number modulo 2^64.
    fallback() external {
        uint256 first;
        assembly ("memory-safe") {
            first := mload(0x40)
            mstore(0x40, add(first, 0x20000))
            let x := 12345
            for { let n := 0 } lt(n, 4096) { n := add(n, 1) } {
                x := and(add(mul(x, 1664525), 1013904223), 0xffffffff)
                mstore(add(first, shl(5, n)), x)
            }
        }
        sort(first, first + 4095 * 32);
        assembly ("memory-safe") {
            let folded := 0
            for { let n := 0 } lt(n, 4096) { n := add(n, 1) } {
                folded := add(mul(folded, 31), mload(add(first, shl(5, n))))
            }
            mstore(0, and(folded, 0xffffffffffffffff))
            return(0, 32)
        }
    }

    /// Sorts the words from `low` to `high`, addresses of the first and the last.
    function sort(uint256 low, uint256 high) private pure {
        if (low >= high) return;
        uint256 i = low;
        uint256 j = high;
        assembly ("memory-safe") {
            let pivot := mload(and(shr(1, add(low, high)), not(31)))
            for {} iszero(gt(i, j)) {} {
                let a := mload(i)
                for {} lt(a, pivot) {} { i := add(i, 32) a := mload(i) }
                let b := mload(j)
                for {} gt(b, pivot) {} { j := sub(j, 32) b := mload(j) }
                if gt(i, j) { break }
                mstore(i, b)
                mstore(j, a)
                i := add(i, 32)
                j := sub(j, 32)
            }
        }
        sort(low, j);
        sort(i, high);
    }
}
