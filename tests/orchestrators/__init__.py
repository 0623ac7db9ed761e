"""Each integration against the real tool, in an environment that has it: `make test-orchestrators`."""
