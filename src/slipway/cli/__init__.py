"""One file a command: parse, call, print. No logic, and the only layer that prints."""
