"""What happens to a request before the sandbox answers it: logged, throttled, failed."""
