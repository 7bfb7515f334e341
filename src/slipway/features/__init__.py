"""Everything beyond the core verbs; features do not know each other."""
