"""What is installed, what is missing for which command, and the line that mends it.

Looks at package metadata and files only: nothing heavy is imported, so that the examination works,
and is quick, where a command does not.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from dataclasses import dataclass
from importlib import metadata
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from engine_plugin.errors import ModelError
from engine_plugin.runtime.loading import assets_folder, read_model, shipped_models
from engine_plugin.runtime.manifest import MANIFEST_NAME, parse_manifest

PACKAGE = "engine-plugin"
# Packages whose versions are reported; the base first, then what the extras bring.
REPORTED = (
    PACKAGE, "numpy", "onnxruntime", "tyro", "pygame-ce", "pygame", "tensorflow", "keras",
    "tf2onnx", "onnx", "rich", "matplotlib", "tensorboard", "gymnasium", "pettingzoo",
    "cython", "setuptools",
)  # fmt: skip
PYGAME_FLAVOURS = ("pygame-ce", "pygame")
COMPILERS = ("cc", "gcc", "clang", "cl")
# The first Python for which TensorFlow has no wheel.
NO_TENSORFLOW_FROM = (3, 14)


@dataclass(frozen=True)
class Need:
    """What a command needs.

    packages: names of packages; of a tuple inside, one is enough
    extra: the extra that installs them; None for the base
    models: shipped models that it uses unless told otherwise
    window: whether it opens one
    """

    packages: tuple[str | tuple[str, ...], ...]
    extra: str | None = None
    models: tuple[str, ...] = ()
    window: bool = False


@dataclass(frozen=True)
class Findings:
    """What was found on this machine; see `examine`."""

    versions: dict[str, str | None]
    compiled: dict[str, bool]
    compiler: str | None
    models: dict[str, str]
    usable_models: set[str]
    display: str | None

    @property
    def pygame_conflict(self) -> bool:
        return all(self.versions[name] for name in PYGAME_FLAVOURS)


BASE = ("numpy", "onnxruntime", "tyro")
TRAINING = (*BASE, "tensorflow", "keras", "tf2onnx", "onnx", "rich")
DRAWING = (*BASE, "matplotlib")
COMMANDS = {
    "play": Need((*BASE, PYGAME_FLAVOURS), "play", models=("blast/hard",), window=True),
    "record": Need(BASE, models=("blast/generator",)),
    "ghost": Need(BASE),
    "train": Need(TRAINING, "train", models=("blast/generator",)),
    "generate": Need(BASE, models=("blast/generator",)),
    "evaluate": Need(BASE, models=("blast/generator",)),
    "export": Need(TRAINING, "train"),
    "report": Need(DRAWING, "train"),
}


def examine() -> dict[str, Any]:
    """Look at this machine; the findings as JSON-ready data.

    "python", "system"; "versions" {package: version or None}; "pygame_conflict": whether pygame and
    pygame-ce are both installed; "display" and "compiler": which, or None; "compiled_games"
    {module: whether it is built}; "models" {shipped model: "ok" or what is wrong with it};
    "commands" {command: {"ready", "missing": [what], "fix": [lines to run or do]}}.
    """
    models, usable = _models()
    findings = Findings(
        versions={name: _version(name) for name in REPORTED},
        compiled=compiled_games(),
        compiler=_compiler(),
        models=models,
        usable_models=usable,
        display=_display(),
    )
    return {
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
        "versions": findings.versions,
        "pygame_conflict": findings.pygame_conflict,
        "display": findings.display,
        "compiler": findings.compiler,
        "compiled_games": findings.compiled,
        "models": findings.models,
        "commands": {name: diagnose(need, findings) for name, need in COMMANDS.items()},
    }


def describe(report: dict[str, Any]) -> str:
    """The report of `examine` as text for people."""
    lines = [f"Python {report['python']} on {report['system']}"]
    lines += [
        f"  {name:<13} {version or 'not installed'}" for name, version in report["versions"].items()
    ]
    if report["pygame_conflict"]:
        lines.append("  pygame and pygame-ce are both installed and overwrite each other's files")
    built = report["compiled_games"]
    missing = [name for name, is_built in built.items() if not is_built]
    games = "built" if built and not missing else f"not built: {', '.join(missing) or 'fastenv'}"
    lines += [
        f"Display: {report['display'] or 'none found'}",
        f"C compiler: {report['compiler'] or 'none found'}",
        f"Compiled games: {games}",
        "Shipped models:" if report["models"] else "Shipped models: none",
        *(f"  {name}: {verdict}" for name, verdict in report["models"].items()),
        "Commands:",
    ]
    for name, command in report["commands"].items():
        lines.append(f"  {name:<9} {'ready' if command['ready'] else 'not ready'}")
        lines += [f"    missing: {what}" for what in command["missing"]]
        lines += [f"    fix: {fix}" for fix in command["fix"]]
    return "\n".join(lines)


def compiled_games() -> dict[str, bool]:
    """{module: whether its compiled file is there}; empty where fastenv itself is missing."""
    found = find_spec("fastenv")
    result = {}
    for location in (found and found.submodule_search_locations) or ():
        folder = Path(location)
        for source in sorted(folder.rglob("*.pyx")):
            module = ".".join(["fastenv", *source.relative_to(folder).with_suffix("").parts])
            files = (source.with_name(source.stem + suffix) for suffix in EXTENSION_SUFFIXES)
            result[module] = any(file.is_file() for file in files)
    return result


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _compiler() -> str | None:
    names = (*os.environ.get("CC", "").split()[:1], *COMPILERS)
    return next((path for path in map(shutil.which, names) if path), None)


def _display() -> str | None:
    """Where a window can be expected to open; only opening one would prove it."""
    if sys.platform in ("win32", "darwin"):
        return f"that of {sys.platform}"
    variables = ("WAYLAND_DISPLAY", "DISPLAY")
    return next((f"{name}={os.environ[name]}" for name in variables if os.environ.get(name)), None)


def _models() -> tuple[dict[str, str], set[str]]:
    """({shipped model: "ok" or what is wrong with it}, those that can be loaded)."""
    verdicts: dict[str, str] = {}
    usable: set[str] = set()
    for name in shipped_models():
        try:
            read_model(name)
        except ModelError as error:
            verdicts[name] = str(error)
        else:
            verdicts[name] = "ok"
            usable.add(name)
    models = assets_folder() / "models"
    for folder in models.iterdir() if models.is_dir() else ():
        if folder.is_dir():
            verdicts.update(_against_manifest(folder.name, verdicts))
    return verdicts, usable


def _against_manifest(game: str, verdicts: dict[str, str]) -> dict[str, str]:
    """Verdicts on models that the game's manifest lists and the folder lacks, or the reverse."""
    manifest = assets_folder() / "models" / game / MANIFEST_NAME
    try:
        listed = set(parse_manifest(manifest.read_bytes())) if manifest.is_file() else set()
    except ModelError as error:
        return {f"{game}/{MANIFEST_NAME}": str(error)}
    names = {f"{game}/{file.removesuffix('.onnx')}" for file in listed}
    present = {name for name in verdicts if name.startswith(f"{game}/")}
    return {
        **dict.fromkeys(sorted(names - present), f"listed in {MANIFEST_NAME}, but not there"),
        **{
            name: f"not listed in {MANIFEST_NAME}"
            for name in sorted(present - names)
            if verdicts[name] == "ok"
        },
    }


def diagnose(need: Need, findings: Findings) -> dict[str, Any]:
    """{"ready", "missing", "fix"} of one command."""
    missing: list[str] = []
    fix: list[str] = []
    packages = [_alternatives(each) for each in need.packages]
    absent = [names for names in packages if not any(findings.versions[each] for each in names)]
    if absent:
        missing += [" or ".join(names) for names in absent]
        if ("tensorflow",) in absent and sys.version_info >= NO_TENSORFLOW_FROM:
            fix.append("use Python 3.11 to 3.13: TensorFlow has no wheel for this one yet")
        base_only = all(names[0] in BASE for names in absent)
        fix.append(_install(None if base_only else need.extra))
    if not (findings.compiled and all(findings.compiled.values())):
        missing.append("the compiled games of fastenv")
        if findings.compiler is None:
            fix.append("install a C compiler (Debian, Ubuntu: apt-get install gcc)")
        fix.append(_reinstall())
    for model in need.models:
        if model not in findings.usable_models:
            verdict = findings.models.get(model, "not there")
            missing.append(f"the shipped model {model}: {verdict}")
            fix.append("git checkout -- assets/models" if _checkout() else _reinstall())
    if need.window and findings.pygame_conflict:
        missing.append("a sound pygame: pygame and pygame-ce overwrite each other's files")
        fix += ["python -m pip uninstall -y pygame pygame-ce", _install(need.extra)]
    if need.window and findings.display is None:
        missing.append("a display")
        fix.append("engine-plugin play --headless")
    return {"ready": not missing, "missing": missing, "fix": list(dict.fromkeys(fix))}


def _alternatives(packages: str | tuple[str, ...]) -> tuple[str, ...]:
    return (packages,) if isinstance(packages, str) else packages


def _install(extra: str | None) -> str:
    """The pip line; where the package is installed already, pip adds what the extra asks for."""
    source = _checkout()
    brackets = f"[{extra}]" if extra else ""
    if source is not None:
        return f'python -m pip install -e "{source}{brackets}"'
    return f'python -m pip install "{PACKAGE}{brackets}"'


def _reinstall() -> str:
    source = _checkout()
    if source is not None:
        return f'python -m pip install --force-reinstall --no-deps -e "{source}"'
    return f"python -m pip install --force-reinstall --no-deps {PACKAGE}"


def _checkout() -> Path | None:
    """The checkout that this package runs from, or None if it was installed as a copy."""
    folder = Path(__file__).parents[1]
    return folder if (folder / "pyproject.toml").is_file() else None


def main() -> None:
    """`python -m engine_plugin.doctor`: works even where the command line cannot be loaded."""
    print(json.dumps(examine()) if "--json" in sys.argv[1:] else describe(examine()))


if __name__ == "__main__":
    main()
