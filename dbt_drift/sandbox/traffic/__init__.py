"""Handles requests before they are answered: request log, rate limit, faults."""
