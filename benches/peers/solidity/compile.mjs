// Compiles Kernels.sol and Token.sol and writes bytecode.json: what revm runs, with the settings that made it.
import { readFileSync, writeFileSync } from "node:fs";
import solc from "solc";

const read = (name) => readFileSync(new URL(name, import.meta.url), "utf8");
const settings = {
  optimizer: { enabled: true, runs: 1_000_000 },
  viaIR: true,
  evmVersion: "prague",
  metadata: { bytecodeHash: "none", appendCBOR: false },
};
const input = {
  language: "Solidity",
  sources: { "Kernels.sol": { content: read("Kernels.sol") }, "Token.sol": { content: read("Token.sol") } },
  settings: { ...settings, outputSelection: { "*": { "*": ["evm.bytecode.object"] } } },
};
const find = (path) => ({ contents: read(`node_modules/${path}`) });
const output = JSON.parse(solc.compile(JSON.stringify(input), { import: find }));
const errors = (output.errors ?? []).filter((error) => error.severity === "error");
if (errors.length > 0) throw new Error(errors.map((error) => error.formattedMessage).join("\n"));

const creation = {};
for (const file of ["Kernels.sol", "Token.sol"]) {
  for (const [name, contract] of Object.entries(output.contracts[file])) {
    creation[name] = contract.evm.bytecode.object;
  }
}
const { dependencies } = JSON.parse(read("package.json"));
const result = { compiler: solc.version(), dependencies, settings, creation };
writeFileSync(new URL("bytecode.json", import.meta.url), `${JSON.stringify(result, null, 2)}\n`);
