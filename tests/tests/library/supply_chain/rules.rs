//! Lots: who may do what with them, that no quantity is made or lost, that recalls reach all that was made of a lot, and
//! that nobody can make a lot costly to ask about.

use esker_components::access::roles::{Error as RoleError, RoleGranted};
use esker_sdk::{abi, prelude::*};
use esker_sdk_test::{Chain, User, log};
use esker_supply_chain::*;

/// Gas that making and asking about any lot stays below, the transaction's own included.
const MOST_GAS_TO_MAKE: u64 = 2_000_000;
const MOST_GAS_TO_ASK: u64 = 300_000;
const PAPER: B256 = B256::repeat_byte(0x77);

fn number(n: u64) -> U256 {
    U256::from(n)
}

fn hash(name: &str) -> B256 {
    FixedBytes(abi::keccak256(name.as_bytes()))
}

/// Alice is admin, the farmer a producer, and the inspector one.
fn deployed(chain: &mut Chain, alice: User, farmer: User, inspector: User) -> SupplyChainHandle {
    let goods = chain.deploy(alice, SupplyChainHandle::constructor());
    let granted = RoleGranted { role: PRODUCER, account: farmer.into(), sender: alice.into() };
    chain.send(alice, goods.grant_role(PRODUCER, farmer)).emits(granted);
    chain.send(alice, goods.grant_role(INSPECTOR, inspector)).succeeds();
    goods
}

fn registered(chain: &mut Chain, goods: SupplyChainHandle, by: User, quantity: u64) -> U256 {
    chain.send(by, goods.register("milk", number(quantity), PAPER)).returned()
}

fn handed_over(chain: &mut Chain, goods: SupplyChainHandle, lot: U256, from: User, to: User) {
    chain.send(from, goods.ship(lot, to)).succeeds();
    chain.send(to, goods.receive_lot(lot)).succeeds();
}

/// Divides a lot: `quantity` of it becomes one of its own.
fn split(chain: &mut Chain, goods: SupplyChainHandle, by: User, lot: U256, quantity: u64) -> U256 {
    chain.send(by, goods.transform(&[(lot, number(quantity))], "milk", number(quantity), PAPER)).returned()
}

#[esker_sdk::test]
fn cheese_comes_from_a_farm_to_a_shop(chain: &mut Chain, alice: User, farmer: User, dairy: User, shop: User) {
    let goods = deployed(chain, alice, farmer, alice);
    assert_eq!(chain.read(goods.producer_role()), hash("PRODUCER"));
    assert_eq!(chain.read(goods.inspector_role()), hash("INSPECTOR"));
    chain.send(alice, goods.grant_role(PRODUCER, dairy)).succeeds();
    let of = |lot: u64, producer: User, product: &str, quantity: u64| Registered {
        lot: number(lot),
        producer: producer.into(),
        product: product.into(),
        quantity: number(quantity),
        document: PAPER,
    };
    let register = goods.register("milk", 1_000, PAPER);
    chain.send(farmer, register).emits(of(1, farmer, "milk", 1_000)).returns(number(1));
    let (from, to) = (farmer.into(), dairy.into());
    chain.send(farmer, goods.ship(1, dairy)).emits(Shipped { lot: number(1), from, to });
    assert_eq!(chain.read(goods.lot(1)).holder, farmer.address, "not before it is received");
    let received = Received { lot: number(1), from, to, quantity: number(1_000) };
    chain.send(dairy, goods.receive_lot(1)).emits(received);
    let salt = chain.send(dairy, goods.register("salt", 5, PAPER)).returned();
    let inputs = [(number(1), number(900)), (salt, number(2))];
    let consumed = |lot: U256, quantity: u64| Consumed { lot, into: number(3), quantity: number(quantity) };
    let here = goods.address();
    chain
        .send(dairy, goods.transform(&inputs, "cheese", 90, PAPER))
        .emits_only([
            log(here, consumed(number(1), 900)),
            log(here, consumed(salt, 2)),
            log(here, of(3, dairy, "cheese", 90)),
        ])
        .returns(number(3));
    let made_at = chain.timestamp();
    let inspected = Inspected { lot: number(3), inspector: alice.into(), passed: true, document: PAPER };
    chain.send(alice, goods.inspect(3, true, PAPER)).emits(inspected);
    handed_over(chain, goods, number(3), dairy, shop);
    let cheese = Lot {
        product: "cheese".into(),
        holder: shop.into(),
        made_at,
        inspection: Inspection::Passed,
        is_recalled: false,
        producer: dairy.into(),
        addressee: Address::ZERO,
        quantity: number(90),
        left: number(90),
        document: PAPER,
    };
    assert_eq!(chain.read(goods.lot(3)), cheese);
    assert_eq!(chain.read(goods.lot(1)).left, 100);
    let of_cheese: Vec<_> = chain.read(goods.inputs_of(3)).iter().map(|input| (input.lot, input.quantity)).collect();
    assert_eq!(of_cheese, inputs);
    assert_eq!(chain.read(goods.ancestors_of(3)), [1, 2]);
    assert!(chain.read(goods.inputs_of(1)).is_empty());
    assert_eq!(chain.read(goods.count()), 3);
}

#[esker_sdk::test]
fn roles_are_needed_and_may_be_revoked(chain: &mut Chain, alice: User, farmer: User, inspector: User, bob: User) {
    let goods = deployed(chain, alice, farmer, inspector);
    let lacks = |account: User, needed_role| RoleError::AccessControlUnauthorizedAccount {
        account: account.into(),
        needed_role,
    };
    // The admin grants roles and has none of them.
    chain.send(alice, goods.register("milk", 1, PAPER)).reverts(lacks(alice, PRODUCER));
    chain.send(bob, goods.grant_role(PRODUCER, bob)).reverts(lacks(bob, B256::ZERO));
    let lot = registered(chain, goods, farmer, 10);
    chain.send(farmer, goods.inspect(lot, true, PAPER)).reverts(lacks(farmer, INSPECTOR));
    chain.send(inspector, goods.inspect(lot, true, PAPER)).succeeds();
    chain.send(alice, goods.revoke_role(PRODUCER, farmer)).succeeds();
    chain.send(alice, goods.revoke_role(INSPECTOR, inspector)).succeeds();
    chain.send(farmer, goods.register("milk", 1, PAPER)).reverts(lacks(farmer, PRODUCER));
    chain.send(inspector, goods.inspect(lot, false, PAPER)).reverts(lacks(inspector, INSPECTOR));
    let refused = Error::CannotRecall { lot, caller: inspector.into() };
    chain.send(inspector, goods.recall(lot)).reverts(refused);
    // Who was a producer still has its lots, and still warns of them, but makes nothing new.
    let butter = goods.transform(&[(lot, number(5))], "butter", 1, PAPER);
    chain.send(farmer, butter).reverts(lacks(farmer, PRODUCER));
    split(chain, goods, farmer, lot, 5);
    chain.send(farmer, goods.recall(lot)).emits(Recalled { lot, by: farmer.into() });
}

#[esker_sdk::test]
fn lots_that_make_no_sense_are_refused(chain: &mut Chain, alice: User, farmer: User) {
    let goods = deployed(chain, alice, farmer, alice);
    let lot = registered(chain, goods, farmer, 10);
    chain.send(farmer, goods.register("milk", 0, PAPER)).reverts(Error::InvalidQuantity);
    chain.send(farmer, goods.register("", 1, PAPER)).reverts(Error::InvalidProduct);
    let long = "m".repeat(MOST_NAME_BYTES + 1);
    chain.send(farmer, goods.register(&long, 1, PAPER)).reverts(Error::InvalidProduct);
    chain.send(farmer, goods.register(&long[1..], U256::MAX, B256::ZERO)).succeeds();
    let make = |inputs: &[(U256, U256)], quantity: u64| goods.transform(inputs, "milk", number(quantity), PAPER);
    let one = (lot, U256::ONE);
    chain.send(farmer, make(&[], 1)).reverts(Error::InvalidInputs { count: U256::ZERO });
    chain.send(farmer, make(&[one; MOST_INPUTS + 1], 9)).reverts(Error::InvalidInputs { count: number(9) });
    chain.send(farmer, make(&[(lot, U256::ZERO)], 0)).reverts(Error::InvalidQuantity);
    let little = |left: u64, quantity| Error::TooLittle { lot, left: number(left), quantity };
    chain.send(farmer, make(&[(lot, number(11))], 11)).reverts(little(10, number(11)));
    chain.send(farmer, make(&[(lot, U256::MAX)], 1)).reverts(little(10, U256::MAX));
    // The same lot twice counts twice.
    chain.send(farmer, make(&[(lot, number(6)), (lot, number(6))], 12)).reverts(little(4, number(6)));
    chain.send(farmer, make(&[one, one], 2)).succeeds();
    assert_eq!(chain.read(goods.ancestors_of(3)), [1]);
    // A lot is not made of itself.
    let itself = Error::NoLot { lot: number(4) };
    chain.send(farmer, make(&[(number(4), number(7))], 7)).reverts(itself);
    for none in [U256::ZERO, number(4), U256::ONE << 64, (U256::ONE << 64) + 1, U256::MAX] {
        let error = || Error::NoLot { lot: none };
        chain.try_read(goods.lot(none)).reverts(error());
        chain.try_read(goods.is_safe(none)).reverts(error());
        chain.try_read(goods.inputs_of(none)).reverts(error());
        chain.try_read(goods.ancestors_of(none)).reverts(error());
        chain.send(farmer, goods.ship(none, alice)).reverts(error());
        chain.send(farmer, goods.cancel_shipment(none)).reverts(error());
        chain.send(farmer, goods.receive_lot(none)).reverts(error());
        chain.send(farmer, goods.receive_exactly(none, 1)).reverts(error());
        chain.send(farmer, goods.recall(none)).reverts(error());
        chain.send(alice, goods.inspect(none, true, PAPER)).reverts(error());
    }
}

/// Anybody divides and joins what they have; only a producer turns it into something else, whatever the quantities.
#[esker_sdk::test]
fn nobody_gets_more_out_of_a_lot_than_is_in_it(chain: &mut Chain, alice: User, farmer: User, trader: User) {
    let goods = deployed(chain, alice, farmer, alice);
    let lot = registered(chain, goods, farmer, 10);
    handed_over(chain, goods, lot, farmer, trader);
    for quantity in [1, 3, 5, 1_000_000] {
        let swell = goods.transform(&[(lot, number(4))], "milk", number(quantity), PAPER);
        chain.send(trader, swell).reverts(Error::NotConserved { quantity: number(quantity) });
    }
    let better = goods.transform(&[(lot, number(4))], "organic milk", 4, PAPER);
    let needed_role = PRODUCER;
    let refused = || RoleError::AccessControlUnauthorizedAccount { account: trader.into(), needed_role };
    chain.send(trader, better).reverts(refused());
    let half = split(chain, goods, trader, lot, 4);
    let joined = goods.transform(&[(lot, number(6)), (half, number(4))], "milk", 10, PAPER);
    chain.send(trader, joined).returns(number(3));
    for (lot, left) in [(1, 0), (2, 0), (3, 10)] {
        assert_eq!(chain.read(goods.lot(lot)).left, left);
    }
    assert_eq!(chain.read(goods.lot(3)).producer, trader.address);
    // A sum beyond all numbers is no quantity.
    let most = [(); 2].map(|()| chain.send(farmer, goods.register("milk", U256::MAX, PAPER)).returned());
    let sum = most.map(|lot| (lot, U256::MAX));
    chain
        .send(farmer, goods.transform(&sum, "milk", U256::MAX, PAPER))
        .reverts(Error::NotConserved { quantity: U256::MAX });
    chain.send(farmer, goods.transform(&sum, "cheese", 1, PAPER)).succeeds();
}

#[esker_sdk::test]
fn custody_changes_when_both_agree(chain: &mut Chain, alice: User, farmer: User, shop: User, thief: User) {
    let goods = deployed(chain, alice, farmer, alice);
    let lot = registered(chain, goods, farmer, 10);
    chain.send(thief, goods.ship(lot, thief)).reverts(Error::NotHolder { lot, caller: thief.into() });
    for to in [Address::ZERO, farmer.address] {
        chain.send(farmer, goods.ship(lot, to)).reverts(Error::InvalidReceiver { to });
    }
    chain.send(shop, goods.receive_lot(lot)).reverts(Error::NotInTransit { lot });
    chain.send(farmer, goods.cancel_shipment(lot)).reverts(Error::NotInTransit { lot });
    chain.send(farmer, goods.ship(lot, shop)).succeeds();
    // On its way it can neither be sent elsewhere nor used.
    let moving = || Error::InTransit { lot, to: shop.into() };
    chain.send(farmer, goods.ship(lot, thief)).reverts(moving());
    chain.send(farmer, goods.transform(&[(lot, U256::ONE)], "milk", 1, PAPER)).reverts(moving());
    for caller in [thief, farmer] {
        let error = Error::NotAddressee { lot, caller: caller.into() };
        chain.send(caller, goods.receive_lot(lot)).reverts(error);
    }
    for caller in [thief, shop] {
        let error = Error::NotHolder { lot, caller: caller.into() };
        chain.send(caller, goods.cancel_shipment(lot)).reverts(error);
    }
    // A receiver that refuses just does nothing, and the sender has the lot as before.
    let (from, to) = (farmer.into(), shop.into());
    chain.send(farmer, goods.cancel_shipment(lot)).emits(ShipmentCancelled { lot, from, to });
    chain.send(shop, goods.receive_lot(lot)).reverts(Error::NotInTransit { lot });
    handed_over(chain, goods, lot, farmer, shop);
    chain.send(shop, goods.receive_lot(lot)).reverts(Error::NotInTransit { lot });
    for (caller, error) in
        [(farmer, Error::NotHolder { lot, caller: farmer.into() }), (shop, Error::NotInTransit { lot })]
    {
        chain.send(caller, goods.cancel_shipment(lot)).reverts(error);
    }
    let used = goods.transform(&[(lot, U256::ONE)], "milk", 1, PAPER);
    chain.send(farmer, used).reverts(Error::NotHolder { lot, caller: farmer.into() });
    // What is used up is nothing to send.
    split(chain, goods, shop, lot, 10);
    chain.send(shop, goods.ship(lot, farmer)).reverts(Error::UsedUp { lot });
}

/// Between a receiver's look and its word the sender takes the lot back, uses most of it, and sends it again.
#[esker_sdk::test]
fn a_lot_that_was_emptied_on_the_way_is_not_accepted(chain: &mut Chain, alice: User, farmer: User, shop: User) {
    let goods = deployed(chain, alice, farmer, alice);
    let lot = registered(chain, goods, farmer, 10);
    chain.send(farmer, goods.ship(lot, shop)).succeeds();
    chain.send(farmer, goods.cancel_shipment(lot)).succeeds();
    split(chain, goods, farmer, lot, 9);
    chain.send(farmer, goods.ship(lot, shop)).succeeds();
    chain.send(shop, goods.receive_exactly(lot, 10)).reverts(Error::QuantityChanged { lot, left: U256::ONE });
    let received = Received { lot, from: farmer.into(), to: shop.into(), quantity: U256::ONE };
    chain.send(shop, goods.receive_exactly(lot, 1)).emits(received);
    chain.send(shop, goods.receive_exactly(lot, 1)).reverts(Error::NotInTransit { lot });
}

/// Over custody, divisions and joins, and also what is made after the recall; and nothing else.
#[esker_sdk::test]
fn a_recall_reaches_all_that_was_made_of_a_lot(chain: &mut Chain, alice: User, farmer: User, dairy: User, shop: User) {
    let goods = deployed(chain, alice, farmer, alice);
    let milk = registered(chain, goods, farmer, 100);
    let other = registered(chain, goods, farmer, 100);
    let half = split(chain, goods, farmer, milk, 50);
    handed_over(chain, goods, half, farmer, dairy);
    handed_over(chain, goods, other, farmer, dairy);
    let mixed = goods.transform(&[(half, number(10)), (other, number(10))], "milk", 20, PAPER);
    let mixed = chain.send(dairy, mixed).returned();
    let clean = split(chain, goods, dairy, other, 10);
    handed_over(chain, goods, mixed, dairy, shop);
    let bottle = split(chain, goods, shop, mixed, 5);
    let all = [milk, other, half, mixed, clean, bottle];
    let safe = |chain: &mut Chain| all.map(|lot| chain.read(goods.is_safe(lot)));
    assert_eq!(safe(chain), [true; 6]);
    for caller in [dairy, shop] {
        chain.send(caller, goods.recall(milk)).reverts(Error::CannotRecall { lot: milk, caller: caller.into() });
    }
    chain.send(farmer, goods.recall(milk)).emits(Recalled { lot: milk, by: farmer.into() });
    assert_eq!(safe(chain), [false, true, false, false, true, false]);
    chain.send(farmer, goods.recall(milk)).reverts(Error::AlreadyRecalled { lot: milk });
    let late = split(chain, goods, shop, bottle, 1);
    assert!(!chain.read(goods.is_safe(late)));
    // No inspection makes good what was recalled.
    chain.send(alice, goods.inspect(milk, true, PAPER)).succeeds();
    chain.send(alice, goods.inspect(bottle, true, PAPER)).succeeds();
    assert_eq!(safe(chain), [false, true, false, false, true, false]);
    // What is recalled still goes back to where it came from.
    handed_over(chain, goods, bottle, shop, farmer);
    chain.send(alice, goods.recall(clean)).succeeds();
    assert_eq!(safe(chain), [false, true, false, false, false, false]);
}

#[esker_sdk::test]
fn the_last_inspection_counts(chain: &mut Chain, alice: User, farmer: User) {
    let goods = deployed(chain, alice, farmer, alice);
    let milk = registered(chain, goods, farmer, 10);
    let bottle = split(chain, goods, farmer, milk, 1);
    for passed in [false, true, false, false, true, true] {
        chain.send(alice, goods.inspect(milk, passed, PAPER)).succeeds();
        assert_eq!([milk, bottle].map(|lot| chain.read(goods.is_safe(lot))), [passed; 2]);
    }
    chain.send(alice, goods.inspect(bottle, false, PAPER)).succeeds();
    assert_eq!([milk, bottle].map(|lot| chain.read(goods.is_safe(lot))), [true, false]);
    assert_eq!(chain.read(goods.lot(bottle)).inspection, Inspection::Failed);
    // A lot that failed and was recalled stays recalled.
    chain.send(farmer, goods.recall(bottle)).succeeds();
    chain.send(alice, goods.inspect(bottle, true, PAPER)).succeeds();
    assert!(!chain.read(goods.is_safe(bottle)));
}

/// Where the contract counts its lots: behind the roles.
const COUNT: u64 = 1;

/// Lets the next lot have an id of a block of its own, as if others had registered 255 in between.
fn skip(chain: &mut Chain, goods: SupplyChainHandle, block: u64) {
    let word = |n: u64| FixedBytes(number(n).to_be_bytes());
    chain.set_storage(goods.address(), word(COUNT), word(block * 256));
    assert_eq!(chain.read(goods.count()), block * 256);
}

/// The worst lot that there can be: as many ancestors as are allowed, their warnings all in different slots. It is asked
/// about, and used, for a bounded gas; and nobody can make one that is worse.
#[esker_sdk::test]
fn no_lot_is_costly_to_ask_about(chain: &mut Chain, alice: User, farmer: User) {
    let goods = deployed(chain, alice, farmer, alice);
    let first = registered(chain, goods, farmer, 1_000);
    let mut last = first;
    for block in 1..(MOST_ANCESTORS - MOST_INPUTS) as u64 {
        skip(chain, goods, block);
        last = split(chain, goods, farmer, last, 1_000 - block);
    }
    // Eight lots with all of these, which make one.
    let parts = [0; MOST_INPUTS].map(|_| {
        let block = chain.read(goods.count()) / 256 + 1;
        skip(chain, goods, block);
        (split(chain, goods, farmer, last, 1), U256::ONE)
    });
    assert_eq!(chain.read(goods.ancestors_of(parts[0].0)).len(), MOST_ANCESTORS - MOST_INPUTS);
    skip(chain, goods, 1_000);
    let made = chain.send(farmer, goods.transform(&parts, "milk", 8, PAPER));
    assert!(made.gas_used() < MOST_GAS_TO_MAKE, "making it took {}", made.gas_used());
    let worst = made.returned();
    assert_eq!(chain.read(goods.ancestors_of(worst)).len(), MOST_ANCESTORS);
    let asked = chain.send(alice, goods.is_safe(worst)).returns(true);
    assert!(asked.gas_used() < MOST_GAS_TO_ASK, "asking took {}", asked.gas_used());
    // It is handed over and inspected like any other, but nothing is made of it any more.
    handed_over(chain, goods, worst, farmer, alice);
    chain.send(alice, goods.inspect(worst, true, PAPER)).succeeds();
    let refused = chain.send(alice, goods.transform(&[(worst, U256::ONE); MOST_INPUTS], "milk", 8, PAPER));
    assert!(refused.gas_used() < MOST_GAS_TO_MAKE, "refusing it took {}", refused.gas_used());
    refused.reverts(Error::TooManyAncestors);
    // However far back, a recall costs its one write, and is seen.
    let recalled = chain.send(farmer, goods.recall(first)).succeeds();
    assert!(recalled.gas_used() < 100_000, "recalling took {}", recalled.gas_used());
    chain.send(alice, goods.is_safe(worst)).returns(false);
}
