//! Homes as they are opened, and every way in which one can be wrong.

use std::fs;
use std::path::Path;

use super::*;
use crate::keystore::ScryptCost;

const COST: ScryptCost = ScryptCost { log_n: 2, r: 1, p: 1 };

/// Makes a home of a network with one validator.
fn make(path: &Path, config: &NodeConfig, is_validator: bool) -> SealedKeys {
    let keys = SealedKeys::generate("secret", COST).expect("the system has randomness");
    let mut genesis = Genesis::new(7, 30_000_000, 5);
    genesis.validators = vec![keys.validator(network::SELF_BOND)];
    let home = NewHome {
        config,
        genesis: Some(&genesis),
        founder: None,
        keys: is_validator.then_some(&keys),
        node_key: [3; 32],
        password: config.password_file.is_some().then_some("secret"),
    };
    home.write(path).expect("the folder is empty");
    keys
}

#[test]
fn a_home_opens_with_everything_in_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("home");
    let config = NodeConfig { password_file: Some("password".into()), ..NodeConfig::default() };
    let keys = make(&path, &config, true);
    let home = Home::open(&path).expect("it was made so");
    assert_eq!((&home.config, home.genesis.config.chain_id), (&config, 7));
    let password = home.password().expect("readable").expect("the settings name it");
    let key = home.consensus_key(&password).expect("the password fits").expect("there is one");
    assert_eq!((key.address, key.public_key()), (keys.address, keys.public_key));
    assert_eq!(home.node_key(), Ok([3; 32]));
    assert_eq!(home.data(), path.join("data"));
    let error = home.consensus_key("wrong").expect_err("another password");
    assert_eq!(error.fault, HomeFault::Password);
    assert!(error.to_string().contains("consensus.json"), "{error}");
}

#[test]
fn a_full_node_has_no_consensus_key_and_needs_no_password() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    make(folder.path(), &NodeConfig::default(), false);
    let home = Home::open(folder.path()).expect("it was made so");
    assert_eq!(home.password(), Ok(None));
    assert!(home.consensus_key("").expect("no key is no error").is_none());
    assert!(!folder.path().join(layout::OPERATOR_KEY).exists());
}

#[cfg(unix)]
#[test]
fn everything_in_a_home_is_private_and_must_stay_so() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("home");
    let config = NodeConfig { password_file: Some("password".into()), ..NodeConfig::default() };
    make(&path, &config, true);
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
    let mode = |path: &Path| fs::metadata(path).expect("it exists").permissions().mode() & 0o777;
    let secrets = [layout::NODE_KEY, layout::CONSENSUS_KEY, layout::OPERATOR_KEY, "password"];
    for name in secrets.iter().chain(&[layout::CONFIG, layout::GENESIS]) {
        assert_eq!(mode(&path.join(name)), 0o600, "{name}");
    }
    assert_eq!((mode(&path), mode(&path.join(layout::KEYS))), (0o700, 0o700));
    let home = Home::open(&path).expect("it was made so");
    let open: [(&str, &dyn Fn() -> Option<HomeError>); 3] = [
        (layout::NODE_KEY, &|| home.node_key().err()),
        (layout::CONSENSUS_KEY, &|| home.consensus_key("secret").err()),
        ("password", &|| home.password().err()),
    ];
    for (name, open) in open {
        assert_eq!(open(), None, "{name}");
        for bits in [0o640, 0o604, 0o620] {
            set(&path.join(name), bits);
            let error = open().unwrap_or_else(|| panic!("{name} may be read by others")).to_string();
            assert!(error.contains("is not private") && error.contains("chmod 600"), "{error}");
        }
        set(&path.join(name), 0o600);
        assert_eq!(open(), None, "{name}");
    }
}

#[test]
fn what_is_no_home_is_refused_with_the_files_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let error = |path: &Path| Home::open(path).expect_err("no home").to_string();
    let absent = error(&folder.path().join("absent"));
    assert!(absent.contains("there is nothing at") && absent.contains("esker init --home"), "{absent}");
    let empty = error(folder.path());
    assert!(empty.contains("has no config.toml"), "{empty}");

    let path = folder.path().join("home");
    make(&path, &NodeConfig::default(), true);
    let config = path.join(layout::CONFIG);
    let good = fs::read_to_string(&config).expect("readable");
    let cases = [
        ("name = ".to_owned(), "line 1"),
        (format!("{good}\nsped = 1"), "unknown field `sped`"),
        (good.replace("peers = []", "peers = [\"nowhere\"]"), "is no peer's address"),
        (good.replace("\"1s\"", "\"soon\""), "is no duration"),
        ("x".repeat((1 << 20) + 1), "is too long"),
    ];
    for (text, words) in cases {
        fs::write(&config, &text).expect("writable");
        let error = error(&path);
        assert!(error.contains(words) && error.contains("config.toml"), "{words}: {error}");
    }
    fs::write(&config, [0xff, 0xfe]).expect("writable");
    assert!(error(&path).contains("is no text"));
    fs::write(&config, good).expect("writable");
    fs::remove_file(path.join(layout::GENESIS)).expect("it is there");
    assert!(error(&path).contains("has no genesis.json yet"));
}

#[test]
fn damaged_keys_are_refused_and_never_repeated() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("home");
    make(&path, &NodeConfig::default(), true);
    let home = Home::open(&path).expect("it was made so");
    // Overwriting keeps the mode.
    fs::write(path.join(layout::NODE_KEY), "5ec4e7").expect("writable");
    let error = home.node_key().expect_err("too short").to_string();
    assert!(error.contains("node.key is no network key") && !error.contains("5ec4e7"), "{error}");
    fs::write(path.join(layout::CONSENSUS_KEY), "{").expect("writable");
    let error = home.consensus_key("secret").expect_err("no JSON").to_string();
    assert!(error.contains("consensus.json is no usable consensus key"), "{error}");
    fs::remove_file(path.join(layout::NODE_KEY)).expect("it is there");
    assert!(home.node_key().expect_err("not there").to_string().contains("node.key is missing"));
}
