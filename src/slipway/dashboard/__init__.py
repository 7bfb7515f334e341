"""Shows Status in a browser; no logic."""
