"""Those who are compared, each with the best settings that its own documentation names."""
