"""A run in the place of an earlier one, which goes only once the new one has something to keep."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ASIDE = ".replaced"


@contextmanager
def replacing(folder: Path, names: Sequence[str]) -> Iterator[None]:
    """Inside `with`, what has one of these names in `folder` stands aside. Afterwards it is gone
    or, where the block fails before it has written the first name, back as it was."""
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    put_back(folder, names)
    aside = folder / ASIDE
    aside.mkdir()
    for name in names:
        if os.path.lexists(folder / name):
            os.replace(folder / name, aside / name)
    try:
        yield
    except BaseException:
        put_back(folder, names)
        if is_new and not any(folder.iterdir()):
            folder.rmdir()
        raise
    shutil.rmtree(aside)


def put_back(folder: Path, names: Sequence[str]) -> None:
    """Undo a replacement that was killed before it had written the first name; else end it.

    The first name comes back last and in one step: until then this can begin again.
    """
    aside, first = folder / ASIDE, folder / names[0]
    if aside.is_dir() and not first.exists():
        for name in names:
            _remove(folder / name)
        for name in names[1:]:
            if (aside / name).is_dir():
                shutil.copytree(aside / name, folder / name, symlinks=True)
            elif os.path.lexists(aside / name):
                shutil.copy2(aside / name, folder / name, follow_symlinks=False)
        if os.path.lexists(aside / names[0]):
            os.replace(aside / names[0], first)
    _remove(aside)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
