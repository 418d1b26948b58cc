"""Jupyter's test suite for kernels, filled in for ours, and what it does not ask.

Prints one JSON object a test: name, result (pass, fail, skip), text.
"""

import json
import queue
import sys
import time
import unittest

import jupyter_kernel_test
from jupyter_kernel_test.msgspec_v5 import validate_message

KERNEL = sys.argv[1]
GONBUI = 'import "github.com/janpfeifer/gonb/gonbui"\n\n'


def main(body):
    return "%%\n" + body


class Suite(jupyter_kernel_test.KernelTests):
    kernel_name = KERNEL
    language_name = "go"
    file_extension = ".go"

    code_hello_world = main('fmt.Println("hello, world")')
    code_stderr = main('fmt.Fprintln(os.Stderr, "to stderr")')

    completion_samples = [
        {"text": main("strings.ToUpp"), "matches": {"ToUpper", "ToUpperSpecial"}},
        {"text": main("fmt.Printl"), "matches": {"Println"}},
        {"text": "func answer() int {\n\treturn math.MaxInt6", "matches": {"MaxInt64"}},
        {"text": "%lectur", "matches": {"%lecture"}},
    ]

    complete_code_samples = [
        "func one() int { return 1 }",
        main("fmt.Println(1)"),
        main("for i := range 3 {\n\tfmt.Println(i)\n}"),
        "import \"fmt\"",
        "!ls",
        "%env X=1",
        "type point struct {\n\tx, y float64\n}",
        "const text = `raw\nstring`",
        "",
    ]
    incomplete_code_samples = [
        "func one() int {",
        main("for i := range 3 {"),
        main("fmt.Println("),
        "type point struct {\n\tx float64",
        "import (",
        "const text = `raw",
        "/* a comment",
    ]
    invalid_code_samples = [
        "func ) {",
        main("x := := 3"),
        "type 7 int",
        main("fmt.Println(1))"),
    ]

    code_generate_error = main("noSuchFunction()")

    code_display_data = [
        {"code": GONBUI + main('gonbui.DisplayHTML("<b>bold</b>")'), "mime": "text/html"},
        {"code": GONBUI + main('gonbui.DisplayMarkdown("**bold**")'), "mime": "text/markdown"},
        {
            "code": 'import (\n"image"\n"github.com/janpfeifer/gonb/gonbui"\n)\n'
            + main("gonbui.DisplayImage(image.NewRGBA(image.Rect(0, 0, 4, 4)))"),
            "mime": "image/png",
        },
    ]

    code_inspect_sample = main("fmt.Println")

    # Cells whose history is asked for. They have no result: see test_execute_result.
    code_execute_result = [{"code": main("fmt.Println(6 * 7)")}, {"code": main("fmt.Println(1 + 2)")}]
    code_history_pattern = "*6 ? 7*"
    supported_history_operations = ("tail", "range", "search")

    def test_execute_result(self):
        raise unittest.SkipTest("does not apply: a cell of Go is a program and has no value; it displays")

    def test_pager(self):
        raise unittest.SkipTest("does not apply: nothing in a cell opens a pager; help is printed")

    def test_clear_output(self):
        raise unittest.SkipTest("does not apply: a cell updates a display; nothing in it clears an output")

    # What the suite does not ask.

    def setUp(self):
        self.flush_channels()

    def outputs(self, msg_id, until="idle"):
        """The iopub messages of a request, until its state."""
        messages = []
        while True:
            message = self.kc.get_iopub_msg(timeout=60)
            if message["parent_header"].get("msg_id") != msg_id:
                continue
            validate_message(message)
            if message["content"].get("execution_state") == until:
                return messages
            messages.append(message)

    def run_cell(self, code, **options):
        msg_id = self.kc.execute(code, **options)
        outputs = self.outputs(msg_id)
        reply = self.kc.get_shell_msg(timeout=60)
        validate_message(reply, "execute_reply", msg_id)
        return reply["content"], [m for m in outputs if m["msg_type"] not in ("status", "execute_input")]

    def test_one_error_message(self):
        """Each kind of failure is one error message, the last, and the same as in the reply."""
        for name, code in {
            "compile": main("var x int = 1.5"),
            "panic": main('panic("stop")'),
            "exit": main("os.Exit(3)"),
            "log": main('log.Fatal("stop")'),
            "shell": "!exit 3",
            "magic": "%no_such_magic",
        }.items():
            with self.subTest(kind=name):
                reply, outputs = self.run_cell(code)
                self.assertEqual(reply["status"], "error")
                errors = [m["content"] for m in outputs if m["msg_type"] == "error"]
                self.assertEqual(len(errors), 1, outputs)
                self.assertEqual(outputs[-1]["msg_type"], "error")
                for key in ("ename", "evalue", "traceback"):
                    self.assertTrue(errors[0][key], key)
                    self.assertEqual(errors[0][key], reply[key])

    def test_error_names_the_line(self):
        reply, _ = self.run_cell("%%\nfmt.Println(1)\n\nnoSuchFunction()")
        self.assertIn("4", "\n".join(reply["traceback"]))
        self.assertIn("noSuchFunction", "\n".join(reply["traceback"]))

    def test_queue_stops_at_an_error(self):
        codes = (main("os.Exit(1)"), main('fmt.Println("not run")'), self.code_hello_world)
        ids = [self.kc.execute(code) for code in codes]
        replies = {}
        while len(replies) < 3:
            reply = self.kc.get_shell_msg(timeout=60)
            replies[reply["parent_header"]["msg_id"]] = reply["content"]["status"]
        self.assertEqual([replies[i] for i in ids], ["error", "aborted", "aborted"])
        self.flush_channels()
        self.assertEqual(self.run_cell(self.code_hello_world)[0]["status"], "ok")

    def test_queue_goes_on_if_asked(self):
        ids = [self.kc.execute(main("os.Exit(1)"), stop_on_error=False), self.kc.execute(self.code_hello_world)]
        replies = {}
        while len(replies) < 2:
            reply = self.kc.get_shell_msg(timeout=60)
            replies[reply["parent_header"]["msg_id"]] = reply["content"]["status"]
        self.assertEqual([replies[i] for i in ids], ["error", "ok"])

    def test_interrupt(self):
        msg_id = self.kc.execute(main('fmt.Println("begun")\ntime.Sleep(time.Hour)'))
        while self.kc.get_iopub_msg(timeout=60)["msg_type"] != "stream":
            pass
        before = time.monotonic()
        self.km.interrupt_kernel()
        reply = self.kc.get_shell_msg(timeout=60)
        validate_message(reply, "execute_reply", msg_id)
        self.assertEqual(reply["content"]["status"], "error")
        self.assertLess(time.monotonic() - before, 10)
        self.flush_channels()
        self.assertEqual(self.run_cell(self.code_hello_world)[0]["status"], "ok")

    def test_input(self):
        code = "%with_inputs\n" + main('var name string\nfmt.Scanln(&name)\nfmt.Println("<" + name + ">")')
        msg_id = self.kc.execute(code, allow_stdin=True)
        request = self.kc.get_stdin_msg(timeout=60)
        # Not by validate_message, whose schema wants a number for password; the protocol has a boolean.
        self.assertEqual(request["msg_type"], "input_request")
        self.assertEqual(request["parent_header"]["msg_id"], msg_id)
        self.assertFalse(request["content"]["password"])
        self.kc.input("gopher")
        text = "".join(m["content"]["text"] for m in self.outputs(msg_id) if m["msg_type"] == "stream")
        self.assertIn("<gopher>", text)
        self.assertEqual(self.kc.get_shell_msg(timeout=60)["content"]["status"], "ok")

    def test_completion_while_a_cell_runs(self):
        msg_id = self.kc.execute(main('fmt.Println("begun")\ntime.Sleep(time.Hour)'))
        while self.kc.get_iopub_msg(timeout=60)["msg_type"] != "stream":
            pass
        complete = self.kc.complete(main("strings.ToUpp"))
        reply = self.kc.get_shell_msg(timeout=10)
        validate_message(reply, "complete_reply", complete)
        self.assertIn("ToUpper", reply["content"]["matches"])
        self.km.interrupt_kernel()
        validate_message(self.kc.get_shell_msg(timeout=60), "execute_reply", msg_id)

    def test_silent(self):
        reply, outputs = self.run_cell(self.code_hello_world, silent=True, store_history=False)
        self.assertEqual(reply["status"], "ok")
        self.assertEqual([m["msg_type"] for m in outputs if m["msg_type"] == "execute_input"], [])

    def test_unknown_request(self):
        """An unknown message is not answered, and the kernel goes on."""
        self.kc.shell_channel.send(self.kc.session.msg("no_such_request", {}))
        self.assertEqual(self.run_cell(self.code_hello_world)[0]["status"], "ok")

    def test_debugger_is_declined(self):
        content = {"type": "request", "seq": 1, "command": "debugInfo"}
        self.kc.control_channel.send(self.kc.session.msg("debug_request", content))
        try:
            reply = self.kc.get_control_msg(timeout=5)
        except queue.Empty:
            self.fail("a debug_request is not answered")
        self.assertFalse(reply["content"].get("success", False))

    def test_comm_info(self):
        msg_id = self.kc.comm_info()
        validate_message(self.kc.get_shell_msg(timeout=60), "comm_info_reply", msg_id)


class Welcome(jupyter_kernel_test.IopubWelcomeTests):
    kernel_name = KERNEL
    support_iopub_welcome = True


class Verdicts(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.texts = {}

    def note(self, test, result, text):
        worst, texts = self.texts.get(test, ("pass", []))
        self.texts[test] = (result if worst == "pass" else worst, texts + [text])

    def addError(self, test, err):
        self.note(test, "fail", self._exc_info_to_string(err, test))

    addFailure = addError

    def addSkip(self, test, reason):
        self.note(getattr(test, "test_case", test), "skip", reason)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.note(test, "fail", f"{subtest}\n{self._exc_info_to_string(err, test)}")

    def stopTest(self, test):
        result, texts = self.texts.get(test, ("pass", []))
        self.tell(test.id().removeprefix("__main__."), result, texts)

    def tell(self, name, result, texts):
        print(json.dumps({"name": name, "result": result, "text": "\n".join(texts)}), flush=True)


def run():
    verdicts = Verdicts()
    loader = unittest.TestLoader()
    loader.testNamePatterns = [f"*{pattern}*" for pattern in sys.argv[2:]] or None
    unittest.TestSuite([loader.loadTestsFromTestCase(Suite), loader.loadTestsFromTestCase(Welcome)]).run(verdicts)
    for case, (result, texts) in verdicts.texts.items():
        if not isinstance(case, unittest.TestCase):  # setUpClass
            verdicts.tell(str(case), result, texts)


if __name__ == "__main__":
    run()
