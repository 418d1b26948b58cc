// What is done in JupyterLab, and what must be seen. Each scenario has a notebook of its own.

import fs from "node:fs";
import path from "node:path";

import { check, hello, sleep, until, write } from "./notebook.mjs";

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

// A sheet of pictures under the mouse and the arrow keys.
export async function explore(nb, dir) {
  write(path.join(dir, "explore.ipynb"), [
    'import (\n\t"image"\n\t"deeplearning.example/kernelext"\n)',
    `%%
var tiles []image.Image
for i := range 16 {
	img := image.NewGray(image.Rect(0, 0, 8, 8))
	for p := range img.Pix {
		img.Pix[p] = uint8(16 * i)
	}
	tiles = append(tiles, img)
}
kernelext.Explore(tiles, kernelext.Chart{X: "x", Y: "y", MinX: 0, MaxX: 4, MinY: 0, MaxY: 4, Cols: 4,
	Spots: []kernelext.Spot{{"first", 0.5, 3.5}, {"last", 3.5, 0.5}}})`,
  ]);
  await nb.open("explore.ipynb");
  await nb.runAll();
  await nb.done(1);
  const out = nb.cell(1).locator(".jp-OutputArea-output");
  const sheet = out.locator("div[tabindex]"), label = out.locator("canvas + div");
  const grey = () => out.locator("canvas").evaluate((c) => c.getContext("2d").getImageData(5, 5, 1, 1).data[0]);
  const box = await sheet.boundingBox();
  await sheet.hover({ position: { x: box.width - 5, y: box.height - 5 }, force: true });
  await until("the last picture", async () => (await label.textContent()) === "x = 3.50, y = 0.50; nearest: last");
  check((await grey()) === 240, `the large view has grey ${await grey()}, want 240`);
  await nb.shot("explore");
  await sheet.focus();
  for (const key of ["ArrowLeft", "ArrowUp", "ArrowUp", "ArrowUp"]) await sheet.press(key);
  check((await label.textContent()).startsWith("x = 2.50, y = 3.50"), `after the arrow keys: ${await label.textContent()}`);
  check((await grey()) === 32, `after the arrow keys the view has grey ${await grey()}, want 32`);
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

// Tab completes, also while a cell runs. JupyterLab drops an answer that takes more than a second, as the first of a
// kernel that has just started may: one presses again.
export async function completion(nb, dir) {
  write(path.join(dir, "completion.ipynb"), ["%%\nstrings.ToUpp", '%%\nfmt.Println("begun")\ntime.Sleep(time.Hour)']);
  await nb.open("completion.ipynb");
  const times = [];
  for (const shot of ["completion", "completion-while-running"]) {
    const popup = nb.page.locator(".jp-Completer .jp-Completer-item", { hasText: "ToUpperSpecial" });
    await nb.click(0);
    await nb.page.keyboard.press("Control+End");
    const begun = Date.now();
    let presses = 0;
    for (; presses < 3 && !(await popup.isVisible()); presses++) {
      await nb.page.keyboard.press("Tab");
      await popup.waitFor({ timeout: 2000 }).catch(() => {});
    }
    times.push(`${shot}: ${presses} presses, ${Date.now() - begun} ms`);
    await nb.shot(shot);
    check(await popup.isVisible(), `no completion after ${presses} presses`);
    check(shot === "completion" || presses === 1, `gopls is warm, and Tab was pressed ${presses} times`);
    await nb.page.keyboard.press("Escape");
    await popup.waitFor({ state: "hidden" });
    if (shot === "completion") {
      await nb.run(1);
      await nb.shows(1, "begun");
    }
  }
  await nb.toolbar("interrupt");
  await nb.done(1);
  return times.join("; ");
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
  check(text.includes("func fmt.Println(a ...any) (n int, err error)") && text.includes("writes to standard output"),
    `the tooltip says ${text}`);
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
  await nb.cell(1).scrollIntoViewIfNeeded();
  await nb.shot("flood");
  await nb.cell(0).locator('[data-mime-type="application/vnd.jupyter.stderr"]').last().scrollIntoViewIfNeeded();
  await nb.shot("flood-left-out");
  check(slowest < 5_000, `a click took ${slowest} ms during the flood`);
  const text = await nb.output(0);
  check(text.includes("the last line"), `the end of the output is missing: ${text.slice(-500)}`);
  check(text.includes("left out"), "the page does not say what is left out");
  check(text.length < 2 << 20, `the page keeps ${text.length} characters`);
  await nb.run(1);
  await nb.shows(1, "hello, world");
  await nb.save();
  const size = fs.statSync(path.join(dir, "flood.ipynb")).size;
  return `${clicks} clicks, the slowest ${slowest} ms; the page keeps ${text.length} characters, the file has ${size} bytes`;
}

// Cells that run in the browser: the first needs a script that the page still loads, the second has another program.
export async function wasm(nb, dir) {
  const cell = (word) => `%wasm
import "syscall/js"

%%
document := js.Global().Get("document")
text := document.Call("createTextNode", "from ${word}, " + runtime.GOARCH)
document.Call("getElementById", GonbWasmDivId).Call("append", text)`;
  write(path.join(dir, "wasm.ipynb"), [cell("one"), cell("two"), hello]);
  await nb.open("wasm.ipynb");
  for (const [i, word] of ["one", "two"].entries()) {
    await nb.run(i);
    await nb.done(i);
    await nb.shows(i, `from ${word}, wasm`);
  }
  await nb.run(2);
  await nb.shows(2, "hello, world");
  await nb.shot("wasm");
}
