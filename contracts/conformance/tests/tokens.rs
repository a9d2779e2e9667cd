//! The token contracts where Solidity's own rules show: receivers that answer oddly, and what a static call sees.

use esker_conformance::{Order, ProbeHandle, Side};
use esker_erc20::{Erc20Handle, Error as Erc20Error};
use esker_erc721::{Erc721Handle, Erc721ReceiverHandle, Error as Erc721Error};
use esker_sdk::{Address, Bytes, ContractError, U256};
use esker_sdk_test::{Chain, User};

fn probe(chain: &mut Chain, by: User) -> ProbeHandle {
    let order = Order { maker: by.address, amounts: Vec::new(), memo: String::new(), side: Side::Buy };
    chain.deploy(by, ProbeHandle::constructor(order))
}

#[esker_sdk::test]
fn a_receivers_answer_is_read_as_solidity_reads_it(chain: &mut Chain, alice: User, bob: User) {
    let art = chain.deploy(alice, Erc721Handle::constructor("Gallery", "ART"));
    let receiver = probe(chain, alice);
    chain.send(alice, art.mint(bob, 7)).succeeds();
    let accepted = Erc721ReceiverHandle::INTERFACE_ID.0;
    let mut answer = |bytes: &[u8]| {
        chain.send(alice, receiver.answer_with(bytes)).succeeds();
        chain.send(bob, art.safe_transfer_from(bob, receiver, 7))
    };
    let word = |bytes: &[u8]| [&[0], bytes, &[0; 32][bytes.len()..]].concat();

    // No bytes4 in full words: the decoder reverts, and it does so without data.
    answer(&[0]).reverts_with_bytes(&[]);
    answer(&[&[0], &accepted[..]].concat()).reverts_with_bytes(&[]);
    answer(&word(&accepted)[..32]).reverts_with_bytes(&[]);
    for place in [5, 32] {
        let mut dirty = word(&accepted);
        dirty[place] = 1;
        answer(&dirty).reverts_with_bytes(&[]);
    }
    // Another selector, and a revert that says nothing: the receiver is at fault.
    let invalid = || Erc721Error::ERC721InvalidReceiver { receiver: receiver.into() };
    answer(&word(&[1, 2, 3, 4])).reverts(invalid());
    answer(&[1]).reverts(invalid());
    // A revert with data is passed on.
    answer(&[1, 0xab, 0xcd]).reverts_with_bytes(&[0xab, 0xcd]);
    answer(&[&word(&accepted)[..], b"more"].concat()).succeeds();
}

#[esker_sdk::test]
fn checks_stand_before_writes_where_openzeppelins_do(chain: &mut Chain, alice: User, bob: User, carol: User) {
    let probe = probe(chain, alice);
    let token = chain.deploy(alice, Erc20Handle::constructor("Gold", "GLD", 100));
    let art = chain.deploy(alice, Erc721Handle::constructor("Gallery", "ART"));
    chain.send(alice, art.mint(bob, 7)).succeeds();
    let caller = Address::from(probe);
    let mut reverts = |target: Address, input: &[u8], data: Vec<u8>| {
        assert_eq!(chain.read(probe.look(target, input)), (1, Bytes(data)));
    };
    let zero = Address::ZERO;
    // An allowance of nothing suffices to move nothing, and its owner is looked at before it is written.
    let approver = Erc20Error::ERC20InvalidApprover { approver: zero };
    reverts(token.into(), token.transfer_from(zero, bob, 0).input(), approver.encode());
    let short = Erc20Error::ERC20InsufficientAllowance { spender: caller, allowance: U256::ZERO, needed: U256::ONE };
    reverts(token.into(), token.transfer_from(zero, zero, 1).input(), short.encode());
    let spender = Erc20Error::ERC20InvalidSpender { spender: zero };
    reverts(token.into(), token.approve(zero, 1).input(), spender.encode());
    let nowhere = Erc721Error::ERC721InvalidReceiver { receiver: zero };
    reverts(art.into(), art.transfer_from(bob, zero, 9).input(), nowhere.encode());
    let stranger = Erc721Error::ERC721InsufficientApproval { operator: caller, token_id: U256::from(7) };
    reverts(art.into(), art.transfer_from(carol, bob, 7).input(), stranger.encode());
    // Whose token it is OpenZeppelin compares behind the writes: a static call does not come so far.
    chain.send(bob, art.set_approval_for_all(probe, true)).succeeds();
    assert_eq!(chain.read(probe.look(art, art.transfer_from(carol, bob, 7).input())), (2, Bytes::new()));
    let wrong =
        Erc721Error::ERC721IncorrectOwner { sender: carol.address, token_id: U256::from(7), owner: bob.address };
    chain.send(bob, art.transfer_from(carol, alice, 7)).reverts(wrong);
}
