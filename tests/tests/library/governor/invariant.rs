//! The governor under random calls.

use super::dao::*;
use esker_sdk::prelude::*;
use esker_sdk_test::{Chain, Invariant, User};

/// Whatever is done in whatever order, the votes on a proposal are those that their voters had, each once, and no more than
/// there are; and only what won is carried out.
#[esker_sdk::test]
fn votes_add_up(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let users = [alice, bob, carol];
    let dao = &Dao::new(chain, &users);
    let proposals = &[1, 2, 3].map(|value| dao.setting(value, "set"));
    Invariant::new()
        .action("propose", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), dao.propose(&draw.pick(proposals)));
        })
        .action("vote", move |chain, draw| {
            let vote = dao.governor.cast_vote(draw.pick(proposals).id(), draw.number(0..=3) as u8);
            let _ = chain.send(draw.pick(&users), vote);
        })
        .action("vote", move |chain, draw| {
            let vote = dao.governor.cast_vote(draw.pick(proposals).id(), 1);
            let _ = chain.send(draw.pick(&users), vote);
        })
        .action("transfer", move |chain, draw| {
            let (from, to, value) = (draw.pick(&users), draw.pick(&users), draw.number(0..=30));
            let _ = chain.send(from, dao.token.transfer(to, number(value)));
        })
        .action("queue", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), dao.queue(&draw.pick(proposals)));
        })
        .action("execute", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), dao.execute(&draw.pick(proposals)));
        })
        .action("blocks pass", move |chain, draw| chain.pass_blocks(draw.number(0..=PERIOD)))
        .action("time passes", move |chain, draw| chain.pass(draw.number(0..=2 * WAITS)))
        .check("votes are their voters'", move |chain| {
            for proposal in proposals {
                let id = proposal.id();
                let (against, for_it, abstaining) = chain.read(dao.governor.proposal_votes(id));
                let mut expected = U256::ZERO;
                for user in users {
                    if chain.read(dao.governor.has_voted(id, user)) {
                        let snapshot = chain.read(dao.governor.proposal_snapshot(id));
                        expected += chain.read(dao.token.get_past_votes(user, snapshot));
                    }
                }
                assert_eq!(against + for_it + abstaining, expected);
                assert!(expected <= 100);
                if chain.read(dao.governor.proposal_eta(id)) > 0 {
                    assert!(for_it > against && for_it + abstaining >= 25, "{for_it} for, {against} against");
                }
            }
        })
        .run(chain);
}
