"""Long tests: `make soak`. They take minutes, and their figures stand in docs/soak.md."""
