"""The command line: parses, calls, prints. What a command does is elsewhere."""
