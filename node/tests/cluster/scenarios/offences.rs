//! What lying costs.

use alloy_primitives::U256;
use serde_json::json;

use super::stake::{COIN, power, validator};
use super::validators::{command, text};
use crate::byzantine::{self, Misdeed};
use crate::history::one_history_with_liars;
use crate::load::{Load, summary};
use crate::network::{Network, Plan};
use crate::scenario::{scenario, until};

#[test]
fn equivocation_is_punished() {
    scenario("punished", async |run| {
        let plan = Plan { full_nodes: 1, more: &["--epoch-length", "25"], ..Plan::default() };
        let mut network = Network::create(run, &plan);
        let (honest, liar, twin) = ([0, 1, 2], 3, 4);
        let home = esker::home::Home::open(&network.nodes[liar].home).expect("a home");
        let password = home.password().expect("readable").expect("the home names the password's file");
        let culprit = home.consensus_key(&password).expect("it opens").expect("a validator").address;
        network.share_keys(liar, twin);
        for index in honest {
            network.nodes[index].start();
        }
        byzantine::start(&mut network.nodes[liar], Misdeed::Agree);
        byzantine::start(&mut network.nodes[twin], Misdeed::Contradict);
        network.answer().await;
        let load = Load::transfers(&network, &[0, 1]);
        run.says("node3 votes on two machines, and one says the contrary of the other");
        for index in honest {
            let node = &network.nodes[index];
            until(format_args!("node{index} has {culprit} punished"), async || {
                validator(node, culprit).await.isTombstoned.then_some(())
            })
            .await;
            let info = validator(node, culprit).await;
            assert_eq!(info.stake, U256::from(COIN) * U256::from(95), "five of a hundred coins are gone");
            until(format_args!("{culprit} is out of the set of node{index}"), async || {
                let set = node.ask("esker_validators", json!([])).await.ok()?;
                power(&set, culprit).is_none().then_some(())
            })
            .await;
            until(format_args!("node{index} has nothing more to report"), async || {
                node.evidence().iter().all(|name| name.ends_with(".settled")).then_some(())
            })
            .await;
        }
        let reports: usize =
            honest.iter().map(|index| network.nodes[*index].log_since(0).matches("reported a").count()).sum();
        run.says(format_args!("slashed, and out of the set; {reports} reports were sent"));
        assert!(reports >= 1, "nobody reported it");
        network.progress(&honest, 30).await;
        let acks = load.stop().await;
        run.says(summary(&acks));
        run.says("the operator whose node reported it claims the reward");
        let mut paid = Vec::new();
        for index in honest {
            let home = text(&network.nodes[index].home).to_owned();
            match command(&network.nodes[index], &["claim", "--report", "--home", &home]).await {
                Ok(answer) => paid.push(answer["paid"].clone()),
                Err(error) => assert!(error.to_string().contains("nothing to claim"), "{error}"),
            }
        }
        // 5 % of what the operator lost, which is 5 % of 100 coins.
        assert_eq!(paid, [json!((U256::from(COIN) / U256::from(4)).to_string())]);
        let honest = network.some(&honest);
        let info = validator(honest[0], culprit).await;
        assert_eq!(info.stake, U256::from(COIN) * U256::from(95), "it is slashed once");
        one_history_with_liars(run, &honest, &acks).await;
    });
}
