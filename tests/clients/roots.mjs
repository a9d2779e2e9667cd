// Recomputes what a block claims, from what the RPC shows of it, with none of Esker's code: RLP by @ethereumjs/rlp,
// tries by @ethereumjs/mpt, keccak by viem.
import { createMPT, verifyMerkleProof } from '@ethereumjs/mpt'
import { RLP } from '@ethereumjs/rlp'
import { hexToBytes, bytesToHex, keccak256, concatBytes } from 'viem'

const quantity = (value) => {
  const number = BigInt(value)
  if (number === 0n) return new Uint8Array()
  const hex = number.toString(16)
  return hexToBytes(`0x${hex.length % 2 ? '0' : ''}${hex}`)
}
const data = (value) => (value === null || value === undefined ? new Uint8Array() : hexToBytes(value))

/** keccak256 of the RLP of the header that an `eth_getBlockBy*` answer describes. */
export function blockHash(block) {
  const fields = [
    data(block.parentHash), data(block.sha3Uncles), data(block.miner), data(block.stateRoot),
    data(block.transactionsRoot), data(block.receiptsRoot), data(block.logsBloom), quantity(block.difficulty),
    quantity(block.number), quantity(block.gasLimit), quantity(block.gasUsed), quantity(block.timestamp),
    data(block.extraData), data(block.mixHash), data(block.nonce),
  ]
  if (block.baseFeePerGas !== undefined) fields.push(quantity(block.baseFeePerGas))
  if (block.withdrawalsRoot !== undefined) fields.push(data(block.withdrawalsRoot))
  return keccak256(RLP.encode(fields))
}

const accessList = (list) => (list ?? []).map(({ address, storageKeys }) => [data(address), storageKeys.map(data)])

/** The EIP-2718 bytes of a transaction as the RPC shows it. */
export function transactionBytes(tx) {
  const signature = [quantity(tx.r), quantity(tx.s)]
  const tail = [quantity(tx.gas), data(tx.to), quantity(tx.value), data(tx.input)]
  switch (Number(tx.type)) {
    case 0:
      return RLP.encode([quantity(tx.nonce), quantity(tx.gasPrice), ...tail, quantity(tx.v), ...signature])
    case 1:
      return concatBytes([new Uint8Array([1]), RLP.encode([
        quantity(tx.chainId), quantity(tx.nonce), quantity(tx.gasPrice), ...tail,
        accessList(tx.accessList), quantity(tx.yParity), ...signature,
      ])])
    case 2:
      return concatBytes([new Uint8Array([2]), RLP.encode([
        quantity(tx.chainId), quantity(tx.nonce), quantity(tx.maxPriorityFeePerGas), quantity(tx.maxFeePerGas), ...tail,
        accessList(tx.accessList), quantity(tx.yParity), ...signature,
      ])])
    default:
      throw new Error(`transaction type ${tx.type}`)
  }
}

/** The EIP-2718 bytes of a receipt as the RPC shows it. */
export function receiptBytes(receipt) {
  const body = RLP.encode([
    quantity(receipt.status), quantity(receipt.cumulativeGasUsed), data(receipt.logsBloom),
    receipt.logs.map((log) => [data(log.address), log.topics.map(data), data(log.data)]),
  ])
  const type = Number(receipt.type)
  return type === 0 ? body : concatBytes([new Uint8Array([type]), body])
}

/** Root of the trie that maps RLP(index) to each item. */
export async function orderedRoot(items) {
  const trie = await createMPT()
  for (const [index, item] of items.entries()) await trie.put(RLP.encode(index), item)
  return bytesToHex(trie.root())
}

/** Verifies an `eth_getProof` answer against a state root; returns the account and slots that the proof shows. */
export async function verifyProof(answer, stateRoot) {
  const key = hexToBytes(keccak256(answer.address))
  const encoded = await verify(key, answer.accountProof, stateRoot)
  if (encoded === null) return { account: null, slots: [] }
  const [nonce, balance, storageRoot, codeHash] = RLP.decode(encoded)
  const slots = []
  for (const { key: slot, proof } of answer.storageProof) {
    const path = hexToBytes(keccak256(`0x${slot.slice(2).padStart(64, '0')}`))
    const value = bytesToHex(storageRoot) === EMPTY_ROOT ? null : await verify(path, proof, bytesToHex(storageRoot))
    slots.push(value === null ? 0n : BigInt(bytesToHex(RLP.decode(value))))
  }
  return {
    account: {
      nonce: nonce.length ? Number(bytesToHex(nonce)) : 0,
      balance: balance.length ? BigInt(bytesToHex(balance)) : 0n,
      storageRoot: bytesToHex(storageRoot),
      codeHash: bytesToHex(codeHash),
    },
    slots,
  }
}

export const EMPTY_ROOT = '0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421'

async function verify(key, proof, root) {
  const nodes = proof.map((node) => hexToBytes(node))
  if (keccak256(nodes[0]) !== root) throw new Error(`the proof starts at ${keccak256(nodes[0])}, not at ${root}`)
  return verifyMerkleProof(key, nodes, {})
}
