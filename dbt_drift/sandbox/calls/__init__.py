"""What the sandbox answers to each call of the Drift API, and what it stores."""
