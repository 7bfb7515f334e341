"""Keeping programs running: one supervisord per environment."""
