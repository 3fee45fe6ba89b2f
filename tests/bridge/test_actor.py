"""Games in processes of their own: the same seed plays the same round, drawn or not, forked or not;
and whatever goes wrong in a game arrives as one error with the frame."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from own_games import GAMES, trace

from engine_plugin.bridge.actor import Actor
from engine_plugin.bridge.job import Job
from engine_plugin.errors import GameLoopError

PADDLES, TURNS, DUEL = (GAMES / f"{name}.py" for name in ("paddles", "turns", "duel"))


@pytest.mark.parametrize(("game", "decisions"), [(PADDLES, 250), (TURNS, 40), (DUEL, 150)])
def test_the_same_seed_gives_the_same_trace_with_and_without_drawing(start, game, decisions):
    first = trace(start(game, streams=(1,)), decisions)
    assert trace(start(game, streams=(1,)), decisions) == first
    assert trace(start(game, streams=(1,), drawing=True), decisions) == first
    assert trace(start(game, streams=(2,)), decisions) != first
    assert any(terminated for *_, terminated, _ in first)


def test_fresh_processes_play_the_same_rounds_forked_or_not(start):
    assert trace(start(TURNS, streams=(1,)), 20) == trace(
        start(TURNS, streams=(1,), forks=False), 20
    )


def test_a_round_depends_on_its_number_alone(start):
    rounds = trace(start(TURNS, streams=(1,)), 40)
    beginnings = [number for number, row in enumerate(rounds) if row[2]]
    actor = start(TURNS, streams=(1,), first_round=2)
    assert actor.receive().values.tolist() == rounds[beginnings[2]][0]


def test_rewards_are_the_changes_of_the_score_and_rounds_begin_unpaid(start):
    rows = trace(start(PADDLES, streams=(3,)), 400)
    ends = [number for number, row in enumerate(rows) if row[3]]
    first = rows[: ends[0] + 1]
    assert sum(row[1] for row in first) == -3  # drawn actions lose it
    assert rows[ends[0] + 1][2] and rows[ends[0] + 1][1] == 0


def test_held_keys_reach_the_game(start):
    actor = start(PADDLES, streams=(1,))
    heights = []
    for _ in range(12):
        heights.append(actor.receive().values[1])
        actor.answer(1)
    assert heights[0] > heights[2] > heights[4] >= heights[-1]


def test_a_key_that_is_held_repeats_where_the_game_asks_for_it(start):
    """turns.py repeats keys after 300 ms, every 100 ms: 18 and 6 frames, of 3 a decision."""
    actor = start(TURNS, streams=(1,))
    arrows = []
    for _ in range(10):
        arrows.append(int(actor.receive().values[:4].argmax()))
        actor.answer(2)
    turns = [number for number in range(1, 10) if arrows[number] != arrows[number - 1]]
    assert turns[0] == 1
    assert turns[1] in (7, 8)
    assert turns[2] - turns[1] == 2


def test_the_seat_that_learns_is_chosen_by_name(start):
    left, right = (start(DUEL, seat=name, streams=(1,)) for name in ("left", "right"))
    assert left.receive().values[0] == pytest.approx(0.225)
    assert right.receive().values[0] == pytest.approx(0.775)
    assert right.hello.facts == left.hello.facts  # what one has learned can sit in the other


def test_another_seat_asks_as_well_where_it_is_to(start):
    actor = start(DUEL, asks=True, streams=(1,))
    seats = []
    for _ in range(6):
        seats.append(actor.receive().seat)
        actor.answer(0)
    assert seats[0] == 0 and len(set(seats)) == 2 and seats[:2] == seats[2:4] == seats[4:]


LOOP = """
seat = ai.Seat("own", keys={"stay": [], "go": [pygame.K_UP]}, see=lambda: see(), every=2)
frame = 0
while True:
    frame += 1
    clock.tick(60)
    keys = seat.keys(pygame.key.get_pressed())
    FRAME
    pygame.display.flip()
    seat.tick(score=score(), over=False)
"""

BROKEN = {
    "appears": ("see = lambda: {'a': 1, **({'b': 2} if frame > 9 else {})}", "'b' appeared", 11),
    "vanishes": ("see = lambda: {'a': 1, **({'b': 2} if frame < 9 else {})}", "'b' vanished", 9),
    "grows": ("see = lambda: {'a': (1,) * (2 + (frame > 9))}", "has now 3", 11),
    "NaN": ("see = lambda: {'a': 1.0 if frame < 9 else float('nan')}", "'a' holds nan", 9),
    "score": ("see = lambda: {'a': 1}\nscore = lambda: 1e400", "score: expected a finite", 1),
    "first": ("see = lambda: 3", "expected a dict", 1),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_field_that_is_not_what_it_was_ends_the_game_with_the_frame(start, write_game, broken):
    head, says, frame = BROKEN[broken]
    text = LOOP.replace("FRAME", "pass")
    actor = start(write_game(f"score = lambda: 0\n{head}\n{text}"))
    with pytest.raises(GameLoopError, match=f"frame {frame}: ") as caught:
        trace(actor, 30)
    assert says in str(caught.value) and "own_game.py" in str(caught.value)
    assert caught.value.frame == frame


GOOD = "score = lambda: 0\nsee = lambda: {'a': 1}\n"


def test_a_game_that_crashes_is_told_with_its_own_lines(start, write_game):
    text = LOOP.replace("FRAME", "assert frame < 20, 'too late'")
    with pytest.raises(GameLoopError) as caught:
        trace(start(write_game(GOOD + text)), 30)
    said = str(caught.value)
    assert "frame 19: " in said and "AssertionError: too late" in said
    assert "own_game.py:" in said and "runpy" not in said


@pytest.mark.parametrize("leave", ["raise SystemExit", "import sys; sys.exit(3)", "break"])
def test_a_game_that_exits_before_its_round_is_over_is_told(start, write_game, leave):
    text = LOOP.replace("FRAME", f"if frame == 20: {leave}")
    with pytest.raises(GameLoopError, match="frame 19: the game ended by itself before a round"):
        trace(start(write_game(GOOD + text)), 30)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="signals")
@pytest.mark.parametrize(
    ("end", "says"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "killed by SIGSEGV"),
        ("import os; os._exit(5)", "exit status 5"),
    ],
)
def test_a_process_that_dies_is_told_with_the_last_frame(start, write_game, end, says):
    text = LOOP.replace("FRAME", f"if frame == 20:\n        {end}")
    with pytest.raises(GameLoopError, match=f"after frame 19: .*{says}"):
        trace(start(write_game(GOOD + text)), 30)


def test_a_game_that_hangs_is_ended_and_says_where(start, write_game):
    text = LOOP.replace("FRAME", "while frame == 20: pass")
    with pytest.raises(GameLoopError, match="after frame 19: the game hangs") as caught:
        trace(start(write_game(GOOD + text), patience=2.0), 30)
    if os.name == "posix":
        assert "own_game.py" in str(caught.value).split("it said:")[1]


LEARNER = """
import sys
from engine_plugin.bridge.actor import Actor
from engine_plugin.bridge.job import Job

actor = Actor(Job("act", sys.argv[1]))
print(actor._process.pid, flush=True)
while True:
    print(actor.receive().frame, flush=True)
    actor.answer(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")
def test_a_game_that_hangs_ends_with_a_learner_that_was_killed(write_game):
    """It never looks at its pipe again, and nobody is left to end it."""
    game = write_game(GOOD + LOOP.replace("FRAME", "while frame == 20: pass"))
    learner = subprocess.Popen(
        [sys.executable, "-c", LEARNER, str(game)], stdout=subprocess.PIPE, text=True
    )
    assert learner.stdout is not None
    group = int(learner.stdout.readline())
    while int(learner.stdout.readline()) < 19:
        continue
    learner.kill()
    learner.communicate()
    for _ in range(300):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    os.killpg(group, signal.SIGKILL)
    pytest.fail("the game is still there 30 s after its learner")


def ends_within(process, seconds):
    """Whether a process of that number ends, or is only still to be buried."""
    for _ in range(int(10 * seconds)):
        try:
            if Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.1)
    return False


LOADS_ONCE = """
if os.path.exists("loaded"):
    open("second", "w").write(str(os.getpid()))
    LATER
score, see = lambda: 0, lambda: {"a": 1}
open("loaded", "w").close()
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_round_that_waits_ends_with_the_game_also_where_it_still_loads(
    start, write_game, tmp_path
):
    text = "import os\n" + LOADS_ONCE.replace("LATER", "while True: pass")
    actor = start(write_game(text + LOOP.replace("FRAME", "pass")))
    actor.receive()
    while not (tmp_path / "second").exists() or not (tmp_path / "second").read_text():
        time.sleep(0.1)
    actor.close()
    assert ends_within(int((tmp_path / "second").read_text()), 10)


def test_a_round_that_dies_while_it_loads_is_told_when_its_turn_comes(start, write_game):
    text = "import os\n" + LOADS_ONCE.replace("LATER", "os._exit(5)")
    loop = LOOP.replace("FRAME", "pass").replace("over=False", "over=frame == 20")
    with pytest.raises(GameLoopError, match="exit status 5"):
        trace(start(write_game(text + loop)), 30)


def test_a_game_that_nobody_holds_any_more_ends(write_game):
    actor = Actor(Job("act", str(write_game(GOOD + LOOP.replace("FRAME", "pass")))))
    actor.receive()
    process = actor._process
    time.sleep(0.5)  # it has been looked after meanwhile
    del actor
    assert process.wait(10) is not None


def test_a_closed_game_touches_no_file_of_others(start, write_game, tmp_path):
    """The numbers of its pipes are given to the next files that are opened."""
    actor = start(write_game(GOOD + LOOP.replace("FRAME", "pass")))
    actor.receive()
    actor.close()
    files = [(tmp_path / f"{number}").open("wb") for number in range(8)]
    actor.answer(1)
    with pytest.raises(GameLoopError, match="ended before"):
        actor.receive()
    for file in files:
        file.close()
        assert Path(file.name).read_bytes() == b""


def test_another_seat_may_be_out_long_before_the_round_ends(start, write_game):
    text = """
frame = 0
def begin():
    global frame
    frame = 0
seats = [
    ai.Seat(name, game="g", keys={"stay": [], "go": [key]}, restart=begin,
            see=lambda: {"frame": frame})
    for name, key in (("a", pygame.K_a), ("b", pygame.K_b))
]
while True:
    clock.tick(60)
    frame += 1
    for seat, last in zip(seats, (900, 30)):
        seat.tick(over=frame >= last)
"""
    actor = start(write_game(text), asks=True)
    while not ((seen := actor.receive()).terminated and seen.seat == 0):
        assert not seen.terminated
        actor.answer(0)
    assert seen.frame >= 900


def test_a_loop_that_waits_for_the_clock_does_not_hang(start, write_game):
    wait = "\n    ".join(
        (
            "until = pygame.time.get_ticks() + 500",
            "while pygame.time.get_ticks() < until: pass",
            "import time; time.sleep(0.1); pygame.time.wait(50); pygame.time.delay(20)",
            "pygame.event.clear()",
            "assert pygame.event.wait(30).type == pygame.NOEVENT and pygame.event.wait()",
        )
    )
    rows = trace(start(write_game(GOOD + LOOP.replace("FRAME", wait))), 10)
    assert len(rows) == 10


def test_a_round_that_never_ends_is_cut(start, write_game):
    actor = start(write_game(GOOD + LOOP.replace("FRAME", "pass")), max_frames=20)
    rows = trace(actor, 25)
    assert [number for number, row in enumerate(rows) if row[4]] == [10, 21]
    assert not any(row[3] for row in rows)


def test_a_game_without_a_seat_is_told(start, write_game):
    with pytest.raises(GameLoopError, match="without a seat"):
        start(write_game("clock.tick()")).receive()
    with pytest.raises(GameLoopError, match=r"no seat 'middle'; it has \['left', 'right'\]"):
        start(DUEL, seat="middle").receive()


def test_a_restart_that_begins_no_round_is_told(start, write_game):
    text = LOOP.replace("FRAME", "pass").replace("over=False", "over=frame > 4")
    text = text.replace("every=2", "every=2, restart=lambda: None")
    with pytest.raises(GameLoopError, match="over stays true"):
        trace(start(write_game(GOOD + text)), 30)


@pytest.mark.parametrize("number", [123456, 1 << 40])
def test_an_unknown_key_is_refused(start, write_game, number):
    text = LOOP.replace("pygame.K_UP", str(number))
    with pytest.raises(GameLoopError, match=f"{number} is no key"):
        start(write_game(GOOD + text.replace("FRAME", "pass"))).receive()


def test_a_game_that_reads_its_screen_has_to_draw(start, write_game):
    text = GOOD + LOOP.replace("FRAME", "screen.fill('red'); screen.get_at((1, 1))")
    with pytest.raises(GameLoopError, match="--drawing"):
        start(write_game(text)).receive()
    assert start(write_game(text), drawing=True).receive().first


def test_fields_that_depend_on_the_round_are_refused(start, write_game):
    head = "import random\nscore = lambda: 0\nsize = random.randint(1, 9)\n"
    head += "see = lambda: {'a': (0.5,) * size}\n"
    text = LOOP.replace("FRAME", "pass").replace("over=False", "over=frame == 5")
    with pytest.raises(GameLoopError, match="a later round shows other fields"):
        trace(start(write_game(head + text)), 60)
