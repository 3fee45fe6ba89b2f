"""Alarms of a training: what its log shows, what that means, and what to change, in plain words.

Each alarm is a function from the lines of the log so far to a sentence, or to None where all is
well. The lines are those of log.jsonl (learn/train.py writes them, learn/health.py measures part
of them); a line says no more than it knows, so every check first looks whether its figures are
there. An alarm is raised once a run: the line that it was first seen in names it, and so the log
alone says which were.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from engine_plugin.bridge.job import ROUND_FRAMES
from engine_plugin.learn.log import Line
from engine_plugin.learn.pace import BAND

NOT_A_NUMBER = "not a number"  # the alarm that stops a run
NOTHING_LEARNED = "nothing learned"  # the one at the end of a run
# A figure counts once it has been seen in this many evaluations in a row.
IN_A_ROW = 2
WINS_ABOVE = 0.90  # balanced accuracy
CANNOT_TELL_BELOW = 0.55
CANNOT_TELL_IN_A_ROW = 3
GOOD_STYLE = 0.5  # from here on a discriminator that cannot tell is good news
MEMORISES_ABOVE = 0.15  # gap between the shares of demonstrations recognised
ONE_ACTION_ABOVE = 0.95  # share of the decisions
NO_ENTROPY_BELOW = 0.005  # of 1
LOSS_GROWS_TO = 10.0  # times what it was
LOSS_IN_A_ROW = 3
FALLS = 4  # evaluations, each worse than the one before it
FALLS_BY = 0.25  # of the range that the score has been through
BATCHES_HELD = 20  # that the replay buffer should hold at least
ALWAYS = 0.95  # share of steps whose style reward has the same sign
LONGER, SHORTER = 1.3, 0.7  # times the demonstrations' length
MOVED = 0.1  # change of the length since the first evaluation
FAR = 2.0  # times the demonstrations' length, or shorter by it: no clumsy play explains that


@dataclass(frozen=True)
class RunFacts:
    """What the checks know of a run beside its log.

    style_form, policy: as in the settings, resolved; style_form "" without a discriminator
    replay_size, num_envs, batch_size: as in the settings
    demonstration_ticks: mean length of a demonstrated episode, 0 without demonstrations
    demonstrated_transitions: how many are learned from
    evaluation_episodes, max_frames: as in the settings
    """

    style_form: str = ""
    policy: str = "soft"
    replay_size: int = 200_000
    num_envs: int = 128
    batch_size: int = 512
    demonstration_ticks: float = 0.0
    demonstrated_transitions: int = 0
    evaluation_episodes: int = 40
    max_frames: int = ROUND_FRAMES


@dataclass(frozen=True)
class Alarm:
    """name: of the check; text: what is seen, what it means, what to change."""

    name: str
    text: str


Check = Callable[[Sequence[Line], RunFacts], str | None]


def new_alarms(lines: Sequence[Line], facts: RunFacts) -> list[Alarm]:
    """Alarms that the last of `lines` raises and that no earlier line has named."""
    known = {alarm["name"] for line in lines[:-1] for alarm in line.get("alarms", [])}
    # A clone has not been trained by any reward yet.
    trained = [line for line in lines if line.get("phase") != "clone"]
    raised = []
    for name, check in CHECKS.items():
        if name not in known and trained:
            text = check(trained, facts)
            if text is not None:
                raised.append(Alarm(name, text))
    return raised


def figures(lines: Sequence[Line], path: str) -> list[float]:
    """The figures at `path` ("discriminator/memorising_gap") of the lines that have it."""
    found = []
    for line in lines:
        value: Any = line
        for key in path.split("/"):
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, int | float):
            found.append(float(value))
    return found


def episode_lengths(lines: Sequence[Line]) -> list[float]:
    """Mean length of an episode in each evaluation, in steps of the agent."""
    return figures(lines, "episode_ticks") or figures(lines, "length/mean")


def all_are_cut(lines: Sequence[Line], facts: RunFacts) -> bool:
    """Whether no episode of these evaluations came to its end."""
    cut = figures(lines, "cut")
    return len(cut) == len(lines) and min(cut, default=0) >= facts.evaluation_episodes


def _latest(lines: Sequence[Line], path: str, count: int) -> list[float]:
    """The last `count` figures at `path`; none where there are fewer."""
    values = figures(lines, path)
    return values[-count:] if len(values) >= count else []


# ----------------------------------------------------------------------------- the discriminator


def discriminator_wins(lines: Sequence[Line], facts: RunFacts) -> str | None:
    """The balanced accuracy of its training is above the band by far."""
    seen = _latest(lines, "balanced_accuracy", IN_A_ROW)
    if not seen or min(seen) <= WINS_ABOVE:
        return None
    return (
        f"The discriminator tells demonstrations from the agent's play in {_percent(seen[-1])} of "
        f"cases (wanted: {_percent(BAND[0])} to {_percent(BAND[1])}). Whatever the agent tries "
        f"looks wrong to it, so its reward no longer says which try was better. Make it weaker: "
        f"--discriminator-rate 1e-4, --discriminator-dropout 0.3 or --gradient-penalty 1; an agent "
        f"that began with random weights is nearer to them with --warm-start."
    )


def discriminator_memorises(lines: Sequence[Line], facts: RunFacts) -> str | None:
    """It recognises far more of the demonstrations it learns from than of those held out."""
    seen = _latest(lines, "discriminator/memorising_gap", IN_A_ROW)
    if not seen or min(seen) <= MEMORISES_ABOVE:
        return None
    return (
        f"The discriminator recognises {_percent(seen[-1])} more of the demonstrations that it "
        f"learns from than of those held out from it: it knows them by heart instead of what is "
        f"typical of them, and its reward asks the agent to repeat single moments. Record more "
        f"demonstrations (it learns from {facts.demonstrated_transitions:,} transitions), or use "
        f"--discriminator-dropout 0.3, --gradient-penalty 1 or a smaller --discriminator-width."
    )


def discriminator_cannot_tell(lines: Sequence[Line], facts: RunFacts) -> str | None:
    """It is right about half the time, and not because the agent has become alike."""
    seen = _latest(lines, "balanced_accuracy", CANNOT_TELL_IN_A_ROW)
    style = figures(lines, "style")
    if not seen or max(seen) >= CANNOT_TELL_BELOW or (style and style[-1] >= GOOD_STYLE):
        return None
    like = (
        f"and with a style score of {style[-1]:.2f} the agent does not play alike yet"
        if style
        else "and no style score says that the agent plays alike"
    )
    return (
        f"The discriminator is right in only {_percent(seen[-1])} of cases, little better than a "
        f"coin, {like}: its reward is noise. Let it see more or learn faster: a larger "
        f"--discriminator-window, --discriminator-width 256 or --discriminator-rate 1e-3."
    )


# ----------------------------------------------------------------------------------- the policy


def one_action(lines: Sequence[Line], facts: RunFacts) -> str | None:
    """Nearly every decision is the same."""
    seen = _latest(lines, "decisions/largest_share", IN_A_ROW)
    if not seen or min(seen) <= ONE_ACTION_ABOVE:
        return None
    action = lines[-1].get("decisions", {}).get("most_chosen", "one action")
    return (
        f"The agent chooses “{action}” in {_percent(seen[-1])} of its decisions: the policy has "
        f"collapsed to one action. It then sees nothing else to learn from. Go back to exploring: "
        f"a higher --temperature (or --epsilon, for a greedy policy), a lower --learning-rate, or "
        f"demonstrations to start from (--demos)."
    )


def entropy_gone(lines: Sequence[Line], facts: RunFacts) -> str | None:
    """A soft policy that is sure of everything."""
    seen = _latest(lines, "decisions/entropy", IN_A_ROW)
    if facts.policy != "soft" or not seen or max(seen) >= NO_ENTROPY_BELOW:
        return None
    return (
        f"The soft policy is sure of every action (entropy {seen[-1]:.4f} of 1): it no longer "
        f"tries anything, and where it is wrong it cannot find out. The values have grown far "
        f"beyond the temperature: raise --temperature, or lower --style-weight or --game-weight."
    )


def loss_diverges(lines: Sequence[Line], facts: RunFacts) -> str | None:
    """The loss grows from evaluation to evaluation and is many times what it was."""
    values = figures(lines, "temporal_difference_loss")
    if len(values) <= LOSS_IN_A_ROW:
        return None
    before, latest = values[:-LOSS_IN_A_ROW], values[-LOSS_IN_A_ROW - 1 :]
    usual = sorted(before)[len(before) // 2]
    grows = all(first < second for first, second in pairwise(latest))
    if not grows or latest[-1] < LOSS_GROWS_TO * usual:
        return None
    return (
        f"The loss has grown in {LOSS_IN_A_ROW} evaluations running, from {usual:.3g} to "
        f"{latest[-1]:.3g}: the values feed on their own errors. Lower --learning-rate, "
        f"--target-tau or --gamma. The best model so far is kept in any case."
    )


def not_a_number(what: str, step: int) -> Alarm:
    """The alarm that stops a run: raised by the loop itself, as no line of figures can follow."""
    return Alarm(
        NOT_A_NUMBER,
        f"NaN or infinity in the {what} at step {step:,}: the values have run away, and every "
        f"update from here on would only spread it. The run has stopped; its last good "
        f"checkpoint and its best model are kept. Train again with a lower --learning-rate (a "
        f"tenth), --discriminator-rate or --gamma.",
    )


def nothing_learned(warm_up: int, step: int) -> Alarm:
    """The alarm of a run that ended before its first update."""
    return Alarm(
        NOTHING_LEARNED,
        f"The run ended at step {step:,} without a single update: learning begins after --warm-up "
        f"{warm_up:,} steps, and the model is what the run began with. Give it more --minutes, or "
        f"a smaller --warm-up.",
    )


# ------------------------------------------------------------------------------- data and progress


def replay_too_small(lines: Sequence[Line], facts: RunFacts) -> str | None:
    """The buffer does not hold one episode of each env, or only a few batches."""
    held = facts.replay_size / facts.num_envs
    # How long an episode is that never ends, only a setting says.
    lengths = [] if all_are_cut(lines[-1:], facts) else episode_lengths(lines)
    if lengths and held < lengths[-1]:
        seen = (
            f"The replay buffer holds the last {held:,.0f} ticks of each env, and an episode lasts "
            f"{lengths[-1]:,.0f}"
        )
    elif facts.replay_size < BATCHES_HELD * facts.batch_size:
        seen = (
            f"The replay buffer holds {facts.replay_size:,} transitions, fewer than {BATCHES_HELD} "
            f"batches of {facts.batch_size:,}"
        )
    else:
        return None
    need = int(max(BATCHES_HELD * facts.batch_size, 2 * facts.num_envs * max([0.0, *lengths[-1:]])))
    return (
        f"{seen}: the agent learns from what has just happened alone and forgets how episodes "
        f"begin or end. Use --replay-size {need} or more."
    )


def evaluation_falls(lines: Sequence[Line], facts: RunFacts) -> str | None:
    """The score that selects the model is worse at each of the last evaluations."""
    values = _latest(lines, "score", FALLS + 1)
    falls = [first - second for first, second in pairwise(values)]
    scores = figures(lines, "score")
    if not falls or min(falls) <= 0 or sum(falls) < FALLS_BY * (max(scores) - min(scores)):
        return None
    best = max((line for line in lines if "score" in line), key=lambda line: line["score"])
    return (
        f"The score that chooses the model has fallen in {FALLS} evaluations running, from "
        f"{values[0]:.2f} to {values[-1]:.2f}: the run is past its best (kept: "
        f"{best['score']:.2f}, of step {best['steps']:,}). Training on is no use; to get further, "
        f"train again with a lower --learning-rate or a larger --replay-size."
    )


def no_end(lines: Sequence[Line], facts: RunFacts) -> str | None:
    """Every episode is cut off."""
    if not all_are_cut(lines[-IN_A_ROW:], facts) or len(lines) < IN_A_ROW:
        return None
    return (
        f"None of {facts.evaluation_episodes} episodes came to its end: each was cut off after "
        f"--max-frames {facts.max_frames:,}. Where a loop of your own has an end, tick has to say "
        f"over=True in its frame. Where there is none, or the agent does not find it yet, a "
        f"smaller --max-frames begins anew oftener, and learns and evaluates faster."
    )


# -------------------------------------------------------------------------------- termination bias


def termination_bias(lines: Sequence[Line], facts: RunFacts) -> str | None:
    """The style reward has one sign at every step, and episodes move to where that pays more.

    Which way it pays, the values say: what going on is worth (the mean value) beside what the end
    is worth (that of the absorbing state). `advantage` is left out: its reward log pi is below 0
    at every step by construction, and the policy's entropy makes up for it (learn/rewards.py).
    """
    lengths = episode_lengths(lines)
    positive, values = figures(lines, "style_reward/positive"), figures(lines, "mean_value")
    if facts.style_form in ("", "advantage") or not facts.demonstration_ticks:
        return None
    if len(lengths) < IN_A_ROW or not positive or not values:
        return None
    mean = figures(lines, "style_reward/mean")[-1]
    end = figures(lines, "style_reward/end_value")[-1]
    ratios = [length / facts.demonstration_ticks for length in lengths[-IN_A_ROW:]]
    change = lengths[-1] / lengths[0] - 1
    if 1 - ALWAYS < positive[-1] < ALWAYS:
        return None
    longer = min(ratios) >= (LONGER if change >= MOVED else FAR)
    shorter = max(ratios) <= (SHORTER if change <= -MOVED else 1 / FAR)
    if values[-1] > end and longer:
        pays, times = "merely staying alive pays", f"{ratios[-1]:.1f} times as long as"
    elif values[-1] < end and shorter:
        pays, times = "ending soon pays, even by losing", f"only {_percent(ratios[-1])} as long as"
    else:
        return None
    trend = f"{'up' if change > 0 else 'down'} {_percent(abs(change))} since the first evaluation"
    sign = "positive" if mean > 0 else "negative"
    return (
        f"The style reward is {sign} at nearly every step ({mean:+.2f} on average), so that it "
        f"matters how long the agent plays and not how: going on is worth {values[-1]:+.2f}, "
        f"ending {end:+.2f}, and {pays}. Episodes are {times} the demonstrations' "
        f"({lengths[-1]:.0f} steps to {facts.demonstration_ticks:.0f}; {trend}). Use --style-form "
        f"advantage, whose reward leans neither way."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if math.isfinite(share) else "?"


CHECKS: dict[str, Check] = {
    "discriminator wins": discriminator_wins,
    "discriminator memorises": discriminator_memorises,
    "discriminator cannot tell": discriminator_cannot_tell,
    "one action": one_action,
    "entropy gone": entropy_gone,
    "loss diverges": loss_diverges,
    "replay too small": replay_too_small,
    "evaluation falls": evaluation_falls,
    "no end": no_end,
    "termination bias": termination_bias,
}
