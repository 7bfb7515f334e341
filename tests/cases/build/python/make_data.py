from pathlib import Path

Path("data/made.txt").write_text("made while building\n")
