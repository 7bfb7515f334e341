"""Traefik in front of the app: its configuration as data, and every change confirmed."""
