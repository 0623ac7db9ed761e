"""A local Drift: serves the contract of Drift's contact API on loopback, for demos, tests and CI."""
