"""Results as text for people; `--json` prints the same data for programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# Counts of an evaluation, with their column titles; the last two only of games that count them.
COUNTS = {
    "wins": "won",
    "losses": "lost",
    "draws": "drawn",
    "wins_before_closing": "early",
    "self_kills": "self-kills",
}

# Of a tournament's contestants; the last two likewise.
STANDING_COUNTS = {
    "wins": "won",
    "draws": "drawn",
    "losses": "lost",
    "early_wins": "early",
    "self_kills": "self-kills",
}

FARTHEST = 6  # manners of a game that was brought along (learn/manners.py) that are shown


def describe_training(result: dict[str, Any]) -> str:
    """The result of `train policy` and `clone`: how far it got, what was written, what is next."""
    kept = result["evaluation"]
    rows = []
    if result["steps"]:
        rows.append([
            "trained", f"{result['steps']:,} steps, {result['updates']:,} updates, "
            f"{result['seconds']:,.0f} s"
        ])  # fmt: skip
    if kept:
        when = "the clone" if kept.get("phase") == "clone" else f"after {kept['steps']:,} steps"
        rows.append(["kept", f"{when}: {result['in_words']}"])
    rows.append([
        "model", f"{result['model']}, {result['bytes']:,} bytes, at most "
        f"{result['largest_difference']:.1e} from what TensorFlow computes"
    ])  # fmt: skip
    rows += [["report", result["report"]]] if result["report"] else []
    rows += [["next" if not k else "", line] for k, line in enumerate(result["next"])]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name.ljust(width)}  {text}" for name, text in rows)


def describe_episodes(result: dict[str, Any]) -> str:
    """The result of `evaluate` for an env or a game's own loop: returns and lengths, then style."""
    count, seed = result["episodes"], result["seed"]
    lines = [f"{result['model']} plays {result['game']}, {count} episodes, seed {seed}", ""]
    measured = {name: result[name] for name in ("return", "length")}
    columns = [name.replace("_", " ") for name in measured["return"]]
    rows = [[name, *map(_shown, values.values())] for name, values in measured.items()]
    lines += table([["", *columns], *rows])
    if result.get("cut"):
        lines.append(f"{result['cut']} of them cut off before they were over")
    how = (f"{name} {_shown(value)}" for name, value in result["decision"].items())
    lines.append(f"decides by {', '.join(how)}")
    if "style" in result:
        lines += ["", *_manners(result["model"], result["style"])]
    return "\n".join(lines)


def _manners(model: str, style: dict[str, Any]) -> list[str]:
    """What is done, and where that leads farthest from the demonstrator, as far as he and random
    play differ there."""
    players = {
        model: style["profile"],
        style["demonstrator"]: style["demonstrator_profile"],
        "random": style["random_profile"],
    }
    own, shown = style["profile"], style["demonstrator_profile"]
    done = [name for name in own if name.startswith("share of ") or name == "changes"]
    led = [name for name in own if name not in done]
    led.sort(key=lambda name: -abs(own[name] - shown[name]) / style["spread"][name])
    titles = [name.removeprefix("share of ") for name in done]
    low, high = style["interval"]
    return [
        f"style score {style['score']:.3f} ({low:.2f} to {high:.2f}); 0: plays at random, 1: the "
        "demonstrator",
        "",
        "share of each action, and of decisions that change it",
        *table([
            ["", *titles],
            *([who, *(f"{values[name]:.2f}" for name in done)] for who, values in players.items()),
        ]),
        "",
        f"farthest from the demonstrator in what is seen ({len(led)} in all: --json)",
        *table([
            ["", *players],
            *([name, *(_shown(values[name]) for values in players.values())]
              for name in led[:FARTHEST]),
        ]),
    ]  # fmt: skip


def describe_evaluation(result: dict[str, Any]) -> str:
    """The result of `evaluate`: a row an opponent, with and without the filter, then style."""
    lines = [f"{result['model']} plays {result['game']}, seed {result['seed']}"]
    for safety, against in result["by_safety"].items():
        lines += ["", "without it" if safety == "none" else "with the safety filter"]
        first = next(iter(against.values()))
        rates = list(first["profile"])
        counts = {key: title for key, title in COUNTS.items() if key in first}
        head = ["against", *counts.values(), *rates]
        rows = [
            [
                name,
                *(str(row[key]) for key in counts),
                *(f"{row['profile'][rate]:.2f}" for rate in rates),
            ]
            for name, row in against.items()
        ]
        lines += table([head, *rows])
        lines += ["", "share of all matches, and its 95 % interval"]
        lines += _shares(against, counts)
    if "style" in result:
        style = result["style"]
        rates = list(style["profile"])
        players = ("profile", "demonstrator_profile", "survivor_profile")
        names = (result["model"], style["demonstrator"], "survivor")
        rows = [
            [name, *(f"{style[key][rate]:.2f}" for rate in rates)]
            for name, key in zip(names, players, strict=True)
        ]
        recorded = style.get("recorded_episodes")
        whose = f" (by {recorded} recorded episodes)" if recorded else ""
        lines += ["", f"style, against {' and '.join(style['opponents'])}{whose}"]
        lines += table([["player", *rates], *rows])
        told = [
            f"{words} {style['score_by_safety'][safety]:.3f} ({bounds[0]:.2f} to {bounds[1]:.2f})"
            for safety, bounds in style["interval_by_safety"].items()
            for words in ["without the filter" if safety == "none" else "style score"]
        ]
        lines += [f"{'; '.join(told)}; 0: safe at random, 1: the {style['demonstrator']}"]
    return "\n".join(lines)


def _shares(against: dict[str, Any], titles: dict[str, str]) -> list[str]:
    names = list(next(iter(against.values()))["shares"])
    rows = [
        [
            name,
            *(
                f"{100 * share['share']:.1f} % ({_range(share['low'], share['high'], 100)})"
                for share in row["shares"].values()
            ),
        ]
        for name, row in against.items()
    ]
    return table([["against", *(titles[name] for name in names)], *rows])


def describe_tournament(result: dict[str, Any]) -> str:
    """The result of `tournament`: ratings, then who did what against whom, then what was kept."""
    rows = result["contestants"]
    counts = {key: title for key, title in STANDING_COUNTS.items() if key in rows[0]}
    lines = [
        f"{result['game']}: {result['matches_a_pair']} matches a pair, half in each seating, "
        f"seed {result['seed']}",
        "",
    ]
    lines += table(
        [
            ["", "Elo", "95 %", *counts.values(), "won %", "95 %"],
            *(
                [
                    row["name"],
                    f"{row['elo']:.0f}",
                    _range(row["elo_low"], row["elo_high"], 1, row["name"] == result["anchor"]),
                    *(str(row[key]) for key in counts),
                    f"{100 * row['win_share']['share']:.1f}",
                    _range(row["win_share"]["low"], row["win_share"]["high"], 100),
                ]
                for row in rows
            ),
        ]
    )
    names = [row["name"] for row in rows]
    lines += ["", "row against column: won-drawn-lost"]
    lines += _matrix(result, names, _record)
    if "early_wins" in rows[0]:
        lines += ["", "row against column: won before the arena closed / killed itself"]
        lines += _matrix(result, names, _deeds)
    if "instructive" in result:
        lines += ["", f"kept in {result['out']} (engine-plugin play --replay {result['out']})"]
        lines += [f"{row['file']}  {row['why']}" for row in result["instructive"]]
    return "\n".join(lines)


def _pair(result: dict[str, Any], name: str, other: str) -> tuple[dict[str, Any], bool] | None:
    """What two played, and whether `name` is the first of them; None for the same one twice."""
    for row in result["pairs"]:
        if set(row["players"]) == {name, other}:
            return row, row["players"][0] == name
    return None


def _matrix(
    result: dict[str, Any], names: list[str], tell: Callable[[dict[str, Any], int], str]
) -> list[str]:
    """Everybody against everybody; `tell` says of a pair what its player 0 or 1 did."""

    def cell(name: str, other: str) -> str:
        played = _pair(result, name, other)
        return "·" if played is None else tell(played[0], 0 if played[1] else 1)

    rows = ([name, *(cell(name, other) for other in names)] for name in names)
    return table([["", *names], *rows])


def _record(pair: dict[str, Any], player: int) -> str:
    counts = (pair["wins"], pair["losses"])
    return f"{counts[player]}-{pair['draws']}-{counts[1 - player]}"


def _deeds(pair: dict[str, Any], player: int) -> str:
    return "/".join(str(pair[key][player]) for key in ("early_wins", "self_kills") if key in pair)


def _range(low: float, high: float, factor: float, fixed: bool = False) -> str:
    digits = 0 if factor == 1 else 1
    return "fixed" if fixed else f"{factor * low:.{digits}f} to {factor * high:.{digits}f}"


def describe_values(result: dict[str, Any]) -> str:
    """Any other result: one name and value a line, nested ones indented."""
    return "\n".join(_lines(result, ""))


def table(rows: list[list[str]]) -> list[str]:
    """Rows as lines; the first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def _lines(values: dict[str, Any], indent: str) -> list[str]:
    lines = []
    for name, value in values.items():
        title = indent + name.replace("_", " ")
        if isinstance(value, dict) and value:
            lines += [title, *_lines(value, indent + "  ")]
        elif isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
            head = [key.replace("_", " ") for key in value[0]]
            rows = [[_shown(cell) for cell in row.values()] for row in value]
            lines += [title, *(f"{indent}  {row}" for row in table([head, *rows]))]
        else:
            lines.append(f"{title}: {_shown(value)}")
    return lines


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"
    return ", ".join(map(_shown, value)) if isinstance(value, list) else str(value)
