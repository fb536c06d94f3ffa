// The pages in a real Chromium: node run.mjs BASE SHOTS CHROMIUM
// Everything is found by its role; nothing waits for a while, only for a state. Ends with "all checks passed".
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [base, shots, executablePath] = process.argv.slice(2);
const require = createRequire(new URL("../../.deps/browser/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core"), "utf8");

const PAGES = [
  ["overview", "/", "Overview"],
  ["route", "/routes/support", "support"],
  ["route-young", "/routes/invoices", "invoices"],
  ["ask", "/routes/support/ask/rollback", "Roll back"],
  ["shadow", "/routes/support/shadow", "Shadow of support"],
  ["shadow-any", "/routes/support/shadow?verdict=any&axis=accuracy", "Shadow of support"],
  ["shadow-empty", "/routes/triage/shadow", "Shadow of triage"],
  ["captures", "/captures", "Captures"],
  ["decisions", "/decisions", "Decisions"],
  ["savings", "/savings", "Savings"],
  ["login", "/login", "Log in"],
  ["missing", "/nowhere", "Not found"],
];

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });

/** A page that fails on any request that leaves this server, and on anything the policy or a script trips over. */
async function open(options) {
  const context = await browser.newContext({ baseURL: base, reducedMotion: "reduce", ...options });
  const wrong = [];
  await context.route("**", (route) => {
    const url = route.request().url();
    if (url.startsWith(`${base}/`)) return route.continue();
    wrong.push(`request to ${url}`);
    return route.abort();
  });
  const page = await context.newPage();
  page.on("pageerror", (error) => wrong.push(`script: ${error.message}`));
  page.on("console", (message) => {
    const expected = message.text().includes("status of 404");
    if (message.type() === "error" && !expected) wrong.push(`console: ${message.text()}`);
  });
  const close = async () => {
    assert.deepEqual(wrong, []);
    await context.close();
  };
  return { page, close };
}

const heading = (page, name) => page.getByRole("heading", { level: 1, name });
const diffs = (page) => page.getByRole("link", { name: /^Diff,/ });

/** What people would trip over, of all pages, so that one run tells it all. */
const found = new Set();

async function accessible(page, name) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document));
  for (const { id, nodes } of violations) {
    for (const node of nodes.slice(0, 3)) found.add(`${name}: ${id}: ${node.html.slice(0, 200)} ${node.failureSummary}`);
  }
}

async function look(page, scheme, name) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (wide > 0) found.add(`${scheme} ${name} is ${wide} px wider than its window`);
  await accessible(page, `${scheme} ${name}`);
  await page.screenshot({ path: `${shots}/${scheme}-${name}.png`, fullPage: true });
}

async function every(scheme, viewport) {
  const { page, close } = await open({ colorScheme: scheme.split("-")[0], viewport });
  for (const [name, path, title] of PAGES) {
    await page.goto(path);
    await heading(page, title).waitFor();
    await look(page, scheme, name);
  }
  await page.goto("/routes/support/shadow?verdict=any");
  const links = await diffs(page).evaluateAll((all) => all.map((link) => link.getAttribute("href")));
  // Every kind of diff once; elsewhere the first show what is different there.
  for (const [n, href] of links.slice(0, scheme === "light" ? links.length : 4).entries()) {
    await page.goto(href);
    await heading(page, /^Diff/).waitFor();
    await look(page, scheme, `diff-${n}`);
  }
  await page.goto("/decisions");
  await page.getByText("Evidence").first().click();
  await look(page, scheme, "decisions-open");
  await close();
}

async function unread(page) {
  return Number((await page.request.get("/api/v1/routes/support/shadow").then((r) => r.json())).counts.unread);
}

/** The whole review with the keyboard alone. */
async function keys() {
  const { page, close } = await open({});
  await page.goto("/routes/support/shadow");
  const before = await unread(page);
  const focused = () => page.evaluate(() => document.activeElement.getAttribute("href"));
  const all = await diffs(page).evaluateAll((links) => links.map((link) => link.getAttribute("href")));
  for (const [key, wanted] of [["j", 0], ["j", 1], ["j", 2], ["k", 1], ["k", 0], ["k", 0]]) {
    await page.keyboard.press(key);
    assert.equal(await focused(), all[wanted], `${key} leads to row ${wanted}`);
  }
  await page.keyboard.press("?");
  await page.getByText("next and previous diff").waitFor();
  await page.keyboard.press("a");
  await page.getByText(`of ${before - 1}`, { exact: false }).first().waitFor();
  // A page is seen before its script runs, and a key that comes between is nobody's.
  await page.waitForLoadState("load");
  assert.equal(await unread(page), before - 1, "a accepts the row that has the focus");

  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await heading(page, /^Diff/).waitFor();
  await page.waitForLoadState("load");
  const first = page.url();
  await page.keyboard.press("j");
  await page.waitForURL((url) => url.href !== first);
  await page.keyboard.press("k");
  await page.waitForURL(first);
  await page.keyboard.press("e");
  await page.keyboard.type("jar of keys");
  await page.keyboard.press("Escape");
  const field = page.getByRole("textbox", { name: /^Right answer/ });
  assert.equal(await field.inputValue(), "jar of keys", "keys are letters in a field");
  await page.getByRole("button", { name: /^Edit/ }).click();
  await page.waitForURL((url) => url.href !== first);
  assert.equal(await unread(page), before - 2);
  const noted = await page.request.get(new URL(first).pathname.replace("/shadow/", "/api/v1/shadow/"));
  const diff = await noted.json();
  assert.deepEqual([diff.verdict, diff.corrected, diff.reviewer], ["edit", "jar of keys", "dashboard"]);
  const second = page.url();
  await page.keyboard.press("r");
  await page.waitForURL((url) => url.href !== second);
  assert.equal(await unread(page), before - 3);
  await close();
}

/** The same with JavaScript switched off: forms and links alone. */
async function plain() {
  const { page, close } = await open({ javaScriptEnabled: false });
  for (const [, path, title] of PAGES) {
    await page.goto(path);
    await heading(page, title).waitFor();
  }
  await page.goto("/");
  await page.getByRole("link", { name: "support", exact: true }).click();
  await page.getByRole("link", { name: "what the shadow saw, worst first" }).click();
  const before = await unread(page);
  await page.getByRole("button", { name: "Reject" }).first().click();
  await heading(page, "Shadow of support").waitFor();
  assert.equal(await unread(page), before - 1);
  await page.getByRole("combobox", { name: "Verdict" }).selectOption("reject");
  await page.getByRole("button", { name: "Show" }).click();
  assert.equal(await diffs(page).count(), 2, "the filter is a form");
  await diffs(page).first().click();
  await page.getByRole("button", { name: "Take back" }).click();
  assert.equal(await unread(page), before, "what was said can be taken back");
  await page.goto("/routes/support/ask/pause");
  await page.getByRole("textbox", { name: /^Reason/ }).fill("a release");
  await page.getByRole("button", { name: "Pause support" }).click();
  await page.getByRole("status").waitFor();
  await close();
}

try {
  const [desk, phone] = [{ width: 1280, height: 900 }, { width: 390, height: 844 }];
  for (const [scheme, viewport] of [["light", desk], ["dark", desk], ["light-phone", phone]]) {
    await every(scheme, viewport);
  }
  assert.deepEqual([...found], []);
  await keys();
  await plain();
  console.log("all checks passed");
} finally {
  await browser.close();
}
