#!/usr/bin/env node
// Makes a component of a policy: bundles it with what it imports, then wraps it, with
// its JavaScript engine, for the world of its kind.

import { mkdir, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { componentize } from "@bytecodealliance/componentize-js";
import { build } from "esbuild";

const KINDS = ["approver", "distributor", "progress-parser", "recovery"];
const USAGE = `usage: quarterdeck-build --kind ${KINDS.join("|")} [--out FILE.wasm] SOURCE.js`;

const { kind, out, source } = readArguments();
const bundle = await build({
  entryPoints: [source],
  bundle: true,
  write: false,
  format: "esm",
  platform: "neutral",
  mainFields: ["module", "main"],
  external: ["quarterdeck:*", "wasi:*"],
  logLevel: "warning",
}).catch(() => fail(`${source} could not be bundled; the reason is above.`));
const { component } = await componentize(bundle.outputFiles[0].text, {
  witPath: fileURLToPath(new URL("./wit", import.meta.url)),
  worldName: kind,
  // A verdict depends on its request alone, so there is nothing behind these.
  disableFeatures: ["random", "stdio", "clocks", "http", "fetch-event"],
});
await mkdir(dirname(out), { recursive: true });
await writeFile(out, component);
console.log(`${out} (${component.length} bytes)`);

function readArguments() {
  let parsed;
  try {
    parsed = parseArgs({
      options: { kind: { type: "string" }, out: { type: "string", short: "o" } },
      allowPositionals: true,
    });
  } catch (error) {
    fail(`${error.message}\n${USAGE}`);
  }
  const { values, positionals } = parsed;
  if (positionals.length !== 1) fail(USAGE);
  if (!KINDS.includes(values.kind)) fail(`--kind has to be one of ${KINDS.join(", ")}\n${USAGE}`);
  if (!existsSync(positionals[0])) fail(`there is no file ${positionals[0]}`);
  return { kind: values.kind, source: positionals[0], out: values.out ?? positionals[0].replace(/\.[cm]?[jt]s$/, ".wasm") };
}

function fail(message) {
  console.error(`quarterdeck-build: ${message}`);
  process.exit(1);
}
