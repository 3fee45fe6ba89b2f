"""Files on disk: whole or not at all when written, regular and bounded when read."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from engine_plugin.errors import ConfigError, EnginePluginError, OutputExistsError


def atomic_write(
    path: str | Path, data: bytes | Callable[[BinaryIO], None], previous: Path | None = None
) -> None:
    """Write `data`, bytes or what a function writes, so that a crash leaves either the old file or
    the new one, never a part.

    With `previous`, of the same folder, the old file is kept under that name once the new one is
    whole; a crash between the two renames leaves the old file there. Missing parent folders are
    made. Raises OSError (a full disk, no permission); the old file is then untouched and nothing is
    left beside it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "xb") as file:
            if callable(data):
                data(file)
            else:
                file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if previous is not None and path.exists():
            os.replace(path, previous)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def remove_torn_writes(path: Path) -> None:
    """Remove what `atomic_write` to this path left when its process was killed in the middle."""
    for torn in path.parent.glob(f".{path.name}.*.tmp"):
        torn.unlink(missing_ok=True)


def refuse_existing(path: str | Path, force: bool) -> None:
    """Raise OutputExistsError where something stands at `path` already, unless `force`; ConfigError
    where nothing can be written there, before anybody has worked for it."""
    expect_place(path)
    if not force and os.path.lexists(path):
        raise OutputExistsError(
            f"expected a new output, got one that exists: {path}; "
            "choose another name or pass --force"
        )


def expect_place(path: str | Path) -> None:
    """Raise ConfigError where no file or folder can be made at `path`: what is above it is a file,
    or a folder that may not be written to."""
    above = Path(path).absolute().parent
    while not os.path.lexists(above) and above != above.parent:
        above = above.parent
    if not above.is_dir():
        raise ConfigError(f"cannot write {path}: {above} is a file, expected a folder")
    if not os.access(above, os.W_OK | os.X_OK):
        raise ConfigError(f"cannot write {path}: no permission to write in {above}")


def read_regular_file(
    path: str | Path,
    *,
    limit: int,
    missing: type[EnginePluginError],
    refused: type[EnginePluginError],
) -> bytes:
    """Read a file once, at most `limit` bytes.

    Raises `missing` where nothing can be read there and `refused` for a link, a folder, a pipe,
    a device or a file above the limit: none of those is opened blindly.
    """
    path = Path(path)
    try:
        mode = os.lstat(path).st_mode
        if stat.S_ISLNK(mode):
            raise refused(f"{path} is a symbolic link; pass the file that it points to")
        if not stat.S_ISREG(mode):
            raise refused(f"expected a file, got a folder or a device: {path}")
        # Between the look and the opening the path may have changed: never follow, never block.
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0))
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise refused(f"expected a file, got a folder or a device: {path}")
            data = file.read(limit + 1)
    except FileNotFoundError as error:
        raise missing(f"no such file: {path}; check the path") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise missing(f"cannot read {path}: {reason}") from error
    if len(data) > limit:
        raise refused(f"{path}: expected at most {limit:,} bytes, got more")
    return data


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a power cut, where the system can sync a folder."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
