"""The Drift client: requests, the rate limit, retries, and the steps that bring one contact to what the model says."""
