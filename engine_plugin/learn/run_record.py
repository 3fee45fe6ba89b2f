"""run.json: what was run with what, and what came of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine_plugin.errors import ConfigError
from engine_plugin.learn.config import PolicyConfig


def read_record(folder: Path) -> dict[str, Any]:
    """The record of a policy's training. Raises ConfigError for a folder that holds none."""
    try:
        record: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        PolicyConfig(**record["config"])
    except FileNotFoundError as error:
        raise ConfigError(
            f"expected the folder of a training run, {folder} has no run.json"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{folder}/run.json is not the record of a policy's training: {error}"
        ) from error
    return record
