"""Strategies, written once over revisions and weights."""
