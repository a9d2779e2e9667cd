//! What the probe passes around, and what lies outside its module on purpose.

use esker_sdk::prelude::*;

/// What the probe has in common with others.
#[interface]
pub trait Counts {
    type Error: ContractError;
    #[name = "tally"]
    #[returns(total)]
    fn count_up(&mut self, cx: &mut Context, by: U256) -> Result<U256, Self::Error>;
    #[payable]
    fn feed(&mut self, cx: &Context);
}

#[derive(Abi, Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub maker: Address,
    pub amounts: Vec<U256>,
    pub memo: String,
    pub side: Side,
}

#[derive(Abi, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Buy,
    Sell,
}

/// A message that is signed and passed as an argument.
#[derive(Abi, Eip712, Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    pub from: Person,
    pub to: Person,
    pub contents: String,
}

#[derive(Abi, Eip712, Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub name: String,
    pub wallet: Address,
}

/// Lies inside the probe's storage.
#[storage]
pub struct Entry {
    pub small: Cell<u16>,
    pub note: Text,
    pub rows: List<u8>,
    pub lock: Cell<bool>,
}

/// What a shrink took away.
#[derive(Abi, Clone, Debug, PartialEq, Eq)]
pub struct Option2 {
    pub some: bool,
    pub tag: FixedBytes<3>,
    pub swapped: u8,
}

/// Which calls came back.
#[derive(Abi, Clone, Debug, PartialEq, Eq)]
pub struct CallKinds {
    pub call: bool,
    pub fixed: bool,
    pub view: bool,
    pub delegate: bool,
}

/// Every operation of two numbers.
pub(crate) fn arithmetic(a: U256, b: U256, m: U256, shift: u32) -> Vec<U256> {
    let (quotient, remainder) = a.checked_div_rem(b).unwrap_or_default();
    let compared = [a < b, a <= b, a > b, a >= b, a == b, a.cmp(&b).is_lt(), a.cmp(&b).is_gt(), a.is_zero()];
    let wide = 5 << 64;
    let literals = [a < wide, a <= wide, a > wide, a >= wide, a == wide, a > 0, a != 3, a < u128::MAX];
    let bits = |facts: &[bool]| facts.iter().fold(0u64, |bits, fact| bits << 1 | u64::from(*fact));
    vec![
        U256::from(bits(&compared)),
        U256::from(bits(&literals)),
        a.wrapping_add(b),
        a.wrapping_sub(b),
        a.wrapping_mul(b),
        quotient,
        remainder,
        a.add_mod(b, m),
        a.mul_mod(b, m),
        a.wrapping_pow(b),
        a << shift,
        a >> shift,
        a & b | !m,
        U256::from(a.bits()),
        a.checked_mul(b).unwrap_or_default(),
        a.checked_add(b).unwrap_or_default(),
        a.checked_sub(b).unwrap_or_default(),
    ]
}

/// In no contract's ABI.
#[event]
pub struct Unheard {
    #[indexed]
    pub number: u8,
    pub note: String,
}

/// In no contract's ABI.
#[error]
pub struct Undeclared {
    pub number: u8,
}

/// One of the token's errors, as somebody else declares it.
#[error]
#[name = "ERC20InvalidReceiver"]
pub struct InvalidReceiver {
    pub receiver: Address,
}

/// Outside the contract's module, where nothing sees that the contract emits this.
pub(crate) fn emit_undeclared(cx: &mut Context) {
    cx.emit(Unheard { number: 7, note: "quietly".into() });
}

/// Out of the contract's sight as well.
pub(crate) fn revert_undeclared() {
    Undeclared { number: 7 }.revert()
}

pub(crate) fn undeclared() -> Vec<u8> {
    Undeclared { number: 7 }.encode()
}
