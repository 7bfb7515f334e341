"""Who listens where, and how services are told: addresses and the rewriting of names."""
