"""What the program does on machines: managed things, and the adapter that makes them Pulumi resources."""
