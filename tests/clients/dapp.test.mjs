// The contract library as a dApp uses it, with viem unmodified: the exchange, the vault and the governor.
import { test, before } from 'node:test'
import assert from 'node:assert/strict'
import {
  BaseError, ContractFunctionRevertedError, createPublicClient, createTestClient, createWalletClient, defineChain,
  encodeFunctionData, getAddress, http, keccak256, parseEther, parseEventLogs, parseSignature, toHex, webSocket,
  zeroAddress,
} from 'viem'
import { account, artifact, chainId, rpcUrl, wsUrl } from './chain.mjs'

const chain = defineChain({
  id: chainId, name: 'Esker', nativeCurrency: { name: 'Esker', symbol: 'ESK', decimals: 18 },
  rpcUrls: { default: { http: [rpcUrl] } },
})
const reader = createPublicClient({ chain, transport: http(), pollingInterval: 20 })
const clock = createTestClient({ chain, mode: 'anvil', transport: http() })
const wallet = (user) => createWalletClient({ account: user, chain, transport: http() })
const [owner, alice, bob, carol] = [account(0), account(1), account(2), account(3)]

const deploy = async (name, args) => {
  const { abi, bytecode } = artifact(name)
  const hash = await wallet(owner).deployContract({ abi, bytecode, args })
  const receipt = await reader.waitForTransactionReceipt({ hash })
  assert.equal(receipt.status, 'success', name)
  return { address: getAddress(receipt.contractAddress), abi }
}
const read = (contract, functionName, args = []) => reader.readContract({ ...contract, functionName, args })
/**
 * What a dApp does when somebody presses a button: try it, then send what was tried. Gives the result and the receipt.
 *
 * An estimate is in the last block, at its time. A pool that is asked in that very second writes no prices down, and in
 * the next one it does, for the first time into two slots: that is some third on top, for which there is room.
 */
const write = async (user, contract, functionName, args = [], value = undefined) => {
  const { request, result } = await reader.simulateContract({ ...contract, account: user, functionName, args, value })
  const estimate = await reader.estimateContractGas(request)
  const hash = await wallet(user).writeContract({ ...request, gas: (estimate * 3n) / 2n })
  const receipt = await reader.waitForTransactionReceipt({ hash })
  assert.equal(receipt.status, 'success', functionName)
  return { result, receipt }
}
/** The error with which a call is refused, as the ABI names it. */
const refused = async (user, contract, functionName, args = []) => {
  const error = await reader.simulateContract({ ...contract, account: user, functionName, args }).then(
    () => assert.fail(`${functionName} should have been refused`), (error) => error)
  assert.ok(error instanceof BaseError, String(error))
  const reverted = error.walk((cause) => cause instanceof ContractFunctionRevertedError)
  assert.ok(reverted, `not a revert: ${error.message}`)
  return [reverted.data?.errorName, ...(reverted.data?.args ?? [])]
}
const now = async () => (await reader.getBlock()).timestamp
const soon = async () => (await now()) + 600n

const permitTypes = {
  Permit: [
    { name: 'owner', type: 'address' }, { name: 'spender', type: 'address' }, { name: 'value', type: 'uint256' },
    { name: 'nonce', type: 'uint256' }, { name: 'deadline', type: 'uint256' },
  ],
}
/** An allowance that `user` signs, as the arguments of `permit`. */
const permit = async (user, contract, spender, value, domain) => {
  const [nonce, deadline] = [await read(contract, 'nonces', [user.address]), await soon()]
  const message = { owner: user.address, spender, value, nonce, deadline }
  const signature = await wallet(user).signTypedData({
    domain: { version: '1', chainId, verifyingContract: contract.address, ...domain },
    types: permitTypes, primaryType: 'Permit', message,
  })
  const { r, s, v } = parseSignature(signature)
  return [user.address, spender, value, deadline, Number(v), r, s]
}

const supply = parseEther('1000000')
let gold, silver, weth, factory, router, pair

before(async () => {
  gold = await deploy('Token', ['Gold', 'GLD', supply, owner.address])
  silver = await deploy('Token', ['Silver', 'SLV', supply, owner.address])
  for (const token of [gold, silver]) {
    await write(owner, token, 'mint', [alice.address, parseEther('150000')])
    await write(owner, token, 'mint', [bob.address, parseEther('100000')])
  }
  weth = await deploy('Weth', [])
  factory = await deploy('AmmFactory', [owner.address])
  router = await deploy('AmmRouter', [factory.address, weth.address])
})

test('a provider adds to a pool, which comes into being', async () => {
  const [a, b] = [parseEther('10000'), parseEther('40000')]
  for (const [token, amount] of [[gold, a], [silver, b]]) await write(alice, token, 'approve', [router.address, amount])
  const { result, receipt } = await write(alice, router, 'addLiquidity', [
    gold.address, silver.address, a, b, a, b, alice.address, await soon(),
  ])
  pair = { address: await read(factory, 'getPair', [gold.address, silver.address]), abi: artifact('AmmPair').abi }
  const [created] = parseEventLogs({ abi: factory.abi, logs: receipt.logs, eventName: 'PairCreated' })
  assert.equal(created.args.pair, pair.address)
  // The root of the product, without the shares that nobody gets back.
  const shares = parseEther('20000') - 1000n
  assert.deepEqual(result, [a, b, shares])
  assert.equal(await read(pair, 'balanceOf', [alice.address]), shares)
  const isFirst = BigInt(gold.address) < BigInt(silver.address)
  const reserves = await read(pair, 'getReserves')
  assert.deepEqual(reserves.slice(0, 2), isFirst ? [a, b] : [b, a])
})

test('a trader gets what was quoted, and nothing where the bound is too tight', async () => {
  const [spent, path] = [parseEther('100'), [gold.address, silver.address]]
  const [, quoted] = await read(router, 'getAmountsOut', [spent, path])
  // 0.3 % stay in the pool: 99.7 of 10,099.7 of the 40,000.
  assert.equal(quoted, (spent * 997n * parseEther('40000')) / (parseEther('10000') * 1000n + spent * 997n))
  const swap = async (least, deadline) => [spent, least, path, bob.address, deadline ?? (await soon())]
  // Without an allowance the token refuses, and the dApp knows its errors too.
  const both = { address: router.address, abi: [...router.abi, ...gold.abi.filter(({ type }) => type === 'error')] }
  assert.deepEqual(
    await refused(bob, both, 'swapExactTokensForTokens', await swap(quoted)),
    ['ERC20InsufficientAllowance', router.address, 0n, spent],
  )
  await write(bob, gold, 'approve', [router.address, spent])
  assert.deepEqual(await refused(bob, router, 'swapExactTokensForTokens', await swap(quoted + 1n)), ['InsufficientOutputAmount'])
  assert.deepEqual(await refused(bob, router, 'swapExactTokensForTokens', await swap(quoted, (await now()) - 1n)), ['Expired'])
  // Somebody trades between the quote and the transaction: the bound holds.
  await write(alice, gold, 'approve', [router.address, spent])
  await write(alice, router, 'swapExactTokensForTokens', [spent / 10n, 0n, path, alice.address, await soon()])
  assert.deepEqual(await refused(bob, router, 'swapExactTokensForTokens', await swap(quoted)), ['InsufficientOutputAmount'])

  const held = await read(silver, 'balanceOf', [bob.address])
  const [, quotedAgain] = await read(router, 'getAmountsOut', [spent, path])
  const { result } = await write(bob, router, 'swapExactTokensForTokens', await swap((quotedAgain * 995n) / 1000n))
  assert.deepEqual(result, [spent, quotedAgain])
  assert.equal((await read(silver, 'balanceOf', [bob.address])) - held, quotedAgain)
})

test('trades are told as events, in old blocks and as they happen', async (t) => {
  const trades = await reader.getContractEvents({ ...pair, eventName: 'Swap', fromBlock: 0n })
  assert.equal(trades.length, 2)
  assert.deepEqual(trades.map(({ args }) => args.to), [alice.address, bob.address])
  const ofBob = await reader.getContractEvents({ ...pair, eventName: 'Swap', args: { to: bob.address }, fromBlock: 0n })
  assert.equal(ofBob.length, 1)
  assert.equal(ofBob[0].args.sender, router.address)
  assert.equal(ofBob[0].args.amount0In + ofBob[0].args.amount1In, parseEther('100'))

  const socket = createPublicClient({ chain, transport: webSocket(wsUrl) })
  t.after(async () => (await socket.transport.getRpcClient()).close())
  const seen = new Promise((resolve, reject) => {
    socket.watchContractEvent({ ...pair, eventName: 'Swap', onLogs: resolve, onError: reject })
  })
  await socket.getBlockNumber()
  const exact = parseEther('50')
  await write(bob, silver, 'approve', [router.address, exact])
  const { result } = await write(bob, router, 'swapExactTokensForTokens', [
    exact, 1n, [silver.address, gold.address], bob.address, await soon(),
  ])
  const [trade] = await seen
  assert.equal(trade.args.amount0In + trade.args.amount1In, exact)
  assert.equal(trade.args.amount0Out + trade.args.amount1Out, result[1])
})

test('coins are traded through their token', async () => {
  const [tokens, coins] = [parseEther('1000'), parseEther('10')]
  await write(alice, gold, 'approve', [router.address, tokens])
  await write(alice, router, 'addLiquidityETH', [gold.address, tokens, tokens, coins, alice.address, await soon()], coins)
  const path = [weth.address, gold.address, silver.address]
  const quoted = await read(router, 'getAmountsOut', [parseEther('1'), path])
  const { result } = await write(bob, router, 'swapExactETHForTokens', [quoted[2], path, bob.address, await soon()], parseEther('1'))
  assert.deepEqual(result, quoted)
  assert.equal(await read(weth, 'totalSupply'), await reader.getBalance({ address: weth.address }))
})

test('a provider leaves with a signed allowance of its shares, and with a gain', async () => {
  const shares = await read(pair, 'balanceOf', [alice.address])
  const held = await Promise.all([gold, silver].map((token) => read(token, 'balanceOf', [alice.address])))
  const [, , , deadline, v, r, s] = await permit(alice, pair, router.address, shares, { name: 'Uniswap V2' })
  const leave = (least) => [
    gold.address, silver.address, shares, least, 1n, alice.address, deadline, false, v, r, s,
  ]
  assert.deepEqual(
    await refused(alice, router, 'removeLiquidityWithPermit', leave(parseEther('11000'))), ['InsufficientAAmount'])
  const { result: [a, b] } = await write(alice, router, 'removeLiquidityWithPermit', leave(parseEther('9000')))
  const has = await Promise.all([gold, silver].map((token) => read(token, 'balanceOf', [alice.address])))
  assert.deepEqual([has[0] - held[0], has[1] - held[1]], [a, b])
  assert.ok(a * b > parseEther('10000') * parseEther('40000'), 'fees make the product of both larger')
  assert.equal(await read(pair, 'balanceOf', [alice.address]), 0n)
})

test('a vault takes an asset by signed allowance, gains, and pays out what it previewed', async () => {
  const vault = await deploy('Vault', [gold.address, 'Gold vault', 'vGLD'])
  assert.equal(await read(vault, 'decimals'), 21)
  const assets = parseEther('100')
  // Alice approves by a transaction, Bob by a signature that the owner sends for him.
  await write(alice, gold, 'approve', [vault.address, assets])
  const signed = await permit(bob, gold, vault.address, assets, { name: 'Gold' })
  const forged = [...signed.slice(0, 2), assets + 1n, ...signed.slice(3)]
  assert.equal((await refused(owner, gold, 'permit', forged))[0], 'ERC2612InvalidSigner')
  await write(owner, gold, 'permit', signed)
  assert.equal((await refused(owner, gold, 'permit', signed))[0], 'ERC2612InvalidSigner')

  for (const user of [alice, bob]) {
    const previewed = await read(vault, 'previewDeposit', [assets])
    const { result, receipt } = await write(user, vault, 'deposit', [assets, user.address])
    assert.equal(result, previewed)
    const [told] = parseEventLogs({ abi: vault.abi, logs: receipt.logs, eventName: 'Deposit' })
    assert.deepEqual(told.args, { sender: user.address, owner: user.address, assets, shares: previewed })
  }
  const shares = await read(vault, 'balanceOf', [bob.address])
  assert.equal(await read(vault, 'convertToAssets', [shares]), assets)
  // What comes in besides is a gain of all shares alike.
  await write(alice, gold, 'transfer', [vault.address, parseEther('20')])
  const worth = await read(vault, 'previewRedeem', [shares])
  assert.ok(worth > parseEther('109.999') && worth <= parseEther('110'), `${worth}`)
  assert.equal(await read(vault, 'maxWithdraw', [bob.address]), worth)
  assert.deepEqual(
    await refused(bob, vault, 'withdraw', [worth + 1n, bob.address, bob.address]),
    ['ERC4626ExceededMaxWithdraw', bob.address, worth + 1n, worth],
  )
  assert.equal((await refused(carol, vault, 'redeem', [shares, carol.address, bob.address]))[0], 'ERC20InsufficientAllowance')

  const some = parseEther('10')
  const cost = await read(vault, 'previewWithdraw', [some])
  assert.equal((await write(bob, vault, 'withdraw', [some, carol.address, bob.address])).result, cost)
  assert.equal(await read(gold, 'balanceOf', [carol.address]), some)
  const left = await read(vault, 'previewRedeem', [shares - cost])
  assert.equal((await write(bob, vault, 'redeem', [shares - cost, bob.address, bob.address])).result, left)
  assert.equal(await read(vault, 'balanceOf', [bob.address]), 0n)
  assert.ok(left + some >= worth - 1n && left + some <= worth, 'a rounding at most is lost')
})

test('a governor decides by votes, one of them signed, and the timelock carries it out', async () => {
  const states = ['Pending', 'Active', 'Canceled', 'Defeated', 'Succeeded', 'Queued', 'Expired', 'Executed']
  const [delay, period, wait] = [2, 20, 3600n]
  const timelock = await deploy('Timelock', [wait, [], [zeroAddress], owner.address])
  const governor = await deploy('Governor', [
    'Gold governor', gold.address, timelock.address, delay, period, parseEther('1'), 10n,
  ])
  const proposer = await read(timelock, 'PROPOSER_ROLE')
  await write(owner, timelock, 'grantRole', [proposer, governor.address])
  await write(owner, timelock, 'renounceRole', [`0x${'00'.repeat(32)}`, owner.address])
  const treasury = parseEther('5000')
  await write(owner, gold, 'mint', [timelock.address, treasury])

  for (const user of [alice, bob]) await write(user, gold, 'delegate', [user.address])
  const power = await read(gold, 'getVotes', [alice.address])
  assert.equal(power, await read(gold, 'balanceOf', [alice.address]))

  // A payment out of the treasury, and a rule of the governor itself.
  const grant = parseEther('1234')
  const call = ({ abi }, functionName, args) => encodeFunctionData({ abi, functionName, args })
  const proposal = [
    [gold.address, governor.address], [0n, 0n],
    [call(gold, 'transfer', [carol.address, grant]), call(governor, 'setVotingPeriod', [40])],
  ]
  const description = 'Carol builds the bridge'
  const digest = keccak256(toHex(description))
  assert.equal((await refused(carol, governor, 'propose', [...proposal, description]))[0], 'GovernorInsufficientProposerVotes')
  const { result: id, receipt } = await write(alice, governor, 'propose', [...proposal, description])
  assert.equal(id, await read(governor, 'hashProposal', [...proposal, digest]))
  const [told] = parseEventLogs({ abi: governor.abi, logs: receipt.logs, eventName: 'ProposalCreated' })
  assert.equal(told.args.description, description)
  assert.equal(told.args.voteStart, receipt.blockNumber + BigInt(delay))
  const state = async () => states[await read(governor, 'state', [id])]

  assert.equal(await state(), 'Pending')
  assert.deepEqual((await refused(alice, governor, 'castVote', [id, 1])).slice(0, 3), ['GovernorUnexpectedProposalState', id, 0])
  await clock.mine({ blocks: delay + 1 })
  assert.equal(await state(), 'Active')
  const weight = await read(governor, 'getVotes', [alice.address, await read(governor, 'proposalSnapshot', [id])])
  assert.equal((await write(alice, governor, 'castVote', [id, 1])).result, weight)
  assert.deepEqual(await refused(alice, governor, 'castVote', [id, 0]), ['GovernorAlreadyCastVote', alice.address])

  // Bob signs, Carol sends: what he signed is a vote against, and cannot be turned into one for it.
  const message = { proposalId: id, support: 0, voter: bob.address, nonce: await read(governor, 'nonces', [bob.address]) }
  const signature = await wallet(bob).signTypedData({
    domain: { name: 'Gold governor', version: '1', chainId, verifyingContract: governor.address },
    types: {
      Ballot: [
        { name: 'proposalId', type: 'uint256' }, { name: 'support', type: 'uint8' },
        { name: 'voter', type: 'address' }, { name: 'nonce', type: 'uint256' },
      ],
    },
    primaryType: 'Ballot', message,
  })
  assert.deepEqual(
    await refused(carol, governor, 'castVoteBySig', [id, 1, bob.address, signature]),
    ['GovernorInvalidSignature', bob.address],
  )
  const { receipt: voted } = await write(carol, governor, 'castVoteBySig', [id, 0, bob.address, signature])
  const [vote] = parseEventLogs({ abi: governor.abi, logs: voted.logs, eventName: 'VoteCast' })
  assert.equal(vote.args.voter, bob.address)
  const bobs = await read(gold, 'getVotes', [bob.address])
  assert.deepEqual(await read(governor, 'proposalVotes', [id]), [bobs, weight, 0n])
  assert.ok(weight > bobs, 'Alice has more')

  const rest = [...proposal, digest]
  assert.equal((await refused(carol, governor, 'queue', rest))[0], 'GovernorUnexpectedProposalState')
  await clock.mine({ blocks: period })
  assert.equal(await state(), 'Succeeded')
  await write(carol, governor, 'queue', rest)
  assert.equal(await state(), 'Queued')
  // The timelock refuses what comes too soon, in its own words.
  const both = { ...governor, abi: [...governor.abi, ...timelock.abi.filter(({ type }) => type === 'error')] }
  assert.equal((await refused(carol, both, 'execute', rest))[0], 'TimelockUnexpectedOperationState')
  await clock.increaseTime({ seconds: Number(wait) })
  await clock.mine({ blocks: 1 })
  assert.ok((await now()) >= (await read(governor, 'proposalEta', [id])))
  const before = await read(gold, 'balanceOf', [carol.address])
  await write(carol, governor, 'execute', rest)
  assert.equal(await state(), 'Executed')
  assert.equal((await read(gold, 'balanceOf', [carol.address])) - before, grant)
  assert.equal(await read(gold, 'balanceOf', [timelock.address]), treasury - grant)
  assert.equal(await read(governor, 'votingPeriod'), 40n)
  assert.deepEqual(await refused(alice, governor, 'setVotingPeriod', [1]), ['GovernorOnlyExecutor', alice.address])
})
