"""How options of the SSH server get into place: judged by what would take effect, then written and read."""

from __future__ import annotations

LOCKED_OUT = 4
"""The status of the script when the options would lock us out."""

# Everything is judged on a copy: nothing in /etc changes before it is known to be good.
INSTALL = r"""
set -u; umask 022; PATH=$PATH:/usr/sbin:/sbin
main=$1 drop_in=$2 pending=$3 by_password=$4 user=${SUDO_USER:-$(id -un)}
include='^[[:space:]]*[Ii][Nn][Cc][Ll][Uu][Dd][Ee][[:space:]]*"\{0,1\}\(/etc/ssh/\)\{0,1\}sshd_config\.d/\*\.conf.*'
work=$(mktemp -d) || exit; trap 'rm -rf "$work"' EXIT
cat > "$work/block"; mkdir "$work/d"
if grep -q "$include" "$main"; then
  target=$drop_in; new=$work/d/${drop_in##*/}
  cp "${drop_in%/*}"/*.conf "$work/d/" 2>/dev/null
  rm -f "$new"; [ ! -s "$work/block" ] || cp "$work/block" "$new"
  sed "s|$include|Include $work/d/*.conf|" "$main" > "$work/main"
else
  target=$main; new=$work/main
  { cat "$work/block"; sed '/^# BEGIN helicon/,/^# END helicon/d' "$main"; } > "$new"
fi
refuse() { echo "$1" >&2; exit 4; }
value() { sed -n "s/^$1 //p" "$work/effective" | head -n 1; }

[ -e /run/sshd ] || mkdir -p -m 755 /run/sshd
sshd -t -f "$work/main" || exit 1
sshd -T -f "$work/main" -C "user=$user,host=localhost,addr=127.0.0.1" > "$work/effective" 2>/dev/null ||
  sshd -T -f "$work/main" > "$work/effective" || exit 1
home=$(getent passwd "$user" | cut -d: -f6); keys=no
for file in $(value authorizedkeysfile); do
  file=$(printf %s "$file" | sed "s|%h|$home|g; s|%u|$user|g")
  case $file in /*) ;; *) file=$home/$file ;; esac
  if grep -qs '^[^#]*[A-Za-z0-9]' "$file"; then keys=yes; fi
done
for option in authorizedkeyscommand trustedusercakeys; do
  case $(value $option) in none | '') ;; *) keys=yes ;; esac
done
passwords=no
for option in passwordauthentication kbdinteractiveauthentication challengeresponseauthentication; do
  if [ "$(value $option)" = yes ]; then passwords=yes; fi
done
if [ "$user" = root ]; then
  case $(value permitrootlogin) in
    no | forced-commands-only) refuse "root may not log in, and root is who we log in as" ;;
    without-password | prohibit-password) passwords=no ;;
  esac
fi
[ "$(value pubkeyauthentication)" = yes ] || keys=no
[ $keys = yes ] || [ $passwords = yes ] || refuse "$user has no key that counts, and passwords do not"
[ $by_password = no ] || [ $passwords = yes ] || refuse "passwords do not count, and $user logs in by one"

: > "$pending"
if [ -e "$new" ]; then
  mkdir -p "${target%/*}"; : > "$target.helicon"; chmod 600 "$target.helicon"
  [ ! -e "$target" ] || cp -p --attributes-only "$target" "$target.helicon"
  cat "$new" > "$target.helicon" && sync "$target.helicon" && mv -T "$target.helicon" "$target" || exit
else rm -f "$target"; fi
for unit in ssh.service sshd.service; do
  if systemctl is-active -q "$unit"; then
    systemctl reload "$unit" || exit
    break
  fi
done
rm -f "$pending"
"""
