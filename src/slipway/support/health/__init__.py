"""Asking services how they are: one file a kind of probe, one for patience, one for smoke tests."""
