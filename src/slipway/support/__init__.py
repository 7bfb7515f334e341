"""Knows nothing of the rest: secrets, health, telemetry, processes, clock, files."""
