# Python 3.11.7, nbformat 5.11.1, nbclient 0.11.0, ipykernel 7.4.0
"""Writes ../jupyter/*.ipynb with Python's own nbformat, and ../verdicts.json: changes of a notebook, valid or not.

Run in this folder: python notebooks.py
"""
import copy
import json
import pathlib

import nbclient
import nbformat
from nbformat import v4
from nbformat.validator import isvalid

HERE = pathlib.Path(__file__).parent.parent
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
GO_METADATA = {
    "kernelspec": {"display_name": "Go · Lecture 11", "language": "go", "name": "lecture11"},
    "language_info": {"codemirror_mode": "", "file_extension": ".go", "mimetype": "text/x-go", "name": "go",
                      "nbconvert_exporter": "", "pygments_lexer": "go", "version": "go1.26"},
}


def with_ids(nb, prefix="cell"):
    for i, cell in enumerate(nb.cells):
        cell["id"] = f"{prefix}-{i}"
    return nb


def executed():
    """A notebook that a real kernel executed."""
    nb = v4.new_notebook(cells=[
        v4.new_markdown_cell("# Executed\n\nby *ipykernel*, with $x^2$ and ümläuts: 日本語 🎉"),
        v4.new_code_cell("import sys\nprint('one')\nprint('two', file=sys.stderr)\n{'a': [1, 2.5]}"),
        v4.new_code_cell("from IPython.display import SVG, HTML, JSON, Latex\n"
                         "display(SVG('<svg xmlns=\"http://www.w3.org/2000/svg\"><rect/>\\n</svg>'))\n"
                         "display(JSON({'b': [1, 1e-7, 1e16, None, True], 'a': {}}))\nLatex('$\\\\frac12$')"),
        v4.new_code_cell("display(HTML('<b>x</b>\\n<i>y</i>'), metadata={'isolated': True})\n1/0",
                         metadata={"tags": ["raises-exception"]}),
        v4.new_raw_cell("raw\ttext\n"),
    ])
    with_ids(nb, "run")
    client = nbclient.NotebookClient(nb, timeout=60, kernel_name="python3")
    client.execute()
    return nb


def strings():
    """Every kind of line end and of character that JSON or Python treats in its own way."""
    ends = "a\nb\r\nc\rd\ve\ff\x1cg\x1dh\x1ei\x85j\u2028k\u2029l"
    odd = "".join(map(chr, range(0, 32))) + "\x7f\"\\/<>&'\u00a0\ufeff\U0001F600é"
    output = v4.new_output("display_data", data={
        "text/plain": ends, "text/html": odd, "image/png": PIXEL + "\n", "image/svg+xml": "<svg>\n</svg>\n",
        "application/javascript": "1;\n2;", "application/json": "a\nb", "application/vnd.x.v1+json": ["a", "b"],
        "application/pdf": "JVBERi0=\nx"})
    cells = [v4.new_markdown_cell(text) for text in ("", "\n", "no end", "end\n", "two\n\n", ends, odd)]
    cells.append(v4.new_code_cell(odd, outputs=[output, v4.new_output("stream", name="stdout", text=odd + ends)]))
    cells.append(v4.new_code_cell("", outputs=[v4.new_output("error", ename="E", evalue=ends, traceback=["\x1b[31mx",
                                                                                                   "a\nb"])]))
    cells[0]["attachments"] = {"ä.png": {"image/png": PIXEL, "text/plain": "a\nb"}}
    return with_ids(v4.new_notebook(cells=cells, metadata=GO_METADATA))


def numbers():
    """Numbers whose digits a careless reader changes."""
    values = [0, -0.0, 1.0, 1e-7, 1e16, 1.5e300, 12345678901234567890, 0.1, 3.141592653589793, -7]
    metadata = dict(GO_METADATA, numbers=values, empty={}, none=None, deep={"z": [[], [{}], [[1]]], "a": True})
    cell = v4.new_code_cell("x", execution_count=12, metadata={"scrolled": "auto", "collapsed": False},
                            outputs=[v4.new_output("execute_result", {"application/json": values},
                                                   execution_count=12, metadata={"image/png": {"width": 640.0}})])
    return with_ids(v4.new_notebook(cells=[cell], metadata=metadata))


def future():
    """Fields, a cell type and a minor version that do not exist yet."""
    nb = numbers()
    nb["nbformat_minor"] = 7
    nb["later"] = {"b": [1, 2], "a": "x\ny"}
    nb.cells[0]["later"] = ["x\n", "y"]
    nb.cells[0].outputs[0]["later"] = None
    nb.cells[0].outputs.append(nbformat.from_dict({"output_type": "smell", "text": "a\nb", "strength": 2}))
    nb.cells.append(nbformat.from_dict({"cell_type": "slide", "id": "s", "metadata": {}, "source": "a\nb", "n": 1}))
    return nb


def old():
    """A 4.4 notebook: no ids."""
    nb = numbers()
    nb.cells.append(v4.new_markdown_cell("two"))
    nb["nbformat_minor"] = 4
    for cell in nb.cells:
        cell.pop("id", None)
    return nb


def write(name, nb):
    nbformat.write(nb, HERE / "jupyter" / f"{name}.ipynb", version=nbformat.NO_CONVERT)


def mutations():
    """(path, value) pairs: changes of a notebook that holds each kind of cell and of output; ... deletes."""
    def put(*path_and_value):
        return path_and_value[:-1], path_and_value[-1]

    wrong = [..., None, 1, -1, 1.5, "x", "", [], ["x"], [1], {}, {"x": 1}, {"text/plain": 1},
             {"application/json": 1}, True]
    fields = [("cells",), ("metadata",), ("nbformat_minor",), ("metadata", "kernelspec"), ("metadata", "language_info"),
              ("metadata", "title"), ("metadata", "authors"), ("metadata", "orig_nbformat"),
              ("metadata", "kernelspec", "name"), ("metadata", "kernelspec", "display_name"),
              ("metadata", "language_info", "name"), ("metadata", "language_info", "codemirror_mode"),
              ("metadata", "language_info", "pygments_lexer"), ("unknown",)]
    cell_fields = ["id", "cell_type", "metadata", "source", "outputs", "execution_count", "attachments", "unknown"]
    fields += [("cells", i, key) for i in range(3) for key in cell_fields]
    fields += [("cells", i, "metadata", key) for i in range(3) for key in
               ("tags", "name", "collapsed", "scrolled", "execution", "jupyter", "format", "unknown")]
    out_fields = ["output_type", "name", "text", "data", "metadata", "execution_count", "ename", "evalue", "traceback",
                  "unknown"]
    fields += [("cells", 2, "outputs", i, key) for i in range(4) for key in out_fields]
    for path in fields:
        for value in wrong:
            yield put(*path, value)
    for value in wrong[1:]:
        yield put("cells", 0, value)
        yield put("cells", 2, "outputs", 0, value)
    yield put("cells", 0, "id", "cell-1")
    yield put("cells", 0, "id", "a" * 64)
    yield put("cells", 0, "id", "a" * 65)
    yield put("cells", 0, "id", "ä")
    yield put("cells", 0, "id", "a b")
    yield put("cells", 0, "metadata", "tags", ["a", "a"])
    yield put("cells", 0, "metadata", "tags", ["a,b"])
    yield put("cells", 0, "metadata", "tags", [""])
    yield put("cells", 0, "metadata", "name", "a\nb")
    yield put("cells", 2, "metadata", "scrolled", "auto")
    yield put("cells", 2, "outputs", 0, "output_type", "error")
    yield put("cells", 0, "cell_type", "code")
    yield put("nbformat_minor", 6)


def verdicts():
    base = v4.new_notebook(metadata=GO_METADATA, cells=[
        v4.new_markdown_cell("# t", attachments={"a.png": {"image/png": PIXEL}}), v4.new_raw_cell("r"),
        v4.new_code_cell("c", execution_count=1, outputs=[
            v4.new_output("stream", name="stdout", text="x"),
            v4.new_output("display_data", {"text/plain": "x"}),
            v4.new_output("execute_result", {"text/plain": "x"}, execution_count=1),
            v4.new_output("error", ename="E", evalue="v", traceback=["t"])])])
    base = json.loads(json.dumps(with_ids(base)))
    entries = []
    for path, value in mutations():
        nb = copy.deepcopy(base)
        try:
            change(nb, path, value)
        except (KeyError, IndexError):
            continue  # deletes what is not there
        entries.append([path, verdict(nb)] if value is ... else [path, verdict(nb), value])
    return base, entries


def change(nb, path, value):
    *way, last = path
    for key in way:
        nb = nb[key]
    if value is ...:
        del nb[last]
    else:
        nb[last] = value


def verdict(nb):
    try:
        return isvalid(nb)
    except Exception:  # a notebook so wrong that the validator itself stumbles
        return False


if __name__ == "__main__":
    print("VERSIONS: nbformat", nbformat.__version__, "nbclient", nbclient.__version__)
    (HERE / "jupyter").mkdir(exist_ok=True)
    for make in (executed, strings, numbers, future, old):
        write(make.__name__, make())
    write("empty", v4.new_notebook())
    nbformat.write(nbformat.v3.new_notebook(worksheets=[nbformat.v3.new_worksheet(cells=[
        nbformat.v3.new_code_cell(input="x = 1", prompt_number=1)])]), HERE / "v3.ipynb",
        version=nbformat.NO_CONVERT)
    base, entries = verdicts()
    lines = ",\n".join(json.dumps(entry) for entry in entries)
    (HERE / "verdicts.json").write_text(f'{{"notebook": {json.dumps(base)},\n"changes": [\n{lines}\n]}}\n')
    print(len(entries), "changes,", sum(entry[1] for entry in entries), "of them valid")
