"""What each step of a plan does here: one file for a kind, or a small group of kinds."""
