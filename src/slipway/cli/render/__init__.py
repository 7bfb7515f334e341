"""How results look: text for people and CI logs, JSON for programs. Data in, text out."""
