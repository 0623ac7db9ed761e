"""One request to the Drift API and its answer: URL, token, rate limit, retries."""
