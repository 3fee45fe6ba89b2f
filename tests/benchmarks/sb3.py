"""Stable-Baselines3's DQN trains on the Gymnasium env as it is, in an environment of its own.

    python tests/benchmarks/sb3.py --game race --steps 4000 --json

The environment (see sb3_environment.py) is made in a temporary folder and thrown away;
--environment FOLDER keeps it for the next time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from sb3_environment import sb3_python, with_our_packages

# Runs in the environment of its own; nothing in it knows fastenv but the env's name.
TRAINING = """
import json, sys, time
import gymnasium, numpy as np, stable_baselines3, torch
from stable_baselines3 import DQN
from stable_baselines3.common.env_checker import check_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor

name, steps = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(1)
check_env(gymnasium.make(name).unwrapped)
model = DQN("MlpPolicy", gymnasium.make(name, opponent="idle"), learning_starts=500, seed=1)
start = time.perf_counter()
model.learn(steps)
seconds = time.perf_counter() - start
judged = Monitor(gymnasium.make(name, opponent="idle"))
reward, _ = evaluate_policy(model, judged, n_eval_episodes=10)
print(json.dumps({
    "env": name, "steps": model.num_timesteps, "updates": model._n_updates,
    "steps_per_second": round(steps / seconds, 1), "mean_reward_against_idle": float(reward),
    "stable_baselines3": stable_baselines3.__version__, "torch": torch.__version__,
    "gymnasium": gymnasium.__version__,
}))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--game", choices=("blast", "race"), default="blast")
    parser.add_argument("--steps", type=int, default=4_000)
    parser.add_argument("--environment", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    env_id = f"fastenv.adapters.gymnasium:fastenv/{options.game.capitalize()}-v0"
    with sb3_python(options.environment) as python:
        run = subprocess.run(
            [python, "-c", TRAINING, env_id, str(options.steps)],
            stdout=subprocess.PIPE,
            text=True,
            env=with_our_packages(),
            check=True,
        )
    result = json.loads(run.stdout.splitlines()[-1])
    if options.json:
        print(json.dumps(result))
    else:
        print("\n".join(f"{name}: {value}" for name, value in result.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
