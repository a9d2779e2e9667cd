//! Points and signatures for the vectors, as hex. What is not said to come from elsewhere was computed from the curve.

/// Generator of BLS12-381's G1.
pub const BLS_G1: &str = "0000000000000000000000000000000017f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aef \
    fb3af00adb22c6bb0000000000000000000000000000000008b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3ed \
    d03cc744a2888ae40caa232946c5e7e1";
/// Twice the generator (EIP-2537's vectors).
pub const BLS_G1_TWICE: &str = "000000000000000000000000000000000572cbea904d67468808c8eb50a9450c9721db309128012543902d0ac358a62ae28f75bb8f1c7c42 \
    c39a8c5529bf0f4e00000000000000000000000000000000166a9d8cabc673a322fda673779d8e3822ba3ecb8670e461f73bb9021d5fd76a \
    4c56d9d4cd16bd1bba86881979749d28";
/// Generator of BLS12-381's G2.
pub const BLS_G2: &str = "00000000000000000000000000000000024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbef \
    d48056c8c121bdb80000000000000000000000000000000013e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049 \
    334cf11213945d57e5ac7d055d042b7e000000000000000000000000000000000ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a7 \
    6d429a695160d12c923ac9cc3baca289e193548608b82801000000000000000000000000000000000606c4a02ea734cc32acd2b02bc28b99 \
    cb3e287e85a763af267492ab572e99ab3f370d275cec1da1aaa9075ff05f79be";
/// The modulus of BLS12-381's field, as a field element is written.
pub const BLS_P: &str = "000000000000000000000000000000001a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffff \
    b9feffffffffaaab";
/// The order of BLS12-381's groups.
pub const BLS_ORDER: &str = "73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001";
/// On the curve of G1, outside the subgroup.
pub const BLS_G1_OUTSIDE: &str = "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000 \
    0000000000000004000000000000000000000000000000000a989badd40d6212b33cffc3f3763e9bc760f988c9926b26da9dd85e92848344 \
    6346b8ed00e1de5d5ea93e354abe706c";
/// Twice that.
pub const BLS_G1_OUTSIDE_TWICE: &str = "00000000000000000000000000000000061e5e9176f0eaf720bb36853d02bf41bd493ef21b2e5ec39fcf409e5829a353cafb4b4afc8c3c3c \
    2bc38787878773740000000000000000000000000000000003dce838b58d784d9e663fdf809f630c630692751c8af8af9b42d50ff90694b2 \
    e211bc0c19a333160a1ee6891b38838e";
/// On the curve of G2, outside the subgroup.
pub const BLS_G2_OUTSIDE: &str = "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000 \
    0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000 \
    0000000000000000000000000000000100000000000000000000000000000000135203e60180a68ee2e9c448d77a2cd91c3dedd930b1cf60 \
    ef396489f61eb45e304466cf3e67fa0af1ee7b04121bdea200000000000000000000000000000000140d2a0ca7fdc0223895aa4843747ffa \
    d8ac19034879ca1b67e64a4501b6c551cb36cb8e58c411de58318ef3c9ab641b";
/// Twice bn254's generator (1, 2).
pub const BN_TWICE: &str = "030644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd315ed738c0e0a7c92e7845f96b2ae9c0a68a6a449e3538fc7 \
    ff3ebf7a5a18a2c4";
/// The modulus of bn254's field.
pub const BN_P: &str = "30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47";
/// The modulus less two: the y of the generator's negative.
pub const BN_MINUS_TWO: &str = "30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd45";
/// The order of bn254's groups.
pub const BN_ORDER: &str = "30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001";
/// Generator of bn254's G2 (EIP-197).
pub const BN_G2: &str = "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c21800deef121f1e76426a00665e5c4479674322d4f75edadd \
    46debd5cd992f6ed090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b12c85ea5db8c6deb4aab71808dcb408f \
    e3d1e7690c43d37b4ce6cc0166fa7daa";
/// On the curve of bn254's G2, outside the subgroup.
pub const BN_G2_OUTSIDE: &str = "0000000000000000000000000000000000000000000000000000000000000001000000000000000000000000000000000000000000000000 \
    000000000000000007bca656753ef8cbee60335acbffe3def91636952d4ab9eb0b839c7f3566c0e20cf32d3c49a2cb8a092f24ec3201e68d \
    c299b6216e6321ee60573e3a7f596ea8";
/// What was signed (go-ethereum's test of its precompiled contract).
pub const SECP_HASH: &str = "18c547e4f7b0f325ad1e56f57e26c745b09a3e503d86e00e5255ff7f715d3d1c";
/// r of the signature.
pub const SECP_R: &str = "73b1693892219d736caba55bdb67216e485557ea6b6af75f37096c9aa6a5a75f";
/// s of the signature, above half the order; recovers with 1.
pub const SECP_HIGH_S: &str = "eeb940b1d03b21e36b0e47e79769f095fe2ab855bd91e3a38756b7d75a9c4549";
/// The order less s: recovers with 0.
pub const SECP_LOW_S: &str = "1146bf4e2fc4de1c94f1b81868960f68bc842490f1b6bc98387ba6b57599fbf8";
/// The order of secp256k1.
pub const SECP_ORDER: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
/// Who signed.
pub const SECP_SIGNER: &str = "a94f5374fce5edbc8e2a8697c15331677e6ebf0b";
/// What was signed (RIP-7212's first test).
pub const P256_HASH: &str = "4cee90eb86eaa050036147a12d49004b6b9c72bd725d39d4785011fe190f0b4d";
/// r of the signature.
pub const P256_R: &str = "a73bd4903f0ce3b639bbbf6e8e80d16931ff4bcf5993d58468e8fb19086e8cac";
/// s of the signature, below half the order.
pub const P256_S: &str = "36dbcd03009df8c59286b162af3bd7fcc0450c9aa81be5d10d312af6c66b1d60";
/// The order less s.
pub const P256_HIGH_S: &str = "c92432fbff62073b6d794e9d50c42802fca1ee12fefbb8b3e6889fcc35f807f1";
/// The order of P-256.
pub const P256_ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
/// x and y of the key.
pub const P256_KEY: &str = "4aebd3099c618202fcfe16ae7770b0c49ab5eadf74b754204a3bb6060e44eff37618b065f9832de4ca6ca971a7a1adc826d0f7c00181a5fb \
    2ddf79ae00b4e10e";
/// The key of RFC 8032's first test.
pub const ED_KEY: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
/// R of its signature over no bytes.
pub const ED_R: &str = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155";
/// s of that signature.
pub const ED_S: &str = "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";
/// RFC 8032, section 7.1, test 2: the key of a signature of `72`.
pub const ED_KEY_2: &str = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
/// The first half of it.
pub const ED_R_2: &str = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da";
/// The second half of it.
pub const ED_S_2: &str = "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
/// RFC 8032, section 7.1, test 3: the key of a signature of `af82`.
pub const ED_KEY_3: &str = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025";
/// The first half of it.
pub const ED_R_3: &str = "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac";
/// The second half of it.
pub const ED_S_3: &str = "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a";
/// s plus the group's order.
pub const ED_S_PLUS_ORDER: &str = "4c8c7872aa064e049dbb3013fbf29380d25bf5f0595bbe24655141438e7a101b";
/// The group's order.
pub const ED_ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
