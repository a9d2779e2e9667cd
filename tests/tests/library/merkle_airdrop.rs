//! The airdrop: that everybody gets what the tree says, once, and nobody else anything.

use esker_erc20::Erc20Handle;
use esker_merkle_airdrop::{AirdropHandle, Claimed, Error, Swept, hash_pair, leaf};
use esker_sdk::{SafeERC20FailedOperation, abi::encode_params, prelude::*};
use esker_sdk_test::{Answer, Chain, Invariant, User};

/// Seconds that an airdrop runs.
const RUNS: u64 = 1_000;

/// A tree as a program outside the chain makes it: rows of nodes, leaves first. A node without a partner goes up as it is.
struct Tree {
    rows: Vec<Vec<B256>>,
}

impl Tree {
    fn new(entries: &[(Address, u64)]) -> Self {
        let leaves = entries.iter().enumerate();
        let leaves = leaves.map(|(index, (account, amount))| leaf(index.into(), *account, (*amount).into()));
        let mut rows: Vec<Vec<B256>> = vec![leaves.collect()];
        while rows[rows.len() - 1].len() > 1 {
            let above = rows[rows.len() - 1].chunks(2).map(|pair| match pair {
                [left, right] => hash_pair(*left, *right),
                single => single[0],
            });
            rows.push(above.collect());
        }
        Self { rows }
    }

    fn root(&self) -> B256 {
        self.rows[self.rows.len() - 1][0]
    }

    fn proof(&self, index: usize) -> Vec<B256> {
        let siblings = self.rows.iter().enumerate().map(|(height, row)| row.get((index >> height) ^ 1));
        siblings.flatten().copied().collect()
    }
}

/// An airdrop of 1,000 tokens by alice, and when it ends.
fn deployed(chain: &mut Chain, alice: User, root: B256) -> (AirdropHandle, Erc20Handle, u64) {
    let token = chain.deploy(alice, Erc20Handle::constructor("Gold", "GLD", 1_000));
    let deadline = chain.timestamp() + RUNS;
    let airdrop = chain.deploy(alice, AirdropHandle::constructor(token.address(), root, deadline));
    chain.send(alice, token.transfer(airdrop.address(), 1_000)).succeeds();
    (airdrop, token, deadline)
}

fn number(value: u64) -> U256 {
    U256::from(value)
}

#[esker_sdk::test]
fn everybody_gets_theirs_once(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let entries = [(bob.into(), 10), (carol.into(), 20), (bob.into(), 30)];
    let tree = Tree::new(&entries);
    let (airdrop, token, deadline) = deployed(chain, alice, tree.root());
    assert_eq!((chain.read(airdrop.token()), chain.read(airdrop.merkle_root())), (token.address(), tree.root()));
    assert_eq!((chain.read(airdrop.deadline()), chain.read(airdrop.owner())), (deadline, alice.address));
    for (index, (account, amount)) in (0..).zip(entries) {
        let claim = airdrop.claim(number(index), account, number(amount), &tree.proof(index as usize));
        assert!(!chain.read(airdrop.is_claimed(number(index))));
        // Whoever sends it.
        let claimed = Claimed { index: number(index), account, amount: number(amount) };
        chain.send(alice, claim.clone()).emits(claimed);
        assert!(chain.read(airdrop.is_claimed(number(index))));
        chain.send(bob, claim).reverts(Error::AlreadyClaimed { index: number(index) });
    }
    assert_eq!((chain.read(token.balance_of(bob)), chain.read(token.balance_of(carol))), (number(40), number(20)));
}

/// Indices on both sides of a word of the bitmap do not touch one another.
#[esker_sdk::test]
fn indices_share_words_and_not_bits(chain: &mut Chain, alice: User, bob: User) {
    let entries: Vec<(Address, u64)> = (0..514).map(|_| (bob.into(), 1)).collect();
    let tree = Tree::new(&entries);
    let (airdrop, token, _) = deployed(chain, alice, tree.root());
    let claimed = [0, 255, 256, 511, 513];
    for index in claimed {
        chain.send(bob, airdrop.claim(number(index), bob, 1, &tree.proof(index as usize))).succeeds();
    }
    for index in [0, 1, 254, 255, 256, 257, 511, 512, 513] {
        assert_eq!(chain.read(airdrop.is_claimed(number(index))), claimed.contains(&index), "{index}");
    }
    assert!(!chain.read(airdrop.is_claimed(U256::MAX)));
    assert_eq!(chain.read(token.balance_of(bob)), 5);
}

#[esker_sdk::test]
fn what_the_tree_does_not_say_is_refused(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let tree = Tree::new(&[(bob.into(), 10), (carol.into(), 20), (alice.into(), 30), (bob.into(), 40)]);
    let (airdrop, _, _) = deployed(chain, alice, tree.root());
    let proof = tree.proof(0);
    let mut longer = proof.clone();
    longer.push(B256::ZERO);
    let tries = [
        airdrop.claim(0, bob, 11, &proof),
        airdrop.claim(0, carol, 10, &proof),
        airdrop.claim(1, bob, 10, &proof),
        airdrop.claim(256, bob, 10, &proof),
        airdrop.claim(0, bob, 10, &tree.proof(1)),
        airdrop.claim(0, bob, 10, &proof[..1]),
        airdrop.claim(0, bob, 10, &[]),
        airdrop.claim(0, bob, 10, &longer),
    ];
    for claim in tries {
        chain.send(bob, claim).reverts(Error::InvalidProof);
    }
    chain.send(bob, airdrop.claim(0, bob, 10, &proof)).succeeds();
}

/// An inner node is no leaf, though its two halves were chosen to look like one.
#[esker_sdk::test]
fn an_inner_node_is_no_leaf(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let tree = Tree::new(&[(bob.into(), 10), (carol.into(), 20)]);
    // A tree whose leaves are hashed once would take the pair's preimage for a leaf, with no proof at all.
    let packed = encode_params(&(U256::ZERO, Address::from(bob), U256::from(1_000)));
    let once = crypto::keccak256(&packed);
    let (airdrop, _, _) = deployed(chain, alice, once);
    chain.send(bob, airdrop.claim(0, bob, 1_000, &[])).reverts(Error::InvalidProof);
    let (airdrop, _, _) = deployed(chain, alice, tree.root());
    // The root as a leaf's amount or index, under proofs of one node or none.
    for sibling in [tree.rows[0][0], tree.rows[0][1], tree.root()] {
        let amount = U256::from_be_bytes(sibling.0);
        chain.send(bob, airdrop.claim(0, bob, amount, &[sibling])).reverts(Error::InvalidProof);
        chain.send(bob, airdrop.claim(amount, bob, 1_000, &[])).reverts(Error::InvalidProof);
    }
    // A leaf of one tree that is the whole tree: its hash is the root, and it needs no proof.
    let single = Tree::new(&[(bob.into(), 7)]);
    let (airdrop, token, _) = deployed(chain, alice, single.root());
    chain.send(bob, airdrop.claim(0, bob, 7, &[])).succeeds();
    assert_eq!(chain.read(token.balance_of(bob)), 7);
}

#[esker_sdk::test]
fn what_nobody_took_goes_back(chain: &mut Chain, alice: User, bob: User) {
    let tree = Tree::new(&[(bob.into(), 10)]);
    let past = chain.timestamp();
    let late = AirdropHandle::constructor(alice, tree.root(), past);
    chain.try_deploy(alice, late).reverts(Error::InvalidDeadline { deadline: past });
    let (airdrop, token, deadline) = deployed(chain, alice, tree.root());
    chain.send(alice, airdrop.sweep()).reverts(Error::NotEnded { deadline });
    chain.send(bob, airdrop.sweep()).reverts(Error::NotOwner { caller: bob.into() });
    chain.warp(deadline);
    chain.send(bob, airdrop.claim(0, bob, 10, &[])).reverts(Error::Ended { deadline });
    chain.send(bob, airdrop.sweep()).reverts(Error::NotOwner { caller: bob.into() });
    let swept = Swept { to: alice.into(), amount: number(1_000) };
    chain.send(alice, airdrop.sweep()).returns(1_000).emits(swept);
    assert_eq!(chain.read(token.balance_of(alice)), 1_000);
    chain.send(alice, airdrop.sweep()).returns(0);
}

/// Without tokens, or with a token that says no, nothing is taken for given.
#[esker_sdk::test]
fn what_was_not_paid_is_not_claimed(chain: &mut Chain, alice: User, bob: User) {
    let tree = Tree::new(&[(bob.into(), 1_001)]);
    let (airdrop, token, _) = deployed(chain, alice, tree.root());
    let claim = || airdrop.claim(0, bob, 1_001, &[]);
    chain.send(bob, claim()).error::<esker_erc20::Error>();
    assert!(!chain.read(airdrop.is_claimed(0)));
    chain.mock(token.address(), |_| Answer::value(&false));
    chain.send(bob, claim()).reverts(SafeERC20FailedOperation { token: token.address() });
    assert!(!chain.read(airdrop.is_claimed(0)));
}

/// Tokens that came are with those who claimed, with the owner, or still there; and nobody has more than the tree says.
#[esker_sdk::test]
fn tokens_add_up(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let entries = [(bob.into(), 100), (carol.into(), 200), (bob.into(), 300), (carol.into(), 150)];
    let tree = Tree::new(&entries);
    let (airdrop, token, _) = deployed(chain, alice, tree.root());
    let (tree, users) = (&tree, [alice, bob, carol]);
    Invariant::new()
        .action("claim", move |chain, draw| {
            let (entry, proof) = (draw.number(0..=3), draw.number(0..=3));
            let (account, amount) = entries[entry as usize];
            let claim = airdrop.claim(number(entry), account, number(amount), &tree.proof(proof as usize));
            let _ = chain.send(draw.pick(&users), claim);
        })
        .action("sweep", move |chain, draw| {
            let _ = chain.send(draw.pick(&users), airdrop.sweep());
        })
        .action("time passes", move |chain, draw| chain.pass(draw.number(0..=RUNS / 8)))
        .check("everybody has what they claimed", move |chain| {
            for user in [bob, carol] {
                let mut due = 0;
                for (index, (account, amount)) in (0..).zip(entries) {
                    let is_theirs = account == user.into() && chain.read(airdrop.is_claimed(number(index)));
                    due += if is_theirs { amount } else { 0 };
                }
                assert_eq!(chain.read(token.balance_of(user)), number(due));
            }
        })
        .check("no token is lost", move |chain| {
            let holders = users.map(|user| user.address).into_iter().chain([airdrop.address()]);
            let sum: U256 = holders.map(|holder| chain.read(token.balance_of(holder))).sum();
            assert_eq!(sum, 1_000);
        })
        .run(chain);
}
