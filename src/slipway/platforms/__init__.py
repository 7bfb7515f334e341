"""Where apps run: the contract (`protocol`), its finder (`registry`), a folder a platform."""
