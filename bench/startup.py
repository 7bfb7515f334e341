"""How long the program takes to say anything: --version, --help (medians of 20)."""

from __future__ import annotations

from _bench import deploy, report, timed

if __name__ == "__main__":
    for option, target in (("--version", 0.100), ("--help", 0.150)):
        report(f"startup {option}", timed(lambda option=option: deploy(option), 20), target)
