//! Hashes, signatures and curves: what each accepts.

use esker_vm::Halt;

use crate::case::{Case, contract_with, data, hex, noting};
use crate::points as p;

/// What a refused operation leaves where its result would be.
const UNTOUCHED: u8 = 0xee;

/// Calls a function with its input from 1,024 on and its result from 4 on, where `ee` stood, and hands out what it
/// answered, in four bytes, and `written` bytes of its result. `$len` in the call stands for the input's length.
fn answered(name: &str, call: &str, written: usize, input: Vec<u8>) -> Case {
    let call = call.replace("$in", "(i32.const 1024)").replace("$len", "(call $input_size)");
    let body = format!(
        "(call $input_copy (i32.const 1024) (i32.const 0) (call $input_size))
    (i32.store (i32.const 0) {call})
    (call $finish (i32.const 0) (i32.const {}))",
        4 + written
    );
    Case::of(name, &contract_with(&data(4, &vec![UNTOUCHED; written]), &body)).input(input)
}

/// The answer 1 and a result.
fn yes(result: &str) -> Vec<u8> {
    [vec![1, 0, 0, 0], hex(result)].concat()
}

/// An answer, and a result that was not written.
fn left(answer: u8, written: usize) -> Vec<u8> {
    [vec![answer, 0, 0, 0], vec![UNTOUCHED; written]].concat()
}

fn hashes() -> Vec<Case> {
    let hashed = |name: &str, function: &str, bytes: usize, input: &[u8]| {
        let body = format!(
            "(call $input_copy (i32.const 1024) (i32.const 0) (call $input_size))
    (call ${function} (i32.const 1024) (call $input_size) (i32.const 0))
    (call $finish (i32.const 0) (i32.const {bytes}))"
        );
        Case::of(format!("{function} of {name}"), &contract_with("", &body)).input(input.to_vec())
    };
    vec![
        hashed("nothing", "keccak256", 32, b"")
            .gives(hex("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470")),
        hashed("abc", "keccak256", 32, b"abc")
            .gives(hex("4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45")),
        hashed("136 bytes", "keccak256", 32, &[0x61; 136]),
        hashed("nothing", "sha256", 32, b"")
            .gives(hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")),
        hashed("abc", "sha256", 32, b"abc")
            .gives(hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")),
        hashed("nothing", "ripemd160", 20, b"").gives(hex("9c1185a5c5e9fc54612808977ee8f548b2258d31")),
        hashed("abc", "ripemd160", 20, b"abc").gives(hex("8eb208f7e05d987a9b044a8e98c6b087f15a0bfc")),
        Case::of(
            "keccak256 over its own input",
            &contract_with(
                &data(0, b"abc"),
                "(call $keccak256 (i32.const 0) (i32.const 3) (i32.const 1)) (call $finish (i32.const 0) (i32.const 4))",
            ),
        )
        .gives(hex("614e0365")),
        Case::of(
            "keccak256 of more than there is gas for",
            &noting("", "(call $keccak256 (i32.const 0) (i32.const -1) (i32.const 0))"),
        )
        .about("The length is paid before the range is looked at.")
        .halts(Halt::OutOfGas),
    ]
}

fn secp256k1() -> Vec<Case> {
    let recovered = |name: &str, id: u32, r: &str, s: &str| {
        let call = "(call $ecrecover $in (i32.const 1056) (i32.load (i32.const 1120)) (i32.const 4))";
        let input = [hex(p::SECP_HASH), hex(r), hex(s), id.to_le_bytes().to_vec()].concat();
        answered(&format!("ecrecover, {name}"), call, 20, input)
    };
    let zero = "00".repeat(32);
    let refused = |case: Case| case.gives(left(0, 20));
    vec![
        recovered("a low s", 0, p::SECP_R, p::SECP_LOW_S).gives(yes(p::SECP_SIGNER)),
        recovered("a high s", 1, p::SECP_R, p::SECP_HIGH_S)
            .about("Accepted: EIP-2 is for transactions.")
            .gives(yes(p::SECP_SIGNER)),
        recovered("the other recovery id", 1, p::SECP_R, p::SECP_LOW_S).about("Somebody else's address."),
        refused(recovered("recovery id 2", 2, p::SECP_R, p::SECP_LOW_S)),
        refused(recovered("recovery id 27", 27, p::SECP_R, p::SECP_LOW_S)),
        refused(recovered("recovery id 256", 256, p::SECP_R, p::SECP_LOW_S)).about("All 32 bits of it count."),
        refused(recovered("the highest recovery id", u32::MAX, p::SECP_R, p::SECP_LOW_S)),
        refused(recovered("r of zero", 0, &zero, p::SECP_LOW_S)),
        refused(recovered("s of zero", 0, p::SECP_R, &zero)),
        refused(recovered("r of the order", 0, p::SECP_ORDER, p::SECP_LOW_S)),
        refused(recovered("s of the order", 0, p::SECP_R, p::SECP_ORDER)),
        refused(recovered("r of no point", 0, &format!("{}05", "00".repeat(31)), p::SECP_LOW_S)),
    ]
}

fn ed25519() -> Vec<Case> {
    let verified = |name: &str, key: &str, r: &str, s: &str, message: &[u8]| {
        let call = "(call $ed25519_verify $in (i32.const 1056) (i32.const 1120) (i32.sub $len (i32.const 96)))";
        answered(&format!("ed25519_verify, {name}"), call, 0, [hex(key), hex(r), hex(s), message.to_vec()].concat())
    };
    let identity = format!("01{}", "00".repeat(31));
    let (zero, other) = ("00".repeat(32), format!("ee{}7f", "ff".repeat(30)));
    let no = left(0, 0);
    vec![
        verified("a signature", p::ED_KEY, p::ED_R, p::ED_S, b"").gives(yes("")),
        verified("another message", p::ED_KEY, p::ED_R, p::ED_S, b"x").gives(no.clone()),
        verified("s plus the order", p::ED_KEY, p::ED_R, p::ED_S_PLUS_ORDER, b"").gives(no.clone()),
        verified("a key of small order", &identity, &identity, &zero, b"any message")
            .about("ZIP-215 accepts it: the cofactored equation holds.")
            .gives(yes("")),
        verified("a key whose encoding is not canonical", &other, &identity, &zero, b"any message")
            .about("ZIP-215 accepts it: y = p + 1 stands for 1.")
            .gives(yes("")),
        verified("s of the order", &identity, &identity, p::ED_ORDER, b"any message").gives(no.clone()),
        verified("a key that is no point", &format!("02{}", "00".repeat(31)), &identity, &zero, b"").gives(no),
    ]
}

fn p256() -> Vec<Case> {
    let verified = |name: &str, r: &str, s: &str, key: &str| {
        let call = "(call $p256_verify $in (i32.const 1056) (i32.const 1120))";
        let input = [hex(p::P256_HASH), hex(r), hex(s), hex(key)].concat();
        answered(&format!("p256_verify, {name}"), call, 0, input)
    };
    let zero = "00".repeat(32);
    let no = || left(0, 0);
    vec![
        verified("a low s", p::P256_R, p::P256_S, p::P256_KEY).gives(yes("")),
        verified("a high s", p::P256_R, p::P256_HIGH_S, p::P256_KEY)
            .about("Accepted, as RIP-7212 has it.")
            .gives(yes("")),
        verified("r and s exchanged", p::P256_S, p::P256_R, p::P256_KEY).gives(no()),
        verified("r of zero", &zero, p::P256_S, p::P256_KEY).gives(no()),
        verified("s of zero", p::P256_R, &zero, p::P256_KEY).gives(no()),
        verified("s of the order", p::P256_R, p::P256_ORDER, p::P256_KEY).gives(no()),
        verified("a key off the curve", p::P256_R, p::P256_S, &format!("{0}{0}", p::P256_R)).gives(no()),
        verified("no key", p::P256_R, p::P256_S, &"00".repeat(64)).gives(no()),
        verified("a key's coordinate above the field", p::P256_R, p::P256_S, &"ff".repeat(64)).gives(no()),
    ]
}

fn word(number: u8) -> String {
    format!("{}{number:02x}", "00".repeat(31))
}

fn bn254() -> Vec<Case> {
    let generator = || format!("{}{}", word(1), word(2));
    let negative = || format!("{}{}", word(1), p::BN_MINUS_TWO);
    let (zero, none) = ("00".repeat(64), "00".repeat(128));
    let add = |name: &str, a: &str, b: &str| {
        let input = [hex(a), hex(b)].concat();
        answered(&format!("bn254_add, {name}"), "(call $bn254_add $in (i32.const 4))", 64, input)
    };
    let mul = |name: &str, point: &str, scalar: &str| {
        let input = [hex(point), hex(scalar)].concat();
        answered(&format!("bn254_mul, {name}"), "(call $bn254_mul $in (i32.const 4))", 64, input)
    };
    let pair = |name: &str, pairs: &[&str], status: u8| {
        let input = pairs.iter().flat_map(|part| hex(part)).collect();
        answered(&format!("bn254_pairing, {name}"), "(call $bn254_pairing $in $len)", 0, input).gives(left(status, 0))
    };
    let off = format!("{}{}", word(1), word(3));
    let unreduced = format!("{0}{0}", p::BN_P);
    vec![
        add("a point and itself", &generator(), &generator()).gives(yes(p::BN_TWICE)),
        add("a point and its negative", &generator(), &negative()).gives(yes(&zero)),
        add("infinity and infinity", &zero, &zero).gives(yes(&zero)),
        add("a point off the curve", &off, &zero).gives(left(0, 64)),
        add("coordinates of the modulus", &unreduced, &zero).about("They do not stand for zero.").gives(left(0, 64)),
        mul("by two", &generator(), &word(2)).gives(yes(p::BN_TWICE)),
        mul("by the order", &generator(), p::BN_ORDER).about("Scalars need not be reduced.").gives(yes(&zero)),
        mul("by the highest number", &generator(), &"ff".repeat(32)),
        mul("a point off the curve", &off, &word(1)).gives(left(0, 64)),
        pair("no pairs", &[], 1),
        pair("a point and its negative", &[&generator(), p::BN_G2, &negative(), p::BN_G2], 1),
        pair("one pair", &[&generator(), p::BN_G2], 0),
        pair("infinity on the left", &[&zero, p::BN_G2], 1),
        pair("infinity on the right", &[&generator(), &none], 1),
        pair("a byte too few", &["00"], 2),
        pair("a left point off the curve", &[&off, p::BN_G2], 2),
        pair("a right point outside the subgroup", &[&generator(), p::BN_G2_OUTSIDE], 2),
        pair("a point outside beside infinity", &[&zero, p::BN_G2_OUTSIDE], 2),
    ]
}

fn bls12_381() -> Vec<Case> {
    let (zero_g1, zero_g2) = ("00".repeat(128), "00".repeat(256));
    let to_point = |name: &str, function: &str, arguments: &str, written: usize, parts: &[&str]| {
        let input = parts.iter().flat_map(|part| hex(part)).collect();
        answered(&format!("{function}, {name}"), &format!("(call ${function} $in {arguments})"), written, input)
    };
    let g1_add = |name: &str, a: &str, b: &str| to_point(name, "bls12_381_g1_add", "(i32.const 4)", 128, &[a, b]);
    let g2_add = |name: &str, a: &str, b: &str| to_point(name, "bls12_381_g2_add", "(i32.const 4)", 256, &[a, b]);
    let g1_msm = |name: &str, parts: &[&str]| to_point(name, "bls12_381_g1_msm", "$len (i32.const 4)", 128, parts);
    let g2_msm = |name: &str, parts: &[&str]| to_point(name, "bls12_381_g2_msm", "$len (i32.const 4)", 256, parts);
    let map1 = |name: &str, element: &str| to_point(name, "bls12_381_map_fp_to_g1", "(i32.const 4)", 128, &[element]);
    let map2 = |name: &str, a: &str, b: &str| to_point(name, "bls12_381_map_fp2_to_g2", "(i32.const 4)", 256, &[a, b]);
    let pair = |name: &str, parts: &[&str], status: u8| {
        to_point(name, "bls12_381_pairing", "$len", 0, parts).gives(left(status, 0))
    };
    let marked = format!("01{}", &p::BLS_G1[2..]);
    let modulus = format!("{}{}", p::BLS_P, "00".repeat(64));
    let element = format!("{}{}", "00".repeat(32), word(1));
    vec![
        g1_add("a point and itself", p::BLS_G1, p::BLS_G1).gives(yes(p::BLS_G1_TWICE)),
        g1_add("a point and infinity", p::BLS_G1, &zero_g1).gives(yes(p::BLS_G1)),
        g1_add("points outside the subgroup", p::BLS_G1_OUTSIDE, p::BLS_G1_OUTSIDE)
            .about("Additions do not ask for the subgroup.")
            .gives(yes(p::BLS_G1_OUTSIDE_TWICE)),
        g1_add("a byte set above a field element", &marked, &zero_g1).gives(left(0, 128)),
        g1_add("a coordinate of the modulus", &modulus, &zero_g1).gives(left(0, 128)),
        g1_msm("one point", &[p::BLS_G1, &word(2)]).gives(yes(p::BLS_G1_TWICE)),
        g1_msm("two points", &[p::BLS_G1, &word(1), p::BLS_G1, &word(1)]).gives(yes(p::BLS_G1_TWICE)),
        g1_msm("a scalar of the order", &[p::BLS_G1, p::BLS_ORDER])
            .about("Scalars need not be reduced.")
            .gives(yes(&zero_g1)),
        g1_msm("no point", &[]).gives(left(0, 128)),
        g1_msm("a byte too many", &[p::BLS_G1, &word(2), "00"]).gives(left(0, 128)),
        g1_msm("a point outside the subgroup", &[p::BLS_G1_OUTSIDE, &word(1)]).gives(left(0, 128)),
        g1_msm("a point outside the subgroup, times zero", &[p::BLS_G1_OUTSIDE, &word(0)]).gives(left(0, 128)),
        g2_add("a point and infinity", p::BLS_G2, &zero_g2).gives(yes(p::BLS_G2)),
        g2_add("a point outside the subgroup", p::BLS_G2_OUTSIDE, &zero_g2).gives(yes(p::BLS_G2_OUTSIDE)),
        g2_msm("one point", &[p::BLS_G2, &word(1)]).gives(yes(p::BLS_G2)),
        g2_msm("no point", &[]).gives(left(0, 256)),
        g2_msm("a point outside the subgroup", &[p::BLS_G2_OUTSIDE, &word(1)]).gives(left(0, 256)),
        map1("one", &element),
        map1("the modulus", p::BLS_P).gives(left(0, 128)),
        map2("one and one", &element, &element),
        map2("one and the modulus", &element, p::BLS_P).gives(left(0, 256)),
        pair("no pairs", &[], 2).about("Invalid, unlike bn254's."),
        pair("one pair", &[p::BLS_G1, p::BLS_G2], 0),
        pair("infinity on the left", &[&zero_g1, p::BLS_G2], 1),
        pair("infinity on the right", &[p::BLS_G1, &zero_g2], 1),
        pair("a byte too many", &[p::BLS_G1, p::BLS_G2, "00"], 2),
        pair("a left point outside the subgroup", &[p::BLS_G1_OUTSIDE, p::BLS_G2], 2),
        pair("a right point outside the subgroup", &[p::BLS_G1, p::BLS_G2_OUTSIDE], 2),
    ]
}

/// The precompiled contracts are called as transactions' targets: their answers, and the gas of the whole.
fn precompiles() -> Vec<Case> {
    let to = |number: u16| {
        let [high, low] = number.to_be_bytes();
        let mut address = [0; 20];
        (address[18], address[19]) = (high, low);
        address.into()
    };
    let asked = |name: &str, number: u16, input: Vec<u8>| {
        Case::new(format!("precompiled contract {number:#x}, {name}"))
            .input(input)
            .send(|sent| sent.to = Some(to(number)))
    };
    let recover = |v: u8| [hex(p::SECP_HASH), hex(&word(v)), hex(p::SECP_R), hex(p::SECP_HIGH_S)].concat();
    let powers = |base: &str, exponent: &str, modulus: &str| {
        let lengths = [base, exponent, modulus].map(|part| hex(&word((part.len() / 2) as u8)));
        [lengths.concat(), hex(base), hex(exponent), hex(modulus)].concat()
    };
    let failing = |case: Case| case.halts(Halt::PrecompileFailure);
    let signed = [p::P256_HASH, p::P256_R, p::P256_S, p::P256_KEY].map(hex).concat();
    vec![
        asked("a signature", 1, recover(28)).gives(hex(&format!("{}{}", "00".repeat(12), p::SECP_SIGNER))),
        asked("a v of 29", 1, recover(29)).about("It succeeds with no output.").gives([]),
        asked("no input", 1, Vec::new()).gives([]),
        asked("abc", 2, b"abc".to_vec()),
        asked("abc", 3, b"abc".to_vec()),
        asked("abc", 4, b"abc".to_vec()).gives(*b"abc"),
        asked("3 ^ 5 mod 7", 5, powers("03", "05", "07")).gives([5]),
        asked("3 ^ 5 mod 0", 5, powers("03", "05", "00")).gives([0]),
        asked("no input", 5, Vec::new()).gives([]),
        failing(asked(
            "operands longer than 1,024 bytes",
            5,
            [hex(&format!("{}0401", "00".repeat(30))), vec![0; 64]].concat(),
        )),
        asked("no input", 6, Vec::new()).about("Input that is missing counts as zeros.").gives([0; 64]),
        failing(asked("a point off the curve", 6, vec![1; 128])),
        asked("no input", 7, Vec::new()).gives([0; 64]),
        asked("no input", 8, Vec::new()).gives(hex(&word(1))),
        failing(asked("half a pair", 8, vec![0; 96])),
        asked("twelve rounds", 9, [vec![0, 0, 0, 12], vec![0; 208], vec![1]].concat()),
        failing(asked("a byte too few", 9, vec![0; 212])),
        failing(asked("a last byte of two", 9, [vec![0; 212], vec![2]].concat())),
        asked("nothing is there", 10, Vec::new()).about("No blobs, no KZG: an account without code.").gives([]),
        asked("a point and itself", 0x0b, [hex(p::BLS_G1), hex(p::BLS_G1)].concat()).gives(hex(p::BLS_G1_TWICE)),
        failing(asked("no input", 0x0b, Vec::new())),
        failing(asked("a point outside the subgroup", 0x0c, [hex(p::BLS_G1_OUTSIDE), hex(&word(1))].concat())),
        failing(asked("no pairs", 0x0f, Vec::new())),
        asked("a signature", 0x100, signed.clone()).gives(hex(&word(1))),
        asked("a signature cut short", 0x100, signed[..159].to_vec()).gives([]),
        asked("too little gas", 1, Vec::new()).gas(21_100).halts(Halt::OutOfGas),
    ]
}

/// Ed25519 at its address of our own: RFC 8032's vectors (section 7.1, tests 1 to 3), then what must be refused, by the classes of
/// Wycheproof's EdDSA tests, and what ZIP-215 accepts beyond.
fn ed25519_precompile() -> Vec<Case> {
    let asked = |name: &str, input: Vec<u8>| {
        let address = alloy_primitives::Address::with_last_byte(0x02);
        let mut address = address.into_array();
        address[18] = 0x10;
        Case::new(format!("precompiled contract 0x1002, {name}"))
            .input(input)
            .send(|sent| sent.to = Some(address.into()))
    };
    let joined = |key: &str, r: &str, s: &str, message: &str| [key, r, s, message].map(hex).concat();
    let good = |name: &str, input: Vec<u8>| asked(name, input).gives(hex(&word(1)));
    let bad = |name: &str, input: Vec<u8>| asked(name, input).gives([]);
    let own = joined(p::ED_KEY, p::ED_R, p::ED_S, "");
    let identity = format!("01{}", "00".repeat(31));
    let (zero, no_point) = ("00".repeat(32), format!("02{}", "00".repeat(31)));
    let changed = |index: usize| {
        let mut input = own.clone();
        input[index] ^= 1;
        input
    };
    vec![
        good("RFC 8032, test 1", own.clone()),
        good("RFC 8032, test 2", joined(p::ED_KEY_2, p::ED_R_2, p::ED_S_2, "72")),
        good("RFC 8032, test 3", joined(p::ED_KEY_3, p::ED_R_3, p::ED_S_3, "af82")),
        bad("no input", Vec::new()),
        bad("a key alone", hex(p::ED_KEY)),
        bad("a signature cut short", own[..95].to_vec()),
        bad("a byte behind the message", [own.clone(), vec![0]].concat()),
        bad("another key", joined(p::ED_KEY_2, p::ED_R, p::ED_S, "")),
        bad("a changed key", changed(0)),
        bad("a changed R", changed(32)),
        bad("a changed s", changed(64)),
        bad("R and s of another message", joined(p::ED_KEY_2, p::ED_R_2, p::ED_S_2, "73")),
        bad("R and s the other way round", joined(p::ED_KEY, p::ED_S, p::ED_R, "")),
        bad("R and s of zeros", joined(p::ED_KEY, &zero, &zero, "")),
        good("everything zero", vec![0; 96]).about("y = 0 is a point of order 4: ZIP-215 accepts it as key and R."),
        bad("s of zero", joined(p::ED_KEY, p::ED_R, &zero, "")),
        bad("s of the order", joined(p::ED_KEY, p::ED_R, p::ED_ORDER, "")),
        bad("s plus the order", joined(p::ED_KEY, p::ED_R, p::ED_S_PLUS_ORDER, "")),
        bad("s of all ones", joined(p::ED_KEY, p::ED_R, &"ff".repeat(32), "")),
        bad("R that is no point", joined(p::ED_KEY, &no_point, p::ED_S, "")),
        bad("a key that is no point", joined(&no_point, p::ED_R, p::ED_S, "")),
        bad("a key of small order, a signature of another", joined(&identity, p::ED_R, p::ED_S, "")),
        good("a key of small order", joined(&identity, &identity, &zero, "00"))
            .about("ZIP-215 accepts it: the cofactored equation holds."),
        asked("too little gas", own).gas(31_000).halts(Halt::OutOfGas),
    ]
}

pub fn cases() -> Vec<Case> {
    let groups = [hashes(), secp256k1(), ed25519(), p256(), bn254(), bls12_381(), precompiles(), ed25519_precompile()];
    groups.into_iter().flatten().collect()
}
