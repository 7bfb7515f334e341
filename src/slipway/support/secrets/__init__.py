"""Secrets: placeholders in data, values only in an encrypted store and in the processes."""
