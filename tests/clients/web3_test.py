"""web3.py, unmodified, against a development chain: deploy, transact, call, read events, estimate, check proofs."""

import json
import os
import unittest

import rlp
from eth_utils import keccak
from web3 import Web3
from web3.exceptions import (
    BlockNotFound,
    ContractCustomError,
    ContractLogicError,
    TransactionNotFound,
    Web3RPCError,
)
from web3.middleware import SignAndSendRawMiddlewareBuilder

URL = os.environ["ESKER_RPC"]
ZERO = "0x" + "00" * 20
# The third account of the mnemonic that development tools assume: the others are used unlocked.
KEY = "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"


def artifact(name):
    with open(os.path.join(os.environ["ESKER_ARTIFACTS"], name + ".json"), encoding="utf-8") as file:
        return json.load(file)


def nibbles(data):
    return [half for byte in data for half in (byte >> 4, byte & 15)]


def proven(root, key, proof):
    """What a Merkle-Patricia trie with this root holds under the hashed key; None if the proof shows its absence."""
    path, want, proof = nibbles(keccak(key)), root, list(proof)
    while True:
        if isinstance(want, bytes):
            node = bytes(proof.pop(0))
            assert keccak(node) == want, "a node of the proof is not the one its parent names"
            node = rlp.decode(node)
        else:
            node = want
        if len(node) == 17:
            if not path:
                return node[16]
            want, path = node[path[0]], path[1:]
            if want == b"":
                return None
            continue
        prefix = nibbles(node[0])
        skip = prefix[1:] if prefix[0] & 1 else prefix[2:]
        if path[: len(skip)] != skip:
            return None
        path = path[len(skip) :]
        if prefix[0] & 2:
            return node[1]
        want = node[1]


class Web3Test(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.w3 = Web3(Web3.HTTPProvider(URL))
        cls.unlocked = cls.w3.eth.accounts
        cls.alice, cls.bob = cls.unlocked[0], cls.unlocked[1]
        cls.signer = cls.w3.eth.account.from_key(KEY)
        erc20 = artifact("Erc20")
        cls.factory = cls.w3.eth.contract(abi=erc20["abi"], bytecode=erc20["bytecode"])
        sent = cls.factory.constructor("Gold", "GLD", 1_000_000).transact({"from": cls.alice})
        cls.creation = cls.w3.eth.wait_for_transaction_receipt(sent)
        cls.token = cls.w3.eth.contract(cls.creation.contractAddress, abi=erc20["abi"])

    def transfer(self, amount, to=None):
        sent = self.token.functions.transfer(to or self.bob, amount).transact({"from": self.alice})
        return self.w3.eth.wait_for_transaction_receipt(sent)

    def test_the_node_is_a_development_node(self):
        self.assertTrue(self.w3.is_connected())
        self.assertEqual(self.w3.eth.chain_id, 31337)
        self.assertEqual(self.w3.net.version, "31337")
        self.assertFalse(self.w3.eth.syncing)
        self.assertIn("Esker", self.w3.client_version)

    def test_a_deployed_token_answers_and_its_creation_is_an_event(self):
        self.assertEqual(self.creation.status, 1)
        functions = self.token.functions
        self.assertEqual(functions.name().call(), "Gold")
        self.assertEqual(functions.decimals().call(), 18)
        self.assertEqual(functions.totalSupply().call(), 1_000_000)
        (event,) = self.token.events.Transfer().process_receipt(self.creation)
        self.assertEqual(dict(event.args), {"from": ZERO, "to": self.alice, "value": 1_000_000})

    def test_a_creation_signed_here_costs_no_more_than_its_estimate(self):
        me = self.signer.address
        fields = {"from": me, "nonce": self.w3.eth.get_transaction_count(me)}
        built = self.factory.constructor("Silver", "SLV", 5).build_transaction(fields)
        signed = self.signer.sign_transaction(built)
        receipt = self.w3.eth.wait_for_transaction_receipt(self.w3.eth.send_raw_transaction(signed.raw_transaction))
        self.assertEqual(receipt.status, 1)
        self.assertLessEqual(receipt.gasUsed, built["gas"])
        included = self.w3.eth.get_transaction(receipt.transactionHash)
        self.assertEqual((included["from"], included.nonce, included.type), (me, fields["nonce"], 2))

    def test_the_signing_middleware_sends(self):
        w3 = Web3(Web3.HTTPProvider(URL))
        other = w3.eth.account.create()
        self.w3.eth.wait_for_transaction_receipt(
            self.w3.eth.send_transaction({"from": self.alice, "to": other.address, "value": 10**18})
        )
        w3.middleware_onion.inject(SignAndSendRawMiddlewareBuilder.build(other), layer=0)
        receipt = w3.eth.wait_for_transaction_receipt(
            w3.eth.send_transaction({"from": other.address, "to": self.bob, "value": 3})
        )
        self.assertEqual((receipt.status, receipt.gasUsed), (1, 21_000))

    def test_events_are_found_by_arguments_and_come_to_filters(self):
        to = self.unlocked[5]
        transfers = self.token.events.Transfer
        watching = transfers.create_filter(from_block="latest", argument_filters={"to": to})
        receipt = self.transfer(7, to)
        (event,) = watching.get_new_entries()
        self.assertEqual((event.args["value"], event.transactionHash), (7, receipt.transactionHash))
        self.assertEqual(watching.get_new_entries(), [])
        found = transfers.get_logs(from_block=0, argument_filters={"to": to})
        self.assertEqual([entry.args["value"] for entry in found], [7])
        logs = self.w3.eth.get_logs({"address": self.token.address, "blockHash": receipt.blockHash})
        self.assertEqual(len(logs), 1)
        blocks = self.w3.eth.filter("latest")
        self.assertEqual([bytes(hash) for hash in blocks.get_new_entries()], [])
        receipt = self.transfer(1)
        self.assertIn(receipt.blockHash, blocks.get_new_entries())

    def test_a_custom_error_is_raised_before_anything_is_sent(self):
        too_much = self.token.functions.transfer(self.bob, 10**30)
        error = keccak(text="ERC20InsufficientBalance(address,uint256,uint256)")[:4]
        for attempt in (too_much.call, too_much.estimate_gas, too_much.transact):
            with self.assertRaises(ContractCustomError) as raised:
                attempt({"from": self.alice})
            self.assertTrue(raised.exception.data.startswith("0x" + error.hex()), raised.exception)
        with self.assertRaises(ContractLogicError):
            self.w3.eth.call({"to": self.token.address, "data": "0xdeadbeef"})
        sent = too_much.transact({"from": self.alice, "gas": 200_000})
        self.assertEqual(self.w3.eth.wait_for_transaction_receipt(sent).status, 0)

    def test_fees_are_suggested_and_recorded(self):
        self.transfer(1)
        history = self.w3.eth.fee_history(2, "latest", [10, 90])
        self.assertEqual((len(history.baseFeePerGas), len(history.gasUsedRatio), len(history.reward)), (3, 2, 2))
        self.assertGreater(self.w3.eth.max_priority_fee, 0)
        self.assertGreaterEqual(self.w3.eth.gas_price, history.baseFeePerGas[-1])
        self.assertEqual(self.w3.eth.estimate_gas({"from": self.alice, "to": self.bob, "value": 1}), 21_000)
        listed = self.w3.eth.create_access_list(
            {"from": self.alice, "to": self.token.address, "data": self.token.encode_abi("transfer", [self.bob, 1])}
        )
        self.assertEqual(len(listed.accessList), 1)

    def test_proofs_lead_from_the_state_root_to_accounts_and_slots(self):
        self.transfer(9)
        block = self.w3.eth.get_block("latest")
        holder = int(self.alice, 16).to_bytes(32, "big")
        # Balances stand in a mapping: one of the first slots, as Solidity lays them out.
        slots = [int.from_bytes(keccak(holder + place.to_bytes(32, "big")), "big") for place in range(4)]
        proof = self.w3.eth.get_proof(self.token.address, slots, block.number)
        account = proven(block.stateRoot, bytes.fromhex(self.token.address[2:]), proof.accountProof)
        nonce, balance, storage_root, code_hash = rlp.decode(account)
        self.assertEqual(storage_root, proof.storageHash)
        self.assertEqual(code_hash, keccak(self.w3.eth.get_code(self.token.address)))
        self.assertEqual(int.from_bytes(balance, "big"), proof.balance)
        values = []
        for slot in proof.storageProof:
            value = proven(proof.storageHash, int.from_bytes(slot.key, "big").to_bytes(32, "big"), slot.proof)
            values.append(int.from_bytes(rlp.decode(value), "big") if value else 0)
            self.assertEqual(values[-1], int.from_bytes(slot.value, "big"))
        self.assertIn(self.token.functions.balanceOf(self.alice).call(), values)
        nobody = "0x" + "12" * 20
        absent = self.w3.eth.get_proof(nobody, [], block.number)
        self.assertIsNone(proven(block.stateRoot, bytes.fromhex(nobody[2:]), absent.accountProof))
        self.assertEqual((absent.balance, absent.nonce), (0, 0))

    def test_what_is_not_there_has_its_exception(self):
        with self.assertRaises(BlockNotFound):
            self.w3.eth.get_block(10**9)
        with self.assertRaises(TransactionNotFound):
            self.w3.eth.get_transaction("0x" + "11" * 32)
        with self.assertRaisesRegex(Web3RPCError, "transaction type not supported"):
            self.w3.eth.send_raw_transaction("0x1234")
        with self.assertRaisesRegex(Web3RPCError, "insufficient funds"):
            self.w3.eth.send_transaction({"from": self.alice, "to": self.bob, "value": 10**30})

    def test_requests_in_a_batch_are_answered_together(self):
        with self.w3.batch_requests() as batch:
            batch.add(self.w3.eth.get_block("latest"))
            batch.add(self.token.functions.totalSupply())
            block, supply = batch.execute()
        self.assertEqual((block.number, supply), (self.w3.eth.block_number, 1_000_000))


if __name__ == "__main__":
    unittest.main()
