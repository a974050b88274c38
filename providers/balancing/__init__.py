"""Load balancing in front of the Kubernetes API."""
