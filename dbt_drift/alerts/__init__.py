"""Tells people, once, what changed for the worse in a run, and once that it is well again."""
