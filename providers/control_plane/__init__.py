"""Static pods of a control plane: their manifests, options and restarts."""
