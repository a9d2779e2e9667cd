//! What the tests share: a multisig of three.

use esker_multisig::MultisigHandle;
use esker_sdk::prelude::*;
use esker_sdk_test::{Chain, User};

pub const NOTHING: Bytes = Bytes(Vec::new());

/// Wei.
pub fn number(value: u64) -> U256 {
    U256::from(value)
}

/// Two of three, with 100 wei.
pub fn deployed(chain: &mut Chain, owners: [User; 3]) -> MultisigHandle {
    let owners_addresses = owners.map(|owner| owner.address);
    let multisig = chain.deploy(owners[0], MultisigHandle::constructor(&owners_addresses, 2));
    chain.transfer(owners[0], multisig.address(), 100).succeeds();
    multisig
}

/// Has alice and bob do what the contract does to itself alone.
pub fn decide(chain: &mut Chain, multisig: MultisigHandle, by: [User; 2], data: &[u8]) -> u64 {
    let id = chain.send(by[0], multisig.submit_transaction(multisig.address(), 0, data.to_vec())).returned();
    chain.send(by[1], multisig.confirm_transaction(id)).succeeds();
    id
}
