"""The golden playthroughs still go as they are written down."""

from __future__ import annotations

import pytest

from tests.fastenv.playthroughs import FOLDER, PLAYTHROUGHS, Playthrough, path_of, transcript


@pytest.mark.parametrize("playthrough", PLAYTHROUGHS, ids=lambda playthrough: playthrough.name)
def test_the_match_goes_as_recorded(playthrough: Playthrough):
    assert transcript(playthrough) == path_of(playthrough).read_text(encoding="utf-8")


def test_every_file_belongs_to_a_playthrough():
    assert sorted(FOLDER.glob("*")) == sorted(path_of(each) for each in PLAYTHROUGHS)
