// viem, unmodified, against a development chain: deploy, transact, read events, decode errors, check every root.
import { test, before } from 'node:test'
import assert from 'node:assert/strict'
import {
  BaseError, ContractFunctionRevertedError, InsufficientFundsError, NonceTooLowError, createPublicClient,
  createWalletClient, defineChain, erc20Abi, getAddress, http, keccak256, parseEther, webSocket, zeroAddress,
  maxUint256,
} from 'viem'
import { account, artifact, chainId, rpc, rpcUrl, wsUrl } from './chain.mjs'
import { EMPTY_ROOT, blockHash, orderedRoot, receiptBytes, transactionBytes, verifyProof } from './roots.mjs'

const chain = defineChain({
  id: chainId, name: 'Esker', nativeCurrency: { name: 'Esker', symbol: 'ESK', decimals: 18 },
  rpcUrls: { default: { http: [rpcUrl] } },
})
const reader = createPublicClient({ chain, transport: http(), pollingInterval: 20 })
const wallet = (index) => createWalletClient({ account: account(index), chain, transport: http() })
const [alice, bob, carol] = [account(0), account(1), account(2)]
const erc20 = artifact('Erc20')
const erc721 = artifact('Erc721')
let token, gallery

const mined = async (hash) => reader.waitForTransactionReceipt({ hash })
const deploy = async (contract, args, index = 0) => {
  const receipt = await mined(await wallet(index).deployContract({ ...contract, args }))
  assert.equal(receipt.status, 'success')
  return receipt
}
const write = async (index, request) => mined(await wallet(index).writeContract(request))
const revertOf = async (promise) => {
  try {
    await promise
  } catch (error) {
    assert.ok(error instanceof BaseError, String(error))
    const reverted = error.walk((cause) => cause instanceof ContractFunctionRevertedError)
    assert.ok(reverted, `not a revert: ${error.message}`)
    return reverted.data
  }
  assert.fail('the call should have reverted')
}

before(async () => {
  token = { address: getAddress((await deploy(erc20, ['Gold', 'GLD', 1_000_000n])).contractAddress), abi: erc20.abi }
  gallery = { address: getAddress((await deploy(erc721, ['Gallery', 'ART'])).contractAddress), abi: erc721.abi }
})

test('the token answers what its constructor was told', async () => {
  const read = (functionName, args = []) => reader.readContract({ ...token, functionName, args })
  assert.equal(await read('name'), 'Gold')
  assert.equal(await read('symbol'), 'GLD')
  assert.equal(await read('decimals'), 18)
  assert.equal(await read('totalSupply'), 1_000_000n)
  assert.equal(await read('balanceOf', [alice.address]), 1_000_000n)
})

test('the artifact has the standard interface', async () => {
  const signature = (entry) => `${entry.name}(${entry.inputs.map((input) => input.type)})`
  const ours = new Set(erc20.abi.filter((entry) => entry.name).map(signature))
  for (const entry of erc20Abi) assert.ok(ours.has(signature(entry)), signature(entry))
  const code = await reader.getCode({ address: token.address })
  assert.equal(keccak256(code), erc20.codeHash)
})

test('a transfer moves balances and emits an event that viem decodes', async () => {
  const receipt = await write(0, { ...token, functionName: 'transfer', args: [bob.address, 250n] })
  assert.equal(receipt.status, 'success')
  const [event] = await reader.getContractEvents({
    ...token, eventName: 'Transfer', fromBlock: receipt.blockNumber, toBlock: receipt.blockNumber,
  })
  assert.deepEqual(event.args, { from: alice.address, to: bob.address, value: 250n })
  assert.equal(event.transactionHash, receipt.transactionHash)
  assert.equal(await reader.readContract({ ...token, functionName: 'balanceOf', args: [bob.address] }), 250n)
})

test('indexed arguments filter logs', async () => {
  await write(0, { ...token, functionName: 'transfer', args: [carol.address, 7n] })
  const events = await reader.getContractEvents({ ...token, eventName: 'Transfer', args: { to: carol.address }, fromBlock: 0n })
  assert.ok(events.length >= 1)
  for (const event of events) assert.equal(event.args.to, carol.address)
})

test('approve and transferFrom keep the allowance, an infinite one stays', async () => {
  await write(0, { ...token, functionName: 'approve', args: [bob.address, 100n] })
  await write(1, { ...token, functionName: 'transferFrom', args: [alice.address, carol.address, 60n] })
  const allowance = () => reader.readContract({ ...token, functionName: 'allowance', args: [alice.address, bob.address] })
  assert.equal(await allowance(), 40n)
  await write(0, { ...token, functionName: 'approve', args: [bob.address, maxUint256] })
  await write(1, { ...token, functionName: 'transferFrom', args: [alice.address, carol.address, 1n] })
  assert.equal(await allowance(), maxUint256)
})

test('custom errors decode with their arguments', async () => {
  const balance = await reader.readContract({ ...token, functionName: 'balanceOf', args: [carol.address] })
  const tooMuch = await revertOf(reader.simulateContract({
    ...token, account: carol, functionName: 'transfer', args: [alice.address, balance + 1n],
  }))
  assert.equal(tooMuch.errorName, 'ERC20InsufficientBalance')
  assert.deepEqual(tooMuch.args, [carol.address, balance, balance + 1n])
  const nobody = await revertOf(reader.simulateContract({
    ...token, account: alice, functionName: 'transfer', args: [zeroAddress, 1n],
  }))
  assert.equal(nobody.errorName, 'ERC20InvalidReceiver')
  const allowance = await revertOf(wallet(3).writeContract({
    ...token, functionName: 'transferFrom', args: [alice.address, carol.address, 5n],
  }))
  assert.equal(allowance.errorName, 'ERC20InsufficientAllowance')
  assert.deepEqual(allowance.args, [account(3).address, 0n, 5n])
})

test('a failed transaction is in a block, with status reverted and its gas paid', async () => {
  const hash = await wallet(4).writeContract({
    ...token, functionName: 'transfer', args: [alice.address, 1n], gas: 200_000n,
  })
  const receipt = await mined(hash)
  assert.equal(receipt.status, 'reverted')
  assert.ok(receipt.gasUsed > 21_000n && receipt.gasUsed < 200_000n)
  assert.equal(receipt.logs.length, 0)
})

test('non-fungible tokens are minted, approved, and moved safely', async () => {
  const read = (functionName, args) => reader.readContract({ ...gallery, functionName, args })
  await write(0, { ...gallery, functionName: 'mint', args: [bob.address, 7n] })
  assert.equal(await read('ownerOf', [7n]), bob.address)
  await write(1, { ...gallery, functionName: 'approve', args: [carol.address, 7n] })
  assert.equal(await read('getApproved', [7n]), carol.address)
  await write(2, { ...gallery, functionName: 'safeTransferFrom', args: [bob.address, carol.address, 7n] })
  assert.equal(await read('ownerOf', [7n]), carol.address)
  assert.equal(await read('supportsInterface', ['0x80ac58cd']), true)
  assert.equal(await read('supportsInterface', ['0xffffffff']), false)
  const toContract = await revertOf(reader.simulateContract({
    ...gallery, account: carol, functionName: 'safeTransferFrom', args: [carol.address, token.address, 7n],
  }))
  assert.equal(toContract.errorName, 'ERC721InvalidReceiver')
  const missing = await revertOf(read('ownerOf', [99n]))
  assert.equal(missing.errorName, 'ERC721NonexistentToken')
})

test('gas estimates hold exactly', async () => {
  assert.equal(await reader.estimateGas({ account: alice, to: '0x00000000000000000000000000000000000000aa', value: 1n }), 21_000n)
  const request = { ...token, functionName: 'transfer', args: [bob.address, 3n] }
  const gas = await reader.estimateContractGas({ ...request, account: alice })
  const receipt = await write(0, { ...request, gas })
  assert.equal(receipt.status, 'success')
  assert.ok(gas <= (receipt.gasUsed * 130n) / 100n, `estimate ${gas}, used ${receipt.gasUsed}`)
})

test('refusals carry the texts that viem knows', async () => {
  const poor = createWalletClient({ account: account(50), chain, transport: http() })
  await assert.rejects(
    poor.sendTransaction({ to: bob.address, value: parseEther('1'), gas: 21_000n }),
    (error) => error.walk((cause) => cause instanceof InsufficientFundsError) !== null,
  )
  await wallet(5).sendTransaction({ to: bob.address, value: 1n }).then(mined)
  await assert.rejects(
    wallet(5).sendTransaction({ to: bob.address, value: 1n, nonce: 0 }),
    (error) => error.walk((cause) => cause instanceof NonceTooLowError) !== null,
  )
})

test('every transaction type is accepted', async () => {
  for (const type of ['legacy', 'eip2930', 'eip1559']) {
    const receipt = await mined(await wallet(6).sendTransaction({ to: bob.address, value: 5n, type }))
    assert.equal(receipt.status, 'success')
    assert.equal(receipt.type, type)
  }
})

test('block hash, transactions root and receipts root recompute for every block', async () => {
  const head = Number(await reader.getBlockNumber())
  assert.ok(head > 5)
  let parent = null
  for (let number = 0; number <= head; number++) {
    const { result: block } = await rpc('eth_getBlockByNumber', `0x${number.toString(16)}`, true)
    assert.equal(blockHash(block), block.hash, `hash of block ${number}`)
    if (parent) assert.equal(block.parentHash, parent)
    parent = block.hash
    assert.equal(await orderedRoot(block.transactions.map(transactionBytes)), block.transactionsRoot)
    for (const tx of block.transactions) assert.equal(keccak256(transactionBytes(tx)), tx.hash)
    const { result: receipts } = await rpc('eth_getBlockReceipts', block.hash)
    assert.equal(await orderedRoot(receipts.map(receiptBytes)), block.receiptsRoot)
  }
})

test('eth_getProof verifies against the state root, for what is there and what is not', async () => {
  const block = await reader.getBlock()
  const at = block.number
  const { result: proof } = await rpc('eth_getProof', token.address, ['0x0', '0x1', '0x2', '0x3', '0xdead'], `0x${at.toString(16)}`)
  const shown = await verifyProof(proof, block.stateRoot)
  assert.equal(shown.account.codeHash, erc20.codeHash)
  assert.equal(shown.account.storageRoot, proof.storageHash)
  for (const [index, { value }] of proof.storageProof.entries()) assert.equal(shown.slots[index], BigInt(value))
  assert.ok(shown.slots.some((slot) => slot !== 0n))
  assert.equal(shown.slots.at(-1), 0n)
  const { result: user } = await rpc('eth_getProof', alice.address, [], 'latest')
  const seen = await verifyProof(user, block.stateRoot)
  assert.equal(seen.account.storageRoot, EMPTY_ROOT)
  assert.equal(seen.account.balance, await reader.getBalance({ address: alice.address }))
  assert.equal(seen.account.nonce, await reader.getTransactionCount({ address: alice.address }))
  const { result: absent } = await rpc('eth_getProof', '0x000000000000000000000000000000000000dEaD', [], 'latest')
  assert.equal((await verifyProof(absent, block.stateRoot)).account, null)
})

test('blocks and events arrive over WebSocket on the same port', async () => {
  const socket = createPublicClient({ chain, transport: webSocket(wsUrl) })
  const heads = [], transfers = []
  const both = new Promise((resolve, reject) => {
    const done = () => heads.length && transfers.length && resolve()
    socket.watchBlocks({ onBlock: (block) => { heads.push(block); done() }, onError: reject })
    socket.watchContractEvent({ ...token, eventName: 'Transfer', onLogs: (logs) => { transfers.push(...logs); done() }, onError: reject })
  })
  // The subscriptions are set up in order on one socket, so an answer to a later request means that they stand.
  await socket.getBlockNumber()
  await write(0, { ...token, functionName: 'transfer', args: [bob.address, 11n] })
  await both
  assert.equal(transfers[0].args.value, 11n)
  assert.ok(heads[0].number > 0n)
  const inner = await socket.transport.getRpcClient()
  inner.close()
})

test('a deploy of something that is no contract is refused with a reason', async () => {
  const { error } = await rpc('eth_sendTransaction', { from: alice.address, data: '0x6080604052', gas: '0x100000' })
  assert.ok(error, 'an EVM payload must be refused')
  assert.match(error.message, /envelope|payload|wasm/i)
})
