"""Databases and caches as plain local programs, with the semantics of their official images."""
