"""App + Observed -> Plan: pure functions over data, no I/O."""
