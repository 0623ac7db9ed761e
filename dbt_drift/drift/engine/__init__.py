"""Many contacts at once: threads, retries and waiting, under one quota."""
