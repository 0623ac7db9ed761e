"""The ledger in the warehouse: what differs from what Drift accepted, Drift's answers, the lock, the history."""
