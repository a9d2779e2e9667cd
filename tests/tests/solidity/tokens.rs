//! Tokens beside OpenZeppelin's.

use esker_erc20::Erc20Handle;
use esker_erc721::Erc721Handle;
use esker_erc721_holder::Erc721HolderHandle;
use esker_sdk::{Address, FixedBytes, U256};
use esker_sdk_test::{Chain, Draw, Invariant, User};
use esker_tests::solidity::{Pair, models};

use crate::{LENGTH, sequences};

/// Small amounts mostly, so that transfers succeed; now and then any.
fn amount(draw: &mut Draw) -> U256 {
    if draw.number(0..=9) == 9 { draw.u256() } else { U256::from(draw.number(0..=400)) }
}

#[esker_sdk::test]
fn erc20_beside_openzeppelins(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let Some(models) = models() else { return };
    let (pair, users) = (Pair::new(models), [alice, bob, carol]);
    let anybody = [alice.address, bob.address, carol.address, Address::ZERO];
    let (pair, anybody, start) = (&pair, &anybody, chain.snapshot());
    let deploy = |chain: &mut Chain| {
        pair.begin(chain, &users);
        pair.deploy(chain, alice, "Erc20Model", Erc20Handle::constructor("Gold", "GLD", 1_000))
    };
    let token = deploy(chain);
    chain.restore(&start);
    Invariant::new()
        .before(move |chain| {
            deploy(chain);
        })
        .action("transfer", move |chain, draw| {
            let (by, to, value) = (draw.pick(&users), draw.pick(anybody), amount(draw));
            let _ = pair.send(chain, by, "transfer", token.transfer(to, value));
        })
        .action("approve", move |chain, draw| {
            let value = if draw.chance() { U256::MAX } else { amount(draw) };
            let (by, spender) = (draw.pick(&users), draw.pick(anybody));
            let _ = pair.send(chain, by, "approve", token.approve(spender, value));
        })
        .action("transferFrom", move |chain, draw| {
            let (by, from, to, value) = (draw.pick(&users), draw.pick(anybody), draw.pick(anybody), amount(draw));
            let _ = pair.send(chain, by, "transferFrom", token.transfer_from(from, to, value));
        })
        .check("they answer the same", move |chain| {
            pair.read(chain, bob, "name", token.name());
            pair.read(chain, bob, "symbol", token.symbol());
            pair.read(chain, bob, "decimals", token.decimals());
            pair.read(chain, bob, "totalSupply", token.total_supply());
            for account in anybody {
                pair.read(chain, bob, "balanceOf", token.balance_of(*account));
                pair.read(chain, bob, "allowance", token.allowance(alice.address, *account));
            }
        })
        .sequences(sequences())
        .calls(LENGTH as usize)
        .run(chain);
    pair.print_gas("ERC-20");
}

#[esker_sdk::test]
fn erc721_beside_openzeppelins(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let Some(models) = models() else { return };
    let (pair, users) = (Pair::new(models), [alice, bob, carol]);
    let (pair, start) = (&pair, chain.snapshot());
    let deploy = |chain: &mut Chain| {
        pair.begin(chain, &users);
        let nft = pair.deploy(chain, alice, "Erc721Model", Erc721Handle::constructor("Art", "ART"));
        (nft, pair.deploy(chain, alice, "Erc721HolderModel", Erc721HolderHandle::constructor()))
    };
    let (nft, holder) = deploy(chain);
    chain.restore(&start);
    let anybody = [alice.address, bob.address, carol.address, Address::ZERO, holder.address(), nft.address()];
    let anybody = &anybody;
    let id = |draw: &mut Draw| U256::from(draw.number(0..=5));
    Invariant::new()
        .before(move |chain| {
            deploy(chain);
        })
        .action("mint", move |chain, draw| {
            let by = if draw.number(0..=4) == 4 { bob } else { alice };
            let _ = pair.send(chain, by, "mint", nft.mint(draw.pick(anybody), id(draw)));
        })
        .action("approve", move |chain, draw| {
            let by = draw.pick(&users);
            let _ = pair.send(chain, by, "approve", nft.approve(draw.pick(anybody), id(draw)));
        })
        .action("setApprovalForAll", move |chain, draw| {
            let by = draw.pick(&users);
            let call = nft.set_approval_for_all(draw.pick(anybody), draw.chance());
            let _ = pair.send(chain, by, "setApprovalForAll", call);
        })
        .action("transferFrom", move |chain, draw| {
            let by = draw.pick(&users);
            let call = nft.transfer_from(draw.pick(anybody), draw.pick(anybody), id(draw));
            let _ = pair.send(chain, by, "transferFrom", call);
        })
        .action("safeTransferFrom", move |chain, draw| {
            let by = draw.pick(&users);
            let call = nft.safe_transfer_from(draw.pick(anybody), draw.pick(anybody), id(draw));
            let _ = pair.send(chain, by, "safeTransferFrom", call);
        })
        .action("safeTransferFrom with data", move |chain, draw| {
            let (by, data) = (draw.pick(&users), [7; 40]);
            let data = &data[..draw.number(0..=40) as usize];
            let call = nft.safe_transfer_from_with_data(draw.pick(anybody), draw.pick(anybody), id(draw), data);
            let _ = pair.send(chain, by, "safeTransferFrom with data", call);
        })
        .check("they answer the same", move |chain| {
            for id in (0..=5u64).map(U256::from) {
                pair.read(chain, bob, "ownerOf", nft.owner_of(id));
                pair.read(chain, bob, "getApproved", nft.get_approved(id));
                pair.read(chain, bob, "tokenURI", nft.token_uri(id));
            }
            for account in anybody {
                pair.read(chain, bob, "balanceOf", nft.balance_of(*account));
                pair.read(chain, bob, "isApprovedForAll", nft.is_approved_for_all(alice.address, *account));
            }
            pair.read(chain, bob, "received", holder.received());
            pair.read(chain, bob, "supportsInterface", nft.supports_interface(FixedBytes([0x80, 0xac, 0x58, 0xcd])));
        })
        .sequences(sequences())
        .calls(LENGTH as usize)
        .run(chain);
    pair.print_gas("ERC-721");
}
