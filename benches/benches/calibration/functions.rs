//! Host functions that need no state: by size of their input, and with operands that take long.

use alloy_primitives::hex;
use esker_vm::abi::HostFunctionId as Id;

use crate::program::{OPERANDS, Program, host_call};
use crate::world::signer;

/// Where results go: no operand lies here.
const RESULT: i64 = 512;
const INPUT: i64 = OPERANDS as i64;

/// Lengths of an input, in bytes.
pub const SIZES: [u32; 4] = [0, 32, 1_024, 128 * 1_024];

pub fn programs() -> Vec<Program> {
    let mut all = crossings();
    all.extend(hashes());
    all.extend(signatures());
    all.extend(curves());
    all.extend(arithmetic());
    all
}

fn function(id: Id, case: &str, arguments: &[i64]) -> Program {
    let name = id.row().name;
    Program::new(name, case, &host_call(id, arguments)).importing(&[name]).unroll(8)
}

fn sized(id: Id, arguments: impl Fn(i64) -> Vec<i64>) -> Vec<Program> {
    SIZES
        .into_iter()
        .map(|bytes| {
            let copies = if bytes > 1_024 { 1 } else { 8 };
            let input = vec![0x5a; bytes as usize];
            function(id, &format!("{bytes} bytes"), &arguments(bytes.into())).operands(input).pages(4).unroll(copies)
        })
        .collect()
}

fn crossings() -> Vec<Program> {
    let mut all = Vec::new();
    let plain =
        [Id::input_size, Id::block_number, Id::block_timestamp, Id::block_gas_limit, Id::chain_id, Id::gas_left];
    for id in plain.into_iter().chain([Id::is_reentrant, Id::return_data_size]) {
        all.push(function(id, "", &[]));
    }
    let written = [
        Id::caller,
        Id::origin,
        Id::address,
        Id::call_value,
        Id::gas_price,
        Id::base_fee,
        Id::coinbase,
        Id::prevrandao,
    ];
    for id in written {
        all.push(function(id, "", &[RESULT]));
    }
    all.extend(sized(Id::input_copy, |bytes| vec![INPUT, 4, bytes]));
    all.extend(sized(Id::set_output, |bytes| vec![INPUT, bytes]));
    all.push(function(Id::return_data_copy, "0 bytes", &[RESULT, 0, 0]));
    all
}

fn hashes() -> Vec<Program> {
    [Id::keccak256, Id::sha256, Id::ripemd160]
        .into_iter()
        .flat_map(|id| sized(id, |bytes| vec![INPUT, bytes, RESULT]))
        .collect()
}

fn signatures() -> Vec<Program> {
    use alloy_signer::SignerSync as _;
    let hash = alloy_primitives::keccak256("calibration");
    let signature = signer(0).sign_hash_sync(&hash).expect("a local key signs");
    let parity = i64::from(signature.v());
    let recovered = [&hash[..], &signature.r().to_be_bytes::<32>(), &signature.s().to_be_bytes::<32>()].concat();
    // RIP-7212's first vector: hash, signature, key.
    let p256 = hex!(
        "4cee90eb86eaa050036147a12d49004b6b9c72bd725d39d4785011fe190f0b4d
         a73bd4903f0ce3b639bbbf6e8e80d16931ff4bcf5993d58468e8fb19086e8cac
         36dbcd03009df8c59286b162af3bd7fcc0450c9aa81be5d10d312af6c66b1d60
         4aebd3099c618202fcfe16ae7770b0c49ab5eadf74b754204a3bb6060e44eff3
         7618b065f9832de4ca6ca971a7a1adc826d0f7c00181a5fb2ddf79ae00b4e10e"
    );
    // RFC 8032's first key and signature; over another message they take the same time.
    let ed25519 = hex!(
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a
         e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    );
    let mut all = vec![
        function(Id::ecrecover, "a valid signature", &[INPUT, INPUT + 32, parity, RESULT])
            .operands(recovered)
            .unroll(1),
        function(Id::p256_verify, "a valid signature", &[INPUT, INPUT + 32, INPUT + 96])
            .operands(p256.to_vec())
            .unroll(1),
    ];
    for bytes in SIZES {
        let input = [&ed25519[..], &vec![0x5a; bytes as usize]].concat();
        let arguments = [INPUT, INPUT + 32, INPUT + 96, bytes.into()];
        all.push(
            function(Id::ed25519_verify, &format!("{bytes} bytes"), &arguments).operands(input).pages(4).unroll(1),
        );
    }
    all
}

/// Generators and scalars in the encodings of EIP-196, EIP-197 and EIP-2537.
pub struct Points;

impl Points {
    fn padded(words: &[&[u8; 48]]) -> Vec<u8> {
        words.iter().flat_map(|word| [&[0; 16][..], &word[..]].concat()).collect()
    }

    pub fn bls_g1() -> Vec<u8> {
        Self::padded(&[
            &hex!("17f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"),
            &hex!("08b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1"),
        ])
    }

    pub fn bls_g2() -> Vec<u8> {
        Self::padded(&[
            &hex!("024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"),
            &hex!("13e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"),
            &hex!("0ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c923ac9cc3baca289e193548608b82801"),
            &hex!("0606c4a02ea734cc32acd2b02bc28b99cb3e287e85a763af267492ab572e99ab3f370d275cec1da1aaa9075ff05f79be"),
        ])
    }

    pub fn bn254_g1() -> Vec<u8> {
        let mut point = vec![0; 64];
        (point[31], point[63]) = (1, 2);
        point
    }

    pub fn bn254_g2() -> Vec<u8> {
        hex!(
            "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2
             1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed
             090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b
             12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"
        )
        .to_vec()
    }

    /// A scalar of 256 bits, another for each index.
    pub fn scalar(index: usize) -> Vec<u8> {
        let mut scalar = alloy_primitives::keccak256(format!("scalar {index}")).to_vec();
        scalar[0] |= 0x80;
        scalar
    }

    /// `count` pairs of `point` with a scalar each.
    pub fn sum(point: &[u8], count: usize) -> Vec<u8> {
        (0..count).flat_map(|index| [point, &Self::scalar(index)].concat()).collect()
    }
}

fn curves() -> Vec<Program> {
    let (g1, g2) = (Points::bls_g1(), Points::bls_g2());
    let (n1, n2) = (Points::bn254_g1(), Points::bn254_g2());
    let once = |id, operands: Vec<u8>| function(id, "", &[INPUT, RESULT]).operands(operands).unroll(1);
    let mut all = vec![
        once(Id::bn254_add, [&n1[..], &n1].concat()),
        once(Id::bn254_mul, [&n1[..], &Points::scalar(0)].concat()),
        once(Id::bls12_381_g1_add, [&g1[..], &g1].concat()),
        once(Id::bls12_381_g2_add, [&g2[..], &g2].concat()),
        once(Id::bls12_381_map_fp_to_g1, [&[0; 17][..], &[0x11; 47]].concat()),
        once(Id::bls12_381_map_fp2_to_g2, [&[0; 17][..], &[0x11; 47], &[0; 17], &[0x13; 47]].concat()),
    ];
    for count in [1, 2, 3, 4, 8, 16, 32, 64, 128] {
        for (id, point) in [(Id::bls12_381_g1_msm, &g1), (Id::bls12_381_g2_msm, &g2)] {
            let input = Points::sum(point, count);
            let arguments = [INPUT, input.len() as i64, RESULT];
            all.push(function(id, &format!("{count} points"), &arguments).operands(input).pages(2).unroll(1));
        }
    }
    for count in [1, 2, 8] {
        for (id, pair) in
            [(Id::bls12_381_pairing, [&g1[..], &g2].concat()), (Id::bn254_pairing, [&n1[..], &n2].concat())]
        {
            let input = pair.repeat(count);
            let arguments = [INPUT, input.len() as i64];
            all.push(function(id, &format!("{count} pairs"), &arguments).operands(input).unroll(1));
        }
    }
    all
}

/// Little-endian operands that make a division long: many quotient digits, a divisor whose estimate must be corrected.
fn arithmetic() -> Vec<Program> {
    let full = [0xff; 32];
    let ones = |bytes: usize| [vec![0xff; bytes], vec![0; 32 - bytes]].concat();
    let hard = |bytes: usize| {
        // Low limbs full, the highest digit the least with its top bit set: Knuth's estimate is one too large most often.
        let mut operand = ones(bytes);
        operand[bytes - 1] = 0x80;
        operand
    };
    let mixed = |index: usize| alloy_primitives::keccak256(format!("operand {index}")).to_vec();
    let mut all = Vec::new();
    let moduli = [
        ("1 byte", ones(1)),
        ("8 bytes", ones(8)),
        ("9 bytes", ones(9)),
        ("16 bytes", hard(16)),
        ("17 bytes", ones(17)),
        ("24 bytes", hard(24)),
        ("32 bytes", hard(32)),
        ("32 bytes, mixed", mixed(3)),
    ];
    for (name, modulus) in moduli {
        let operands = [&full[..], &full, &modulus].concat();
        let [a, b, m] = [INPUT, INPUT + 32, INPUT + 64];
        all.push(
            function(Id::u256_add_mod, &format!("full operands, modulus of {name}"), &[a, b, m, RESULT])
                .operands(operands.clone()),
        );
        all.push(
            function(Id::u256_mul_mod, &format!("full operands, modulus of {name}"), &[a, b, m, RESULT])
                .operands(operands.clone()),
        );
        all.push(
            function(Id::u256_div_rem, &format!("full dividend, divisor of {name}"), &[a, m, RESULT, RESULT + 32])
                .operands(operands),
        );
    }
    let small = [&ones(16)[..], &ones(16), &mixed(1)].concat();
    all.push(function(Id::u256_add_mod, "sum without carry", &[INPUT, INPUT + 32, INPUT + 64, RESULT]).operands(small));
    for bytes in [0, 1, 2, 8, 32] {
        let operands = [&mixed(2)[..], &ones(bytes)].concat();
        all.push(
            function(Id::u256_exp, &format!("exponent of {bytes} bytes"), &[INPUT, INPUT + 32, RESULT])
                .operands(operands),
        );
    }
    all
}
