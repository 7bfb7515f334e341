"""The append-only record of runs, the releases, and the lease: all over one `Store`."""
