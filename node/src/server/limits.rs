//! How much the server takes from whom, and what all of it can hold in memory.

use std::time::Duration;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Largest request, in bytes: a batch of a hundred of the largest transactions fits.
pub const REQUEST_BYTES_MAX: usize = 32 * MIB;
/// What the requests of one connection may hold without asking the common budget: the largest transaction fits, which
/// has 128 KiB and is sent as twice as many digits. What is paid for never waits for what is free.
pub const REQUEST_BYTES_FREE: usize = 320 * KIB;
/// What the requests of all connections may hold beyond that.
pub const REQUESTS_COMMON_BYTES: usize = 192 * MIB;
/// Copies of a large request that exist at a time, at most: the text as it grows, the parameters, what they are parsed
/// into.
pub const REQUEST_COPIES: usize = 3;

/// Largest answer, in bytes: a hundred thousand logs without much data fit.
pub const ANSWER_BYTES_MAX: usize = 64 * MIB;
/// What a batch's answers may be together before the rest of it is left out, as in geth.
pub const BATCH_ANSWER_BYTES_MAX: usize = 25_000_000;
/// What the answers of one connection may hold without asking the common budget: a thousand hashes fit.
pub const ANSWER_BYTES_FREE: usize = 128 * KIB;
/// What the answers of all connections may hold beyond that.
pub const ANSWERS_COMMON_BYTES: usize = 192 * MIB;

/// Most subscriptions of one connection.
pub const SUBSCRIPTIONS_MAX: u32 = 1_024;
/// What a subscription takes besides its filter.
pub const SUBSCRIPTION_BYTES: usize = 4 * KIB;
/// What the subscriptions of one connection may hold without asking the common budget: the largest filter fits.
pub const SUBSCRIPTIONS_BYTES_FREE: usize = 160 * KIB;
/// Most that they may hold beyond that: as many subscriptions as there may be fit.
pub const SUBSCRIPTIONS_BYTES_MAX: usize = 8 * MIB;
/// What the subscriptions of all connections may hold beyond that.
pub const SUBSCRIPTIONS_COMMON_BYTES: usize = 64 * MIB;
/// What installed filters may hold together.
pub const FILTERS_BYTES_MAX: usize = 64 * MIB;

/// Most requests in a batch, as in geth.
pub const BATCH_MAX: usize = 1_000;
/// Most connections at a time, if the system gives so many file descriptors.
pub const CONNECTIONS_MAX: usize = 1_000;
/// Most of them that speak WebSocket. The other half is for those who ask and go.
pub const WEBSOCKETS_MAX: usize = CONNECTIONS_MAX / 2;
/// File descriptors that clients never take: the store, peers, files of proposals and signatures.
pub const DESCRIPTORS_RESERVED: u64 = 600;
/// Most messages of a WebSocket connection that are answered at a time. The rest is not read: it waits at the client.
pub const IN_FLIGHT_MAX: usize = 32;
/// Longest head of an HTTP request, and most that a connection buffers in either direction besides what is counted.
pub const BUFFER_BYTES: usize = 64 * KIB;

/// How long a client may take to send one request.
pub const REQUEST_WITHIN: Duration = Duration::from_secs(60);
/// How long a connection without a request is kept.
pub const IDLE_FOR: Duration = Duration::from_secs(120);
/// How often a WebSocket client must show that it is there; after three failures it is not.
pub const PING_EVERY: Duration = Duration::from_secs(30);
/// While bytes wait for a client, it must take [`TAKEN_BYTES_MIN`] of them each time this passes.
pub const TAKEN_WITHIN: Duration = Duration::from_secs(30);
/// See [`TAKEN_WITHIN`]: slower than any line that a node is asked over, and too fast to hold answers for long.
pub const TAKEN_BYTES_MIN: usize = MIB;
/// How long requests under way may take when the server stops.
pub const STOP_WITHIN: Duration = Duration::from_secs(3);

/// What all connections together can make the server hold, in bytes: requests that arrive or are answered, answers that
/// nobody has taken, subscriptions and filters, and buffers of each connection. What the threads at work need while they
/// compute an answer comes on top.
pub const MEMORY_BYTES_MAX: usize = CONNECTIONS_MAX * (REQUEST_BYTES_FREE + ANSWER_BYTES_FREE + 2 * BUFFER_BYTES)
    + WEBSOCKETS_MAX * SUBSCRIPTIONS_BYTES_FREE
    + REQUESTS_COMMON_BYTES
    + ANSWERS_COMMON_BYTES
    + SUBSCRIPTIONS_COMMON_BYTES
    + FILTERS_BYTES_MAX;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_transaction_needs_no_common_budget() {
        let limits = esker_runtime::params::ChainConfig::new(1).transaction_bytes_max;
        assert!(2 * limits + 4 * KIB <= REQUEST_BYTES_FREE);
    }

    #[test]
    fn the_bound_is_the_documented_one() {
        const { assert!(MEMORY_BYTES_MAX <= 1_200 * MIB) };
        let documented = include_str!("../../../docs/json-rpc.md");
        assert!(documented.contains("1,200 MiB"), "docs/json-rpc.md states the bound");
    }
}
