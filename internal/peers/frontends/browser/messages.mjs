// What the kernel tells a student in JupyterLab, to be looked at. As in scenarios.mjs each has a notebook of its own.

import path from "node:path";

import { hello, write } from "./notebook.mjs";

// What a cell that fails leaves: the cell, the line, what is wrong.
export async function failures(nb, dir) {
  write(path.join(dir, "failures.ipynb"), [
    "func pick(values []float64, i int) float64 {\n\treturn values[i]\n}",
    "%%\nvar x int = pick([]float64{1}, 0)\nfmt.Printn(x)",
    "%%\nvalues := []float64{1, 2}\nfmt.Println(pick(values, 2))",
    '%%\nlog.Fatal("no data in the folder")',
    "!ls /no/such/folder",
    "%lectur",
  ]);
  await nb.page.setViewportSize({ width: 1200, height: 1300 });
  await nb.open("failures.ipynb");
  const wants = [
    [], ["Cell[2]: Line 2", "Cell[2]: Line 3", "undefined: fmt (neither declared, nor a package with Printn)"], ["Cell[1]: Line 2", "Cell[3]: Line 3", "index out of range"],
    ["no data in the folder"], ["Cell[5]: Line 1", "exit code 2"], ["perhaps %lecture"],
  ];
  for (const [i, texts] of wants.entries()) {
    await nb.run(i);
    await nb.done(i);
    for (const text of texts) await nb.shows(i, text);
  }
  await nb.shot("failures");
}

// A cell beyond a limit ends with a word that tells which, and the kernel goes on.
export async function limits(nb, dir) {
  write(path.join(dir, "limits.ipynb"), [
    "%limit memory 500MB",
    "%%\nvar all [][]byte\nfor {\n\tall = append(all, bytes.Repeat([]byte{1}, 1<<20))\n}",
    "%limit time 2s\n%%\ntime.Sleep(time.Hour)",
    hello,
    "%limit",
  ]);
  await nb.open("limits.ipynb");
  for (const [i, text] of ["500 MB", "its limit is 500 MB", "the cell ran for 2s", "hello, world", "memory  500 MB"].entries()) {
    await nb.run(i);
    await nb.shows(i, text);
    await nb.done(i);
  }
  await nb.shot("limits");
}

// What the kernel's own commands print.
export async function commands(nb, dir) {
  write(path.join(dir, "commands.ipynb"), [
    "%lecture", "%%time\ntime.Sleep(50 * time.Millisecond)", "%timing", "%models", "%mode full", "%device tpu", "%output",
  ]);
  await nb.page.setViewportSize({ width: 1200, height: 1400 });
  await nb.open("commands.ipynb");
  const wants = ["%limit", "ms", "compile", "0 entries", "full", "want cpu", "printed"];
  for (const [i, text] of wants.entries()) {
    await nb.run(i);
    await nb.done(i);
    await nb.shows(i, text);
  }
  await nb.shot("commands");
}

// The Help menu has the kernel's links, and its banner behind About.
export async function help(nb, dir) {
  write(path.join(dir, "help.ipynb"), [hello]);
  await nb.open("help.ipynb");
  await nb.click(0);
  await nb.page.locator(".lm-MenuBar-item", { hasText: /^Help$/ }).click();
  const menu = nb.page.locator(".lm-Menu");
  await menu.getByText("GoNB: the cell language").waitFor();
  await nb.shot("help-menu");
  await menu.getByText("About the").last().click();
  const dialog = nb.page.locator(".jp-Dialog");
  await dialog.getByText("%lecture lists what this kernel adds").waitFor();
  await nb.shot("help-about");
}

// A cell that reads its input asks for it.
export async function input(nb, dir) {
  write(path.join(dir, "input.ipynb"),
    ['%%\nvar name string\nfmt.Print("Your name? ")\nfmt.Scanln(&name)\nfmt.Printf("hello, %s!\\n", name)', hello]);
  await nb.open("input.ipynb");
  await nb.run(0);
  const field = nb.cell(0).locator(".jp-Stdin-input");
  await field.waitFor();
  await nb.shot("input-asks");
  await field.fill("Gopher");
  await field.press("Enter");
  await nb.done(0);
  await nb.shows(0, "hello, Gopher!");
  await nb.shot("input");
}
