// What every client test needs: where the chain is, the artifacts, and the well-known development accounts.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { mnemonicToAccount } from 'viem/accounts'

function required(name) {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set: these tests are started by the Rust test \`clients\``)
  return value
}

export const rpcUrl = required('ESKER_RPC')
export const wsUrl = rpcUrl.replace(/^http/, 'ws')
export const chainId = Number(process.env.ESKER_CHAIN_ID ?? 31337)

export function artifact(name) {
  return JSON.parse(readFileSync(join(required('ESKER_ARTIFACTS'), `${name}.json`), 'utf8'))
}

const mnemonic = 'test test test test test test test test test test test junk'
export const account = (index) => mnemonicToAccount(mnemonic, { addressIndex: index })
export const privateKey = (index) => `0x${Buffer.from(account(index).getHdKey().privateKey).toString('hex')}`

let nextId = 1
/** One raw JSON-RPC call, for what no client library exposes. */
export async function rpc(method, ...params) {
  const response = await fetch(rpcUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: nextId++, method, params }),
  })
  return response.json()
}
