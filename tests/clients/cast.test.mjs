// Foundry's cast, unmodified, against a development chain.
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { account, artifact, chainId, privateKey, rpcUrl } from './chain.mjs'
import { encodeAbiParameters, parseAbiParameters } from 'viem'

const run = promisify(execFile)
const binary = fileURLToPath(new URL('./node_modules/.bin/cast', import.meta.url))
// The options first: what follows `--create` belongs to it.
const cast = async (command, ...args) =>
  (await run(binary, [command, '--rpc-url', rpcUrl, ...args], { maxBuffer: 1 << 24 })).stdout.trim()
const send = async (...args) => JSON.parse(await cast('send', '--json', ...args))
const [alice, bob] = [account(7), account(8)]
const key = privateKey(7)

test('cast sees the chain', async () => {
  assert.equal(Number(await cast('chain-id')), chainId)
  assert.match(await cast('client'), /Esker/)
  assert.ok(BigInt(await cast('balance', bob.address)) > 0n)
  assert.ok(Number(await cast('block-number')) >= 0)
  assert.ok(BigInt(await cast('gas-price')) > 0n)
  assert.match(await cast('block', 'latest'), /stateRoot\s+0x[0-9a-f]{64}/)
})

test('cast deploys, reads, writes and decodes', async () => {
  const { bytecode, codeHash } = artifact('Erc20')
  const args = encodeAbiParameters(parseAbiParameters('string, string, uint256'), ['Silver', 'SLV', 500n])
  const deployed = await send('--private-key', key, '--create', bytecode + args.slice(2))
  assert.equal(deployed.status, '0x1')
  const token = deployed.contractAddress
  assert.match(await cast('call', token, 'symbol()(string)'), /SLV/)
  assert.match(await cast('call', token, 'balanceOf(address)(uint256)', alice.address), /^500/)
  const sent = await send('--private-key', key, token, 'transfer(address,uint256)', bob.address, '20')
  assert.equal(sent.status, '0x1')
  assert.equal(sent.logs.length, 1)
  assert.match(await cast('call', token, 'balanceOf(address)(uint256)', bob.address), /^20/)
  const legacy = await send('--private-key', key, '--legacy', token, 'transfer(address,uint256)', bob.address, '1')
  assert.equal(legacy.type, '0x0')
  assert.match(await cast('receipt', sent.transactionHash, 'status'), /1|true/)
  assert.match(await cast('tx', sent.transactionHash, 'nonce'), /^\d+$/)
  assert.equal(await cast('codehash', token), codeHash)
  assert.match(await cast('logs', '--address', token, '--from-block', '0'), /transactionHash/)
  assert.ok(Number(await cast('estimate', '--from', alice.address, token, 'transfer(address,uint256)', bob.address, '1')) > 21_000)
  const proof = JSON.parse(await cast('proof', token, '0x0'))
  assert.ok(proof.accountProof.length > 0)
})

test('cast shows the revert data of a custom error', async () => {
  const { bytecode } = artifact('Erc20')
  const args = encodeAbiParameters(parseAbiParameters('string, string, uint256'), ['Tin', 'TIN', 1n])
  const { contractAddress } = await send('--private-key', key, '--create', bytecode + args.slice(2))
  // The package's wrapper does not always hand on the exit code: what counts is what cast says.
  const call = ['call', '--rpc-url', rpcUrl, '--from', bob.address, contractAddress, 'transfer(address,uint256)', alice.address, '5']
  const { stdout, stderr } = await run(binary, call).catch((error) => error)
  assert.equal(stdout, '')
  assert.match(stderr, /execution reverted/)
  // ERC20InsufficientBalance(address,uint256,uint256)
  assert.match(stderr, /0xe450d38c|ERC20InsufficientBalance/)
})

test('cast sends from an unlocked account', async () => {
  const sent = await send('--unlocked', '--from', alice.address, bob.address, '--value', '1')
  assert.equal(sent.status, '0x1')
})
