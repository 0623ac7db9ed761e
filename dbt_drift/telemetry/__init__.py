"""What a run does, as OpenTelemetry traces and metrics and as OpenLineage events; imports neither unless asked to."""
