"""First-boot files for a freshly flashed card: user with key, host name, static address."""
