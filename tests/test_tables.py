"""What people read: results as text."""

from engine_plugin.tables import (
    describe_episodes,
    describe_evaluation,
    describe_training,
    describe_values,
    table,
)


def test_columns_line_up():
    assert table([["name", "n"], ["a", "10"], ["longer", "2"]]) == [
        "name     n",
        "a       10",
        "longer   2",
    ]


def test_nested_values_are_indented_and_rows_become_a_table():
    text = describe_values(
        {"env_steps": 12345.6, "levels": {"seed": 7}, "batches": [{"envs": 1, "rate": 0.25}]}
    )
    assert text.splitlines() == [
        "env steps: 12,346",
        "levels",
        "  seed: 7",
        "batches",
        "  envs  rate",
        "  1     0.25",
    ]


def test_an_evaluation_names_every_opponent_and_the_score():
    row = {
        "wins": 3, "losses": 1, "draws": 0, "wins_before_closing": 2, "self_kills": 1,
        "profile": {"bombs": 9.5},
        "shares": {"wins": {"share": 0.75, "low": 0.3006, "high": 0.9544}},
    }
    text = describe_evaluation({
        "model": "m.onnx", "game": "blast", "seed": 1,
        "by_safety": {"survivable": {"hunter": row}, "none": {"hunter": row}},
        "style": {
            "profile": {"bombs": 9.5}, "demonstrator_profile": {"bombs": 10.0},
            "survivor_profile": {"bombs": 8.0}, "demonstrator": "hunter",
            "opponents": ["survivor"], "score": 0.75,
            "score_by_safety": {"survivable": 0.75, "none": 0.5},
            "interval_by_safety": {"survivable": [0.7, 0.8], "none": [0.4, 0.6]},
        },
    })
    assert text.count("hunter") >= 3
    assert text.count("75.0 % (30.1 to 95.4)") == 2
    assert "style score 0.750 (0.70 to 0.80)" in text
    assert "without the filter 0.500 (0.40 to 0.60)" in text


def test_a_training_ends_with_what_it_kept_where_that_is_and_what_to_do_with_it():
    result = {
        "steps": 3_000, "updates": 990, "seconds": 32.4, "in_words": "style 0.63, score -12.3",
        "evaluation": {"steps": 2_100, "profile": {"ball[0] mean": 0.5}},
        "model": "runs/pong/model.onnx", "bytes": 109_900, "largest_difference": 4.3e-6,
        "report": "runs/pong/report.html", "next": ["engine-plugin evaluate", "engine-plugin play"],
    }  # fmt: skip
    assert describe_training(result).splitlines() == [
        "trained  3,000 steps, 990 updates, 32 s",
        "kept     after 2,100 steps: style 0.63, score -12.3",
        "model    runs/pong/model.onnx, 109,900 bytes, at most 4.3e-06 from what TensorFlow "
        "computes",
        "report   runs/pong/report.html",
        "next     engine-plugin evaluate",
        "         engine-plugin play",
    ]
    clone = {**result, "steps": 0, "evaluation": {"steps": 0, "phase": "clone"}, "report": ""}
    assert describe_training(clone).splitlines()[0] == "kept   the clone: style 0.63, score -12.3"


def test_episodes_of_a_game_show_the_actions_and_the_manners_that_are_farthest_off():
    numbers = {"mean": -12.6, "std": 1.5, "min": -15.0, "three_quarters": -11.0}
    led = {f"ball[{place}] mean": 1.0 for place in range(9)}
    own = {"share of up": 0.25, "changes": 0.5, **led, "ball[7] mean": 3.0}
    shown = {"share of up": 0.75, "changes": 0.5, **led}
    text = describe_episodes({
        "model": "m.onnx", "game": "pong", "seed": 1, "episodes": 20, "cut": 2,
        "decision": {"rule": "softmax", "temperature": 1.0},
        "return": numbers, "length": numbers,
        "style": {
            "demonstrator": "keyboard", "score": 0.675, "interval": [0.5, 0.73], "profile": own,
            "demonstrator_profile": shown, "random_profile": own, "spread": dict.fromkeys(own, 1),
        },
    })  # fmt: skip
    lines = text.splitlines()
    assert "three quarters" in lines[2] and "2 of them cut off" in lines[5]
    assert "style score 0.675 (0.50 to 0.73)" in text
    seen = lines[lines.index(next(line for line in lines if "9 in all" in line)) + 2 :]
    assert len(seen) == 6 and seen[0].split() == ["ball[7]", "mean", "3", "1", "3"]
