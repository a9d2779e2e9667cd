//! Provenance of goods: lots that are registered, handed over, inspected, and made into others; and whether a lot, or
//! anything that it was made of, was recalled.
//!
//! A lot knows all its ancestors, as a sorted set that is put together when the lot is made. There are at most
//! [`MOST_ANCESTORS`] of them: so to ask whether a lot is safe costs a bounded number of reads however it came about, and a
//! recall is one write however much was made of what is recalled.
#![no_std]
use esker_components::access::roles::{AccessControl, DEFAULT_ADMIN_ROLE, Error as RoleError, IAccessControl};
use esker_sdk::{abi, prelude::*};

/// Who registers lots, and makes other products of them.
pub const PRODUCER: B256 = FixedBytes(abi::keccak256(b"PRODUCER"));
/// Who says what lots are like, and recalls them.
pub const INSPECTOR: B256 = FixedBytes(abi::keccak256(b"INSPECTOR"));

/// Most lots that one is made of at a time.
pub const MOST_INPUTS: usize = 8;
/// Most lots that one may descend from.
pub const MOST_ANCESTORS: usize = 64;
/// Most bytes of a product's name.
pub const MOST_NAME_BYTES: usize = 64;

/// Lots of goods. What a unit of quantity is, products agree upon outside.
#[contract]
pub mod supply_chain {
    use super::*;

    /// What the last inspection said.
    #[derive(Abi, Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Inspection {
        /// There was none.
        None,
        /// All is well.
        Passed,
        /// It is not.
        Failed,
    }

    /// A lot.
    #[derive(Abi, Stored, Clone, Debug, PartialEq, Eq)]
    pub struct Lot {
        /// What it is of.
        pub product: String,
        /// Who has it.
        pub holder: Address,
        /// Since when it exists, in seconds.
        pub made_at: u64,
        /// What the last inspection said.
        pub inspection: Inspection,
        /// Whether it was recalled itself.
        pub is_recalled: bool,
        /// Who registered it or made it.
        pub producer: Address,
        /// To whom it is on its way; zero while it rests.
        pub addressee: Address,
        /// How much it was.
        pub quantity: U256,
        /// How much of it was not made into other lots.
        pub left: U256,
        /// The hash of what the producer has to say of it.
        pub document: B256,
    }

    /// How much of another lot went into a lot.
    #[derive(Abi, Stored)]
    pub struct Input {
        /// The other lot.
        pub lot: U256,
        /// How much of it.
        pub quantity: U256,
    }

    /// Where a lot comes from.
    #[derive(Abi, Stored)]
    pub struct Origin {
        /// What it was made of.
        pub inputs: Vec<Input>,
        /// All lots that it descends from, in the order of their ids, each once.
        pub ancestors: Vec<u64>,
    }

    /// All lots, whose ids begin with 1.
    #[storage]
    pub struct SupplyChain {
        #[flatten]
        #[expose]
        roles: AccessControl,
        count: Cell<u64>,
        lots: Map<u64, Lot>,
        origins: Map<u64, Origin>,
        /// A bit for each lot that was recalled or failed its last inspection, 256 to a slot.
        warnings: Map<u64, U256>,
    }

    /// There is a new lot. What it was made of, if anything, is told by `Consumed` before this.
    #[event]
    pub struct Registered {
        #[indexed]
        pub lot: U256,
        #[indexed]
        pub producer: Address,
        pub product: String,
        pub quantity: U256,
        pub document: B256,
    }

    /// So much of `lot` went into the lot `into`.
    #[event]
    #[rustfmt::skip]
    pub struct Consumed { #[indexed] pub lot: U256, #[indexed] pub into: U256, pub quantity: U256 }

    /// `lot` is on its way; it is still its sender's.
    #[event]
    #[rustfmt::skip]
    pub struct Shipped { #[indexed] pub lot: U256, #[indexed] pub from: Address, #[indexed] pub to: Address }

    /// `lot` is its addressee's now, with `quantity` left of it.
    #[event]
    #[rustfmt::skip]
    pub struct Received { #[indexed] pub lot: U256, #[indexed] pub from: Address, #[indexed] pub to: Address, pub quantity: U256 }

    /// `lot` stays where it was.
    #[event]
    #[rustfmt::skip]
    pub struct ShipmentCancelled { #[indexed] pub lot: U256, #[indexed] pub from: Address, #[indexed] pub to: Address }

    /// Somebody looked at `lot`; `document` is the hash of what they found.
    #[event]
    #[rustfmt::skip]
    pub struct Inspected { #[indexed] pub lot: U256, #[indexed] pub inspector: Address, pub passed: bool, pub document: B256 }

    /// Nothing that `lot` is in is safe any more.
    #[event]
    #[rustfmt::skip]
    pub struct Recalled { #[indexed] pub lot: U256, #[indexed] pub by: Address }

    /// What can go wrong.
    #[error]
    #[rustfmt::skip]
    pub enum Error {
        /// There is no such lot.
        NoLot { lot: U256 },
        /// A product has a name, of at most [`MOST_NAME_BYTES`] bytes.
        InvalidProduct,
        /// Nothing is no quantity.
        InvalidQuantity,
        /// A lot is made of others, of at most [`MOST_INPUTS`].
        InvalidInputs { count: U256 },
        /// A lot goes to somebody else.
        InvalidReceiver { to: Address },
        /// It is somebody else's.
        NotHolder { lot: U256, caller: Address },
        /// It is not on its way to the caller.
        NotAddressee { lot: U256, caller: Address },
        /// It is on its way to somebody.
        InTransit { lot: U256, to: Address },
        /// It is not on its way.
        NotInTransit { lot: U256 },
        /// All of it went into other lots.
        UsedUp { lot: U256 },
        /// There is less of it.
        TooLittle { lot: U256, left: U256, quantity: U256 },
        /// There is another quantity left of it than the caller counts on.
        QuantityChanged { lot: U256, left: U256 },
        /// Dividing and joining lots of one product leaves as much as there was.
        NotConserved { quantity: U256 },
        /// It would descend from more than [`MOST_ANCESTORS`].
        TooManyAncestors,
        /// Its producer and inspectors may.
        CannotRecall { lot: U256, caller: Address },
        /// It was recalled.
        AlreadyRecalled { lot: U256 },
        /// The caller's role does not allow it.
        #[from] Role(RoleError),
    }
    use Error::*;

    /// Making lots.
    impl SupplyChain {
        /// The deployer says who is what.
        #[constructor]
        pub fn new(&mut self, cx: &mut Context) {
            self.roles.grant(cx, DEFAULT_ADMIN_ROLE, cx.sender());
        }

        /// Registers a lot that is made of no other; `document` is the hash of what there is to say of it. Gives its id.
        #[only(roles.role(PRODUCER))]
        #[returns(lot)]
        pub fn register(
            &mut self,
            cx: &mut Context,
            product: &str,
            quantity: U256,
            document: B256,
        ) -> Result<U256, Error> {
            self.create(cx, product, quantity, document).map(U256::from)
        }

        /// Makes a new lot of quantities of the caller's. Who has lots may divide and join them while product and quantity
        /// stay the same; only producers make something else. Gives the new lot's id.
        #[returns(lot)]
        pub fn transform(
            &mut self,
            cx: &mut Context,
            inputs: &[(U256, U256)],
            product: &str,
            quantity: U256,
            document: B256,
        ) -> Result<U256, Error> {
            let count = inputs.len();
            ensure!(count > 0 && count <= MOST_INPUTS, InvalidInputs { count: U256::from(count as u64) });
            // There is no lot of that id before all inputs are taken, so it is none of them.
            let made = U256::from(self.count.get() + 1);
            let (mut origin, mut is_alike) = (Origin { inputs: Vec::new(), ancestors: Vec::new() }, true);
            for &(lot, quantity) in inputs {
                let id = self.consume(cx, lot, quantity, made)?;
                is_alike &= self.lots.at(id).product.get() == product;
                origin.inputs.push(Input { lot, quantity });
                for ancestor in self.origins.at(id).ancestors.iter().chain([id]) {
                    include(&mut origin.ancestors, ancestor)?;
                }
            }
            if is_alike {
                let all = inputs.iter().try_fold(U256::ZERO, |sum, input| sum.checked_add(input.1));
                ensure!(all == Some(quantity), NotConserved { quantity });
            } else {
                self.roles.only_role(cx, PRODUCER)?;
            }
            let id = self.create(cx, product, quantity, document)?;
            self.origins.set(id, origin);
            Ok(made)
        }
    }

    /// Handing lots over.
    impl SupplyChain {
        /// Sends a lot of the caller's to somebody, who has it as soon as they say that they have received it. Until then
        /// nothing is made of it.
        pub fn ship(&mut self, cx: &mut Context, lot: U256, to: Address) -> Result<(), Error> {
            let (id, from) = (self.resting(cx, lot)?, cx.sender());
            ensure!(!to.is_zero() && to != from, InvalidReceiver { to });
            ensure!(self.lots.at(id).left.get() > 0, UsedUp { lot });
            self.lots.at_mut(id).addressee.set(to);
            cx.emit(Shipped { lot, from, to });
            Ok(())
        }

        /// Takes a shipment back that was not received.
        pub fn cancel_shipment(&mut self, cx: &mut Context, lot: U256) -> Result<(), Error> {
            let id = self.held(cx, lot)?;
            let to = self.lots.at_mut(id).addressee.replace(Address::ZERO);
            ensure!(!to.is_zero(), NotInTransit { lot });
            cx.emit(ShipmentCancelled { lot, from: cx.sender(), to });
            Ok(())
        }

        /// Takes over a lot that is on its way to the caller, with whatever is left of it.
        pub fn receive_lot(&mut self, cx: &mut Context, lot: U256) -> Result<(), Error> {
            let (id, to) = (self.known(lot)?, cx.sender());
            let mut place = self.lots.at_mut(id);
            let addressee = place.addressee.replace(Address::ZERO);
            ensure!(!addressee.is_zero(), NotInTransit { lot });
            ensure!(addressee == to, NotAddressee { lot, caller: to });
            let (from, quantity) = (place.holder.replace(to), place.left.get());
            cx.emit(Received { lot, from, to, quantity });
            Ok(())
        }

        /// As [`Self::receive_lot`], if just `quantity` is left of it: a sender who takes the shipment back, uses some of
        /// the lot and sends it again before this arrives gets nothing accepted.
        pub fn receive_exactly(&mut self, cx: &mut Context, lot: U256, quantity: U256) -> Result<(), Error> {
            let left = self.lots.at(self.known(lot)?).left.get();
            ensure!(left == quantity, QuantityChanged { lot, left });
            self.receive_lot(cx, lot)
        }
    }

    /// Warning of lots.
    impl SupplyChain {
        /// Says what a lot is like; `document` is the hash of the findings. While the last word is that it failed, neither
        /// it nor what is made of it is safe.
        #[only(roles.role(INSPECTOR))]
        pub fn inspect(&mut self, cx: &mut Context, lot: U256, passed: bool, document: B256) -> Result<(), Error> {
            let id = self.known(lot)?;
            self.lots.at_mut(id).inspection.set(if passed { Inspection::Passed } else { Inspection::Failed });
            self.warn(id);
            cx.emit(Inspected { lot, inspector: cx.sender(), passed, document });
            Ok(())
        }

        /// Recalls a lot, for good. Its producer may, also one who is no producer any more, and every inspector.
        pub fn recall(&mut self, cx: &mut Context, lot: U256) -> Result<(), Error> {
            let (id, by) = (self.known(lot)?, cx.sender());
            let is_its = by == self.lots.at(id).producer.get();
            ensure!(is_its || self.roles.has_role(INSPECTOR, by), CannotRecall { lot, caller: by });
            ensure!(!self.lots.at_mut(id).is_recalled.replace(true), AlreadyRecalled { lot });
            self.warn(id);
            cx.emit(Recalled { lot, by });
            Ok(())
        }
    }

    /// What anybody may ask.
    #[rustfmt::skip]
    impl SupplyChain {
        /// The role of those who register lots.
        pub fn producer_role() -> B256 { PRODUCER }
        /// The role of those who inspect lots.
        pub fn inspector_role() -> B256 { INSPECTOR }
        /// How many lots there are; their ids begin with 1.
        pub fn count(&self) -> u64 { self.count.get() }
        /// A lot as it stands.
        pub fn lot(&self, lot: U256) -> Result<Lot, Error> { Ok(self.lots.get(self.known(lot)?)) }
        /// What a lot was made of.
        pub fn inputs_of(&self, lot: U256) -> Result<Vec<Input>, Error> { Ok(self.origins.get(self.known(lot)?).inputs) }
        /// All lots that a lot descends from, in the order of their ids.
        pub fn ancestors_of(&self, lot: U256) -> Result<Vec<u64>, Error> { Ok(self.origins.get(self.known(lot)?).ancestors) }
        /// Whether neither the lot nor any that it descends from was recalled or failed its last inspection.
        pub fn is_safe(&self, lot: U256) -> Result<bool, Error> {
            let id = self.known(lot)?;
            Ok(!self.origins.at(id).ancestors.iter().chain([id]).any(|id| self.is_warned_of(id)))
        }
    }

    impl SupplyChain {
        fn known(&self, lot: U256) -> Result<u64, Error> {
            let id = lot.to_u64().filter(|id| (1..=self.count.get()).contains(id));
            id.ok_or(NoLot { lot })
        }

        fn held(&self, cx: &Context, lot: U256) -> Result<u64, Error> {
            let id = self.known(lot)?;
            ensure!(self.lots.at(id).holder.get() == cx.sender(), NotHolder { lot, caller: cx.sender() });
            Ok(id)
        }

        fn resting(&self, cx: &Context, lot: U256) -> Result<u64, Error> {
            let id = self.held(cx, lot)?;
            let to = self.lots.at(id).addressee.get();
            ensure!(to.is_zero(), InTransit { lot, to });
            Ok(id)
        }

        fn create(&mut self, cx: &mut Context, product: &str, quantity: U256, document: B256) -> Result<u64, Error> {
            ensure!(!product.is_empty() && product.len() <= MOST_NAME_BYTES, InvalidProduct);
            ensure!(quantity > 0, InvalidQuantity);
            let (id, producer, product) = (self.count.add(1), cx.sender(), String::from(product));
            self.lots.set(
                id,
                Lot {
                    product: product.clone(),
                    holder: producer,
                    made_at: cx.timestamp(),
                    inspection: Inspection::None,
                    is_recalled: false,
                    producer,
                    addressee: Address::ZERO,
                    quantity,
                    left: quantity,
                    document,
                },
            );
            cx.emit(Registered { lot: U256::from(id), producer, product, quantity, document });
            Ok(id)
        }

        fn consume(&mut self, cx: &mut Context, lot: U256, quantity: U256, into: U256) -> Result<u64, Error> {
            let id = self.resting(cx, lot)?;
            ensure!(quantity > 0, InvalidQuantity);
            let left = self.lots.at_mut(id).left.try_sub(quantity);
            left.map_err(|left| TooLittle { lot, left, quantity })?;
            cx.emit(Consumed { lot, into, quantity });
            Ok(id)
        }

        fn is_warned_of(&self, id: u64) -> bool {
            self.warnings.get(id / 256) & bit(id) != 0
        }

        /// Sets the lot's bit, or clears it, as its record says.
        fn warn(&mut self, id: u64) {
            let lot = self.lots.at(id);
            let is_bad = lot.is_recalled.get() || lot.inspection.get() == Inspection::Failed;
            self.warnings.at_mut(id / 256).update(|bits| if is_bad { bits | bit(id) } else { bits & !bit(id) });
        }
    }

    /// A lot's bit among those of its slot.
    fn bit(id: u64) -> U256 {
        U256::ONE << (id % 256) as u32
    }

    /// Puts an id into its place in a sorted set. The bound holds at every step, so there is never much to move.
    fn include(ids: &mut Vec<u64>, id: u64) -> Result<(), Error> {
        if let Err(place) = ids.binary_search(&id) {
            ensure!(ids.len() < MOST_ANCESTORS, TooManyAncestors);
            ids.insert(place, id);
        }
        Ok(())
    }
}
pub use supply_chain::*;
