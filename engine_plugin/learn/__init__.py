"""Training: the DQN, the discriminator, the level GAN, and what judges their results."""

import os

# Read by TensorFlow when it is imported: its start-up notices are of no use to people who train.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
