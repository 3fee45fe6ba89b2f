"""The env tests on a build that notices memory errors and undefined behaviour.

    python tests/benchmarks/sanitizers.py [--keep FOLDER] [--effort SHARE] [-k EXPRESSION]

Copies the sources to a temporary folder, builds them there with gcc's address and
undefined-behaviour sanitizers and with Cython's own checks (boundscheck, wraparound,
initializedcheck), and runs the tests of the compiled code. The long ones do a share of what they do
otherwise: fewer examples, envs and steps, all of the functions. A report of a sanitizer ends the
run, an error inside the compiled loop fails it. Needs gcc on Linux; nothing outside the folder
changes. The exit status is 1 if anything fails.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
COPIED = ("fastenv", "engine_plugin", "tests", "setup.py", "pyproject.toml")
TESTS = "tests/fastenv"
# Adapters, players' manners and the looks of the generated C are no matter of memory; the game of
# another package is built without the sanitizers.
LEFT_OUT = (
    "test_adapters.py", "test_compiled_loop.py", "test_manners.py", "test_plugin_game.py",
    "test_vector.py",
)  # fmt: skip
EFFORT = 0.1

FLAGS = (
    "-O1 -g1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined"
)
CHECKS = ("boundscheck", "wraparound", "initializedcheck")


def library(name: str) -> str:
    """Path of one of gcc's run-time libraries."""
    found = subprocess.run(
        ["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True
    )
    return found.stdout.strip()


def make_copy(folder: Path) -> None:
    """The sources, to be built with the checks on and without the optimiser's own flags."""
    ignored = shutil.ignore_patterns("*.so", "*.c", "__pycache__", "build", "*.onnx", "*.npz")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy(source, folder / name)
    setup = (folder / "setup.py").read_text(encoding="utf-8")
    changes = {f'"{check}": False': f'"{check}": True' for check in CHECKS} | {'"-O3"': ""}
    for old, new in changes.items():
        assert old in setup, f"setup.py no longer says {old}"
        setup = setup.replace(old, new)
    (folder / "setup.py").write_text(setup, encoding="utf-8")


def build(folder: Path) -> bool:
    """Whether every extension was built."""
    run = subprocess.run(
        [sys.executable, "setup.py", "build_ext", "--inplace", "--force", "--parallel", "2"],
        cwd=folder, env={**os.environ, "CFLAGS": FLAGS, "LDFLAGS": FLAGS},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    built = list((folder / "fastenv").rglob("*.so"))
    if run.returncode or len(built) != len(list((folder / "fastenv").rglob("*.pyx"))):
        print(run.stdout[-4_000:], run.stderr[-4_000:])
        return False
    return True


def test(folder: Path, effort: float, chosen: list[str]) -> bool:
    """Whether the build's tests pass."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder),
        "FASTENV_TEST_EFFORT": str(effort),
        "LD_PRELOAD": f"{library('libasan.so')} {library('libubsan.so')}",
        "ASAN_OPTIONS": "detect_leaks=0",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "PYTHONMALLOC": "malloc",
    }
    run = subprocess.run(
        # -s: what pytest captured would be lost with the process that a sanitizer ends. Cython's
        # checks can raise nothing out of the compiled loop: their errors arrive as warnings.
        [sys.executable, "-m", "pytest", "-x", "-q", "-s", "-p", "no:cacheprovider",
         "-W", "error::pytest.PytestUnraisableExceptionWarning",
         TESTS, *[f"--ignore={TESTS}/{name}" for name in LEFT_OUT], *chosen],
        cwd=folder, env=environment, check=False,
    )  # fmt: skip
    return run.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, help="build in this new folder and leave it there")
    parser.add_argument("--effort", type=float, default=EFFORT, help="above 0, at most 1: all")
    parser.add_argument("-k", default="", help="only tests that match, as in pytest")
    given = parser.parse_args()
    if not 0 < given.effort <= 1:
        parser.error(f"--effort: expected above 0 and at most 1, got {given.effort}")
    folder = Path(given.keep or tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    try:
        make_copy(folder)
        is_built = build(folder)
        print(f"{'ok ' if is_built else 'NO '} build: {time.perf_counter() - start:.0f} s")
        passed = is_built and test(folder, given.effort, ["-k", given.k] if given.k else [])
        print(f"{'ok ' if passed else 'NO '} in all: {time.perf_counter() - start:.0f} s")
    finally:
        if not given.keep:
            shutil.rmtree(folder)
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
