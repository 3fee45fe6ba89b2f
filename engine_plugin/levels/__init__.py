"""Levels as data: the corpus that generators learn from, how levels are measured, how they are
stored."""
