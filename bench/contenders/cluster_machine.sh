# What cluster.sh has each machine do as root, once its files and packages are there: name, clock, kernel,
# packages, services. dpkg takes the configuration that lies there already, so that a service starts once.
set -eu
hostname -F /etc/hostname
systemctl restart systemd-timesyncd
[ ! -e /etc/modules-load.d/kubernetes.conf ] || modprobe -a $(cat /etc/modules-load.d/kubernetes.conf)
[ ! -e /etc/sysctl.d/99-kubernetes.conf ] || sysctl -q -p /etc/sysctl.d/99-kubernetes.conf
DEBIAN_FRONTEND=noninteractive dpkg --force-unsafe-io --force-confold -i /tmp/debs/*.deb
rm -rf /tmp/debs
if [ -e /etc/haproxy/haproxy.cfg ]; then
  systemctl is-active -q haproxy
else
  echo containerd hold | dpkg --set-selections
  systemctl enable -q kubelet
  systemctl is-active -q containerd
fi
for try in $(seq 360); do
  [ "$(timedatectl show -p NTPSynchronized --value)" != yes ] || exit 0
  sleep 0.5
done
echo 'the clock is not in step' >&2
exit 1
