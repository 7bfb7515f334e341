"""Slipway: one command line, `deploy`, takes a Compose application to production and back."""

__version__ = "0.1.0"
