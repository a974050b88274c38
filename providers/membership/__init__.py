"""A node's place in the cluster: kubeadm, keys, labels, and the rules for leaving."""
