"""Our own `tls` plugin: keys, requests and certificates as the official one makes them."""
