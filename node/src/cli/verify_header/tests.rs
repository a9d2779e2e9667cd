//! Runs without a server, over the chain of `tests/vectors/light/`, which others' keys have certified.

use std::fs;
use std::path::{Path, PathBuf};

use alloy_primitives::U256;
use clap::Parser;
use esker_light::Header;
use serde_json::Value;

use super::*;
use crate::cli::failure::Kind;
use crate::home::network::genesis_text;
use crate::home::staking::{FirstValidator, StakingPlan};
use crate::staking::COIN;

#[test]
fn the_usual_trust_period_leaves_time_to_punish() {
    let plan = StakingPlan::default();
    let usual = u64::from(plan.evidence_epochs - 1) * u64::from(plan.epoch_length);
    assert_eq!(usual, TRUST_PERIOD_MAX);
    let periods = [None, Some(usual), Some(u64::MAX), Some(132), Some(1), Some(0)].map(usual_trust_period);
    assert_eq!(periods, [5_280, 5_280, 5_280, 106, 1, 0]);
}

#[test]
fn blocks_and_slots_are_read_in_all_their_forms() {
    assert_eq!(parse_block("latest"), Ok(Wanted::Latest));
    assert_eq!(parse_block("finalized"), Ok(Wanted::Latest));
    assert_eq!(parse_block("0x10"), Ok(Wanted::Number(16)));
    assert!(parse_block("newest").is_err());
    let one = B256::with_last_byte(1);
    assert_eq!((parse_slot("1"), parse_slot("0x1"), parse_slot(&one.to_string())), (Ok(one), Ok(one), Ok(one)));
    for bad in ["", "0x", "-1", "x", "0x1g", &format!("0x1{}", "0".repeat(64))] {
        assert!(parse_slot(bad).is_err(), "{bad}");
    }
}

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: VerifyHeaderArgs,
}

fn vector(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/light").join(name);
    serde_json::from_slice(&fs::read(path).expect("it is committed")).expect("it is JSON")
}

/// Block 0 with its set, or the end of an epoch of four blocks.
fn block(number: usize) -> Value {
    let mut chain = vector("chain.json");
    if number == 0 { chain["anchor"].take() } else { chain["epochEnds"][number / 4 - 1].take() }
}

fn hash(number: usize) -> String {
    vector("chain.json")["trusted"][number]["hash"].as_str().expect("a hash").to_owned()
}

/// A block that a client must refuse, of the vector with this name.
fn refused_block(name: &str) -> Value {
    let vectors = vector("refused.json");
    let found = vectors["vectors"].as_array().and_then(|all| all.iter().find(|one| one["name"] == name));
    found.expect("there is one")["block"].clone()
}

/// A folder with the file of `--state` in it.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs with these blocks as the server's answer, and with `--state`.
    fn verify(&self, blocks: &[Value], more: &[&str]) -> Result<Value, Failure> {
        fs::write(self.path("blocks"), Value::from(blocks).to_string()).expect("writable");
        let (state, blocks) = (self.path("state"), self.path("blocks"));
        let text = |path: &Path| path.to_str().expect("a name").to_owned();
        let mut line: Vec<String> =
            ["x", "--light-blocks", &text(&blocks), "--state", &text(&state)].map(Into::into).into();
        line.extend(more.iter().map(|one| (*one).to_owned()));
        let line = Line::try_parse_from(line).expect("a command line");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("the system gives threads");
        runtime.block_on(run(&line.args)).map(|answer| answer.json)
    }

    /// Begins with block 0 of the chain.
    fn begin(&self, blocks: &[usize], more: &[&str]) -> Result<Value, Failure> {
        let chain = vector("chain.json")["chain"].clone();
        let blocks: Vec<Value> = [0].iter().chain(blocks).map(|number| block(*number)).collect();
        let genesis = chain["genesisHash"].as_str().expect("a hash");
        let chain = ["--chain-id", "31337", "--genesis-hash", genesis, "--epoch-length", "4", "--trust", genesis];
        self.verify(&blocks, &[&chain[..], more].concat())
    }

    fn state(&self) -> Value {
        serde_json::from_slice(&fs::read(self.path("state")).expect("it was written")).expect("JSON")
    }
}

/// Long enough for blocks of the year 2023.
const EVER: &[&str] = &["--trust-period", "0xffffffffff"];

fn failed(outcome: Result<Value, Failure>, kind: Kind, words: &str) -> Failure {
    let failure = outcome.expect_err(words);
    assert!(failure.kind() == kind && failure.to_string().contains(words), "{words}: {failure:?}");
    failure
}

#[test]
fn a_fork_is_kept_and_nothing_goes_on_from_it() {
    let place = Place::new();
    place.begin(&[4, 8, 12], EVER).expect("the chain is good");
    let twin = refused_block("two blocks at the end of an epoch");
    let failure = failed(place.verify(std::slice::from_ref(&twin), EVER), Kind::Failed, "FORK at height 12");
    let fork = place.path("state.fork");
    assert!(failure.to_string().contains(&fork.display().to_string()), "{failure}");
    let kept: Value = serde_json::from_slice(&fs::read(&fork).expect("it is kept")).expect("JSON");
    assert_eq!(
        (&kept["fork"]["other"]["certificate"], &kept["fork"]["otherHeight"]),
        (&twin["certificate"], &12.into())
    );
    let ours = block(12);
    assert_eq!(kept["fork"]["trustedHeader"], ours["header"]);
    assert_eq!(kept["fork"]["trustedCertificate"], ours["certificate"]);
    assert_eq!(kept["chain"]["chainId"], 31_337);

    // Not with a good block, and not with another beginning.
    failed(place.verify(&[block(16)], EVER), Kind::Failed, "nothing goes on");
    let trust = hash(16);
    let anew = [&["--trust", &trust], EVER].concat();
    failed(place.verify(&[block(16)], &anew), Kind::Failed, "nothing goes on");
    fs::remove_file(fork).expect("it is there");
    assert_eq!(place.verify(&[block(16)], EVER).expect("it was told to go on")["block"]["number"], 16);
}

#[test]
fn what_expired_sets_have_proven_is_told_until_it_is_confirmed() {
    let place = Place::new();
    let first = place.begin(&[4, 8], &["--allow-expired", "--trust-period", "10"]).expect("it is allowed");
    assert_eq!(first["unchecked"], serde_json::json!({"number": 8, "hash": hash(8)}));
    for blocks in [&[12][..], &[]] {
        let blocks: Vec<Value> = blocks.iter().map(|number| block(*number)).collect();
        let next = place.verify(&blocks, EVER).expect("the chain is good");
        assert_eq!((&next["block"]["number"], &next["unchecked"]), (&12.into(), &first["unchecked"]));
    }
    let confirmed = place.verify(&[block(16)], &[&["--trust", &hash(16)], EVER].concat()).expect("it is newer");
    assert_eq!(confirmed["unchecked"], Value::Null);
    assert_eq!(place.state().get("unchecked"), None);
}

#[test]
fn another_beginning_replaces_no_newer_state_and_none_if_it_fails() {
    let place = Place::new();
    place.begin(&[4, 8, 12], EVER).expect("the chain is good");
    let before = place.state();
    let trust = hash(4);
    let expired = place.verify(&[block(4), block(8)], &["--trust", &trust, "--trust-period", "1"]);
    failed(expired, Kind::Failed, "trusted for 1 s only");
    assert_eq!(place.state(), before);
    let older = place.verify(&[block(4), block(8)], &[&["--trust", &trust], EVER].concat()).expect("it is proven");
    assert_eq!((&older["block"]["number"], &older["stateBlock"]), (&8.into(), &12.into()));
    assert_eq!(place.state(), before);
    let newer = [block(4), block(8), block(12), block(16)];
    let newer = place.verify(&newer, &[&["--trust", &trust], EVER].concat()).expect("it is proven");
    assert_eq!(newer["stateBlock"], 16);
    // A failing run that goes on from the file keeps what it has proven.
    let torn = [block(20), refused_block("no header")];
    failed(place.verify(&torn, EVER), Kind::Failed, "does not verify");
    assert_eq!(place.verify(&[], EVER).expect("it was kept")["block"]["number"], 20);
}

#[test]
fn two_blocks_of_one_number_are_never_taken_for_one() {
    let place = Place::new();
    place.begin(&[4, 8], EVER).expect("the chain is good");
    let before = place.state();
    let mut twin = refused_block("two blocks at the end of an epoch after which the set changes");
    twin["setProof"] = block(8)["setProof"].clone();
    let header: alloy_primitives::Bytes = serde_json::from_value(twin["header"].clone()).expect("bytes");
    let hash = Header::decode(&header).expect("a header").hash.to_string();
    failed(place.verify(&[twin], &[&["--trust", &hash], EVER].concat()), Kind::Failed, "holds it as");
    assert_eq!(place.state(), before);
}

#[test]
fn the_block_that_is_trusted_already_counts_for_nothing() {
    let place = Place::new();
    let counts = |answer: &Value| ["blocksVerified", "epochsFollowed", "bytes"].map(|name| answer[name].as_u64());
    let zero = place.begin(&[0], EVER).expect("the chain is good");
    assert_eq!((counts(&zero), &zero["signedPower"]), ([Some(0); 3], &Value::Null));
    let once = place.begin(&[4], EVER).expect("the chain is good");
    let twice = place.begin(&[4, 4], EVER).expect("the chain is good");
    assert_eq!(counts(&once), counts(&twice));
    assert_eq!(counts(&once)[..2], [Some(1), Some(1)]);
}

fn genesis(evidence_epochs: u32) -> esker_runtime::Genesis {
    let mut genesis = esker_runtime::Genesis::new(7, 30_000_000, 5);
    let plan = StakingPlan { epoch_length: 10, evidence_epochs, ..StakingPlan::default() };
    let first = FirstValidator {
        operator: Address::repeat_byte(1),
        public_key: crate::home::ConsensusKey::new(Address::repeat_byte(1), [1; 32]).public_key(),
        reporter: None,
        commission_bps: 0,
        self_bond: U256::from(COIN),
    };
    plan.put_into(&mut genesis, &[first]).expect("the plan is sound");
    genesis
}

#[test]
fn a_genesis_is_what_nodes_take_for_one() {
    let place = Place::new();
    let path = place.path("genesis.json");
    let begin = |text: &str| {
        fs::write(&path, text).expect("writable");
        place.verify(&[], &["--genesis", path.to_str().expect("a name")])
    };
    begin(&genesis_text(&genesis(2))).expect("it is good");
    fs::remove_file(place.path("state")).expect("it was written");
    let mut other = genesis(2);
    // Not in the hash of block 0.
    other.config.staking.as_mut().expect("it has staking").epoch_length = 1_000_000;
    failed(begin(&genesis_text(&other)), Kind::Usage, "an epoch has 1000000 blocks");
    failed(begin(&format!("{{\"result\": {}}}", genesis_text(&genesis(2)))), Kind::Usage, "is no genesis");
    if cfg!(unix) {
        failed(place.verify(&[], &["--genesis", "/dev/zero"]), Kind::Usage, "no regular file");
    }
}

#[test]
fn a_trust_period_is_measured_by_the_genesis_also_later() {
    let place = Place::new();
    let path = place.path("genesis.json");
    fs::write(&path, genesis_text(&genesis(3))).expect("writable");
    let first = place.verify(&[], &["--genesis", path.to_str().expect("a name")]).expect("it is good");
    assert_eq!((&first["trustPeriod"], &first["trustPeriodMax"]), (&16.into(), &20.into()));
    let again = place.verify(&[], &["--trust-period", "21"]).expect("it is the same");
    assert_eq!((&again["trustPeriod"], &again["trustPeriodMax"]), (&21.into(), &20.into()));
}

#[test]
fn files_without_end_are_refused() {
    if cfg!(unix) {
        let place = Place::new();
        std::os::unix::fs::symlink("/dev/zero", place.path("state")).expect("writable");
        failed(place.verify(&[], EVER), Kind::Usage, "no regular file");
    }
}
