// main.mjs URL TOKEN FOLDER SHOTS CHROMIUM [SCENARIO...]
//
// Runs the scenarios in a JupyterLab that serves FOLDER at URL, and prints one JSON object for each: name, error (empty
// where it passed), note. Screenshots go to the folder SHOTS.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";

import { chromium } from "playwright-core";

import { Notebook } from "./notebook.mjs";
import * as messages from "./messages.mjs";
import * as actions from "./scenarios.mjs";

const scenarios = { ...actions, ...messages };
const [url, token, dir, shots, program, ...names] = process.argv.slice(2);
const flags = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];

async function run(context, name) {
  const page = await context.newPage();
  const nb = new Notebook(page, { url, token }, shots);
  let error = "";
  let note = "";
  try {
    note = (await scenarios[name](nb, dir)) ?? "";
  } catch (e) {
    error = e.stack ?? String(e);
    await nb.shot(`${name}-failed`).catch(() => {});
  }
  console.log(JSON.stringify({ name, error, note }));
  await shutDown(page).catch(() => {});
  await page.close({ runBeforeUnload: false });
}

// shutDown ends the kernels of a scenario.
async function shutDown(page) {
  await page.evaluate(async (token) => {
    const headers = { Authorization: `token ${token}` };
    const sessions = await (await fetch("/api/sessions", { headers })).json();
    await Promise.all(sessions.map((s) => fetch(`/api/sessions/${s.id}`, { method: "DELETE", headers })));
  }, token);
}

const profile = fs.mkdtempSync(path.join(os.tmpdir(), "lecture-browser-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: program, headless: true, args: flags, viewport: { width: 1200, height: 900 },
});
try {
  for (const name of names.length > 0 ? names : Object.keys(scenarios)) await run(context, name);
} finally {
  await context.close();
  fs.rmSync(profile, { recursive: true, force: true });
}
