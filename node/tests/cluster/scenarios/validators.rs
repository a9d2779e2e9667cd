//! Validators that come, go, and are jailed, by the commands that their operators type.

use std::path::{Path, PathBuf};

use alloy_primitives::{Address, TxKind, U256};
use esker::home::Home;
use serde_json::{Value, json};

use super::stake::{COIN, Sender, power, validator};
use crate::history::one_history;
use crate::load::{Action, Load, summary};
use crate::network::{Network, Plan};
use crate::node::{Node, esker, tail};
use crate::scenario::{Scenario, scenario, until};

/// Runs `esker validator` at a node's server; its answer, or its error.
pub async fn command(node: &Node, arguments: &[&str]) -> Result<Value, Value> {
    let mut command = esker();
    let url = format!("http://{}", node.config().rpc.listen);
    command.args(["--json", "validator"]).args(arguments).args(["--rpc-url", &url]);
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("it does not panic");
    let output = output.expect("the binary starts");
    let json = serde_json::from_slice(&output.stdout);
    let json = json.unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    if output.status.success() { Ok(json) } else { Err(json) }
}

pub fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Returns when each of these nodes gives the validator this power.
async fn has_power(network: &Network, nodes: &[usize], address: Address, expected: Option<u64>) {
    for node in network.some(nodes) {
        until(format_args!("node{} gives {address} {expected:?}", node.index), async || {
            let set = node.ask("esker_validators", json!([])).await.ok()?;
            (power(&set, address) == expected).then_some(())
        })
        .await;
    }
}

/// Makes a home with `esker init` that is reached and reaches as node `place` of the network does, in whose stead it is.
fn join(run: &Scenario, network: &mut Network, place: usize) -> Address {
    use std::os::unix::fs::PermissionsExt as _;
    let (home, password) = (run.path("joiner"), run.path("password"));
    std::fs::write(&password, "a joiner's password\n").expect("writable");
    std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o600)).expect("ours");
    let genesis = network.nodes[place].home.join("genesis.json");
    let mut command = esker();
    command.args(["--json", "init", "--home", text(&home), "--genesis", text(&genesis)]);
    let output = command.args(["--password-file", text(&password)]).output().expect("the binary starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let settings = network.nodes[place].config();
    let url = format!("http://{}", settings.rpc.listen);
    network.nodes[place] = Node::new(place, home, &url);
    network.nodes[place].configure(|config| {
        config.rpc = settings.rpc.clone();
        config.consensus = settings.consensus.clone();
        config.gossip = settings.gossip.clone();
    });
    operator(&network.nodes[place].home)
}

fn operator(home: &Path) -> Address {
    let home = Home::open(home).expect("a home");
    let password = home.password().expect("readable").expect("the home names the password's file");
    home.consensus_key(&password).expect("it opens").expect("a validator").address
}

async fn balance(node: &Node, address: Address) -> U256 {
    let answer = node.ask("eth_getBalance", json!([address, "latest"])).await.expect("an answer");
    serde_json::from_value(answer).expect("a number")
}

#[test]
fn a_validator_joins_and_leaves() {
    scenario("joins", async |run| {
        let staking = "unbonding_epochs = 3\nevidence_epochs = 2\n";
        let plan = Plan { full_nodes: 1, more: &["--epoch-length", "15"], staking, ..Plan::default() };
        let mut network = Network::create(run, &plan);
        let (first, joiner) = ([0, 1, 2, 3], 4);
        let operator = join(run, &mut network, joiner);
        let home: PathBuf = network.nodes[joiner].home.clone();
        network.start_all(run).await;
        let load = Load::transfers(&network, &[0, 1]);
        let mut rich = Sender { account: 9, nonce: 0 };
        rich.send(
            &network,
            Action { to: TxKind::Call(operator), value: 250 * COIN, input: Default::default(), gas: 21_000 },
        )
        .await;
        until("the operator has coins", async || (!balance(&network.nodes[0], operator).await.is_zero()).then_some(()))
            .await;
        let with = |coins| ["create", "--home", text(&home), "--self-bond", coins, "--commission", "5%"];
        let refused = command(&network.nodes[0], &with("300ether")).await.expect_err("it has 250 coins");
        run.says(format_args!("300 of 250 coins: {}", refused["error"]["message"]));
        command(&network.nodes[0], &with("200ether")).await.expect("it may");
        has_power(&network, &network.all(), operator, Some(200)).await;
        run.says(format_args!("{operator} has joined with 200 of 600"));
        until("the new one proposes", async || {
            let block = network.nodes[0].ask("eth_getBlockByNumber", json!(["latest", false])).await.ok()?;
            (block["miner"].as_str()?.parse::<Address>().ok()? == operator).then_some(())
        })
        .await;
        command(&network.nodes[0], &["undelegate", &operator.to_string(), "all", "--home", text(&home)])
            .await
            .expect("it may leave");
        has_power(&network, &network.all(), operator, None).await;
        run.says("it proposed, and has left the set");
        let withdraw = ["withdraw", &operator.to_string(), "--home", text(&home)];
        let early = command(&network.nodes[0], &withdraw).await.expect_err("its coins wait");
        run.says(format_args!("too early: {}", early["error"]["message"]));
        until("the coins are there again", async || command(&network.nodes[0], &withdraw).await.ok()).await;
        assert!(balance(&network.nodes[0], operator).await > U256::from(249 * COIN), "all but fees came back");
        command(&network.nodes[0], &["claim", "--commission", "--home", text(&home)]).await.expect("it earned some");
        assert!(network.nodes[joiner].is_running() && !network.nodes[joiner].has_ended(), "it follows on");
        network.progress(&network.all(), 5).await;
        has_power(&network, &first, operator, None).await;
        let acks = load.stop().await;
        run.says(summary(&acks));
        let history = one_history(run, &network.some(&network.all()), &acks).await;
        let proposed = history.beneficiaries.iter().filter(|miner| miner.parse() == Ok(operator)).count();
        run.says(format_args!("it proposed {proposed} blocks"));
    });
}

#[test]
fn a_silent_validator_is_jailed_and_comes_back() {
    scenario("jailed", async |run| {
        let staking = "missed_slots = \"20%\"\nmissed_slots_min = 2\njail_epochs = 1\n";
        let plan = Plan { more: &["--epoch-length", "25"], staking, ..Plan::default() };
        let mut network = Network::start(run, &plan).await;
        let (others, silent) = ([0, 1, 2], 3);
        let operator = operator(&network.nodes[silent].home);
        let home = network.nodes[silent].home.clone();
        let load = Load::transfers(&network, &[0, 1]);
        let unjail = ["unjail", "--home", text(&home)];
        let free = command(&network.nodes[0], &unjail).await.expect_err("it is not jailed");
        run.says(format_args!("not in jail: {}", free["error"]["message"]));
        network.nodes[silent].kill();
        has_power(&network, &others, operator, None).await;
        let info = validator(&network.nodes[0], operator).await;
        assert!(info.isJailed && !info.isTombstoned, "{info:?}");
        assert_eq!(info.stake, U256::from(100 * COIN), "being silent costs no coins");
        run.says("it was silent, and is in jail");
        network.nodes[silent].start();
        network.answer().await;
        let head = network.progress(&others, 2).await;
        network.reach(&[silent], head).await;
        let mut refusals = 0;
        until("it is let out", async || match command(&network.nodes[0], &unjail).await {
            Ok(_) => Some(()),
            Err(error) => {
                refusals += 1;
                let told = error["error"].to_string();
                assert!(told.contains("jail"), "{told}; {}", tail(&network.nodes[0].log()));
                None
            }
        })
        .await;
        run.says(format_args!("it is out of jail, after {refusals} refusals"));
        has_power(&network, &network.all(), operator, Some(100)).await;
        let from = network.progress(&network.all(), 1).await;
        until("it proposes again", async || {
            let block = network.nodes[0].ask("eth_getBlockByNumber", json!(["latest", false])).await.ok()?;
            let is_later = crate::node::number(&block["number"])? > from;
            (is_later && block["miner"].as_str()?.parse::<Address>().ok()? == operator).then_some(())
        })
        .await;
        let acks = load.stop().await;
        run.says(summary(&acks));
        one_history(run, &network.some(&network.all()), &acks).await;
    });
}
