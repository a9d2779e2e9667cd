// Compiles every model in this folder and prints one JSON object: the creation code of each contract, by its name. Uniswap's
// contracts come as its authors compiled them.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import solc from "solc";

const here = (name) => new URL(name, import.meta.url);
const models = readdirSync(here(".")).filter((name) => name.endsWith(".sol"));
const input = {
  language: "Solidity",
  sources: Object.fromEntries(models.map((name) => [name, { content: readFileSync(here(name), "utf8") }])),
  settings: {
    optimizer: { enabled: true, runs: 200 },
    evmVersion: "prague",
    metadata: { bytecodeHash: "none", appendCBOR: false },
    outputSelection: { "*": { "*": ["evm.bytecode.object"] } },
  },
};
const find = (path) => {
  const file = here(`node_modules/${path}`);
  return existsSync(file) ? { contents: readFileSync(file, "utf8") } : { error: `${path} is not there` };
};
const output = JSON.parse(solc.compile(JSON.stringify(input), { import: find }));
const errors = (output.errors ?? []).filter(({ severity }) => severity === "error");
if (errors.length > 0) throw new Error(errors.map(({ formattedMessage }) => formattedMessage).join("\n"));

const creation = {};
for (const model of models) {
  for (const [name, contract] of Object.entries(output.contracts[model])) creation[name] = contract.evm.bytecode.object;
}
const uniswap = { UniswapV2Factory: "v2-core", UniswapV2Pair: "v2-core", UniswapV2Router02: "v2-periphery", WETH9: "v2-periphery" };
for (const [name, from] of Object.entries(uniswap)) {
  const built = JSON.parse(readFileSync(here(`node_modules/@uniswap/${from}/build/${name}.json`), "utf8"));
  creation[name] = built.bytecode.replace(/^0x/, "");
}
console.log(JSON.stringify({ compiler: solc.version(), creation }));
