"""What people read: results as text."""

from engine_plugin.tables import describe_evaluation, describe_values, table


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
