// A notebook in a page of JupyterLab: what a student sees of it and does with it.

import fs from "node:fs";
import path from "node:path";

const patience = 120_000; // ms; how long anything may take that is waited for

// hello is a cell that proves that the kernel works.
export const hello = '%%\nfmt.Println("hello, " + "world")';

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

export function check(ok, text) {
  if (!ok) throw new Error(text);
}

// write makes a notebook of code cells; a cell is its source, or {source, tags}.
export function write(file, cells) {
  const notebook = {
    cells: cells.map((cell, i) => ({
      cell_type: "code",
      id: `cell-${i}`,
      metadata: cell.tags ? { tags: cell.tags } : {},
      source: cell.source ?? cell,
      outputs: [],
      execution_count: null,
    })),
    metadata: { kernelspec: { display_name: "Go", language: "go", name: "lecture11" }, language_info: { name: "go" } },
    nbformat: 4,
    nbformat_minor: 5,
  };
  fs.writeFileSync(file, JSON.stringify(notebook));
}

// until waits for a condition, and says in its error what the page shows instead.
export async function until(what, condition, show = () => "", limit = patience) {
  for (const end = Date.now() + limit; ; await sleep(50)) {
    if (await condition()) return;
    if (Date.now() > end) throw new Error(`waited for ${what} in vain; there is: ${await show()}`);
  }
}

export class Notebook {
  constructor(page, lab, shots) {
    Object.assign(this, { page, lab, shots });
    page.setDefaultTimeout(patience);
  }

  // open shows a notebook in a workspace of its own and waits for its kernel.
  async open(name) {
    this.name = name;
    const workspace = `w${Date.now()}`;
    await this.page.goto(`${this.lab.url}/lab/workspaces/${workspace}/tree/${name}?token=${this.lab.token}`);
    this.root = this.page.locator(".jp-NotebookPanel").first();
    await this.root.locator(".jp-Notebook .jp-Cell").first().waitFor();
    await this.idle();
  }

  // idle waits until the kernel is connected and has nothing to do. The status bar tells more than the toolbar, which
  // shows an unknown kernel as an idle one at first.
  async idle() {
    const bar = this.page.locator("#jp-main-statusbar");
    await until("an idle kernel", async () => (await bar.innerText()).includes("| Idle"), () => bar.innerText());
  }

  cell(i) {
    return this.root.locator(".jp-Notebook .jp-Cell").nth(i);
  }

  // prompt is what stands before a cell: "[ ]:", "[*]:" or "[3]:".
  async prompt(i) {
    return (await this.cell(i).locator(".jp-InputPrompt").first().innerText()).trim();
  }

  async output(i) {
    return (await this.cell(i).locator(".jp-OutputArea-output").allInnerTexts()).join("\n");
  }

  async click(i) {
    await this.cell(i).locator(".cm-content").click();
  }

  // run starts one cell.
  async run(i) {
    await this.click(i);
    await this.page.keyboard.press("Control+Enter");
  }

  async runAll() {
    await this.page.locator(".lm-MenuBar-item", { hasText: /^Run$/ }).click();
    await this.page.locator('.lm-Menu-item[data-command="runmenu:run-all"]').click();
  }

  // toolbar presses a button: interrupt, restart, restart-and-run; accept answers the dialog of the last two.
  async toolbar(name, accept = false) {
    await this.root.locator(`.jp-Toolbar-item[data-jp-item-name="${name}"] jp-button`).click();
    if (accept) await this.page.locator(".jp-Dialog button.jp-mod-accept").click();
  }

  async begun(i) {
    await until(`cell ${i} to begin`, async () => (await this.prompt(i)) === "[*]:", () => this.prompt(i));
  }

  // done waits until a cell has its number.
  async done(i) {
    await until(`the end of cell ${i}`, async () => /^\[\d+\]:$/.test(await this.prompt(i)),
      async () => `${await this.prompt(i)} ${(await this.output(i)).slice(-2000)}`);
  }

  async shows(i, text) {
    await until(`${JSON.stringify(text)} in cell ${i}`, async () => (await this.output(i)).includes(text),
      async () => `${await this.prompt(i)} ${(await this.output(i)).slice(-2000)}`);
  }

  async save() {
    await this.page.keyboard.press("Escape");
    await this.page.keyboard.press("Control+s");
    await until("the saved file", async () => (await this.root.getAttribute("class")) !== null &&
      (await this.page.locator(".lm-TabBar-tab.jp-mod-dirty").count()) === 0);
  }

  async shot(name) {
    await this.page.screenshot({ path: path.join(this.shots, `${name}.png`) });
  }
}
