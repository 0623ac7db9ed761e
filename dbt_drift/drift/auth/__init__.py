"""OAuth: signing in to Drift, keeping the tokens, renewing them."""
