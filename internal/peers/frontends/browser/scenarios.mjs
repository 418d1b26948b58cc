// What is done in JupyterLab, and what must be seen. Each scenario has a notebook of its own.

import fs from "node:fs";
import path from "node:path";

import { until, write } from "./notebook.mjs";

function check(ok, text) {
  if (!ok) throw new Error(text);
}

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const hello = '%%\nfmt.Println("hello, " + "world")';

// The notebook that the other front ends execute too, with Run All; the caller compares the saved file.
export async function outputs(nb) {
  await nb.open("frontends.ipynb");
  await nb.runAll();
  const last = (await nb.root.locator(".jp-Notebook .jp-Cell").count()) - 1;
  await nb.done(last);
  await nb.idle();
  await nb.cell(last).scrollIntoViewIfNeeded();
  await nb.shot("outputs");
  await nb.save();
}

// A curve that is drawn while its cell runs.
export async function livePlot(nb, dir) {
  write(path.join(dir, "live.ipynb"), [
    'import "deeplearning.example/kernelext"',
    `%%
curve := kernelext.NewCurve("loss", "train", "test")
for i := range 40 {
	curve.Add(i, 1/float64(i+1), 1.2/float64(i+1))
	time.Sleep(100 * time.Millisecond)
}
curve.Done()`,
  ]);
  await nb.open("live.ipynb");
  await nb.runAll();
  const seen = new Set();
  let busy = 0;
  await until("the end of the curve", async () => {
    const outputs = nb.cell(1).locator(".jp-OutputArea-output");
    const html = await outputs.evaluateAll((all) => all.map((e) => e.innerHTML).join());
    const running = (await nb.prompt(1)) === "[*]:";
    if (html !== "" && !seen.has(html) && running) {
      seen.add(html);
      if (++busy === 3) await nb.shot("live-plot-running");
    }
    return /^\[\d+\]:$/.test(await nb.prompt(1));
  });
  check(busy >= 3, `the curve was seen in ${busy} states while its cell ran, want 3 at least`);
  const pictures = await nb.cell(1).locator(".jp-OutputArea-output").count();
  check(pictures === 1, `${pictures} outputs, want one curve`);
  await nb.shot("live-plot");
}

// The stop button, while a cell sleeps.
export async function interrupt(nb, dir) {
  write(path.join(dir, "interrupt.ipynb"), ['%%\nfmt.Println("begun")\ntime.Sleep(time.Hour)', hello]);
  await nb.open("interrupt.ipynb");
  await nb.run(0);
  await nb.shows(0, "begun");
  await nb.toolbar("interrupt");
  await nb.done(0);
  await nb.shot("interrupt");
  check((await nb.output(0)).toLowerCase().includes("interrupt"), "the cell does not say that it was interrupted");
  await nb.run(1);
  await nb.shows(1, "hello, world");
}

// The stop button, while a cell is compiled: nothing of it runs.
export async function interruptCompile(nb, dir) {
  write(path.join(dir, "compile.ipynb"), [
    'import (\n\t"net/http"\n\t_ "github.com/gomlx/gomlx/backends/default"\n)\n\n' +
      '%%\nfmt.Println("it " + "ran", http.StatusOK)',
    hello,
  ]);
  await nb.open("compile.ipynb");
  await nb.run(0);
  await nb.begun(0);
  await sleep(300);
  await nb.toolbar("interrupt");
  await nb.done(0);
  await nb.shot("interrupt-compile");
  check(!(await nb.output(0)).includes("it ran"), "the cell was run after the interrupt");
  await nb.run(1);
  await nb.shows(1, "hello, world");
}

// The restart button: definitions are gone, the kernel works.
export async function restart(nb, dir) {
  write(path.join(dir, "restart.ipynb"),
    ["func defined() int { return 42 }", '%%\nfmt.Println("is", defined())', hello]);
  await nb.open("restart.ipynb");
  await nb.runAll();
  await nb.shows(1, "is 42");
  await nb.done(2);
  await nb.toolbar("restart", true);
  await nb.idle();
  await nb.run(1);
  await nb.shows(1, "undefined");
  check(!(await nb.output(1)).includes("is 42"), "the definition outlived the restart");
  await nb.run(2);
  await nb.done(2);
  await nb.shows(2, "hello, world");
  await nb.shot("restart");
}

// Restart & Run All with a failing cell: those after it are not run.
export async function restartRunAll(nb, dir) {
  write(path.join(dir, "failing.ipynb"), [hello, '%%\npanic("stop here")', '%%\nfmt.Println("not " + "run")', hello]);
  await nb.open("failing.ipynb");
  await nb.toolbar("restart-and-run", true);
  await nb.done(1);
  await nb.shows(1, "stop here");
  await until("an end of all cells", async () => (await nb.prompt(2)) === "[ ]:" && (await nb.prompt(3)) === "[ ]:",
    async () => `${await nb.prompt(2)} ${await nb.prompt(3)}`);
  await nb.idle();
  await nb.shot("restart-run-all");
  check((await nb.output(0)).includes("hello, world"), "the cell before the failing one was not run");
  check((await nb.output(2)) === "" && (await nb.output(3)) === "", "a cell after the failing one was run");
}

// Tab completes, also while a cell runs.
export async function completion(nb, dir) {
  write(path.join(dir, "completion.ipynb"), ["%%\nstrings.ToUpp", '%%\nfmt.Println("begun")\ntime.Sleep(time.Hour)']);
  await nb.open("completion.ipynb");
  for (const shot of ["completion", "completion-while-running"]) {
    await nb.click(0);
    await nb.page.keyboard.press("Control+End");
    await nb.page.keyboard.press("Tab");
    const popup = nb.page.locator(".jp-Completer .jp-Completer-item", { hasText: "ToUpperSpecial" });
    await popup.waitFor();
    await nb.shot(shot);
    await nb.page.keyboard.press("Escape");
    await popup.waitFor({ state: "hidden" });
    if (shot === "completion") {
      await nb.run(1);
      await nb.shows(1, "begun");
    }
  }
  await nb.toolbar("interrupt");
  await nb.done(1);
}

// Shift-Tab shows the documentation.
export async function inspection(nb, dir) {
  write(path.join(dir, "inspection.ipynb"), ["%%\nfmt.Println"]);
  await nb.open("inspection.ipynb");
  await nb.click(0);
  await nb.page.keyboard.press("Control+End");
  await nb.page.keyboard.press("Shift+Tab");
  const tooltip = nb.page.locator(".jp-Tooltip");
  await tooltip.waitFor();
  await nb.shot("inspection");
  const text = await tooltip.innerText();
  check(text.includes("func Println") && text.includes("writes to standard output"), `the tooltip says ${text}`);
}

// A cell that prints 1 GB: the page reacts, and what it keeps is short.
export async function flood(nb, dir) {
  write(path.join(dir, "flood.ipynb"), [
    `%%
w := bufio.NewWriterSize(os.Stdout, 1<<16)
defer w.Flush()
line := strings.Repeat("0123456789abcdef", 8)[:127] + "\\n"
for range (1 << 30) / len(line) {
	w.WriteString(line)
}
w.WriteString("the last line\\n")`,
    hello,
  ]);
  await nb.open("flood.ipynb");
  await nb.run(0);
  let slowest = 0;
  let clicks = 0;
  while (!/^\[\d+\]:$/.test(await nb.prompt(0))) {
    const begun = Date.now();
    await nb.click(1 - (clicks % 2));
    await nb.cell(1 - (clicks % 2)).locator(".jp-cell-toolbar").waitFor(); // the active cell has it
    slowest = Math.max(slowest, Date.now() - begun);
    clicks++;
    await sleep(100);
    check(clicks < 3000, "the flood does not end");
  }
  await nb.shot("flood");
  check(slowest < 20_000, `a click took ${slowest} ms during the flood`);
  const text = await nb.output(0);
  check(text.includes("the last line"), `the end of the output is missing: ${text.slice(-500)}`);
  check(text.length < 50 << 20, `the page keeps ${text.length} characters`);
  await nb.run(1);
  await nb.shows(1, "hello, world");
  await nb.save();
  const size = fs.statSync(path.join(dir, "flood.ipynb")).size;
  return `${clicks} clicks, the slowest ${slowest} ms; the page keeps ${text.length} characters, the file has ${size} bytes`;
}

// A cell that runs in the browser.
export async function wasm(nb, dir) {
  write(path.join(dir, "wasm.ipynb"), [
    `%wasm
import "syscall/js"

%%
document := js.Global().Get("document")
document.Get("body").Set("title", "set by " + "wasm")
fmt.Println("from the browser")`,
    hello,
  ]);
  await nb.open("wasm.ipynb");
  await nb.run(0);
  await nb.done(0);
  await until("what the program does in the page",
    () => nb.page.evaluate(() => document.body.title === "set by wasm"), () => nb.output(0));
  await nb.shot("wasm");
  await nb.run(1);
  await nb.shows(1, "hello, world");
}
