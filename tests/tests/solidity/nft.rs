//! The collection beside the one that OpenZeppelin's parts make.

use esker_nft::NftHandle;
use esker_sdk::prelude::*;
use esker_sdk_test::{Chain, Draw, Invariant, User};
use esker_tests::solidity::{Pair, models};

use crate::{LENGTH, receiver::ReceiverHandle, sequences};

/// ERC-165's identifiers: of ERC-165, ERC-721, its three extensions, royalties, changed metadata, of nothing, and of what has
/// to be denied.
const INTERFACES: [u32; 8] =
    [0x01ff_c9a7, 0x80ac_58cd, 0x5b5e_139f, 0x780e_9d63, 0x2a55_205a, 0x4906_4906, 0x1234_5678, 0xffff_ffff];
/// Where tokens are described: nowhere, in one slot, and in several.
const URIS: [&str; 3] =
    ["", "ipfs://short", "ipfs://bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi/metadata.json"];

/// Parts of prices: mostly some, at times more than all.
fn part(draw: &mut Draw) -> Uint<96> {
    let part = if draw.number(0..=9) == 9 { draw.u256() >> 160 } else { U256::from(draw.number(0..=10_001)) };
    Uint::new(part).unwrap_or_default()
}

#[esker_sdk::test]
fn the_collection_beside_openzeppelins(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let Some(models) = models() else { return };
    let (pair, users) = (&Pair::new(models), [alice, bob, carol]);
    let start = chain.snapshot();
    let deploy = |chain: &mut Chain| {
        pair.begin(chain, &users);
        let nft = pair.deploy(chain, alice, "NftModel", NftHandle::constructor("Art", "ART", alice));
        (nft, pair.deploy(chain, alice, "ReceiverModel", ReceiverHandle::constructor()))
    };
    let (nft, receiver) = deploy(chain);
    chain.restore(&start);
    let anybody = [alice.address, bob.address, carol.address, Address::ZERO, receiver.address(), nft.address()];
    let anybody = &anybody;
    let owner = move |chain: &mut Chain, draw: &mut Draw| match draw.number(0..=4) {
        0 => draw.pick(&users),
        _ => User { address: chain.read(nft.owner()) },
    };
    // A token that there is, mostly.
    let token = move |chain: &mut Chain, draw: &mut Draw| {
        let count = chain.read(nft.total_supply()).to_u64().expect("some");
        if count > 0 && draw.number(0..=9) > 0 {
            chain.read(nft.token_by_index(u128::from(draw.number(0..=count - 1))))
        } else {
            U256::from(draw.number(0..=9))
        }
    };
    let holder = move |chain: &mut Chain, draw: &mut Draw, token_id: U256| {
        let holder = chain.try_read(nft.owner_of(token_id));
        if draw.number(0..=4) > 0 && holder.end() == esker_sdk_test::End::Success {
            holder.returned()
        } else {
            draw.pick(anybody)
        }
    };
    let sender = move |draw: &mut Draw, from: Address| match draw.number(0..=2) {
        0 => draw.pick(&users),
        _ => User { address: from },
    };
    Invariant::new()
        .before(move |chain| {
            deploy(chain);
        })
        .action("safeMint", move |chain, draw| {
            let (by, to, uri) = (owner(chain, draw), draw.pick(anybody), draw.pick(&URIS));
            let method = if to == receiver.address() { "safeMint for a contract" } else { "safeMint" };
            let _ = pair.send(chain, by, method, nft.safe_mint(to, uri));
        })
        .action("burn", move |chain, draw| {
            let id = token(chain, draw);
            let holder = holder(chain, draw, id);
            let _ = pair.send(chain, sender(draw, holder), "burn", nft.burn(id));
        })
        .action("approve", move |chain, draw| {
            let id = token(chain, draw);
            let holder = holder(chain, draw, id);
            let _ = pair.send(chain, sender(draw, holder), "approve", nft.approve(draw.pick(anybody), id));
        })
        .action("setApprovalForAll", move |chain, draw| {
            let call = nft.set_approval_for_all(draw.pick(anybody), draw.chance());
            let _ = pair.send(chain, draw.pick(&users), "setApprovalForAll", call);
        })
        .action("transferFrom", move |chain, draw| {
            let id = token(chain, draw);
            let from = holder(chain, draw, id);
            let (by, to) = (sender(draw, from), draw.pick(anybody));
            let _ = pair.send(chain, by, "transferFrom", nft.transfer_from(from, to, id));
        })
        .action("safeTransferFrom", move |chain, draw| {
            let id = token(chain, draw);
            let from = holder(chain, draw, id);
            let (by, to, data) = (sender(draw, from), draw.pick(anybody), [7; 40]);
            let to_contract = to == receiver.address();
            let method = if to_contract { "safeTransferFrom to a contract" } else { "safeTransferFrom" };
            if draw.chance() {
                let _ = pair.send(chain, by, method, nft.safe_transfer_from(from, to, id));
            } else {
                let data = &data[..draw.number(0..=40) as usize];
                let _ = pair.send(chain, by, method, nft.safe_transfer_from_with_data(from, to, id, data));
            }
        })
        .action("the receiver thinks again", move |chain, draw| {
            let way = draw.number(0..=4) as u8;
            let _ = pair.send(chain, bob, "the receiver", receiver.answers(way));
        })
        .action("setDefaultRoyalty", move |chain, draw| {
            let (by, to, part) = (owner(chain, draw), draw.pick(anybody), part(draw));
            let _ = pair.send(chain, by, "setDefaultRoyalty", nft.set_default_royalty(to, part));
        })
        .action("setTokenRoyalty", move |chain, draw| {
            let (by, id, to, part) = (owner(chain, draw), token(chain, draw), draw.pick(anybody), part(draw));
            let _ = pair.send(chain, by, "setTokenRoyalty", nft.set_token_royalty(id, to, part));
        })
        .action("no royalty", move |chain, draw| {
            let (by, id) = (owner(chain, draw), token(chain, draw));
            if draw.chance() {
                let _ = pair.send(chain, by, "deleteDefaultRoyalty", nft.delete_default_royalty());
            } else {
                let _ = pair.send(chain, by, "resetTokenRoyalty", nft.reset_token_royalty(id));
            }
        })
        .action("change hands", move |chain, draw| {
            let (by, to) = (owner(chain, draw), draw.pick(&users));
            let _ = pair.send(chain, by, "transferOwnership", nft.transfer_ownership(to));
            let _ = pair.send(chain, draw.pick(&users), "acceptOwnership", nft.accept_ownership());
        })
        .action("what of a sale", move |chain, draw| {
            let (id, price) = (token(chain, draw), draw.u256());
            pair.read(chain, bob, "royaltyInfo", nft.royalty_info(id, price));
            let index = U256::from(draw.any());
            pair.read(chain, bob, "tokenByIndex", nft.token_by_index(index));
            let owner = draw.pick(anybody);
            pair.read(chain, bob, "tokenOfOwnerByIndex", nft.token_of_owner_by_index(owner, draw.u256()));
        })
        .check("they answer the same", move |chain| {
            pair.read(chain, bob, "totalSupply", nft.total_supply());
            pair.read(chain, bob, "owner", nft.owner());
            pair.read(chain, bob, "received", receiver.received());
            for id in (0..8_u64).map(U256::from) {
                pair.read(chain, bob, "ownerOf", nft.owner_of(id));
                pair.read(chain, bob, "getApproved", nft.get_approved(id));
                pair.read(chain, bob, "tokenURI", nft.token_uri(id));
                pair.read(chain, bob, "tokenByIndex", nft.token_by_index(id));
                pair.read(chain, bob, "tokenOfOwnerByIndex", nft.token_of_owner_by_index(bob, id));
                pair.read(chain, bob, "royaltyInfo", nft.royalty_info(id, 12_345));
            }
            for account in anybody {
                pair.read(chain, bob, "balanceOf", nft.balance_of(*account));
                pair.read(chain, bob, "isApprovedForAll", nft.is_approved_for_all(alice.address, *account));
            }
        })
        .sequences(sequences())
        .calls(LENGTH as usize)
        .run(chain);
    deploy(chain);
    pair.read(chain, bob, "name", nft.name());
    pair.read(chain, bob, "symbol", nft.symbol());
    for id in INTERFACES {
        pair.read(chain, bob, "supportsInterface", nft.supports_interface(FixedBytes(id.to_be_bytes())));
    }
    pair.print_gas("Collection");
}
