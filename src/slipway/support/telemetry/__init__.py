"""The one stream of events that every view reads (`events`), and what it is measured with."""
