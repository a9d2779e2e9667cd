/// The crates of the contract library that are carried, by their folders below `contracts`; each is `esker-` and that name.
/// `build.rs` includes this file. Contracts that hold the code of others are not among them: that code is built in the
/// workspace, which carried sources are no part of.
pub(crate) const LIBRARY: &[&str] = &[
    "amm-pair",
    "board-game",
    "components",
    "crowdfunding",
    "erc1155",
    "erc20",
    "escrow",
    "governor",
    "lending-pool",
    "lottery",
    "merkle-airdrop",
    "multicall",
    "multisig",
    "nft",
    "payment-splitter",
    "prediction-market",
    "price-feed",
    "staking-rewards",
    "supply-chain",
    "timelock",
    "token",
    "vault",
    "vesting-stream",
    "weth",
];
