"""One-off work on a ledger: adopt, untag, forget, rename, rebuild, status."""
