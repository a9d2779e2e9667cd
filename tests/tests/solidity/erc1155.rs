//! Tokens of many ids beside those that OpenZeppelin's parts make.

use esker_erc1155::ItemsHandle;
use esker_sdk::prelude::*;
use esker_sdk_test::{Chain, Draw, Invariant, User};
use esker_tests::solidity::{Pair, models};

use crate::{LENGTH, receiver::ReceiverHandle, sequences};

/// ERC-165's identifiers: of ERC-165, ERC-1155, its URI, its receiver, of nothing, and of what has to be denied.
const INTERFACES: [u32; 6] = [0x01ff_c9a7, 0xd9b6_7a26, 0x0e89_341c, 0x4e23_12e0, 0x1234_5678, 0xffff_ffff];

/// Small amounts mostly; now and then any.
fn amount(draw: &mut Draw) -> U256 {
    if draw.number(0..=14) == 14 { draw.u256() } else { U256::from(draw.number(0..=200)) }
}

fn id(draw: &mut Draw) -> U256 {
    U256::from(draw.number(0..=3))
}

/// Up to three ids, the same one again at times, and amounts: mostly as many.
fn batch(draw: &mut Draw) -> (Vec<U256>, Vec<U256>) {
    let ids: Vec<U256> = (0..draw.number(0..=3)).map(|_| id(draw)).collect();
    let mut values: Vec<U256> = ids.iter().map(|_| amount(draw)).collect();
    if draw.number(0..=9) == 9 {
        values.push(U256::ONE);
    }
    (ids, values)
}

#[esker_sdk::test]
fn items_beside_openzeppelins(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let Some(models) = models() else { return };
    let (pair, users) = (&Pair::new(models), [alice, bob, carol]);
    let start = chain.snapshot();
    let deploy = |chain: &mut Chain| {
        pair.begin(chain, &users);
        let items = pair.deploy(chain, alice, "ItemsModel", ItemsHandle::constructor("ipfs://{id}", alice));
        (items, pair.deploy(chain, alice, "ReceiverModel", ReceiverHandle::constructor()))
    };
    let (items, receiver) = deploy(chain);
    chain.restore(&start);
    let anybody = [alice.address, bob.address, carol.address, Address::ZERO, receiver.address(), items.address()];
    let anybody = &anybody;
    let owner = move |chain: &mut Chain, draw: &mut Draw| match draw.number(0..=4) {
        0 => draw.pick(&users),
        _ => User { address: chain.read(items.owner()) },
    };
    // Whose tokens go, and who says so: mostly oneself.
    let whose = move |draw: &mut Draw| {
        let by = draw.pick(&users);
        (by, if draw.number(0..=2) == 0 { draw.pick(anybody) } else { by.address })
    };
    // What is asked of the receiver runs natively: its gas is none to compare.
    let named = move |to: Address, method: &str| {
        if to == receiver.address() { format!("{method} to a contract") } else { method.to_owned() }
    };
    Invariant::new()
        .before(move |chain| {
            deploy(chain);
        })
        .action("mint", move |chain, draw| {
            let (by, to, data) = (owner(chain, draw), draw.pick(anybody), [7; 40]);
            let call = items.mint(to, id(draw), amount(draw), &data[..draw.number(0..=40) as usize]);
            let _ = pair.send(chain, by, &named(to, "mint"), call);
        })
        .action("mintBatch", move |chain, draw| {
            let (by, to, (ids, values)) = (owner(chain, draw), draw.pick(anybody), batch(draw));
            let _ = pair.send(chain, by, &named(to, "mintBatch"), items.mint_batch(to, &ids, &values, &[]));
        })
        .action("burn", move |chain, draw| {
            let (by, from) = whose(draw);
            let _ = pair.send(chain, by, "burn", items.burn(from, id(draw), amount(draw)));
        })
        .action("burnBatch", move |chain, draw| {
            let ((by, from), (ids, values)) = (whose(draw), batch(draw));
            let _ = pair.send(chain, by, "burnBatch", items.burn_batch(from, &ids, &values));
        })
        .action("setApprovalForAll", move |chain, draw| {
            let call = items.set_approval_for_all(draw.pick(anybody), draw.chance());
            let _ = pair.send(chain, draw.pick(&users), "setApprovalForAll", call);
        })
        .action("safeTransferFrom", move |chain, draw| {
            let ((by, from), to, data) = (whose(draw), draw.pick(anybody), [7; 40]);
            let data = &data[..draw.number(0..=40) as usize];
            let call = items.safe_transfer_from(from, to, id(draw), amount(draw), data);
            let _ = pair.send(chain, by, &named(to, "safeTransferFrom"), call);
        })
        .action("safeBatchTransferFrom", move |chain, draw| {
            let ((by, from), to, (ids, values)) = (whose(draw), draw.pick(anybody), batch(draw));
            let call = items.safe_batch_transfer_from(from, to, &ids, &values, &[7; 3]);
            let _ = pair.send(chain, by, &named(to, "safeBatchTransferFrom"), call);
        })
        .action("the receiver thinks again", move |chain, draw| {
            let way = draw.number(0..=4) as u8;
            let _ = pair.send(chain, bob, "the receiver", receiver.answers(way));
        })
        .action("setURI", move |chain, draw| {
            let by = owner(chain, draw);
            let uri = draw.pick(&["", "ipfs://{id}", "https://example.org/a/longer/one/than/a/slot/{id}.json"]);
            let _ = pair.send(chain, by, "setURI", items.set_uri(uri));
        })
        .action("change hands", move |chain, draw| {
            let (by, to) = (owner(chain, draw), draw.pick(&users));
            let _ = pair.send(chain, by, "transferOwnership", items.transfer_ownership(to));
            let _ = pair.send(chain, draw.pick(&users), "acceptOwnership", items.accept_ownership());
        })
        .action("balances", move |chain, draw| {
            let (ids, _) = batch(draw);
            let mut accounts: Vec<Address> = ids.iter().map(|_| draw.pick(anybody)).collect();
            if draw.number(0..=4) == 4 {
                accounts.push(bob.address);
            }
            pair.read(chain, bob, "balanceOfBatch", items.balance_of_batch(&accounts, &ids));
        })
        .check("they answer the same", move |chain| {
            pair.read(chain, bob, "totalSupply of all", items.total_supply());
            pair.read(chain, bob, "owner", items.owner());
            pair.read(chain, bob, "uri", items.uri(5));
            pair.read(chain, bob, "received", receiver.received());
            for id in (0..4_u64).map(U256::from) {
                pair.read(chain, bob, "totalSupply", items.total_supply_of(id));
                pair.read(chain, bob, "exists", items.exists(id));
                for account in anybody {
                    pair.read(chain, bob, "balanceOf", items.balance_of(*account, id));
                }
            }
            for account in anybody {
                pair.read(chain, bob, "isApprovedForAll", items.is_approved_for_all(alice.address, *account));
            }
        })
        .sequences(sequences())
        .calls(LENGTH as usize)
        .run(chain);
    deploy(chain);
    for id in INTERFACES {
        pair.read(chain, bob, "supportsInterface", items.supports_interface(FixedBytes(id.to_be_bytes())));
    }
    pair.print_gas("ERC-1155");
}
