"""Journal + observed -> one document: what the CLI, JSON, the dashboard and alerts show."""
