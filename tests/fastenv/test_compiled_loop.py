"""The compiled loop as Cython writes it: no Python object, no allocation, no error path."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What a step, a mask or a decision runs through.
SOURCES = ("fastenv/games/blast.pyx", "fastenv/bots/blast.pyx", "fastenv/batch.pyx")
FUNCTION = re.compile(r"^static [^;\n]*\b(__pyx_f_\w+)\(([^;{]*)\) \{$(.*?)^\}$", re.M | re.S)
FORBIDDEN = re.compile(r"PyObject|__Pyx_|\bPy[A-Z]\w*\(|\b(?:malloc|calloc|realloc|free)\(")


@pytest.mark.parametrize("source", SOURCES)
def test_functions_without_the_interpreter_use_nothing_of_it(source, tmp_path):
    written = tmp_path / "module.c"
    subprocess.run(
        [sys.executable, "-m", "cython", "-3", "--module-name", source[:-4].replace("/", "."),
         "-X", "boundscheck=False", "-X", "wraparound=False", "-X", "initializedcheck=False",
         "-X", "cdivision=True", source, "-o", str(written)],
        check=True, cwd=ROOT, capture_output=True,
    )  # fmt: skip
    functions = {
        name: body
        for name, parameters, body in FUNCTION.findall(written.read_text(encoding="utf-8"))
        if "__pyx_obj" not in parameters and "PyObject" not in parameters
    }
    assert len(functions) >= 8, "the pattern no longer finds the functions"
    found = {
        name: sorted(set(FORBIDDEN.findall(re.sub(r"/\*.*?\*/", "", body, flags=re.S))))
        for name, body in functions.items()
    }
    assert {name: uses for name, uses in found.items() if uses} == {}
