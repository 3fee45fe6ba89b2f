"""Training: the DQN, the discriminator, the level GAN, and what judges their results."""
