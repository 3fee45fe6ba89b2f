"""Whose play is this? A style classifier that has never seen what the agent learned from.

    python tests/benchmarks/style_classifier.py MODEL... [--episodes 200]
        [--out runs/style-classifier]

Trains one clone for each scripted player, `survivor` among them, on recordings of a seed that no
agent's demonstrations come from. An episode is then given to the player whose clone finds its
decisions likeliest, the sum of log pi(a | s) over them: the classifier of a maximum likelihood with
equal priors. Prints first how often it is right about fresh episodes of the players themselves,
without which the rest would mean nothing, then to whom it gives each model's episodes, with 95 %
intervals. What is there already is kept.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from command_line import command

import fastenv
from engine_plugin.learn.agents import Agent, load_agent
from engine_plugin.learn.intervals import share_with_interval
from engine_plugin.learn.matches import play_matches
from engine_plugin.levels.source import levels_from
from engine_plugin.runtime.policy import Policy, load_policy
from engine_plugin.trajectory import Episode

PLAYERS = ("hunter", "miner", "turtle", "rusher", "survivor")
OPPONENTS = ("survivor", "hunter")  # as of every recording
TRANSITIONS = 12_000
LEAST = np.log(0.001)
LEARNED_FROM, JUDGED_ON = 77, 1  # seeds: of the clones' recordings, of the episodes judged


def clone_of(player: str, folder: Path) -> Policy:
    """The player's clone, recorded and trained first where that was not done yet."""
    demos, run = folder / f"{player}.npz", folder / player
    if not (run / "model.onnx").exists():
        command(
            "record", "--player", player, "--out", str(demos), "--transitions", str(TRANSITIONS),
            "--seed", str(LEARNED_FROM), "--force",
        )  # fmt: skip
        command(
            "train", "policy", "--reward", "none", "--demos", str(demos), "--out", str(run),
            "--threads", "1", "--seed", str(LEARNED_FROM), "--force",
        )  # fmt: skip
    return load_policy(str(run / "model.onnx"))


def decisions(episode: Episode) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What seat 0 saw, uint8 [ticks, obs_size], was allowed by the rules, and did."""
    spec = fastenv.game_spec("blast")
    level = fastenv.Level.from_tiles(episode.level, spec)
    batch = fastenv.make_batch(spec.name, 1, levels=[level], autoreset=False)
    batch.load_state(0, episode.state)
    seen, allowed = [], []
    for actions in episode.actions:
        seen.append(batch.observations[0, 0].copy())
        allowed.append(batch.legal_mask[0, 0].copy())
        batch.step(actions[None])
    return np.array(seen), np.array(allowed), episode.actions[:, 0]


def episodes_of(agent: Agent, count: int) -> list[Episode]:
    """`count` episodes of the agent in seat 0, against the opponents of the recordings in turn."""
    spec = fastenv.game_spec("blast")
    levels = levels_from("generator", spec, JUDGED_ON)
    played = []
    for number, opponent in enumerate(OPPONENTS):
        seats = [agent.fresh(JUDGED_ON), load_agent(opponent, spec)]
        share = count // len(OPPONENTS) + (number < count % len(OPPONENTS))
        matches = play_matches(spec, seats, share, JUDGED_ON + number, levels)
        played += [matches.episode(match) for match in range(share)]
    return played


def likeliest(episode: Episode, clones: dict[str, Policy]) -> str:
    """The player whose clone finds the episode's decisions likeliest."""
    seen, allowed, actions = decisions(episode)
    scores = {
        player: log_likelihood(clone, seen, allowed, actions) for player, clone in clones.items()
    }
    return max(scores, key=lambda player: scores[player])


def log_likelihood(
    clone: Policy, seen: np.ndarray, allowed: np.ndarray, actions: np.ndarray
) -> float:
    """Sum over the decisions of log pi(a | s) under the clone; no decision counts less than
    LEAST, so that a single one cannot settle an episode."""
    values = clone.q_values(seen, allowed).astype(np.float64) / clone.card.decision.temperature
    values -= values.max(axis=1, keepdims=True)
    logs = values - np.log(np.exp(values).sum(axis=1, keepdims=True))
    return float(np.maximum(logs[np.arange(len(actions)), actions], LEAST).sum())


def report(name: str, agent: Agent, clones: dict[str, Policy], count: int) -> None:
    given = [likeliest(episode, clones) for episode in episodes_of(agent, count)]
    shares = []
    for player in PLAYERS:
        share = share_with_interval(given.count(player), count)
        shares.append(f"{share['share']:4.0%} ({share['low']:3.0%}-{share['high']:4.0%})")
    print(f"{name:32} " + "  ".join(shares), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("models", nargs="*", help="model files, or names of shipped models")
    parser.add_argument("--episodes", type=int, default=200)
    parser.add_argument("--out", default="runs/style-classifier")
    given = parser.parse_args()
    folder = Path(given.out)
    folder.mkdir(parents=True, exist_ok=True)
    clones = {player: clone_of(player, folder) for player in PLAYERS}
    spec = fastenv.game_spec("blast")
    print(f"{'episodes of, taken for':32} " + "  ".join(f"{player:15}" for player in PLAYERS))
    for name in [*PLAYERS, *given.models]:
        report(name, load_agent(name, spec), clones, given.episodes)


if __name__ == "__main__":
    main()
