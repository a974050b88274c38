"""A machine's own network: its address, gateway and name servers, whichever program manages them."""
