#!/usr/bin/env bash
# Boards to a verified cluster by hand: parallel ssh, one connection to each machine, as tuned as a script
# gets. Argument: the directory that cluster_script.py wrote (each machine's files, lists, documents).
#
# The first control plane gets its files before all others, since init and the joins after it are the
# longest way; what others need comes meanwhile (with `together` in the lists, all get theirs at once). Images
# go through one stream into containerd, with no copy on the disk. Nothing is summed, synced or kept for a way
# back, and no step is asked for twice.
set -euo pipefail
cd "$1"
. ./rack.sh
began=${EPOCHREALTIME/./}
admin='kubectl --kubeconfig /etc/kubernetes/admin.conf'
first=${control_planes%% *}
rm -rf formed pki log
mkdir log

say() { printf '%5d.%d s  %s\n' $(((${EPOCHREALTIME/./} - began) / 1000000)) $(((${EPOCHREALTIME/./} - began) / 100000 % 10)) "$*"; }
die() { say "FAILED: $*"; tail -n 20 "log/$1" 2>/dev/null || :; exit 1; }
leave() {
  local status=$? name
  trap - EXIT
  # shellcheck disable=SC2046
  [ "$status" = 0 ] || kill $(jobs -p) 2>/dev/null || :
  for name in $machines; do ssh -F ssh_config -O exit "$name" 2>/dev/null || :; done
  exit "$status"
}
trap leave EXIT

on() { local name=$1; shift; ssh -F ssh_config "$name" sudo -n "$@"; }
declare -A job
# a subshell of its own: behind && or in a condition, `set -e` would not hold within the function
start() { local key=$1; shift; ( "$@"; say "$key" >&3 ) 3>&1 >"log/$key" 2>&1 & job[$key]=$!; }
await() { local key; for key; do wait "${job[$key]}" || die "$key"; done; }

# Certificates: the CAs and the service accounts' key are made here, so that every machine has them at once.
authority() { # file, common name
  mkdir -p "pki/$(dirname "$1")"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=$2" \
    -addext keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign \
    -keyout "pki/$1.key" -out "pki/$1.crt"
}
certificates() {
  local name hash token
  umask 077
  authority ca kubernetes
  authority front-proxy-ca front-proxy-ca
  authority etcd/ca etcd-ca
  cp pki/ca.crt pki/signing.crt
  openssl ecparam -name prime256v1 -genkey -noout -out pki/sa.key
  openssl ec -in pki/sa.key -pubout -out pki/sa.pub
  hash=sha256:$(openssl x509 -in pki/ca.crt -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1)
  token=$(openssl rand -hex 3).$(openssl rand -hex 8)
  for name in $control_planes $workers; do
    sed "s/TOKEN/$token/; s/CA_HASH/$hash/" "kubeadm/$name.yaml" >"roots/$name/var/tmp/bench/kubeadm.yaml"
  done
  for name in $control_planes; do
    rm -rf "roots/$name/etc/kubernetes/pki"
    cp -r pki "roots/$name/etc/kubernetes/pki"
  done
}

# One machine: its own files with the packages, beside them the programs; then the images. Directories are
# in no archive: tar would shut those that are there, / and /etc among them, while it unpacks.
base() { # machine, packages
  # shellcheck disable=SC2046,SC2086
  tar -c --owner=0 --group=0 --transform 's,^debs/,tmp/debs/,' -C "roots/$1" $(cd "roots/$1" && find . -type f) \
    -C "$bundle" $2 | on "$1" "sh -c 'tar -x -C / && sh /var/tmp/bench/machine.sh'"
}
programs() {
  # shellcheck disable=SC2086
  tar -c --owner=0 --group=0 --transform 's,^bin/,usr/bin/,;s,^cni/,opt/cni/bin/,' -C "$bundle" $programs |
    on "$1" tar -x -C /
}
import() { # machine, archives: tar hands each to containerd as it comes
  # shellcheck disable=SC2086
  tar -c -C "$bundle" $2 | on "$1" "tar -x --to-command='ctr -n k8s.io images import -'"
}
connect() { ssh -F ssh_config -o ControlMaster=yes -o ControlPersist=yes -fN "$1"; }
balancer() { connect "$1"; base "$1" "$balancer_debs"; }
node() { # machine, images
  local sent
  connect "$1"
  programs "$1" &
  sent=$!
  base "$1" "$node_debs"
  import "$1" "$2"
  wait "$sent"
}

# The cluster.
init() { on "$1" kubeadm init --config /var/tmp/bench/kubeadm.yaml; }
join() { on "$1" kubeadm join --config /var/tmp/bench/kubeadm.yaml; }
worker() {
  node "$1" "$worker_images"
  until [ -e formed ]; do sleep 0.1; done
  join "$1"
}
# the next control plane joins when this one's own API server is ready, so that etcd's quorum is whole
join_control_plane() {
  join "$1"
  on "$1" sh -s -- "${address[$1]}" <<END
for try in \$(seq 300); do
  $admin --server "https://\$1:6443" --request-timeout=5s get --raw /readyz >/dev/null && exit
  sleep 0.2
done
exit 1
END
}
objects() { on "$first" "$admin" apply --server-side -f - <objects.json; }
label() {
  on "$first" sh -s <<END
set -e
while read -r node labels; do $admin label --overwrite node "\$node" \$labels; done <<'LABELS'
$(cat labels)
LABELS
END
}
# What the program's own proof asks: all nodes Ready, all system pods ready, and from a pod on every node
# an answer of DNS and of the API's service address. That pod is asked for as soon as every node has its
# network: earlier, the kubelet would fail to make it and pause for ten seconds.
verify() {
  on "$first" bash -s -- $control_planes $workers <<END
form='{range .items[*]}{.kind}|{.metadata.name}|{.spec.nodeName}|{.status.phase}|{.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}'
deadline=\$((SECONDS + $timeout)) asked=
while [ \$SECONDS -lt \$deadline ]; do
  if found=\$($admin get nodes,pods -A -o jsonpath="\$form"); then
    unready=\$(grep '^Pod|' <<<"\$found" | grep -v '|True\$' | grep -v '|Succeeded|' | cut -d'|' -f2 | sed 's/^/ pod /' | tr -d '\n')
    missing=
    for node; do
      grep -q "^Node|\$node|.*|True\$" <<<"\$found" || missing+=" node \$node"
      grep -q "^Pod|kube-flannel-[^|]*|\$node|Running|True\$" <<<"\$found" || missing+=" network of \$node"
    done
    if [ -z "\$asked" ] && [ -z "\$missing" ]; then
      $admin apply --server-side -f /var/tmp/bench/probe.json && asked=yes
      continue
    fi
    for node; do
      grep -q "^Pod|$probe_name-[^|]*|\$node|Running|True\$" <<<"\$found" || missing+=" DNS and service address on \$node"
    done
    [ -n "\$missing\$unready" ] || exit 0
    echo "waiting for\$missing\$unready"
  fi
  sleep 0.5
done
exit 1
END
}
finish() {
  on "$first" "$admin" -n kube-system delete daemonset "$probe_name" --wait=false
  on "$first" cat /etc/kubernetes/admin.conf >kubeconfig
}

( certificates ) >log/certificates 2>&1 || die certificates
say certificates
for name in $load_balancers; do start "$name" balancer "$name"; done
start "$first" node "$first" "$control_plane_images"
[ -n "$together" ] || await "$first"
for name in ${control_planes#"$first"}; do start "$name" node "$name" "$control_plane_images"; done
for name in $workers; do start "$name" worker "$name"; done
for name in $load_balancers; do await "$name"; done
[ -z "$together" ] || await "$first"
start init init "$first"
await init
touch formed
start objects objects
for name in ${control_planes#"$first"}; do
  await "$name"
  start "join-$name" join_control_plane "$name"
  await "join-$name"
done
await objects
for name in $workers; do await "$name"; done
start label label
start verify verify
await label verify
start finish finish
await finish
say 'verified'
