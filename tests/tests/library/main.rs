//! The contract library: what each contract promises, natively and as wasm, under random calls and under attack.

mod amm_factory;
mod amm_pair;
mod amm_router;
mod beacon_proxy;
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
mod proxy;
mod staking_rewards;
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
