// ethers, unmodified, against a development chain. It joins requests into batches and matches on error texts.
import { test, after } from 'node:test'
import assert from 'node:assert/strict'
import { ContractFactory, JsonRpcProvider, Wallet, NonceManager } from 'ethers'
import { artifact, account, privateKey, rpcUrl } from './chain.mjs'

const provider = new JsonRpcProvider(rpcUrl, undefined, { pollingInterval: 20 })
const signer = new NonceManager(new Wallet(privateKey(9), provider))
after(() => provider.destroy())

test('ethers deploys, calls, transacts and reads events', async () => {
  const { abi, bytecode } = artifact('Erc20')
  const token = await new ContractFactory(abi, bytecode, signer).deploy('Iron', 'FE', 1_000n)
  await token.waitForDeployment()
  assert.equal(await token.symbol(), 'FE')
  const bob = account(1).address
  const receipt = await (await token.transfer(bob, 30n)).wait()
  assert.equal(receipt.status, 1)
  const [balance, supply, name] = await Promise.all([token.balanceOf(bob), token.totalSupply(), token.name()])
  assert.deepEqual([balance, supply, name], [30n, 1_000n, 'Iron'])
  const events = await token.queryFilter(token.filters.Transfer(null, bob))
  assert.equal(events.length, 1)
  assert.equal(events[0].args.value, 30n)
  await assert.rejects(token.transfer.staticCall(bob, 5_000n), (error) => error.revert?.name === 'ERC20InsufficientBalance')
})

test('ethers recognises refusals', async () => {
  const poor = new Wallet(privateKey(60), provider)
  await assert.rejects(poor.sendTransaction({ to: account(1).address, value: 1n }), { code: 'INSUFFICIENT_FUNDS' })
})

test('ethers reads fees and blocks', async () => {
  const fees = await provider.getFeeData()
  assert.ok(fees.maxFeePerGas > 0n)
  const block = await provider.getBlock('latest', true)
  assert.match(block.hash, /^0x[0-9a-f]{64}$/)
})
