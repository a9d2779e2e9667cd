//! Bread that is followed back to the fields, and a field that something was wrong with.

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{B256, U256, keccak256};

use super::economy::{Contract, Economy, hold, nth, values};
use crate::demo::{DemoError, SessionError};

/// Who grows wheat, and who grinds it: the first half of the farms delivers to the first mill.
const FARMS: std::ops::Range<usize> = 1..7;
const MILLS: std::ops::Range<usize> = 7..9;
/// Who bakes: the first half buys of the first mill.
const BAKERS: std::ops::Range<usize> = 9..13;
const INSPECTOR: usize = 13;
/// What a farm harvests, and a baker buys.
const HARVEST: u64 = 1_000;
const SACK: u64 = 1_200;
/// Where a lot says how much is left of it.
const LEFT: usize = 8;

/// The chain of hands, and what was made.
pub(super) struct Goods {
    chain: Contract,
    /// Lots of bread, in the order of their bakers.
    bread: Vec<U256>,
    flour: Vec<U256>,
}

impl Goods {
    /// From the fields to the bakers; then a field's wheat is recalled.
    pub(super) async fn make(economy: &mut Economy<'_>) -> Result<Self, DemoError> {
        economy.begin("Following goods from hand to hand");
        let chain = economy.deploy("SupplyChain", values![]).await?;
        for who in FARMS.chain(MILLS).chain(BAKERS) {
            let producer = economy.person(who);
            economy.act(0, &chain, "grantRole", values![keccak256("PRODUCER"), producer]).await?;
        }
        let inspector = economy.person(INSPECTOR);
        economy.act(0, &chain, "grantRole", values![keccak256("INSPECTOR"), inspector]).await?;
        let mut this = Self { chain, bread: Vec::new(), flour: Vec::new() };

        let mut wheat = Vec::new();
        for (farm, index) in FARMS.zip(0..) {
            let lot = this.new_lot(economy, farm, "register", [], "wheat", HARVEST).await?;
            this.hand_over(economy, lot, farm, MILLS.start + index / (FARMS.len() / MILLS.len())).await?;
            wheat.push(lot);
        }
        for (mill, grain) in MILLS.zip(wheat.chunks(FARMS.len() / MILLS.len())) {
            let grain = grain.iter().map(|lot| (*lot, HARVEST));
            let lot = this.new_lot(economy, mill, "transform", grain, "flour", HARVEST * 3).await?;
            this.flour.push(lot);
        }
        for (baker, index) in BAKERS.zip(0..) {
            let of = index / (BAKERS.len() / MILLS.len());
            let mill = MILLS.start + of;
            let sack = [(this.flour[of], SACK)];
            let sack = this.new_lot(economy, mill, "transform", sack, "flour", SACK).await?;
            this.hand_over(economy, sack, mill, baker).await?;
            let bread = this.new_lot(economy, baker, "transform", [(sack, SACK)], "bread", SACK * 2).await?;
            economy.act(INSPECTOR, &this.chain, "inspect", values![bread, true, B256::ZERO]).await?;
            this.bread.push(bread);
        }
        let stolen = values![this.bread[0], economy.person(0)];
        economy.fail(0, &this.chain, "ship", stolen, "NotHolder").await?;
        hold(this.safe(economy).await? == [true; 4], || "bread that was inspected is not safe".into())?;
        economy.act(FARMS.start, &this.chain, "recall", values![wheat[0]]).await?;
        economy.settle().await?;
        economy.fact(&format!(
            "{} lots of bread, of {} of wheat, one of which is recalled",
            this.bread.len(),
            wheat.len()
        ));
        Ok(this)
    }

    /// A lot that somebody makes, of these quantities of others if it is made of any.
    async fn new_lot(
        &self,
        economy: &mut Economy<'_>,
        who: usize,
        method: &str,
        of: impl IntoIterator<Item = (U256, u64)>,
        product: &str,
        quantity: u64,
    ) -> Result<U256, SessionError> {
        let pair = |(lot, quantity): (U256, u64)| DynSolValue::Tuple(values![lot, U256::from(quantity)].to_vec());
        let inputs: Vec<DynSolValue> = of.into_iter().map(pair).collect();
        let mut arguments = if method == "transform" { vec![DynSolValue::Array(inputs)] } else { Vec::new() };
        arguments.extend_from_slice(values![product.to_owned(), U256::from(quantity), keccak256(product)]);
        economy.act(who, &self.chain, method, &arguments).await?;
        // Ids are counted, and nobody else makes lots meanwhile.
        economy.settle().await?;
        economy.number(&self.chain, "count", values![]).await
    }

    /// Somebody sends a lot, and somebody else says that it came.
    async fn hand_over(
        &self,
        economy: &mut Economy<'_>,
        lot: U256,
        from: usize,
        to: usize,
    ) -> Result<(), SessionError> {
        let addressee = economy.person(to);
        economy.act(from, &self.chain, "ship", values![lot, addressee]).await?;
        economy.settle().await?;
        economy.act(to, &self.chain, "receiveLot", values![lot]).await?;
        economy.settle().await
    }

    /// Which bread is safe.
    async fn safe(&self, economy: &Economy<'_>) -> Result<Vec<bool>, SessionError> {
        let mut safe = Vec::new();
        for lot in &self.bread {
            safe.push(economy.ask(&self.chain, "isSafe", values![*lot]).await? == [DynSolValue::Bool(true)]);
        }
        Ok(safe)
    }

    /// All bread of the wheat that was recalled is unsafe, and no other; and no flour came from nowhere.
    pub(super) async fn check(&self, economy: &Economy<'_>) -> Result<Vec<String>, SessionError> {
        let safe = self.safe(economy).await?;
        hold(safe == [false, false, true, true], || format!("of the bread is safe: {safe:?}"))?;
        for lot in &self.flour {
            let found = economy.ask(&self.chain, "lot", values![*lot]).await?;
            let fields = found.first().and_then(DynSolValue::as_tuple).unwrap_or_default();
            let left = U256::from(HARVEST * 3 - SACK * 2);
            hold(nth(fields, LEFT) == Some(left), || format!("{left} of lot {lot} are left, and it says {fields:?}"))?;
        }
        Ok(vec!["a recall reached all that was made of it, and nothing else".into()])
    }
}
