"""What a run does, as OpenTelemetry traces and metrics; nothing is imported unless the environment asks for it."""
