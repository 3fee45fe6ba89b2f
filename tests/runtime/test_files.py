"""Files are written whole or not at all."""

from __future__ import annotations

import os

import pytest

from engine_plugin.errors import OutputExistsError
from engine_plugin.files import atomic_write, refuse_existing


def test_an_atomic_write_makes_folders_and_replaces(tmp_path):
    path = tmp_path / "a" / "b.bin"
    atomic_write(path, b"old")
    atomic_write(path, b"new")
    assert path.read_bytes() == b"new"
    assert os.listdir(path.parent) == ["b.bin"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "b.bin"
    atomic_write(path, b"old")

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        atomic_write(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["b.bin"]


def test_an_existing_output_needs_force(tmp_path):
    refuse_existing(tmp_path / "new", False)
    refuse_existing(tmp_path, True)
    with pytest.raises(OutputExistsError, match="--force"):
        refuse_existing(tmp_path, False)
