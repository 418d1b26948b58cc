"""A session of jupyter console on a terminal: console.py KERNEL. What was waited for in vain ends it with the screen."""

import os
import sys

import pexpect

UP, CONTROL_C, CONTROL_D = "\x1b[A", "\x03", "\x04"

# What is typed, and what the terminal must show then. A line that is not complete is asked on with "...:".
SESSION = [
    ("", r"%lecture lists what this kernel adds[^$]*In \["),  # the banner
    ("%%\r", r"\.\.\.:"),
    ('fmt.Println("six times seven is", 6*7)\r', r"six times seven is 42\s"),
    ("", r"In \["),
    (UP, r"six times seven"),
    ("\r", r"six times seven is 42\s"),
    ("", r"In \["),
    ("func half(x int) int {\r", r"\.\.\.:"),
    ("return x / 2\r", r"\.\.\.:"),
    ("}\r", r"In \["),
    ("%%\r", r"\.\.\.:"),
    ('fmt.Println("half of it is", half(84))\r', r"half of it is 42\s"),
    ("", r"In \["),
    ("%%\r", r"\.\.\.:"),
    ("noSuchFunction()\r", r"undefined: noSuchFunction"),
    ("", r"In \["),
    ("%%\r", r"\.\.\.:"),
    ("fmt.Println(strings.ToUpp\t", r"ToUpperSpecial"),
    ('("completed"))\r', r"COMPLETED"),
    ("", r"In \["),
    ("%%\r", r"\.\.\.:"),
    ('fmt.Println("be" + "gun"); time.Sleep(time.Hour)\r', r"begun\s"),
    (CONTROL_C, r"interrupted while running"),
    ("", r"In \["),
    (CONTROL_D, r"really want to exit"),
    ("y\r", pexpect.EOF),
]


def main():
    environment = dict(os.environ, PROMPT_TOOLKIT_NO_CPR="1", TERM="xterm", NO_COLOR="1")
    arguments = ["-m", "jupyter_console", "--kernel", sys.argv[1]]
    console = pexpect.spawn(sys.executable, arguments, env=environment, encoding="utf-8", timeout=60, dimensions=(50, 120))
    for typed, shown in SESSION:
        console.send(typed)
        try:
            console.expect(shown)
        except (pexpect.TIMEOUT, pexpect.EOF):
            sys.exit(f"after {typed!r} the terminal does not show {shown!r}, but {console.before!r}")


main()
