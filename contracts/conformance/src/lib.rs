//! A contract that uses everything the SDK offers: its tests compare native runs with the real VM.
//!
//! It imports another contract as a library, so that building it shows that only one of them exports entry points.
#![no_std]
#![allow(missing_docs, clippy::type_complexity, reason = "only this crate's tests call these methods")]
use esker_sdk::prelude::*;

mod values;
pub use values::*;

/// The probe.
#[contract(erc165)]
pub mod probe {
    #![allow(clippy::needless_pass_by_value, reason = "arguments are decoded for the method alone")]
    use super::*;
    use esker_erc20::{Erc20Handle, Error as TokenError, Transfer};

    /// The probe's storage.
    #[storage]
    pub struct Probe {
        flag: Cell<bool>,
        small: Cell<i16>,
        owner: Cell<Address>,
        tag: Cell<FixedBytes<4>>,
        side: Cell<Side>,
        odd: Cell<Uint<24>>,
        wide: Cell<i128>,
        visits: TransientCell<u32>,
        entry: Entry,
        entries: Map<(Address, U256), Entry>,
        names: Map<String, Text>,
        blobs: List<Blob>,
        triples: List<FixedBytes<3>>,
        fixed: Array<u64, 5>,
        total: Cell<U256>,
        reserve: Cell<Uint<112>>,
        tick: Cell<Int<24>>,
        debt: Cell<I256>,
        by_id: Map<u64, U256>,
        by_odd: Map<(Uint<24>, String), i64>,
        answer: Blob,
    }

    type Fallible<T> = Result<T, Error>;

    #[event]
    pub struct Noted {
        #[indexed]
        pub by: Address,
        #[indexed]
        pub memo: String,
        #[indexed]
        pub code: i16,
        pub text: String,
        pub numbers: Vec<U256>,
    }

    #[event(anonymous)]
    pub struct Quiet {
        #[indexed]
        pub a: FixedBytes<2>,
        pub b: bool,
    }

    #[error]
    pub enum Error {
        Wrong {
            what: String,
            numbers: Vec<u64>,
        },
        Nothing,
        #[from]
        Token(TokenError),
        Other(Bytes),
    }

    impl Counts for Probe {
        type Error = Error;

        fn count_up(&mut self, cx: &mut Context, by: U256) -> Result<U256, Self::Error> {
            ensure!(by > 0, Error::Nothing);
            cx.emit(Quiet { a: FixedBytes([3, 4]), b: false });
            Ok(self.total.add(by) + 1_000)
        }

        #[payable]
        fn feed(&mut self, cx: &Context) {
            self.total.add(cx.value());
        }
    }

    impl Probe {
        #[constructor]
        #[payable]
        pub fn new(&mut self, cx: &mut Context, order: Order) {
            self.owner.set(cx.sender());
            self.side.set(order.side);
            self.total.set(cx.value());
            let numbers = order.amounts;
            cx.emit(Noted { by: order.maker, memo: order.memo.clone(), code: -3, text: order.memo, numbers });
        }

        pub fn echo(
            order: Order,
            list: Vec<(u64, String)>,
            grid: [[i32; 2]; 3],
            raw: &[u8],
        ) -> (Order, Vec<(u64, String)>, [[i32; 2]; 3], Bytes) {
            (order, list, grid, raw.into())
        }

        pub fn numbers(
            a: u8,
            b: i64,
            c: u128,
            d: I256,
            e: Uint<24>,
            f: FixedBytes<5>,
        ) -> (u8, i64, u128, I256, Uint<24>, FixedBytes<5>) {
            (a, b, c, d, e, f)
        }

        /// Fails, or computes, in one of many ways.
        pub fn fail(&self, which: u8, number: u32, text: &str) -> Result<U256, Error> {
            let list = [3u8, 1, 2];
            Ok(match which {
                0 => return Err(Error::Wrong { what: text.into(), numbers: vec![1, number.into()] }),
                1 => return Err(Error::Nothing),
                2 => return Err(TokenError::ERC20InvalidSender { sender: self.owner.get() }.into()),
                3 => return Err(Error::Other(Bytes(text.as_bytes().to_vec()))),
                4 => panic!("on purpose"),
                5 => (number + u32::MAX).into(),
                6 => (5 - number).into(),
                7 => (number * 3_000_000_000).into(),
                8 => (100 / number).into(),
                9 => (100 % number).into(),
                10 => list[number as usize].into(),
                11 => u8::try_from(number).expect("fits in a byte").into(),
                12 => U256::MAX + U256::from(number),
                13 => U256::ZERO - U256::from(number),
                14 => U256::MAX * U256::from(number),
                15 => U256::from(100u8) / U256::from(number),
                16 => U256::from(100u8) % U256::from(number),
                17 => self.fixed.get(number as usize).into(),
                18 => self.triples.get(number.into()).0[0].into(),
                19 => (1u64 << number).into(),
                20 => {
                    assert!(number == 7);
                    U256::ONE
                }
                21 => {
                    require!(number == 7, "not seven");
                    U256::ONE
                }
                22 => (-(i32::MIN + number as i32)).unsigned_abs().into(),
                23 => text.parse().ok().unwrap_or(U256::MAX),
                24 => unreachable!(),
                28 => panic!("attempt to enter"),
                25 => text.get(1..3).unwrap_or("nothing").len().into(),
                26 => text[number as usize..].len().into(),
                _ => U256::from(number),
            })
        }

        pub fn arithmetic(a: U256, b: U256, m: U256, shift: u32) -> Vec<U256> {
            super::values::arithmetic(a, b, m, shift)
        }

        pub fn fill(&mut self, cx: &mut Context, text: &str, count: u64) {
            self.flag.set(true);
            self.small.set(-2i16);
            self.tag.set([1, 2, 3, 4]);
            self.side.set(Side::Sell);
            self.odd.set(Uint::new(0x0a0b0c).unwrap_or_default());
            self.wide.set(-5i128);
            self.entry.note.set(text);
            self.entry.small.set(count as u16);
            for index in 0..count {
                self.entry.rows.push(index as u8);
                self.triples.push([index as u8, 0, 1]);
                self.blobs.grow().set(text.as_bytes());
                self.fixed.set((index % 5) as usize, index);
            }
            let mut entry = self.entries.at_mut((cx.sender(), U256::from(count)));
            entry.note.set(text);
            entry.lock.set(true);
            self.names.at_mut(text).set("named");
            self.total.add(U256::from(count));
        }

        pub fn read(
            &self,
            cx: &Context,
            text: &str,
            count: u64,
        ) -> (bool, i16, FixedBytes<4>, u32, i128, String, Bytes, String) {
            let entry = self.entries.at((cx.sender(), U256::from(count)));
            (
                self.flag.get() && entry.lock.get(),
                self.small.get(),
                self.tag.get(),
                self.odd.get().get().to_u64().unwrap_or_default() as u32 + u32::from(self.side.get() == Side::Sell),
                self.wide.get(),
                entry.note.get(),
                self.entry.rows.to_vec().into(),
                self.names.at(text).get(),
            )
        }

        pub fn shrink(&mut self, text: &str) -> Option2 {
            self.entry.note.set(text);
            let popped = self.triples.pop();
            self.blobs.shrink();
            self.blobs.at_mut(0).set(b"x");
            let swapped = self.entry.rows.swap_remove(0);
            self.fixed.clear();
            Option2 { some: popped.is_some(), tag: popped.unwrap_or_default(), swapped }
        }

        pub fn clear(&mut self) {
            self.entry.clear();
            self.triples.clear();
            self.blobs.clear();
        }

        pub fn note(&mut self, cx: &mut Context, memo: String, numbers: Vec<U256>) {
            cx.emit(Noted { by: cx.sender(), memo: memo.clone(), code: i16::MIN, text: memo, numbers });
            cx.emit(Quiet { a: FixedBytes([1, 2]), b: true });
            cx.emit_raw(&[B256::repeat_byte(7)], b"raw");
            cx.emit_raw(&[], &[]);
        }

        pub fn surroundings(&self, cx: &Context) -> (Vec<Address>, Vec<U256>, Vec<B256>) {
            (
                vec![cx.sender(), cx.origin(), cx.address(), cx.coinbase()],
                vec![
                    cx.value(),
                    cx.gas_price(),
                    cx.base_fee(),
                    cx.balance(cx.address()),
                    cx.block_number().into(),
                    cx.timestamp().into(),
                    cx.block_gas_limit().into(),
                    cx.chain_id().into(),
                    U256::from(cx.gas_left() > 0),
                    U256::from(cx.is_reentrant()),
                    cx.input().len().into(),
                    U256::from(cx.code_size(cx.address()) > 0),
                    cx.code_size(Address::repeat_byte(0xee)).into(),
                ],
                vec![
                    cx.block_hash(cx.block_number().saturating_sub(1)),
                    cx.block_hash(cx.block_number()),
                    cx.prevrandao(),
                    cx.code_hash(Address::repeat_byte(0xee)),
                ],
            )
        }

        pub fn hashes(&self, data: &[u8]) -> (B256, B256, FixedBytes<20>) {
            (crypto::keccak256(data), crypto::sha256(data), crypto::ripemd160(data))
        }

        pub fn signatures(
            &self,
            hash: B256,
            v: u8,
            r: B256,
            s: B256,
            key: B256,
            message: &[u8],
        ) -> (Address, bool, bool) {
            let mut both = [0; 64];
            both[..32].copy_from_slice(&r.0);
            both[32..].copy_from_slice(&s.0);
            (
                crypto::ecrecover(hash, v, r, s).unwrap_or_default(),
                crypto::ed25519_verify(&key.0, &both, message),
                crypto::p256_verify(&hash, &both, &both),
            )
        }

        /// The curves' operations, each on the given input repeated to its size; results one after the other.
        pub fn curves(&self, input: &[u8]) -> Vec<Bytes> {
            fn repeated<const N: usize>(input: &[u8]) -> [u8; N] {
                core::array::from_fn(|index| input.get(index % input.len().max(1)).copied().unwrap_or_default())
            }
            fn shown<const N: usize>(output: Option<[u8; N]>) -> Bytes {
                output.map_or(Bytes::new(), |bytes| Bytes(bytes.to_vec()))
            }
            fn judged(output: Option<bool>) -> Bytes {
                output.map_or(Bytes::new(), |is_one| Bytes(vec![u8::from(is_one)]))
            }
            vec![
                shown(crypto::bn254_add(&repeated(input))),
                shown(crypto::bn254_mul(&repeated(input))),
                judged(crypto::bn254_pairing(&repeated::<192>(input))),
                judged(crypto::bn254_pairing(&[])),
                judged(crypto::bn254_pairing(&[1])),
                shown(crypto::bls12_381_g1_add(&repeated(input))),
                shown(crypto::bls12_381_g1_msm(&repeated::<160>(input))),
                shown(crypto::bls12_381_g1_msm(&[])),
                shown(crypto::bls12_381_g2_add(&repeated(input))),
                shown(crypto::bls12_381_g2_msm(&repeated::<288>(input))),
                judged(crypto::bls12_381_pairing(&repeated::<384>(input))),
                shown(crypto::bls12_381_map_fp_to_g1(&repeated(input))),
                shown(crypto::bls12_381_map_fp2_to_g2(&repeated(input))),
            ]
        }

        /// Pays tokens of this contract's own; the token's errors pass through as this contract's.
        pub fn pay(&mut self, cx: &mut Context, token: Address, to: Address, value: U256) -> Result<bool, Error> {
            let token = Erc20Handle::at(token);
            let balance = token.balance_of(cx.address()).call(cx);
            self.total.set(balance);
            match token.transfer(to, value).try_call(cx) {
                Ok(paid) => Ok(paid),
                Err(error) => Err(error.decode::<TokenError>().map_or(Error::Nothing, Error::from)),
            }
        }

        /// The same, with whatever the token reverts with.
        pub fn pay_or_fail(&mut self, cx: &mut Context, token: Address, to: Address, value: U256) -> bool {
            Erc20Handle::at(token).transfer(to, value).gas(200_000).call(cx)
        }

        #[reentrant]
        pub fn descend(&mut self, cx: &mut Context, depth: u8) -> u32 {
            self.visits.set(self.visits.get() + 1);
            if depth > 0 {
                ProbeHandle::from(cx.address()).descend(depth - 1).call(cx);
            }
            self.visits.get()
        }

        pub fn enter_twice(&mut self, cx: &mut Context) -> CallKinds {
            let this = ProbeHandle::from(cx.address());
            let guarded = this.clear();
            let view = this.hashes(b"");
            CallKinds {
                call: cx.call(cx.address(), U256::ZERO, u64::MAX, guarded.input()).is_ok(),
                fixed: cx.static_call(cx.address(), u64::MAX, guarded.input()).is_ok(),
                view: cx.static_call(cx.address(), u64::MAX, view.input()).is_ok(),
                delegate: cx.delegate_call(cx.address(), u64::MAX, guarded.input()).is_ok(),
            }
        }

        /// As a governor does: calls whom the caller says, itself perhaps, and passes on what fails.
        pub fn relay(&mut self, cx: &mut Context, target: Address, input: &[u8]) -> Bytes {
            match cx.call(target, U256::ZERO, u64::MAX, input) {
                Ok(output) => output.into(),
                Err(error) => error.raise(),
            }
        }

        /// As one who unwraps does: is paid by `from` in the middle of a call of its own.
        pub fn collect(&mut self, cx: &mut Context, from: Address, value: U256) -> bool {
            ProbeHandle::from(from).send(cx.address(), value).call(cx)
        }

        pub fn write_in_a_static_call(&self, cx: &Context) -> bool {
            let descend = ProbeHandle::from(cx.address()).descend(0);
            cx.static_call(cx.address(), 100_000, descend.input()).is_ok()
        }

        pub fn send(&mut self, cx: &mut Context, to: Address, value: U256) -> bool {
            cx.send(to, value).is_ok()
        }

        pub fn create(&mut self, cx: &mut Context, payload: &[u8], salt: B256) -> (bool, bool) {
            (cx.create(U256::ZERO, payload).is_ok(), cx.create2(U256::ZERO, payload, salt).is_ok())
        }

        pub fn raw_storage(&mut self, cx: &mut Context, slot: B256, value: B256) -> (B256, B256) {
            cx.storage_store(slot, value);
            cx.transient_store(slot, value);
            (cx.storage_load(slot), cx.transient_load(slot))
        }

        pub fn emit_foreign(&mut self, cx: &mut Context) {
            cx.emit(Transfer { from: cx.sender(), to: cx.address(), value: U256::ONE });
        }

        /// Literals where numbers are wanted.
        pub fn literals(&mut self, x: U256, y: I256, step: Uint<112>) -> (Vec<bool>, U256, I256, Uint<112>, Int<24>) {
            self.total.set(5_000_000_000);
            self.total.add(1);
            self.small.set(0);
            self.small.sub(1);
            self.debt.set(-5_000_000_000);
            self.debt.add(y);
            self.reserve.set(1_000);
            self.reserve.add(step);
            self.tick.set(-100);
            self.tick.add(1);
            self.by_id.set(7, 9);
            self.by_id.at_mut(7).sub(1);
            self.by_odd.set((8, "eight"), -8);
            let facts = vec![x > 0, x == 7, y < -1, self.by_odd.get((8, "eight")) == -8, self.reserve.get() >= 1_007];
            let sum = self.by_id.get(7) + self.total.get() * 2 / 3 % 1_000 + x.pow(2);
            (facts, sum, self.debt.get() - 1, self.reserve.get() * 3 - 1, self.tick.get() + 1)
        }

        pub fn maths(a: U256, b: U256, divisor: U256) -> Vec<U256> {
            vec![
                a.mul_div(b, divisor, Rounding::Floor),
                a.mul_div(b, divisor, Rounding::Ceil),
                a.isqrt(),
                a.saturating_add(b),
                a.saturating_sub(b),
                a.saturating_mul(b),
                a.abs_diff(b),
                a.min(b),
                a.max(b),
                a.checked_div(b).unwrap_or_default(),
                a.checked_rem(b).unwrap_or_default(),
            ]
        }

        pub fn motto(asked: bool) -> Fallible<&'static str> {
            if asked { Ok("what the code holds, in more than thirty-one bytes") } else { Err(Error::Nothing) }
        }

        pub fn constants() -> (U256, Address) {
            (u256!("1e18"), address!("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"))
        }

        /// The digest and who signed it, in a domain of EIP-712's example and in this contract's own.
        pub fn signed(&self, cx: &Context, mail: Mail, v: u8, r: B256, s: B256) -> (B256, Address, B256) {
            let contract = address!("0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC");
            let domain = Eip712Domain::new("Ether Mail", "1", 1, contract);
            let signer = domain.recover(&mail, v, r, s).unwrap_or_default();
            (domain.digest(&mail), signer, Eip712Domain::here(cx, "Probe", "2").separator())
        }

        /// Pays a token that perhaps answers nothing.
        pub fn pay_optionally(&mut self, cx: &mut Context, token: Address, to: Address, value: U256) {
            Erc20Handle::at(token).transfer(to, value).call_optional(cx);
        }

        /// What the token's code makes of this contract's storage.
        pub fn borrow(&mut self, cx: &mut Context, token: Address) -> U256 {
            Erc20Handle::at(token).total_supply().delegate_call(cx)
        }

        /// A name that the handle has for itself.
        pub fn at(&self, index: u64) -> Fallible<U256> {
            ensure!(index < 5, Error::Nothing);
            Ok(self.by_id.get(index))
        }

        #[cfg(any())]
        pub fn not_compiled(&self, argument: Missing) {}

        pub fn wipe(&mut self) {
            self.total.clear();
            self.entry.note.clear();
            self.entry.clear();
            self.reserve.clear();
            self.by_id.at_mut(7).clear();
            self.answer.clear();
        }

        /// Whatever the token fails with is what this fails with.
        pub fn ask(&self, cx: &Context, token: Address) -> Result<U256, Error> {
            Ok(Erc20Handle::at(token).total_supply().try_call(cx)? + 1)
        }

        pub fn ask_plainly(&mut self, cx: &mut Context, token: Address) -> CallResult<bool> {
            Erc20Handle::at(token).transfer(cx.sender(), 1).try_call(cx)
        }

        pub fn refuse(&self) -> bool {
            revert_with(TokenError::ERC20InvalidSpender { spender: self.owner.get() })
        }

        /// Calls anything in such a way that it may change nothing.
        pub fn look(&self, cx: &Context, target: Address, input: &[u8]) -> (u8, Bytes) {
            match cx.static_call(target, 1_000_000, input) {
                Ok(output) => (0, output.into()),
                Err(CallError::Revert(data)) => (1, data.into()),
                Err(_) => (2, Bytes::new()),
            }
        }

        /// What the fallback answers from now on: the first byte says whether it returns (0) or reverts with the rest.
        pub fn answer_with(&mut self, answer: &[u8]) {
            self.answer.set(answer);
        }

        /// Does what depends on the machine's word: 64 bits natively, 32 as wasm. No contract should.
        pub fn depend_on_the_word(&mut self, cx: &mut Context, which: u8, to: Address) -> U256 {
            let bits = usize::BITS;
            match which {
                0 => drop(cx.send(to, bits.into())),
                1 => cx.storage_store(B256::repeat_byte(1), B256::repeat_byte(bits as u8)),
                2 => cx.transient_store(B256::repeat_byte(2), B256::repeat_byte(bits as u8)),
                3 => cx.emit(Transfer { from: to, to, value: bits.into() }),
                4 => drop(cx.call(to, U256::ZERO, u64::MAX, &[bits as u8])),
                5 => (0..bits).step_by(32).for_each(|_| drop(cx.create(U256::ZERO, b"no envelope"))),
                6 => require!(bits == 64, "on a chain"),
                7 => return bits.into(),
                _ => drop(cx.transient_load(B256::ZERO)),
            }
            U256::ZERO
        }

        /// Emits and reverts with what only this function knows of.
        pub fn break_the_abi(&mut self, cx: &mut Context, which: u8, token: Address) {
            match which {
                0 => super::values::emit_undeclared(cx),
                1 => super::values::revert_undeclared(),
                2 => esker_sdk::revert_bytes(&super::values::undeclared()),
                3 => cx.emit_raw(&[B256::repeat_byte(9)], b"unknown to all"),
                _ => {
                    // The token's own error, made anew from what the token reverted with.
                    let failed = Erc20Handle::at(token).transfer(Address::ZERO, 1).try_call(cx);
                    let error = failed.err().and_then(|error| error.decode::<super::InvalidReceiver>());
                    error.unwrap_or(super::InvalidReceiver { receiver: cx.address() }).revert()
                }
            }
        }

        #[receive]
        fn receive(&mut self, cx: &mut Context) {
            self.total.add(cx.value());
        }

        #[fallback]
        #[payable]
        fn fallback(&mut self, cx: &mut Context, input: &[u8]) -> Result<Bytes, Error> {
            ensure!(input != b"fail", Error::Nothing);
            match self.answer.get().split_first() {
                None => {}
                Some((0, output)) => return Ok(output.into()),
                Some((_, data)) => esker_sdk::revert_bytes(data),
            }
            // As a proxy does: the twenty bytes behind `via` are whose code runs here.
            if let Some(rest) = input.strip_prefix(b"via")
                && let Some((target, input)) = rest.split_first_chunk::<20>()
            {
                return match cx.delegate_call(Address(*target), u64::MAX, input) {
                    Ok(output) => Ok(output.into()),
                    Err(error) => error.raise(),
                };
            }
            let mut output = input.to_vec();
            output.sort_unstable();
            output.extend(cx.sender().0);
            Ok(output.into())
        }
    }
}
pub use probe::*;
