// Runs tests/web/format_vectors.json against static/js/format.js; prints what differs.
import { readFileSync } from "node:fs";

const [, , scriptUrl, vectorsPath] = process.argv;
const format = await import(scriptUrl);
const vectors = JSON.parse(readFileSync(vectorsPath, "utf8"));
const camel = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
let ran = 0;
const wrong = [];
for (const [name, cases] of Object.entries(vectors)) {
  for (const [args, expected] of cases) {
    const got = format[camel(name)](...args);
    ran += 1;
    if (got !== expected) wrong.push({ name, args, expected, got });
  }
}
process.stdout.write(JSON.stringify({ ran, wrong }));
