//! The contract library: what each contract promises, natively and as wasm, under random calls and under attack.

mod amm_factory;
mod amm_pair;
mod amm_router {
    mod fees;
    mod rules;
}
mod beacon;
mod beacon_proxy;
mod board_game {
    mod bits;
    mod rules;
}
mod components {
    mod access;
    mod hooks;
    mod roles;
}
mod crowdfunding;
mod erc1155;
mod escrow;
mod governor {
    mod attacks;
    mod dao;
    mod invariant;
    mod rules;
}
mod lending_pool;
mod lottery {
    mod attacks;
    mod booth;
    mod invariant;
    mod rules;
}
mod merkle_airdrop;
mod multicall;
mod multisig {
    #[macro_use]
    mod support;
    mod attacks;
    mod rules;
}
mod nft {
    mod receivers;
    mod rules;
}
mod payment_splitter;
mod prediction_market {
    mod attacks;
    mod fair;
    mod invariant;
    mod rules;
}
mod price_feed;
mod proxy;
mod staking_rewards;
mod supply_chain {
    mod indexer;
    mod rules;
}
mod timelock {
    #[macro_use]
    mod support;
    mod attacks;
    mod rules;
}
mod token {
    mod rules;
    mod signed;
    mod votes;
}
mod vault {
    mod attacks;
    mod rules;
}
mod vesting_stream;
mod weth;
