//! What the pool gives way to, what it keeps, and what it costs: prices, coins, limits, age.

use super::*;

#[test]
fn what_no_block_can_carry_for_its_price_is_refused() {
    let pool = pool();
    let words = pool.add(Draft::new(1, 0).cap(6).tip(6).sign(), &admission(0)).expect_err("too cheap").to_string();
    assert_eq!(words, "transaction underpriced: gas fee cap 6, minimum needed 7");
    let empty = Admission { account: Account::default(), ..admission(0) };
    for index in 1..20 {
        assert!(pool.add(Draft::new(index, 0).cap(0).tip(0).value(0).sign(), &empty).is_err());
    }
    assert_eq!(pool.status(), Status::default());
}

fn with_balance(nonce: u64, balance: u64) -> Admission<'static> {
    Admission { account: Account { nonce, balance: U256::from(balance), ..Account::default() }, ..admission(0) }
}

fn block_leaving(sender: u8, nonce: u64, balance: u64) -> ChangeSet {
    let after = Some(with_balance(nonce, balance).account);
    let change = AccountChange { before: None, after, ..AccountChange::default() };
    ChangeSet { accounts: [(signer(sender).address(), change)].into(), ..ChangeSet::default() }
}

#[test]
fn a_sender_cannot_promise_the_same_coins_twice() {
    let pool = pool();
    // Each may cost 2,100,000 for gas and 9,000,000 besides.
    let transfer = |nonce| Draft::new(1, nonce).value(9_000_000);
    let rich = with_balance(0, 20_000_000);
    assert_eq!(pool.add(transfer(0).sign(), &rich), Ok(Added::Pending));
    let words = pool.add(transfer(1).sign(), &rich).expect_err("the coins are promised").to_string();
    let wanted = "insufficient funds for gas * price + value: balance 20000000, queued cost 11100000, tx cost 11100000, \
                  overshot 2200000";
    assert_eq!(words, wanted);
    assert_eq!(pool.add(transfer(7).sign(), &rich).expect_err("queued ones count too").to_string(), wanted);
    // What it replaces does not count.
    assert_eq!(pool.add(transfer(0).cap(200).tip(20).sign(), &rich), Ok(Added::Pending));
    assert_eq!(pool.add(Draft::new(1, 1).value(1).sign(), &rich), Ok(Added::Pending));
    assert_eq!(pool.status(), Status { pending: 2, queued: 0 });
}

#[test]
fn what_a_sender_cannot_pay_any_more_is_not_offered_and_what_it_never_could_goes() {
    let pool = pool();
    let rich = with_balance(0, 50_000_000);
    for (nonce, value) in [(0, 1), (1, 3_000_000), (2, 20_000_000), (3, 1), (4, 1)] {
        assert_eq!(pool.add(Draft::new(1, nonce).value(value).sign(), &rich), Ok(Added::Pending), "{nonce}");
    }
    // A block took the first one and a contract took coins besides: the second can be paid, the third never again, and
    // what stands behind the gap waits.
    pool.on_block(&block_leaving(1, 1, 6_000_000), 0, Instant::now());
    let sender = signer(1).address();
    assert_eq!(order(&pool, 0), [(sender, 1)]);
    assert_eq!(pool.status(), Status { pending: 1, queued: 2 });
    // The next nonce is free again, without a higher price.
    assert_eq!(pool.pending_nonce(sender), Some(2));
    assert_eq!(pool.add(Draft::new(1, 2).value(1).sign(), &with_balance(1, 50_000_000)), Ok(Added::Pending));
    assert_eq!(order(&pool, 0), [(sender, 1), (sender, 2), (sender, 3), (sender, 4)]);
    // Coins for two of the four: the others wait until there are more.
    pool.on_block(&block_leaving(1, 1, 8_000_000), 0, Instant::now());
    assert_eq!((order(&pool, 0).len(), pool.status()), (2, Status { pending: 2, queued: 2 }));
    pool.on_block(&block_leaving(1, 1, 80_000_000), 0, Instant::now());
    assert_eq!(pool.status(), Status { pending: 4, queued: 0 });
}

#[test]
fn a_full_pool_gives_way_to_what_pays_more() {
    let limits = Limits { transactions: 40, ..Limits::default() };
    let pool = Pool::new(limits);
    // Ten senders with four each, the last of each with the highest price of all: nobody reaches it but through the others.
    for sender in 1..=10 {
        for nonce in 0..4 {
            let tip = if nonce == 3 { 90 } else { u128::from(sender) };
            pool.add(Draft::new(sender, nonce).tip(tip).sign(), &admission(0)).expect("room");
        }
    }
    assert_eq!(pool.add(Draft::new(20, 0).tip(1).sign(), &admission(0)), Err(PoolError::Full), "no better");
    assert_eq!(pool.add(Draft::new(20, 1).tip(99).sign(), &admission(0)), Err(PoolError::Full), "not executable");
    for nonce in 0..4 {
        assert_eq!(pool.add(Draft::new(20, nonce).tip(50).sign(), &admission(0)), Ok(Added::Pending), "{nonce}");
    }
    let sender = signer(1).address();
    assert!(
        order(&pool, 0).iter().all(|(who, _)| *who != sender),
        "the worst paying sender is gone, its last one first"
    );
    assert_eq!(pool.status(), Status { pending: 40, queued: 0 });
    // At a base fee that leaves the caps of the others nothing, what can pay it counts.
    let dear = Draft::new(21, 0).cap(1_000).tip(1);
    pool.on_block(&ChangeSet::default(), 500, Instant::now());
    assert_eq!(pool.add(dear.sign(), &admission(0)), Ok(Added::Pending));
    assert_eq!(order(&pool, 500), [(signer(21).address(), 0)]);
}

#[test]
fn nothing_waits_for_ever() {
    let limits = Limits { lifetime: Duration::from_secs(60), ..Limits::default() };
    let pool = Pool::new(limits);
    for nonce in [0, 1, 5] {
        pool.add(Draft::new(1, nonce).sign(), &admission(0)).expect("room");
    }
    let soon = Instant::now() + Duration::from_secs(30);
    pool.on_block(&ChangeSet::default(), 0, soon);
    assert_eq!(pool.status(), Status { pending: 2, queued: 1 });
    pool.on_block(&ChangeSet::default(), 0, soon + Duration::from_secs(60));
    assert_eq!((pool.status(), order(&pool, 0)), (Status::default(), Vec::new()));
}

/// Whatever is done to the pool, it offers what a plain search over all that waits would, and counts as that counts.
#[test]
fn the_indices_agree_with_a_search_of_everything() {
    let limits = Limits { transactions: 60, per_sender: 12, ..Limits::default() };
    let pool = Pool::new(limits);
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut draw = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut accounts: Vec<(u64, u64)> = (0..8).map(|_| (0, 40_000_000)).collect();
    let mut came: Vec<B256> = Vec::new();
    let (mut added, mut base_fee) = (0, 50);
    for step in 0..4_000 {
        let who = draw(8) as usize;
        let (nonce, balance) = accounts[who];
        match draw(10) {
            0..7 => {
                let fee = 7 + u128::from(draw(200));
                let draft = Draft::new(who as u8 + 1, nonce + draw(6)).cap(fee).tip(u128::from(draw(120)).min(fee));
                let transaction = draft.value(draw(3_000_000)).sign();
                let hash = transaction.hash();
                if pool.add(transaction, &with_balance(nonce, balance)).is_ok() {
                    came.push(hash);
                    added += 1;
                }
            }
            7 => {
                accounts[who] = (nonce + draw(3), draw(60_000_000));
                base_fee = draw(150);
                let (nonce, balance) = accounts[who];
                pool.on_block(&block_leaving(who as u8 + 1, nonce, balance), base_fee, Instant::now());
            }
            8 if !came.is_empty() => {
                let hash = came[draw(came.len() as u64) as usize];
                pool.remove(hash);
            }
            _ => base_fee = draw(150),
        }
        let content = pool.content(None);
        let count = |part: &ByNonce| part.values().map(std::collections::BTreeMap::len).sum::<usize>();
        let counted = Status { pending: count(&content.pending), queued: count(&content.queued) };
        assert_eq!(pool.status(), counted, "step {step}");
        assert!(counted.pending + counted.queued <= 60);
        let mut runs = content.pending;
        for (sender, run) in &runs {
            let (index, _) = (0..8)
                .map(|index| (index, signer(index as u8 + 1).address()))
                .find(|(_, who)| who == sender)
                .expect("ours");
            let (nonce, balance) = accounts[index];
            assert!(run.keys().copied().eq(nonce..nonce + run.len() as u64), "step {step}");
            let spent =
                run.values().map(|transaction| admission::cost(transaction)).fold(U256::ZERO, |sum, cost| sum + cost);
            assert!(spent <= U256::from(balance), "step {step}");
        }
        let mut expected = Vec::new();
        loop {
            let arrival = |hash: B256| came.iter().rposition(|came| *came == hash).expect("it came in");
            let heads = runs.iter().filter_map(|(sender, run)| {
                let head = run.values().next()?;
                let tip = price::Caps::of(head).effective_tip(base_fee)?;
                Some((tip, std::cmp::Reverse(arrival(head.hash())), *sender))
            });
            let Some((_, _, best)) = heads.max() else { break };
            let (nonce, _) = runs.get_mut(&best).and_then(std::collections::BTreeMap::pop_first).expect("it has one");
            expected.push((best, nonce));
        }
        assert_eq!(order(&pool, base_fee), expected, "step {step}, base fee {base_fee}");
    }
    println!("{added} of 4,000 steps added a transaction");
    assert!(added > 500);
}

/// Four senders with five thousand each, the last one's in falling order of nonces: neither an insertion nor the end of
/// all their lives may cost time with the square of that.
#[test]
fn what_one_sender_has_waiting_costs_nobody_else_time() {
    let limits = Limits { lifetime: Duration::from_secs(60), ..Limits::default() };
    let pool = Pool::new(limits);
    for sender in 1..=4 {
        let signed: Vec<_> = (0..5_000).map(|nonce| Draft::new(sender, nonce).sign()).collect();
        let from_the_end = sender == 4;
        let start = Instant::now();
        for index in 0..signed.len() {
            let index = if from_the_end { signed.len() - 1 - index } else { index };
            pool.add(signed[index].clone(), &admission(0)).expect("room");
            pool.refresh(signed[index].sender(), &admission(0).account);
        }
        println!("sender {sender}: {:?} for 5,000 insertions", start.elapsed());
    }
    assert_eq!(pool.status(), Status { pending: 20_000, queued: 0 });
    let start = Instant::now();
    pool.on_block(&ChangeSet::default(), 0, start + Duration::from_secs(600));
    let took = start.elapsed();
    println!("{took:?} for the end of 20,000");
    assert_eq!(pool.status(), Status::default());
    assert!(took < Duration::from_millis(300), "{took:?}");
}

fn large(draft: Draft, bytes: usize) -> Draft {
    Draft { input: Bytes::from(vec![0; bytes]), ..draft.gas(100_000) }
}

#[test]
fn a_replacement_has_to_find_room_too() {
    let first = Draft::new(1, 0).sign();
    let other = Draft::new(2, 0).tip(1).sign();
    let bytes = first.encoded_len() + other.encoded_len() + 100;
    let pool = Pool::new(Limits { bytes, ..Limits::default() });
    pool.add(first.clone(), &admission(0)).expect("room");
    pool.add(other.clone(), &admission(0)).expect("room");
    let replacement = |size| large(Draft::new(1, 0).cap(200).tip(20), size).sign();
    assert_eq!(pool.add(replacement(2_000), &admission(0)), Err(PoolError::Full));
    assert!(pool.get(first.hash()).is_some() && pool.get(other.hash()).is_some());
    assert_eq!(pool.add(replacement(150), &admission(0)), Ok(Added::Pending));
    assert!(pool.get(first.hash()).is_none() && pool.get(other.hash()).is_none());
    assert_eq!(pool.status(), Status { pending: 1, queued: 0 });
}

#[test]
fn what_is_refused_has_driven_nobody_out() {
    let cheap = Draft::new(1, 0).tip(1).sign();
    let behind = Draft::new(1, 1).tip(1).sign();
    let dear = Draft::new(2, 0).tip(50).sign();
    let bytes = cheap.encoded_len() + behind.encoded_len() + dear.encoded_len();
    let pool = Pool::new(Limits { bytes, ..Limits::default() });
    for transaction in [&cheap, &behind, &dear] {
        pool.add(transaction.clone(), &admission(0)).expect("room");
    }
    // Both cheap ones together would not be enough.
    let newcomer = large(Draft::new(3, 0).tip(10), bytes - 120).sign();
    assert_eq!(pool.add(newcomer, &admission(0)), Err(PoolError::Full));
    let [one, two] = [1, 2].map(|index| signer(index).address());
    assert_eq!(order(&pool, 0), [(two, 0), (one, 0), (one, 1)]);
    assert_eq!(pool.status(), Status { pending: 3, queued: 0 });
}

#[test]
fn what_cannot_pay_the_base_fee_does_not_drive_out_better_ones_that_are_queued() {
    let pool = Pool::new(Limits { transactions: 2, ..Limits::default() });
    pool.on_block(&ChangeSet::default(), 50, Instant::now());
    for sender in [1, 2] {
        pool.add(Draft::new(sender, 1).sign(), &admission(0)).expect("room");
    }
    assert_eq!(pool.add(Draft::new(3, 0).cap(7).tip(0).sign(), &admission(0)), Err(PoolError::Full));
    assert_eq!(pool.add(Draft::new(3, 0).cap(50).tip(0).sign(), &admission(0)), Ok(Added::Pending));
}

#[test]
fn a_sender_at_its_limit_can_still_close_its_gap() {
    let pool = Pool::new(Limits { per_sender: 2, ..Limits::default() });
    for nonce in [1, 2] {
        pool.add(Draft::new(1, nonce).sign(), &admission(0)).expect("room");
    }
    let refused = pool.add(Draft::new(1, 3).sign(), &admission(0));
    assert_eq!(refused, Err(PoolError::AccountLimit { waiting: 2, limit: 2 }));
    assert_eq!(pool.add(Draft::new(1, 0).sign(), &admission(0)), Ok(Added::Pending));
    let sender = signer(1).address();
    assert_eq!((order(&pool, 0), pool.status().queued), (vec![(sender, 0), (sender, 1)], 0));
}

#[test]
fn a_sender_that_lost_coins_can_still_replace_what_it_promised_with_less() {
    let pool = pool();
    for nonce in 0..3 {
        let transaction = Draft::new(1, nonce).value(20_000_000).sign();
        pool.add(transaction, &with_balance(0, 80_000_000)).expect("it can pay");
    }
    pool.on_block(&block_leaving(1, 0, 30_000_000), 0, Instant::now());
    let poor = with_balance(0, 30_000_000);
    // A higher price and no value: less in all, though the three together are still more than there is.
    assert_eq!(pool.add(Draft::new(1, 0).cap(200).tip(20).value(0).sign(), &poor), Ok(Added::Pending));
    assert!(pool.add(Draft::new(1, 0).cap(300).tip(30).value(20_000_000).sign(), &poor).is_err(), "more than before");
}

#[test]
fn a_view_that_is_renewed_wakes_whoever_makes_blocks() {
    let pool = pool();
    let (woken, count) =
        (std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0)), std::sync::atomic::Ordering::SeqCst);
    let waking = woken.clone();
    pool.on_arrival(move || {
        waking.fetch_add(1, count);
    });
    assert_eq!(pool.add(Draft::new(1, 1).sign(), &admission(0)), Ok(Added::Queued));
    assert_eq!(woken.load(count), 1);
    // Whoever was woken may have looked already, and found nothing that is executable.
    pool.refresh(signer(1).address(), &admission(1).account);
    assert_eq!(woken.load(count), 2);
    pool.refresh(signer(1).address(), &admission(1).account);
    assert_eq!(woken.load(count), 2, "nothing came up");
}

#[test]
fn a_block_that_is_committed_while_another_is_made_does_not_confuse_its_order() {
    let (done, answer) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let pool = pool();
        for (sender, cap) in [(1, 100), (2, 90), (3, 80)] {
            pool.add(Draft::new(sender, 0).cap(cap).tip(cap).sign(), &admission(0)).expect("room");
        }
        let mut best = pool.best(50);
        let mut took = vec![best.offer().map(|transaction| transaction.sender())];
        pool.on_block(&ChangeSet::default(), 85, Instant::now());
        took.extend((0..3).map(|_| best.offer().map(|transaction| transaction.sender())));
        done.send(took)
    });
    let took = answer.recv_timeout(Duration::from_secs(20)).expect("it comes to an end");
    let [one, two, three] = [1, 2, 3].map(|index| Some(signer(index).address()));
    assert_eq!(took, [one, two, three, None]);
}
