"""OAuth: signs in to Drift, stores the tokens and renews them."""
