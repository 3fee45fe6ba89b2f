"""Checkpoints: the one before is kept, damage is noticed, and a run goes on from what is whole."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from engine_plugin.errors import ConfigError
from engine_plugin.learn.checkpoint import (
    CHECKPOINT,
    PREVIOUS,
    load_checkpoint,
    load_newest_checkpoint,
    save_checkpoint,
)


def save(folder: Path, steps: int) -> None:
    save_checkpoint(
        folder / CHECKPOINT,
        {"network": {"000": np.full(500, steps, np.float32)}},
        {"steps": steps},
        folder / PREVIOUS,
    )


def newest(folder: Path) -> tuple[int, list[str]]:
    """Steps of the checkpoint that a run would go on from, and what it says."""
    said: list[str] = []
    groups, facts = load_newest_checkpoint(folder, said.append)
    assert (groups["network"]["000"] == facts["steps"]).all()
    return facts["steps"], said


def test_the_one_before_is_kept(tmp_path: Path) -> None:
    save(tmp_path, 100)
    assert not (tmp_path / PREVIOUS).exists()
    for steps in (200, 300):
        save(tmp_path, steps)
        assert load_checkpoint(tmp_path / PREVIOUS)[1]["steps"] == steps - 100
    assert newest(tmp_path) == (300, [])
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted((CHECKPOINT, PREVIOUS))


def test_a_damaged_one_falls_back_and_says_so(tmp_path: Path) -> None:
    save(tmp_path, 100)
    save(tmp_path, 200)
    whole = (tmp_path / CHECKPOINT).read_bytes()
    random = np.random.default_rng(0)
    damaged = [b"", whole[:-1]]
    damaged += [whole[: int(kept)] for kept in random.integers(0, len(whole), 20)]
    for place in random.integers(0, len(whole) - 400, 40):  # the end is the zip's own directory
        flipped = bytearray(whole)
        flipped[place] ^= 1 << int(random.integers(8))
        damaged.append(bytes(flipped))
    fell_back = 0
    for data in damaged:
        (tmp_path / CHECKPOINT).write_bytes(data)
        steps, said = newest(tmp_path)
        if steps == 100:
            fell_back += 1
            assert len(said) == 1 and "damaged" in said[0] and "at step 100" in said[0]
        else:  # a flipped bit that no reader looks at, such as a date
            assert said == []
    assert fell_back > len(damaged) * 0.9


def test_killed_between_the_two_renames(tmp_path: Path) -> None:
    save(tmp_path, 100)
    (tmp_path / CHECKPOINT).rename(tmp_path / PREVIOUS)
    steps, said = newest(tmp_path)
    assert steps == 100 and "does not exist" in said[0]


def test_both_damaged_is_an_error_about_the_first(tmp_path: Path) -> None:
    for name in (CHECKPOINT, PREVIOUS):
        (tmp_path / name).write_bytes(b"PK")
    with pytest.raises(ConfigError, match=r"checkpoint\.npz: it is damaged"):
        newest(tmp_path)


def test_one_of_another_version_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, facts=np.frombuffer(b'{"steps": 5}', np.uint8))
    (tmp_path / CHECKPOINT).write_bytes(buffer.getvalue())
    with pytest.raises(ConfigError, match="another version"):
        newest(tmp_path)


def test_a_packed_file_is_refused_before_it_unpacks(tmp_path: Path) -> None:
    path = tmp_path / CHECKPOINT
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("network/000.npy", bytes(50_000_000))
    with pytest.raises(ConfigError, match="damaged"):
        load_checkpoint(path)


def test_a_file_of_an_older_numpy_is_read_and_objects_are_refused(tmp_path: Path) -> None:
    """Before 2.1 `savez` stored every word that it did not know as an array."""
    path = tmp_path / "checkpoint.npz"
    save_checkpoint(path, {"network": {"0": np.arange(3)}}, {"steps": 4})
    groups, facts = load_checkpoint(path)
    assert groups["network"]["0"].tolist() == [0, 1, 2] and facts["steps"] == 4
    with np.load(path) as file:
        assert sorted(file.files) == ["facts", "network/0"]
    with zipfile.ZipFile(path, "a") as archive, archive.open("allow_pickle.npy", "w") as file:
        np.lib.format.write_array(file, np.array(False))
    assert load_checkpoint(path)[1]["steps"] == 4
    with pytest.raises(ValueError, match="holds objects"):
        save_checkpoint(path, {"network": {"0": np.array([None])}}, {})
