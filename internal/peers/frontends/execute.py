"""Executes a notebook with nbclient: execute.py INPUT OUTPUT. A failing cell without the tag raises-exception ends it."""

import sys

import nbclient
import nbformat

notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, timeout=120, kernel_name="lecture11").execute()
nbformat.write(notebook, sys.argv[2])
