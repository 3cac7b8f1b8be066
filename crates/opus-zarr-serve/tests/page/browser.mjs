// Clicks through the page of a running server in a real browser: node browser.mjs URL [DIRECTORY FOR SCREENSHOTS]
// CHROMIUM names the browser, and STEPS the steps if not all. Exits with 1 if a step or anything on the page fails.

import { chromium } from "playwright-core";
import * as steps from "./steps.mjs";

const [url, shots] = process.argv.slice(2);
if (!url) {
  console.error("usage: node browser.mjs URL [DIRECTORY]");
  process.exit(2);
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
  ],
});

let passed = 0;
let failed = 0;
const isWanted = new RegExp(process.env.STEPS ?? "");
for (const [name, step] of Object.entries(steps).filter(([name]) => isWanted.test(name))) {
  const problems = [];
  const begin = Date.now();
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: "light" });
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const watch = (page) => {
    page.on("console", (line) => line.type() === "error" && problems.push(`console: ${line.text()}`));
    page.on("pageerror", (error) => problems.push(`page: ${error.stack}`));
    page.on("response", (answer) => answer.status() >= 400 && problems.push(`${answer.status()} ${answer.url()}`));
  };
  context.on("page", watch);
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  try {
    await step({ page, context, url: url.replace(/\/*$/, "/"), shots });
  } catch (error) {
    problems.push(error.stack);
  }
  await context.close();
  if (problems.length === 0) passed += 1;
  else failed += 1;
  console.log(`${problems.length === 0 ? "ok" : "FAILED"} ${name} (${((Date.now() - begin) / 1000).toFixed(1)} s)`);
  for (const problem of problems) console.log(`  ${problem}`);
}
await browser.close();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
