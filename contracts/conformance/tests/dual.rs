//! Everything the SDK offers, natively and as wasm: the kit compares return data, errors, logs and storage.

use esker_conformance::{CallKinds, CountsHandle, Error, Mail, Option2, Order, Person, ProbeHandle, Side};
use esker_erc20::{Erc20Handle, Error as TokenError};
use esker_erc721_holder::Erc721HolderHandle as HolderHandle;
use esker_sdk::{
    Address, B256, Bytes, Eip712Domain, FixedBytes, I256, Int, Panic, SafeERC20FailedOperation, U256, Uint, address,
    u256,
};
use esker_sdk_test::{Answer, Chain, End, User};

fn order(by: User) -> Order {
    Order { maker: by.address, amounts: vec![U256::ONE, U256::MAX], memo: "a memo, ünïcode".into(), side: Side::Sell }
}

fn probe(chain: &mut Chain, by: User) -> ProbeHandle {
    chain.deploy(by, ProbeHandle::constructor(order(by)))
}

#[esker_sdk::test]
fn values_of_every_type_come_back_as_they_went(chain: &mut Chain, alice: User) {
    let probe = probe(chain, alice);
    let list = vec![(1, "one".to_owned()), (u64::MAX, String::new())];
    let grid = [[1, -1], [i32::MIN, i32::MAX], [0, 7]];
    let echoed = chain.read(probe.echo(order(alice), list.clone(), grid, b"raw bytes"));
    assert_eq!(echoed, (order(alice), list, grid, Bytes::from(b"raw bytes")));
    let odd = Uint::new(0x00ab_cdef).expect("fits");
    for number in [I256::MIN, I256::MAX, I256::from(-1)] {
        let numbers = (255, i64::MIN, u128::MAX, number, odd, FixedBytes(*b"five!"));
        assert_eq!(chain.read(probe.numbers(255, i64::MIN, u128::MAX, number, odd, FixedBytes(*b"five!"))), numbers);
    }
}

#[esker_sdk::test]
fn every_way_to_fail_fails_alike(chain: &mut Chain, alice: User) {
    let probe = probe(chain, alice);
    // The kit compares what each of these gives.
    for which in 0..=28 {
        for number in [0, 1, 2, 7, 64, 256, u32::MAX] {
            let end = chain.try_read(probe.fail(which, number, "text")).end();
            assert_ne!(end, End::Halt, "{which} with {number} fails in a way that no caller can read");
        }
    }
    chain.try_read(probe.fail(5, 1, "")).panics(Panic::Overflow);
    chain.try_read(probe.fail(6, 6, "")).panics(Panic::Overflow);
    chain.try_read(probe.fail(7, 2, "")).panics(Panic::Overflow);
    chain.try_read(probe.fail(8, 0, "")).panics(Panic::DivisionByZero);
    chain.try_read(probe.fail(9, 0, "")).panics(Panic::DivisionByZero);
    chain.try_read(probe.fail(12, 1, "")).panics(Panic::Overflow);
    chain.try_read(probe.fail(15, 0, "")).panics(Panic::DivisionByZero);
    chain.try_read(probe.fail(17, 5, "")).panics(Panic::IndexOutOfBounds);
    chain.try_read(probe.fail(18, 0, "")).panics(Panic::IndexOutOfBounds);
    chain.try_read(probe.fail(19, 64, "")).panics(Panic::Overflow);
    chain.try_read(probe.fail(21, 0, "")).reverts_with_text("not seven");
    chain.try_read(probe.fail(0, 9, "hm")).reverts(Error::Wrong { what: "hm".into(), numbers: vec![1, 9] });
    chain.try_read(probe.fail(2, 0, "")).reverts(TokenError::ERC20InvalidSender { sender: alice.address });
    chain.try_read(probe.fail(3, 0, "bytes")).reverts(Error::Other(Bytes::from(b"bytes")));
    let source = include_str!("../src/lib.rs");
    let line = |needle: &str| source.lines().position(|line| line.contains(needle)).expect("is in the source") + 1;
    let purpose = format!("src/lib.rs:{}: on purpose", line("panic!(\"on purpose\")"));
    chain.try_read(probe.fail(4, 0, "")).reverts_with_text(&purpose);
    let enter = format!("src/lib.rs:{}: attempt to enter", line("panic!(\"attempt to enter\")"));
    chain.try_read(probe.fail(28, 0, "")).reverts_with_text(&enter);
    chain.try_read(probe.fail(10, 3, "")).reverts_with_text(&format!("src/lib.rs:{}", line("10 => list[")));
    assert_eq!(chain.read(probe.fail(10, 0, "")), 3);
}

#[esker_sdk::test]
fn arithmetic_gives_the_same_numbers(chain: &mut Chain, alice: User) {
    let probe = probe(chain, alice);
    let edges = [
        U256::ZERO,
        U256::from(3),
        U256::from(u64::MAX),
        U256::from_limbs([0, u64::MAX, 1, 0]),
        U256::from_limbs([5, 0, 0, 1 << 63]),
        U256::from_limbs([0, 5, 0, 0]),
        U256::from_limbs([u64::MAX, 0, 1, 0]),
        U256::from_limbs([0, 0, u64::MAX, 0]),
        U256::MAX,
    ];
    for (index, a) in edges.into_iter().enumerate() {
        for b in edges {
            let shift = [0, 1, 63, 64, 127, 128, 200, 255, 256][index];
            chain.read(probe.arithmetic(a, b, edges[8 - index], shift));
        }
    }
}

#[esker_sdk::test]
fn a_text_in_the_code_is_a_string_to_callers(chain: &mut Chain, alice: User) {
    let probe = probe(chain, alice);
    assert_eq!(chain.read(probe.motto(true)), "what the code holds, in more than thirty-one bytes");
    chain.try_read(probe.motto(false)).reverts(Error::Nothing);
}

#[esker_sdk::test]
fn storage_is_written_and_cleared_alike(chain: &mut Chain, alice: User) {
    let probe = probe(chain, alice);
    let long = "a text of more than thirty-one bytes, so that it takes slots of its own";
    for (text, count) in [("short", 3), (long, 40), ("", 1)] {
        chain.send(alice, probe.fill(text, count)).succeeds();
    }
    let (ok, small, tag, odd, wide, note, rows, name) = chain.read(probe.read("", 1));
    // Reads are made by somebody who filled nothing, hence no lock and no note.
    assert_eq!((ok, small, tag.0, odd, wide), (false, -2, [1, 2, 3, 4], 0x0a0b0d, -5));
    assert_eq!((note.as_str(), rows.len(), name.as_str()), ("", 44, "named"));
    let shrunk = chain.send(alice, probe.shrink(long)).returned();
    assert_eq!(shrunk, Option2 { some: true, tag: FixedBytes([0, 0, 1]), swapped: 0 });
    chain.send(alice, probe.clear()).succeeds();
    chain.send(alice, probe.shrink("")).panics(Panic::PopOnEmpty);
    let slot = B256::repeat_byte(0xee);
    let value = B256::repeat_byte(0x11);
    assert_eq!(chain.send(alice, probe.raw_storage(slot, value)).returned(), (value, value));
}

#[esker_sdk::test]
fn events_are_logged_alike(chain: &mut Chain, alice: User) {
    let probe = probe(chain, alice);
    chain.send(alice, probe.note("", Vec::<U256>::new())).succeeds();
    chain.send(alice, probe.note("a longer memo than fits in one single word", vec![U256::MAX; 3])).succeeds();
    chain.send(alice, probe.emit_foreign()).succeeds();
}

#[esker_sdk::test]
fn the_surroundings_look_alike(chain: &mut Chain, alice: User) {
    let probe = probe(chain, alice);
    let (addresses, numbers, hashes) = chain.read(probe.surroundings());
    assert_eq!(addresses[2], probe.address());
    let parent = chain.block_hash(chain.height());
    let preimage = [&parent.0[..], &(chain.height() + 1).to_be_bytes()].concat();
    let prevrandao = B256::from(esker_sdk::abi::keccak256(&preimage));
    assert_eq!(hashes, [parent, B256::ZERO, prevrandao, B256::ZERO]);
    assert_eq!(numbers[8..], [1u64, 0, 4, 1, 0].map(U256::from));
}

#[esker_sdk::test]
fn cryptography_gives_the_same(chain: &mut Chain, alice: User) {
    let probe = probe(chain, alice);
    for data in [&b""[..], b"abc", &[7; 200]] {
        let (keccak, ..) = chain.read(probe.hashes(data));
        assert_eq!(keccak, B256::from(esker_sdk::abi::keccak256(data)));
    }
    // A signature of Ethereum's well-known kind: v, r and s of all ones, which recovers some address, and some that do not.
    for (v, byte) in [(27, 1), (28, 1), (26, 1), (29, 1), (27, 0), (27, 0xff)] {
        let word = B256::repeat_byte(byte);
        chain.read(probe.signatures(B256::repeat_byte(3), v, word, word, word, b"message"));
    }
    // Points at infinity, a point of bn254 (1, 2), and nonsense.
    let mut generator = [0; 64];
    generator[31] = 1;
    generator[63] = 2;
    for input in [&[0][..], &generator, &[0xff], b"nonsense"] {
        chain.read(probe.curves(input));
    }
}

#[esker_sdk::test]
fn calls_of_other_contracts_end_alike(chain: &mut Chain, alice: User, bob: User) {
    let probe = probe(chain, alice);
    let token = chain.deploy(alice, Erc20Handle::constructor("Gold", "GLD", 100));
    chain.send(alice, token.transfer(probe.address(), 10)).succeeds();
    assert!(chain.send(bob, probe.pay(token.address(), bob, 4)).returned());
    let short =
        TokenError::ERC20InsufficientBalance { sender: probe.address(), balance: U256::from(6), needed: U256::from(7) };
    chain.send(bob, probe.pay(token.address(), bob, 7)).reverts(short.clone());
    chain.send(bob, probe.pay_or_fail(token.address(), bob, 7)).reverts(short);
    assert!(chain.send(bob, probe.pay_or_fail(token.address(), bob, 6)).returned());
    // Nobody's code, and a contract that has no such method.
    chain.send(bob, probe.pay_or_fail(bob, bob, 1)).reverts_with_bytes(&[]);
    let mute = chain.mock(Address::repeat_byte(0xee), |_| Answer::Revert(Vec::new()));
    chain.send(bob, probe.pay(mute, bob, 1)).reverts_with_bytes(&[]);
    // It has tokens, and what it answers to a transfer is no bool: nobody can say that nothing was paid.
    let balance = token.balance_of(probe.address());
    let junk = chain.mock(Address::repeat_byte(0xdd), move |called| {
        if called.is(&balance) { Answer::value(&U256::ONE) } else { Answer::Return(vec![1]) }
    });
    chain.send(bob, probe.pay(junk, bob, 1)).reverts_with_bytes(&[]);
}

#[esker_sdk::test]
fn re_entry_is_refused_and_allowed_alike(chain: &mut Chain, alice: User) {
    let probe = probe(chain, alice);
    assert_eq!(chain.send(alice, probe.descend(3)).returned(), 4);
    assert_eq!(chain.send(alice, probe.descend(0)).returned(), 1, "transient values are gone");
    let kinds = chain.send(alice, probe.enter_twice()).returned();
    assert_eq!(kinds, CallKinds { call: true, fixed: false, view: true, delegate: true });
    assert!(!chain.read(probe.write_in_a_static_call()));
}

/// The selector of `ReentrancyGuardReentrantCall()`.
const REENTRANT: [u8; 4] = [0x3e, 0xe5, 0xae, 0xb5];

#[esker_sdk::test]
fn a_contract_calls_itself_and_is_paid_in_the_middle_but_is_not_entered_again(chain: &mut Chain, alice: User) {
    let (probe, other) = (probe(chain, alice), probe(chain, alice));
    // A governor that changes its own settings; also from a frame of its own.
    let own = probe.relay(probe.address(), probe.clear().input());
    chain.send(alice, own.clone()).succeeds();
    chain.send(alice, probe.relay(probe.address(), own.input())).succeeds();
    // Through somebody else the same is a re-entry, and views are not.
    let back = |input: &[u8]| probe.relay(other.address(), other.relay(probe.address(), input).input());
    chain.send(alice, back(probe.clear().input())).reverts_with_bytes(&REENTRANT);
    let behind = probe.relay(probe.address(), back(probe.clear().input()).input());
    chain.send(alice, behind).reverts_with_bytes(&REENTRANT);
    chain.send(alice, back(probe.hashes(b"").input())).succeeds();
    // Unwrapped coins arrive in the middle of the call that unwraps.
    chain.send_raw(alice, other.address(), U256::from(10), &[]).succeeds();
    assert!(chain.send(alice, probe.collect(other.address(), 7)).returned());
    assert_eq!(chain.balance(probe.address()), 7);
}

#[esker_sdk::test]
fn behind_a_proxy_views_are_re_entered_and_the_rest_is_not(chain: &mut Chain, alice: User) {
    let (proxy, other, code) = (probe(chain, alice), probe(chain, alice), probe(chain, alice));
    let via = |input: &[u8]| [b"via", &code.address().0[..], input].concat();
    let back = |input: &[u8]| {
        let again = other.relay(proxy.address(), &via(input));
        via(proxy.relay(other.address(), again.input()).input())
    };
    chain.send_raw(alice, proxy.address(), U256::ZERO, &back(proxy.hashes(b"").input())).succeeds();
    chain.send_raw(alice, proxy.address(), U256::ZERO, &back(proxy.clear().input())).reverts_with_bytes(&REENTRANT);
    let own = proxy.relay(proxy.address(), &via(proxy.clear().input()));
    chain.send_raw(alice, proxy.address(), U256::ZERO, &via(own.input())).succeeds();
}

#[esker_sdk::test]
fn a_contract_without_a_constructor_takes_no_coins_on_deployment(chain: &mut Chain, alice: User) {
    chain.try_deploy_with(alice, U256::ONE, HolderHandle::constructor()).reverts_with_bytes(&[]);
    chain.try_deploy_with(alice, U256::ZERO, HolderHandle::constructor()).succeeds();
}

#[esker_sdk::test]
fn lengths_that_no_memory_holds_panic_alike(chain: &mut Chain, alice: User) {
    let probe = probe(chain, alice);
    let call = probe.hashes(b"");
    let with_length = |length: [u8; 32]| [&call.input()[..36], &length].concat();
    let length = |number: u64| U256::from(number).to_be_bytes();
    let mut send = |input: &[u8]| chain.send_raw(alice, probe.address(), U256::ZERO, input);
    send(&with_length([0xff; 32])).panics(Panic::OutOfMemory);
    send(&with_length(length(u64::MAX - 190))).panics(Panic::OutOfMemory);
    send(&with_length(length(u64::MAX - 191))).reverts_with_bytes(&[]);
    send(&call.input()[..35]).reverts_with_bytes(&[]);
}

#[esker_sdk::test]
fn value_is_taken_sent_and_refused_alike(chain: &mut Chain, alice: User, bob: User) {
    let probe = probe(chain, alice);
    let some = U256::from(1000);
    chain.send_raw(alice, probe.address(), some, &[]).succeeds();
    assert_eq!(chain.balance(probe.address()), some);
    assert!(chain.send(alice, probe.send(bob, 400)).returned());
    assert!(!chain.send(alice, probe.send(bob, 601)).returned(), "more than there is");
    let reversed = chain.send_raw(alice, probe.address(), U256::ONE, b"zyx");
    assert_eq!(reversed.succeeds().output()[..3], *b"xyz");
    chain.send_raw(alice, probe.address(), U256::ZERO, b"fail").reverts(Error::Nothing);
    let clear = probe.clear();
    chain.send_raw(alice, probe.address(), U256::ONE, clear.input()).reverts_with_bytes(&[]);
    // No envelope: nothing is created.
    assert_eq!(chain.send(alice, probe.create(b"nonsense", B256::ZERO)).returned(), (false, false));
}

#[esker_sdk::test]
fn literals_mean_the_same(chain: &mut Chain, alice: User) {
    let probe = probe(chain, alice);
    let (facts, sum, debt, reserve, tick) = chain.send(alice, probe.literals(7, -2, 7)).returned();
    assert_eq!(facts, [true; 5]);
    assert_eq!(sum, U256::from(8 + 5_000_000_001u64 * 2 / 3 % 1_000 + 49));
    assert_eq!((debt, reserve, tick), (I256::from(-5_000_000_003i64), Uint::from(3_020u16), Int::from(-98i8)));
    chain.send(alice, probe.literals(0, 0, Uint::max_value())).panics(Panic::Overflow);
    chain.send(alice, probe.literals(U256::MAX, 0, 0)).panics(Panic::Overflow);
    assert_eq!(chain.read(probe.at(4)), 0);
    chain.try_read(probe.at(5)).reverts(Error::Nothing);
    chain.send(alice, probe.wipe()).succeeds();
}

#[esker_sdk::test]
fn a_callees_error_passes_through_alike(chain: &mut Chain, alice: User) {
    let probe = probe(chain, alice);
    let token = chain.deploy(alice, Erc20Handle::constructor("Gold", "GLD", 100));
    assert_eq!(chain.read(probe.ask(token)), 101);
    // No code, hence no answer.
    chain.try_read(probe.ask(alice)).reverts_with_bytes(&[]);
    let broke = TokenError::ERC20InsufficientBalance { sender: probe.into(), balance: U256::ZERO, needed: U256::ONE };
    chain.send(alice, probe.ask_plainly(token)).reverts(broke);
    chain.send(alice, token.transfer(probe, 1)).succeeds();
    assert!(chain.send(alice, probe.ask_plainly(token)).returned());
    chain.try_read(probe.refuse()).reverts(TokenError::ERC20InvalidSpender { spender: alice.address });
}

#[esker_sdk::test]
fn maths_give_the_same_numbers(chain: &mut Chain, alice: User) {
    let probe = probe(chain, alice);
    let edges = [
        U256::ZERO,
        U256::ONE,
        U256::from(10),
        u256!("1_000.5e18"),
        U256::from_limbs([0, u64::MAX, 1, 0]),
        U256::from_limbs([0, 0, 0, 1 << 63]),
        U256::MAX,
    ];
    for (index, a) in edges.into_iter().enumerate() {
        for b in edges {
            // The kit compares the two runs, panics included.
            let _ = chain.try_read(probe.maths(a, b, edges[6 - index]));
        }
    }
    let shares = chain.read(probe.maths(u256!("3e40"), u256!("2e40"), u256!("7e39")));
    assert_eq!(
        shares[..2],
        [u256!(85714285714285714285714285714285714285714), u256!(85714285714285714285714285714285714285715)]
    );
    chain.try_read(probe.maths(1, 1, 0)).panics(Panic::DivisionByZero);
    chain.try_read(probe.maths(U256::MAX, U256::MAX, 2)).panics(Panic::Overflow);
    assert_eq!(chain.read(probe.constants()), (u256!(1e18), address!("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")));
}

#[esker_sdk::test]
fn interfaces_are_answered_alike(chain: &mut Chain, alice: User) {
    let probe = probe(chain, alice);
    let counts = CountsHandle::at(probe.into());
    assert_eq!(chain.send(alice, counts.count_up(3)).returned(), 1_003);
    chain.send(alice, counts.count_up(0)).reverts(Error::Nothing);
    chain.send(alice, counts.feed().value(5)).succeeds();
    assert_eq!(chain.send(alice, probe.count_up(2)).returned(), 1_010);
    for (identifier, answer) in
        [(CountsHandle::INTERFACE_ID.0, true), ([0x01, 0xff, 0xc9, 0xa7], true), ([0xff; 4], false)]
    {
        assert_eq!(chain.read(probe.supports_interface(identifier)), answer);
    }
}

#[esker_sdk::test]
fn odd_calls_end_alike(chain: &mut Chain, alice: User) {
    let here = probe(chain, alice);
    let token = chain.deploy(alice, Erc20Handle::constructor("Gold", "GLD", 100));
    chain.send(alice, token.transfer(here, 10)).succeeds();
    chain.send(alice, here.pay_optionally(token, alice, 4)).succeeds();
    assert_eq!(chain.read(token.balance_of(here)), 6);
    let short =
        TokenError::ERC20InsufficientBalance { sender: here.into(), balance: U256::from(6), needed: U256::from(7) };
    chain.send(alice, here.pay_optionally(token, alice, 7)).reverts(short);
    let failed = |token: Address| SafeERC20FailedOperation { token };
    chain.send(alice, here.pay_optionally(alice, alice, 1)).reverts(failed(alice.address));
    // A contract that answers as it is told.
    let odd = probe(chain, alice);
    for (answer, succeeds) in [(&[0][..], true), (&[0; 33], false), (&[0, 1], false)] {
        chain.send(alice, odd.answer_with(answer)).succeeds();
        let sent = chain.send(alice, here.pay_optionally(odd, alice, 1));
        if succeeds {
            sent.succeeds();
        } else {
            sent.reverts(failed(odd.into()));
        }
    }
    // The token's code on the probe's storage: what lies in the slot of the total supply.
    let own = chain.send(alice, here.borrow(token)).returned();
    assert_eq!(own, chain.send(alice, here.borrow(token)).returned());
}

#[esker_sdk::test]
fn signatures_of_typed_data_are_unique(chain: &mut Chain, alice: User) {
    let probe = probe(chain, alice);
    let cow = address!("0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826");
    let person = |name: &str, wallet| Person { name: name.into(), wallet };
    let mail = Mail {
        from: person("Cow", cow),
        to: person("Bob", address!("0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB")),
        contents: "Hello, Bob!".into(),
    };
    // What EIP-712 publishes: the digest, and the cow's signature of it.
    let digest = u256!(0xbe609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2);
    let r = u256!(0x4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d);
    let s = u256!(0x07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b91562);
    let order = u256!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141);
    let word = |number: U256| FixedBytes(number.to_be_bytes());
    let here = Eip712Domain::new("Probe", "2", esker_sdk_test::CHAIN_ID, probe.into()).separator();
    let zero = Address::ZERO;
    for (v, r, s, signer) in [
        (28, r, s, Some(cow)),
        (27, r, s, None),
        // The same signature's other form, and no signatures.
        (27, r, order - s, Some(zero)),
        (29, r, s, Some(zero)),
        (1, r, s, Some(zero)),
        (28, U256::ZERO, s, Some(zero)),
        (28, r, U256::ZERO, Some(zero)),
        (28, order, s, Some(zero)),
    ] {
        let (found, who, domain) = chain.read(probe.signed(mail.clone(), v, word(r), word(s)));
        assert_eq!((found, domain), (word(digest), here));
        assert!(signer.map_or(who != cow && who != zero, |signer| who == signer), "{v} {r:x} {s:x}: {who}");
    }
}
