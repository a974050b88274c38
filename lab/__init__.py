"""What stands in for hardware and for the internet: simulated boards, and the bundle they install from."""
