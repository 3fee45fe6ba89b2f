"""The plugin in a loop of one's own: a trained agent against a scripted player, as text.

    python examples/duel.py

Everything the agent needs is `engine_plugin.runtime`; the game here is Blast, stepped by hand.
"""

import numpy as np

import engine_plugin as ai
import fastenv

SYMBOLS = ".#+*o@"      # floor, wall, crate, range item, bomb item, bomb


def draw(view: dict) -> str:
    rows = [[SYMBOLS[content] for content in row] for row in view["tiles"]]
    for row, column in np.argwhere(view["flames"]):
        rows[row][column] = "~"
    for name, player in zip("AB", view["players"], strict=True):
        rows[player["row"]][player["column"]] = name if player["alive"] else "x"
    return "\n".join("".join(row) for row in rows)


def main() -> None:
    spec = fastenv.game_spec("blast")
    generator = ai.load_generator("blast/generator")
    generated = generator.generate(1, seed=4, conditions={"crates": 0.3, "symmetry": "rotate"})[0]
    level = fastenv.Level.from_tiles(generated.tiles, spec)

    policy = ai.load_policy("blast/hard", layout_hash=spec.layout_hash)
    agent = ai.AgentController(policy, seed=1)
    foe = fastenv.make_bot("hunter")

    game = fastenv.make_batch("blast", num_envs=1, seed=2, levels=[level], autoreset=False)
    while not game.terminated[0]:
        ours = agent.tick(
            game.observations[0, 0], game.legal_mask[0, 0], game.survivable_mask()[0, 0]
        )
        theirs = foe.act(game, 1)[0]
        game.step(np.array([[ours, theirs]], np.uint8))
    view = game.snapshot(0)
    print(draw(view))
    outcome = {1: "A, the agent, wins", 0: "a draw", -1: "B, the hunter, wins"}
    print(f"tick {view['tick']}: {outcome[int(game.rewards[0, 0])]}")
    latency = agent.latency_percentiles()
    print(f"a decision takes {latency['p50_ms']:.2f} ms (p99 {latency['p99_ms']:.2f} ms)")


if __name__ == "__main__":
    main()
