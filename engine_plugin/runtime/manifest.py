"""`manifest.json` beside models: the SHA-256 of each, because a flipped bit loads silently.

The file holds {"schema": 1, "models": {"hard.onnx": {"sha256": "…", "bytes": 12345}, …}}.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from engine_plugin import strict_json
from engine_plugin.errors import ModelBrokenError
from engine_plugin.files import atomic_write

MANIFEST_NAME = "manifest.json"
SCHEMA = 1


def parse_manifest(data: bytes) -> dict[str, str]:
    """{file name: SHA-256 in lower-case hex}. Raises ModelBrokenError for a bad manifest."""
    try:
        values = strict_json.parse_object(data)
        models = values["models"]
        if values["schema"] != SCHEMA:
            raise ValueError(f"expected schema {SCHEMA}, got {values['schema']!r}")
        digests = {name: models[name]["sha256"] for name in models}
        for name, digest in digests.items():
            if not _is_digest(digest):
                raise ValueError(f"{name}: expected 64 hex digits, got {digest!r}")
    except (KeyError, TypeError, ValueError) as error:
        raise ModelBrokenError(
            f"{MANIFEST_NAME} beside the model is damaged: {error}; install the package again, or "
            "where the model is your own, write its manifest again or remove it"
        ) from error
    return digests


def is_manifest(data: bytes) -> bool:
    """Whether a file of that name is one of ours, perhaps a damaged one: many tools call theirs
    so."""
    try:
        values = json.loads(data)
    except ValueError:
        return True
    return isinstance(values, dict) and "models" in values


def check_digest(name: str, data: bytes, expected: str) -> None:
    """Raise ModelBrokenError unless the SHA-256 of `data` is `expected`."""
    found = hashlib.sha256(data).hexdigest()
    if found != expected.lower():
        raise ModelBrokenError(
            f"{name}: expected SHA-256 {expected[:16]}…, got {found[:16]}…; "
            "the file was changed or damaged, restore it or write its manifest again"
        )


def write_manifest(folder: str | Path) -> Path:
    """Write the manifest of all `*.onnx` files in a folder and return its path."""
    models = {}
    for path in sorted(Path(folder).glob("*.onnx")):
        data = path.read_bytes()
        models[path.name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    path = Path(folder) / MANIFEST_NAME
    text = json.dumps({"schema": SCHEMA, "models": models}, indent=1, sort_keys=True)
    atomic_write(path, (text + "\n").encode())
    return path


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and len(value) == 64 and not set(value) - set("0123456789abcdef")
