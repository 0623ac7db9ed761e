"""Many contacts at once: threads, retries and waiting, within one quota."""
