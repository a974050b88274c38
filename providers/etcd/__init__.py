"""External etcd: members on machines of their own, run as static pods by a kubelet without a cluster."""
