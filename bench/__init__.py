"""Side-by-side benchmarks: this program, Ansible, pyinfra and a bare script, on the same machines."""
