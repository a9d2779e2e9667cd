//! What an indexer knows from the events alone is what the contract says, after any calls of anybody; and no quantity is
//! made or lost.

use std::cell::RefCell;
use std::collections::BTreeMap;

use esker_sdk::{Event, abi, prelude::*};
use esker_sdk_test::{Chain, Draw, Invariant, Sent, User};
use esker_supply_chain::*;

/// A lot as the events tell it.
#[derive(Clone, Default)]
struct Known {
    product: String,
    producer: Address,
    holder: Address,
    addressee: Address,
    quantity: U256,
    left: U256,
    inputs: Vec<(U256, U256)>,
    has_failed: bool,
    is_recalled: bool,
}

#[derive(Default)]
struct Index(BTreeMap<U256, Known>);

impl Index {
    /// Takes in what a transaction has told.
    fn follow<O>(&mut self, sent: &Sent<O>) {
        for log in sent.logs() {
            let topic = |place: usize| U256::from_be_bytes(log.topics()[place].0);
            let account = |place: usize| Address(log.topics()[place].0[12..].try_into().expect("20 bytes"));
            let lot = topic(1);
            let of = |index: &mut Self, change: &dyn Fn(&mut Known)| change(index.0.entry(lot).or_default());
            match log.topics()[0].0 {
                Registered::TOPIC => {
                    let (product, quantity, _): (String, U256, B256) = decoded(&log.data.data);
                    of(self, &|known| {
                        (known.product, known.quantity, known.left) = (product.clone(), quantity, quantity);
                        (known.producer, known.holder) = (account(2), account(2));
                    });
                }
                Consumed::TOPIC => {
                    let (quantity,): (U256,) = decoded(&log.data.data);
                    of(self, &|known| known.left -= quantity);
                    self.0.entry(topic(2)).or_default().inputs.push((lot, quantity));
                }
                Shipped::TOPIC => of(self, &|known| known.addressee = account(3)),
                ShipmentCancelled::TOPIC => of(self, &|known| known.addressee = Address::ZERO),
                Received::TOPIC => {
                    of(self, &|known| (known.holder, known.addressee) = (account(3), Address::ZERO));
                }
                Inspected::TOPIC => {
                    let (passed, _): (bool, B256) = decoded(&log.data.data);
                    of(self, &|known| known.has_failed = !passed);
                }
                Recalled::TOPIC => of(self, &|known| known.is_recalled = true),
                other => panic!("an event that nobody knows: {other:?}"),
            }
        }
    }

    /// The plain walk over all that a lot was made of.
    fn is_safe(&self, lot: U256) -> bool {
        let known = &self.0[&lot];
        !known.has_failed && !known.is_recalled && known.inputs.iter().all(|(input, _)| self.is_safe(*input))
    }
}

fn decoded<P: abi::Output<Value = P>>(data: &[u8]) -> P {
    abi::decode_params(data).expect("the event's data")
}

/// A lot that is there, mostly.
fn any_lot(draw: &mut Draw) -> U256 {
    U256::from(draw.number(0..=8))
}

fn few(draw: &mut Draw) -> U256 {
    U256::from(draw.number(0..=40))
}

#[esker_sdk::test]
fn events_tell_everything_and_nothing_is_lost(chain: &mut Chain, alice: User, farmer: User, dairy: User, shop: User) {
    let (paper, index) = (B256::repeat_byte(0x77), RefCell::new(Index::default()));
    let goods = chain.deploy(alice, SupplyChainHandle::constructor());
    for (role, user) in [(PRODUCER, farmer), (PRODUCER, dairy), (INSPECTOR, alice)] {
        chain.send(alice, goods.grant_role(role, user)).succeeds();
    }
    let (users, products, index) = ([farmer, dairy, shop, alice], ["milk", "cheese"], &index);
    let follow = move |sent: &dyn Fn(&mut Index)| sent(&mut index.borrow_mut());
    Invariant::new()
        .sequences(24)
        .calls(40)
        .before(move |chain| {
            let mut index = index.borrow_mut();
            *index = Index::default();
            for (by, quantity) in [(farmer, 60), (dairy, 40)] {
                index.follow(&chain.send(by, goods.register("milk", quantity, paper)).succeeds());
            }
        })
        .action("register", move |chain, draw| {
            let sent = chain.send(draw.pick(&users), goods.register(draw.pick(&products), few(draw), paper));
            follow(&|index| index.follow(&sent));
        })
        .action("transform", move |chain, draw| {
            let inputs: Vec<_> = (0..draw.number(1..=3)).map(|_| (any_lot(draw), few(draw))).collect();
            // Mostly a quantity that a division would have.
            let all = inputs.iter().map(|(_, quantity)| *quantity).sum();
            let quantity = if draw.number(0..=3) == 0 { few(draw) } else { all };
            let sent = chain.send(draw.pick(&users), goods.transform(&inputs, draw.pick(&products), quantity, paper));
            follow(&|index| index.follow(&sent));
        })
        .action("divide what one has", move |chain, draw| {
            let lot = U256::from(draw.number(1..=chain.read(goods.count())));
            let found = chain.read(goods.lot(lot));
            let quantity = U256::from(draw.number(1..=20));
            let product = draw.pick(&[found.product.as_str(), "cheese"]).to_owned();
            let sent = chain.send(found.holder, goods.transform(&[(lot, quantity)], &product, quantity, paper));
            follow(&|index| index.follow(&sent));
        })
        .action("ship", move |chain, draw| {
            let sent = chain.send(draw.pick(&users), goods.ship(any_lot(draw), draw.pick(&users)));
            follow(&|index| index.follow(&sent));
        })
        .action("receive", move |chain, draw| {
            let lot = any_lot(draw);
            for user in users {
                let sent = chain.send(user, goods.receive_lot(lot));
                follow(&|index| index.follow(&sent));
            }
        })
        .action("cancel", move |chain, draw| {
            let sent = chain.send(draw.pick(&users), goods.cancel_shipment(any_lot(draw)));
            follow(&|index| index.follow(&sent));
        })
        .action("inspect", move |chain, draw| {
            let sent = chain.send(alice, goods.inspect(any_lot(draw), draw.chance(), paper));
            follow(&|index| index.follow(&sent));
        })
        .action("recall", move |chain, draw| {
            let sent = chain.send(draw.pick(&users), goods.recall(any_lot(draw)));
            follow(&|index| index.follow(&sent));
        })
        .check("the events tell what the contract says", move |chain| {
            let index = index.borrow_mut();
            assert_eq!(chain.read(goods.count()), index.0.len() as u64);
            for (&lot, known) in &index.0 {
                let found = chain.read(goods.lot(lot));
                assert_eq!((found.product, found.producer), (known.product.clone(), known.producer), "{lot}");
                assert_eq!((found.holder, found.addressee), (known.holder, known.addressee), "{lot}");
                assert_eq!((found.quantity, found.left), (known.quantity, known.left), "{lot}");
                assert_eq!(found.inspection == Inspection::Failed, known.has_failed, "{lot}");
                assert_eq!(found.is_recalled, known.is_recalled, "{lot}");
                let inputs = chain.read(goods.inputs_of(lot));
                assert!(inputs.iter().map(|input| (input.lot, input.quantity)).eq(known.inputs.iter().copied()));
                assert_eq!(chain.read(goods.is_safe(lot)), index.is_safe(lot), "{lot}");
            }
        })
        .check("no quantity is made or lost", move |chain| {
            let (mut made, mut left, mut used) = (U256::ZERO, U256::ZERO, U256::ZERO);
            let mut consumed = BTreeMap::<U256, U256>::new();
            for lot in (1..=chain.read(goods.count())).map(U256::from) {
                let (found, inputs) = (chain.read(goods.lot(lot)), chain.read(goods.inputs_of(lot)));
                for input in &inputs {
                    *consumed.entry(input.lot).or_default() += input.quantity;
                }
                let is_milk = found.product == "milk";
                left += if is_milk { found.left } else { U256::ZERO };
                let of_milk = inputs.iter().filter(|input| chain.read(goods.lot(input.lot)).product == "milk");
                let of_milk: U256 = of_milk.map(|input| input.quantity).sum();
                // Milk that is made of milk alone is the same milk; made of anything else it is new, as cheese is.
                let is_same = is_milk && !inputs.is_empty() && of_milk == found.quantity;
                made += if is_milk && !is_same { found.quantity } else { U256::ZERO };
                used += if is_same { U256::ZERO } else { of_milk };
            }
            assert_eq!(made, left + used);
            for (lot, consumed) in consumed {
                let found = chain.read(goods.lot(lot));
                assert_eq!(found.quantity, found.left + consumed, "{lot}");
            }
        })
        .run(chain);
}
