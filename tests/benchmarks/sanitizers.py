"""The env tests on builds that notice memory errors and undefined behaviour.

    python tests/benchmarks/sanitizers.py [--keep FOLDER] [-k EXPRESSION]

Copies the sources to a temporary folder and builds and tests them there twice: with gcc's address
and undefined-behaviour sanitizers, then with Cython's own checks (boundscheck, wraparound,
initializedcheck). A report of a sanitizer ends the run. Needs gcc on Linux; nothing outside the
folder changes. Prints the duration of each; the exit status is 1 if any fails.
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
TESTS = ("tests/fastenv",)
# Adapters and the looks of the generated C are no matter of memory.
LEFT_OUT = ("tests/fastenv/test_adapters.py", "tests/fastenv/test_compiled_loop.py")

SANITIZED = (
    "-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined"
)
UNCHECKED = {name: f'"{name}": False' for name in ("boundscheck", "wraparound", "initializedcheck")}


def library(name: str) -> str:
    """Path of one of gcc's run-time libraries."""
    found = subprocess.run(
        ["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True
    )
    return found.stdout.strip()


def make_copy(folder: Path) -> None:
    ignored = shutil.ignore_patterns("*.so", "*.c", "__pycache__", "build", "*.onnx", "*.npz")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy(source, folder / name)


def build_and_test(folder: Path, flags: str, extra: dict[str, str], chosen: list[str]) -> bool:
    """Whether the build's tests pass; `extra` is added to the environment of the tests."""
    build = subprocess.run(
        [sys.executable, "setup.py", "build_ext", "--inplace", "--force"],
        cwd=folder, env={**os.environ, "CFLAGS": flags, "LDFLAGS": flags},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    built = sorted((folder / "fastenv").rglob("*.so"))
    if build.returncode or len(built) != len(list((folder / "fastenv").rglob("*.pyx"))):
        print(build.stdout[-4_000:], build.stderr[-4_000:])
        return False
    left_out = [f"--ignore={path}" for path in LEFT_OUT]
    tests = subprocess.run(
        # -s: what pytest captured would be lost with the process that a sanitizer ends.
        [sys.executable, "-m", "pytest", "-x", "-q", "-s", "-p", "no:cacheprovider",
         *TESTS, *left_out, *chosen],
        cwd=folder, env={**os.environ, **extra, "PYTHONPATH": str(folder)}, check=False,
    )  # fmt: skip
    return tests.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, help="build in this new folder and leave it there")
    parser.add_argument("-k", default="", help="only tests that match, as in pytest")
    given = parser.parse_args()
    chosen = ["-k", given.k] if given.k else []
    folder = Path(given.keep or tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    failed = False
    try:
        for name, optimise, flags, extra in (
            (
                "address and undefined behaviour",
                "", SANITIZED,
                {
                    "LD_PRELOAD": f"{library('libasan.so')} {library('libubsan.so')}",
                    "ASAN_OPTIONS": "detect_leaks=0",
                    "UBSAN_OPTIONS": "print_stacktrace=1",
                    "PYTHONMALLOC": "malloc",
                },
            ),
            ("Cython's checks", "-O3", "", {}),
        ):  # fmt: skip
            start = time.perf_counter()
            copy = folder / ("sanitized" if flags else "checked")
            make_copy(copy)
            setup = (copy / "setup.py").read_text(encoding="utf-8")
            if flags:
                setup = setup.replace('"-O3"', "")
            else:
                for directive, text in UNCHECKED.items():
                    assert text in setup, f"setup.py no longer says {text}"
                    setup = setup.replace(text, f'"{directive}": True')
            (copy / "setup.py").write_text(setup, encoding="utf-8")
            good = build_and_test(copy, flags or optimise, extra, chosen)
            failed |= not good
            print(f"{'ok ' if good else 'NO '} {name}: {time.perf_counter() - start:.0f} s")
    finally:
        if not given.keep:
            shutil.rmtree(folder)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
