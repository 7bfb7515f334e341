"""Shipped fakes for tests: a Platform that fails where told, a clock that jumps."""
