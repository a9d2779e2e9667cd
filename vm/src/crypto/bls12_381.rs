//! The BLS12-381 curve: EIP-2537.
//!
//! Field elements are 64 bytes big-endian with 16 leading zeros; a G1 point is two of them, a G2 point four; infinity is
//! all zeros. Multiplications and pairings check the subgroup, additions do not, as the EIP says.

use revm_precompile::EthPrecompileResult;
use revm_precompile::bls12_381::{g1_add as g1_addition, g1_msm as g1_sum, g2_add as g2_addition, g2_msm as g2_sum};
use revm_precompile::bls12_381::{map_fp_to_g1 as fp_to_g1, map_fp2_to_g2 as fp2_to_g2, pairing as pairing_check};

/// Bytes of one pair of [`g1_msm`]: a G1 point and a 32-byte scalar.
pub const G1_MSM_PAIR_BYTES: usize = 160;
/// Bytes of one pair of [`g2_msm`]: a G2 point and a 32-byte scalar.
pub const G2_MSM_PAIR_BYTES: usize = 288;
/// Bytes of one pair of [`pairing`]: a G1 point and a G2 point.
pub const PAIR_BYTES: usize = 384;

/// Pairs from which on summing up is worth its preparations: below, a multiplication each takes two thirds of the time.
const SUM_FROM: usize = 16;

/// The price is the caller's: these functions only compute.
const NO_LIMIT: u64 = u64::MAX;

fn point<const N: usize>(result: EthPrecompileResult) -> Option<[u8; N]> {
    result.ok()?.bytes.as_ref().try_into().ok()
}

/// Addition in G1. `None` if a point is not on the curve.
#[must_use]
pub fn g1_add(input: &[u8; 256]) -> Option<[u8; 128]> {
    point(g1_addition::g1_add(input, NO_LIMIT))
}

/// Multi-scalar multiplication in G1 over pairs of [`G1_MSM_PAIR_BYTES`]. `None` if there is no pair, the length is no
/// multiple, or a point is invalid.
#[must_use]
pub fn g1_msm(input: &[u8]) -> Option<[u8; 128]> {
    sum::<G1_MSM_PAIR_BYTES, _>(
        input,
        |pairs| point(g1_sum::g1_msm(pairs, NO_LIMIT)),
        |points| g1_add(points.as_flattened().try_into().ok()?),
    )
}

/// The sum over pairs of `PAIR` bytes: `whole` gives it for any number of pairs, and a few are multiplied one by one and
/// then added up by `add`.
fn sum<const PAIR: usize, const POINT: usize>(
    input: &[u8],
    whole: impl Fn(&[u8]) -> Option<[u8; POINT]>,
    add: impl Fn(&[[u8; POINT]; 2]) -> Option<[u8; POINT]>,
) -> Option<[u8; POINT]> {
    let (pairs, rest) = input.as_chunks::<PAIR>();
    if !rest.is_empty() || !(2..SUM_FROM).contains(&pairs.len()) {
        return whole(input);
    }
    let mut products = pairs.iter().map(|pair| whole(pair));
    let first = products.next()??;
    products.try_fold(first, |sum, product| add(&[sum, product?]))
}

/// Addition in G2. `None` if a point is not on the curve.
#[must_use]
pub fn g2_add(input: &[u8; 512]) -> Option<[u8; 256]> {
    point(g2_addition::g2_add(input, NO_LIMIT))
}

/// Multi-scalar multiplication in G2 over pairs of [`G2_MSM_PAIR_BYTES`]. `None` as for [`g1_msm`].
#[must_use]
pub fn g2_msm(input: &[u8]) -> Option<[u8; 256]> {
    sum::<G2_MSM_PAIR_BYTES, _>(
        input,
        |pairs| point(g2_sum::g2_msm(pairs, NO_LIMIT)),
        |points| g2_add(points.as_flattened().try_into().ok()?),
    )
}

/// Pairing check over pairs of [`PAIR_BYTES`]: whether the product is one. `None` if there is no pair, the length is no
/// multiple, or a point is invalid.
#[must_use]
pub fn pairing(input: &[u8]) -> Option<bool> {
    let output = pairing_check::pairing(input, NO_LIMIT).ok()?;
    output.bytes.last().map(|byte| *byte == 1)
}

/// Maps a field element to G1. `None` if it is not canonical.
#[must_use]
pub fn map_fp_to_g1(input: &[u8; 64]) -> Option<[u8; 128]> {
    point(fp_to_g1::map_fp_to_g1(input, NO_LIMIT))
}

/// Maps an element of the quadratic extension to G2. `None` if it is not canonical.
#[must_use]
pub fn map_fp2_to_g2(input: &[u8; 128]) -> Option<[u8; 256]> {
    point(fp2_to_g2::map_fp2_to_g2(input, NO_LIMIT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::signature::tests::{bytes, hex};

    const G1: &str = "0000000000000000000000000000000017f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac58\
                      6c55e83ff97a1aeffb3af00adb22c6bb0000000000000000000000000000000008b3f481e3aaa0f1a09e30ed741d8ae4\
                      fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1";
    const G2: &str = "00000000000000000000000000000000024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d177\
                      0bac0326a805bbefd48056c8c121bdb80000000000000000000000000000000013e02b6052719f607dacd3a088274f65\
                      596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e00000000000000000000000000000000\
                      0ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c923ac9cc3baca289e193548608b82801\
                      000000000000000000000000000000000606c4a02ea734cc32acd2b02bc28b99cb3e287e85a763af267492ab572e99ab\
                      3f370d275cec1da1aaa9075ff05f79be";
    /// The field's modulus.
    const P: &str = "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab";

    fn scalar(value: u8) -> Vec<u8> {
        let mut bytes = vec![0; 32];
        bytes[31] = value;
        bytes
    }

    #[test]
    fn a_few_pairs_give_what_the_library_sums_up() {
        let pairs = |point: &str, zero: Vec<u8>, count: u8| -> Vec<u8> {
            let pair = |index: u8| match index % 5 {
                3 => [zero.clone(), scalar(index)].concat(),
                4 => [hex(point), scalar(0)].concat(),
                _ => [hex(point), scalar(index.wrapping_mul(77))].concat(),
            };
            (0..count).flat_map(pair).collect()
        };
        for count in 1..20 {
            let g1 = pairs(G1, vec![0; 128], count);
            assert_eq!(g1_msm(&g1), point(g1_sum::g1_msm(&g1, NO_LIMIT)), "{count} pairs");
            let g2 = pairs(G2, vec![0; 256], count);
            assert_eq!(g2_msm(&g2), point(g2_sum::g2_msm(&g2, NO_LIMIT)), "{count} pairs");
            let mut bad = g1.clone();
            *bad.last_mut().expect("bytes") ^= 1;
            bad[g1.len() - 40] ^= 1;
            assert_eq!(g1_msm(&bad), None);
            assert_eq!(g1_msm(&g1[1..]), None);
        }
    }

    /// Points that sums of random pairs are drawn from: infinity, some of the subgroup, and at the end three that are refused:
    /// outside the subgroup, off the curve, badly padded.
    fn points<const POINT: usize>(map: impl Fn(u8) -> [u8; POINT], outside: [u8; POINT]) -> Vec<[u8; POINT]> {
        let (mut off, mut padded) = (map(1), map(2));
        off[POINT - 1] ^= 1;
        padded[0] = 1;
        vec![[0; POINT], map(1), map(2), map(3), map(4), outside, off, padded]
    }

    /// Random sums of so many pairs, most of them valid.
    fn sums<const POINT: usize>(pairs: usize, points: &[[u8; POINT]]) -> impl Iterator<Item = Vec<u8>> {
        (0..6u8).map(move |sum| {
            let draw = |index: usize, what: u8| crate::crypto::keccak256(&[pairs as u8, index as u8, sum, what]);
            // The last two of six have one bad point somewhere.
            let bad = (sum >= 4).then(|| usize::from(draw(0, 2)[0]) % pairs.max(1));
            let pair = |index: usize| {
                let random = draw(index, 0);
                let good = points.len() - 3;
                let point = if bad == Some(index) {
                    points[good + usize::from(random[1]) % 3]
                } else {
                    points[usize::from(random[1]) % good]
                };
                // Above the group's order too, zero and one.
                let scalar = match random[2] % 6 {
                    0 => [0; 32],
                    1 => scalar(1).try_into().expect("32 bytes"),
                    2 => [0xff; 32],
                    _ => draw(index, 1),
                };
                [&point[..], &scalar].concat()
            };
            (0..pairs).flat_map(pair).collect()
        })
    }

    #[test]
    fn random_sums_valid_or_not_give_what_the_library_gives() {
        let element = |byte: u8| -> [u8; 64] { std::array::from_fn(|at| if at == 63 { byte } else { 0 }) };
        let two: [u8; 128] = [[0; 64], element(2)].concat().try_into().expect("(0, 2), of order 3");
        let outside = [
            element(2).to_vec(),
            vec![0; 64 + 16],
            hex("18c6b864ae17dc9da64203ffefb966306425a7bc6aeb7c75247438372716284a4173830420cd476ba1a365b95bfcec38"),
            vec![0; 16],
            hex("172e93db764a8400a7d5071b6b6f5de0da2f0f4a063119abca014006b7c40a2cfe291a1924e65db0d6d0fcfbf3bf3d5c"),
        ];
        let outside: [u8; 256] = outside.concat().try_into().expect("a point with x = 2");
        assert!(g1_add(&[two, two].concat().try_into().expect("two points")).is_some(), "on the curve");
        assert!(g2_add(&[outside, outside].concat().try_into().expect("two points")).is_some(), "on the curve");
        let g1 = points(|byte| map_fp_to_g1(&element(byte)).expect("canonical"), two);
        let extension = |byte| [element(byte), element(byte)].concat().try_into().expect("two elements");
        let g2 = points(|byte| map_fp2_to_g2(&extension(byte)).expect("canonical"), outside);
        let (mut valid, mut refused) = (0, 0);
        for pairs in 0..=40 {
            for mut input in sums(pairs, &g1) {
                let sum = g1_msm(&input);
                *if sum.is_some() { &mut valid } else { &mut refused } += 1;
                assert_eq!(sum, point(g1_sum::g1_msm(&input, NO_LIMIT)), "{pairs} pairs");
                input.push(0);
                assert_eq!((g1_msm(&input), g1_msm(&input[2.min(2 * pairs)..])), (None, None));
            }
            for mut input in sums(pairs, &g2) {
                let sum = g2_msm(&input);
                *if sum.is_some() { &mut valid } else { &mut refused } += 1;
                assert_eq!(sum, point(g2_sum::g2_msm(&input, NO_LIMIT)), "{pairs} pairs");
                input.push(0);
                assert_eq!((g2_msm(&input), g2_msm(&input[2.min(2 * pairs)..])), (None, None));
            }
        }
        assert_eq!((valid, refused), (40 * 8, 40 * 4 + 12));
    }

    #[test]
    fn doubling_the_g1_generator_gives_the_vector_of_eip_2537() {
        // "bls_g1add_g1+g1=2*g1" of the EIP's vectors.
        let twice: [u8; 128] = bytes(
            "000000000000000000000000000000000572cbea904d67468808c8eb50a9450c9721db309128012543902d0ac358a62a\
             e28f75bb8f1c7c42c39a8c5529bf0f4e00000000000000000000000000000000166a9d8cabc673a322fda673779d8e38\
             22ba3ecb8670e461f73bb9021d5fd76a4c56d9d4cd16bd1bba86881979749d28",
        );
        let both: [u8; 256] = [hex(G1), hex(G1)].concat().try_into().expect("two points");
        assert_eq!(g1_add(&both), Some(twice));
        assert_eq!(g1_msm(&[hex(G1), scalar(2)].concat()), Some(twice));
        assert_eq!(g1_msm(&[hex(G1), scalar(1), hex(G1), scalar(1)].concat()), Some(twice));
    }

    #[test]
    fn g2_addition_agrees_with_multiplication() {
        let both: [u8; 512] = [hex(G2), hex(G2)].concat().try_into().expect("two points");
        let twice = g2_add(&both).expect("valid points");
        assert_eq!(g2_msm(&[hex(G2), scalar(2)].concat()), Some(twice));
        assert_ne!(twice.to_vec(), hex(G2));
    }

    #[test]
    fn a_pairing_cancels_with_its_inverse() {
        let mut negative = hex(G1);
        negative[64 + 16..].copy_from_slice(&hex(
            "114d1d6855d545a8aa7d76c8cf2e21f267816aef1db507c96655b9d5caac42364e6f38ba0ecb751bad54dcd6b939c2ca",
        ));
        let input = [hex(G1), hex(G2), negative, hex(G2)].concat();
        assert_eq!(pairing(&input), Some(true));
        assert_eq!(pairing(&input[..PAIR_BYTES]), Some(false));
        assert_eq!(pairing(&input[1..]), None);
        assert_eq!(pairing(&[]), None, "EIP-2537 refuses the empty input");
    }

    #[test]
    fn unreduced_elements_dirty_padding_and_points_off_the_curve_are_refused() {
        let mut element = [0u8; 64];
        element[16..].copy_from_slice(&hex(P));
        assert_eq!(map_fp_to_g1(&element), None, "the modulus is not canonical");
        element[63] -= 1;
        assert!(map_fp_to_g1(&element).is_some());
        element[0] = 1;
        assert_eq!(map_fp_to_g1(&element), None, "padding must be zero");
        assert!(map_fp2_to_g2(&[0; 128]).is_some());
        let mut points = [0u8; 256];
        points[63] = 1;
        points[127] = 1;
        assert_eq!(g1_add(&points), None);
        assert_eq!(g1_add(&[0; 256]), Some([0; 128]), "infinity plus infinity");
        assert_eq!(g1_msm(&[]), None);
        assert_eq!(g2_msm(&[0; 100]), None);
    }

    #[test]
    fn mapping_lands_in_the_subgroup() {
        let mut element = [0u8; 64];
        element[63] = 5;
        let mapped = map_fp_to_g1(&element).expect("canonical");
        assert!(g1_msm(&[mapped.to_vec(), scalar(3)].concat()).is_some(), "multiplication checks the subgroup");
    }
}
