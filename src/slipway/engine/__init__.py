"""Carries out plans: one loop that runs steps, and one verb a file."""
