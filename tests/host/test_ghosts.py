"""A person raises a ghost of herself between two rounds, and plays against it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pygame
import pytest

import fastenv
from engine_plugin.card import read_card
from engine_plugin.ghost.clone import GhostConfig
from engine_plugin.ghost.examples import FEWEST
from engine_plugin.host import ghosts as ghosts_module
from engine_plugin.host.ghosts import GhostKeeper, kept_ghosts
from engine_plugin.host.input import Command
from engine_plugin.host.renderer import HEIGHT, WIDTH
from engine_plugin.host.screens.match import MatchScreen
from engine_plugin.host.screens.message import MessageScreen
from engine_plugin.host.screens.title import TitleScreen, opponents
from engine_plugin.host.sitting import Phase, Sitting
from engine_plugin.host.stage import Stage

SPEC = fastenv.game_spec("blast")
MakeStage = Callable[..., Stage]


@pytest.fixture(autouse=True)
def quick_ghosts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Ghosts that learn little, in a folder of the test's own."""
    made = ghosts_module.Ghost

    def make(spec: fastenv.GameSpec, **settings: str) -> object:
        return made(spec, config=GhostConfig(steps=3), **settings)

    monkeypatch.setattr(ghosts_module, "Ghost", make)
    monkeypatch.chdir(tmp_path)


def opened(stage: Stage) -> tuple[MatchScreen, Sitting]:
    sitting = stage.new_sitting(stage.options.opponent_name)
    screen = MatchScreen(stage, sitting, behind=None)
    screen.update(0.0)
    return screen, sitting


def finish_round(screen: MatchScreen, sitting: Sitting) -> None:
    canvas = pygame.Surface((WIDTH, HEIGHT))
    for _ in range(400):
        if sitting.phase is Phase.OVER:
            return
        screen.update(0.1)
        screen.draw(canvas)
    raise AssertionError("the round does not end")


def play_enough(screen: MatchScreen, sitting: Sitting) -> None:
    """Rounds of waiting, until there is enough to learn from."""
    for _ in range(FEWEST):
        finish_round(screen, sitting)
        if screen._stage.ghosts.has_enough:
            return
        sitting.next_round()
        screen.update(0.1)
    raise AssertionError("there is never enough")


def wait_for_the_ghost(screen: MatchScreen) -> None:
    ghosts = screen._stage.ghosts
    assert ghosts.learning and ghosts._trainer is not None
    assert ghosts._trainer.wait(60)
    screen.update(0.1)


def test_a_ghost_is_raised_and_sits_down_opposite(make_stage: MakeStage) -> None:
    screen, sitting = opened(make_stage(opponent="bot:idle"))
    play_enough(screen, sitting)
    screen.handle(Command.GHOST)
    assert "learns from" in sitting.notice
    wait_for_the_ghost(screen)
    assert "ready" in sitting.notice
    card = read_card("ghosts/blast/ghost-1.onnx")
    assert card.layout_hash == SPEC.layout_hash and card.decision.safety == "survivable"
    assert card.training["transitions"] == len(screen._stage.ghosts._ghost)

    screen.handle(Command.GHOST)
    against = screen.update(0.1)
    assert isinstance(against, MatchScreen)
    own, foe = (seat.name for seat in against._sitting.match.seats)
    assert (own, foe) == ("keyboard", "ghosts/blast/ghost-1.onnx")
    finish_round(against, against._sitting)
    assert against._sitting.match.seats[1].failures == 0
    # It sits there already: now a new one is raised, from more rounds.
    against.handle(Command.GHOST)
    wait_for_the_ghost(against)
    assert kept_ghosts("blast") == ["ghosts/blast/ghost-2.onnx", "ghosts/blast/ghost-1.onnx"]


def test_the_title_offers_ghosts_raised_meanwhile(make_stage: MakeStage) -> None:
    title = TitleScreen(make_stage(opponent="bot:idle"))
    folder = Path("ghosts/blast")
    folder.mkdir(parents=True)
    for number in (2, 10):
        (folder / f"ghost-{number}.onnx").touch()
    seen = []
    for _ in opponents("blast", "bot:idle"):
        title.handle(Command.RIGHT)
        seen.append(title._chosen)
    newest, older = (f"ghosts/blast/ghost-{number}.onnx" for number in (10, 2))
    assert seen.index(newest) + 1 == seen.index(older)
    assert seen[-1] == "bot:idle"


def test_the_result_offers_it_only_when_there_is_enough(make_stage: MakeStage) -> None:
    screen, sitting = opened(make_stage(opponent="bot:idle"))
    assert screen._ghost_line == ""
    screen.handle(Command.GHOST)
    assert not screen._stage.ghosts.learning
    play_enough(screen, sitting)
    assert screen._ghost_line == "G: raise a ghost of you"
    screen.handle(Command.GHOST)
    assert "learns" in screen._ghost_line
    wait_for_the_ghost(screen)
    assert screen._ghost_line == "G: play your ghost"


def test_it_watches_the_person_and_nobody_else(make_stage: MakeStage) -> None:
    screen, sitting = opened(make_stage(opponent="bot:idle"))
    ghosts = screen._stage.ghosts
    for _ in range(5):
        screen.update(0.1)
    screen.handle(Command.WATCH)
    finish_round(screen, sitting)
    assert len(ghosts._ghost) == 5
    screen.handle(Command.GHOST)
    assert not ghosts.learning


def test_a_round_cut_short_is_not_learned_from(make_stage: MakeStage) -> None:
    screen, sitting = opened(make_stage(opponent="bot:idle"))
    for _ in range(5):
        screen.update(0.1)
    screen.handle(Command.RESTART)
    finish_round(screen, sitting)
    assert len(screen._stage.ghosts._ghost) == sitting.match.results[0].ticks


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    keeper = GhostKeeper(SPEC)
    assert "too little" in keeper.learn()
    for _ in range(FEWEST):
        keeper.watch(np.ones(SPEC.observation_size, np.uint8), 0)
    keeper.keep_round()
    (tmp_path / "ghosts").write_text("a file where the folder should be")
    keeper.learn()
    assert keeper._trainer is not None and keeper._trainer.wait(60)
    assert "cannot be kept" in keeper.update() and keeper.path is None


def test_a_ghost_whose_file_is_gone_is_told_of(make_stage: MakeStage) -> None:
    screen, sitting = opened(make_stage(opponent="bot:idle"))
    play_enough(screen, sitting)
    screen.handle(Command.GHOST)
    wait_for_the_ghost(screen)
    Path("ghosts/blast/ghost-1.onnx").unlink()
    screen.handle(Command.GHOST)
    assert isinstance(screen.update(0.1), MessageScreen)
    screen._stage.error = None


def test_leaving_gives_up_what_is_being_learned() -> None:
    keeper = GhostKeeper(SPEC)
    for _ in range(FEWEST):
        keeper.watch(np.ones(SPEC.observation_size, np.uint8), 0)
    keeper.keep_round()
    keeper.learn()
    keeper.close()
    assert not keeper.learning
