"""What a machine runs: packages, artifacts, images, the container runtime, the kubelet."""
