"""One request to the Drift API and its answer: where it goes, with what token, how fast, how often."""
