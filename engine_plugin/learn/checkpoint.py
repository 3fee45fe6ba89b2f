"""Checkpoints: everything a training run needs to go on, in one npz that is written whole or not.

A checkpoint is a flat dictionary of arrays. Groups of arrays (a network's weights, a replay buffer)
are stored under "group/name". The one before it is kept beside it until the next is written, so
that a file damaged afterwards costs one interval and not the run.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from engine_plugin.errors import ConfigError
from engine_plugin.files import atomic_write

Arrays = dict[str, np.ndarray]


SCHEMA = 2
CHECKPOINT, PREVIOUS = "checkpoint.npz", "checkpoint.previous.npz"
BEST = "best.npz"


def save_checkpoint(
    path: Path, groups: dict[str, Arrays], facts: dict[str, Any], previous: Path | None = None
) -> None:
    """Write groups of arrays and JSON-ready facts; a file that is there already moves to `previous`
    once the new one is whole."""
    flat = {
        f"{group}/{name}": array
        for group, arrays in groups.items()
        for name, array in arrays.items()
    }
    flat["facts"] = np.frombuffer(json.dumps({"schema": SCHEMA, **facts}).encode(), np.uint8)
    atomic_write(path, plain_npz(flat), previous)


def plain_npz(arrays: Arrays) -> Callable[[BinaryIO], None]:
    """What writes arrays as an .npz, one after the other: a replay buffer of images is large.

    Raises ValueError for arrays of objects, which would be pickled. `savez` refuses them only
    since NumPy 2.1, where it learned the word `allow_pickle`; before, it takes that for one more
    array to store."""
    for name, array in arrays.items():
        if np.asarray(array).dtype.hasobject:
            raise ValueError(f"{name} holds objects")
    return lambda file: np.savez(file, **arrays)  # type: ignore[arg-type]


def load_checkpoint(path: Path) -> tuple[dict[str, Arrays], dict[str, Any]]:
    """Read what `save_checkpoint` wrote. Raises ConfigError where there is none or it is broken."""
    groups: dict[str, Arrays] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            # Ours are never packed, so that no small file unpacks to a huge one.
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                raise ValueError("it is packed")
        with np.load(path, allow_pickle=False) as file:
            facts: dict[str, Any] = json.loads(file["facts"].tobytes())
            for key in file.files:
                # Runs of before, written with an older NumPy, hold one key that is not ours.
                if key not in ("facts", "allow_pickle"):
                    group, name = key.split("/", 1)
                    groups.setdefault(group, {})[name] = file[key]
    except FileNotFoundError as error:
        raise ConfigError(f"nothing to resume or to export: {path} does not exist") from error
    except Exception as error:  # zip, npy and JSON have a dozen error types between them
        raise ConfigError(
            f"cannot read {path}: it is damaged ({error}); "
            + (
                "export the latest weights with --latest, or go on with --resume"
                if path.name == BEST
                else "train again with --force"
            )
        ) from error
    return groups, facts


def load_newest_checkpoint(
    folder: Path, say: Callable[[str], None]
) -> tuple[dict[str, Arrays], dict[str, Any]]:
    """The run's checkpoint, or the one before it where that cannot be read; `say` is then told.

    Raises ConfigError, of the first one, where neither can be read, and for one of another schema.
    """
    try:
        groups, facts = load_checkpoint(folder / CHECKPOINT)
    except ConfigError as error:
        try:
            groups, facts = load_checkpoint(folder / PREVIOUS)
        except ConfigError:
            raise error from None
        reason = str(error).split(";")[0]
        say(f"{reason}; going on from the one before it, at step {facts['steps']:,}")
    if facts.get("schema") != SCHEMA:
        raise ConfigError(
            f"the checkpoint in {folder} was written by another version of this package; train "
            f"again with --force (its model can still be exported)"
        )
    return groups, facts


def variables_to_arrays(variables: list[Any]) -> Arrays:
    """Keras variables by position."""
    return {f"{index:03d}": np.asarray(variable) for index, variable in enumerate(variables)}


def arrays_to_variables(arrays: Arrays, variables: list[Any], what: str) -> None:
    """Put stored values back. Raises ConfigError where they do not fit the network."""
    values = [arrays[name] for name in sorted(arrays)]
    shapes = [tuple(value.shape) for value in values]
    expected = [tuple(variable.shape) for variable in variables]
    if shapes != expected:
        raise ConfigError(
            f"the checkpoint's {what} is of another network; resume with the settings in run.json"
        )
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
