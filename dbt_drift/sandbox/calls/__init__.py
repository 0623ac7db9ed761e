"""The sandbox's answers to each call of the Drift API, and its stored data."""
