"""From what differs to Drift and back: plans, runs, guards, and the report of what happened."""
