"""`python -m slipway`: the same program as `deploy`."""

from slipway.cli.main import main

if __name__ == "__main__":
    main()
