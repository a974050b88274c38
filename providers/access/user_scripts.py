"""What is asked and run on a machine about its users; what the answers mean."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass

from providers.core.host import Argv

FILE, DIRECTORY, NOTHING = "file", "directory", "nothing"
"""What there was of a user's authorized_keys before: the file, its directory, neither."""
_KINDS = {"passwordless": "NOPASSWD: ALL", "password": "ALL"}
_UNLIMITED = ("", "-1")

LOOK = """
for user; do
  if entry=$(getent passwd "$user"); then
    IFS=: read -r x x x x x home shell <<END
$entry
END
    IFS=: read -r x x x least most x inactive expires x <<END
$(getent shadow "$user")
END
    place=nothing
    [ ! -d "$home/.ssh" ] || place=directory
    [ ! -e "$home/.ssh/authorized_keys" ] || place=file
    printf '%s|%s|%s|%s|' "$shell" "$(id -nG -- "$user")" "$least:$most:$inactive:$expires" $place
    [ $place != file ] || base64 -w0 < "$home/.ssh/authorized_keys"; printf '|'
    [ ! -e "/etc/sudoers.d/helicon-$user" ] || base64 -w0 < "/etc/sudoers.d/helicon-$user"; echo
  elif [ -e "/home/$user" ]; then echo absent, home
  else echo absent; fi
done
"""
# Name, shell, and the groups beside its own, if any.
ADD = """
if getent group "$1" >/dev/null; then exec useradd -m -g "$1" -s "$2" ${3:+-G "$3"} "$1"; fi
exec useradd -m -U -s "$2" ${3:+-G "$3"} "$1"
"""
# runuser would open a session (PAM), which costs a board several times the work itself.
AS_USER = """
IFS=: read -r x x uid gid x home x <<END
$(getent passwd "$1")
END
cd "$home" || exit; script=$2; shift 2
exec setpriv --reuid "$uid" --regid "$gid" --init-groups -- sh -c "$script" keys "$@"
"""
ADD_KEYS = """
set -eu; umask 077; mkdir -p .ssh; file=.ssh/authorized_keys; : > "$file.helicon"
if [ -e "$file" ]; then
  cp -p --attributes-only "$file" "$file.helicon"; cat "$file" > "$file.helicon"
  [ -z "$(tail -c 1 "$file")" ] || echo >> "$file.helicon"
fi
cat >> "$file.helicon"; sync "$file.helicon"; mv -f "$file.helicon" "$file"
"""
DROP_KEYS = """
set -eu; umask 077; file=.ssh/authorized_keys; [ -e "$file" ] || exit 0
cp -p --attributes-only "$file" "$file.helicon"
grep -vF -f - -- "$file" > "$file.helicon" || [ "$?" -eq 1 ]
if [ -s "$file.helicon" ] || [ "$1" = file ]; then sync "$file.helicon"; mv -f "$file.helicon" "$file"
else
  rm -f "$file" "$file.helicon"
  [ "$1" = directory ] || rmdir .ssh 2>/dev/null || :
fi
"""
SUDO = """
set -eu; command -v visudo >/dev/null || { echo "sudo is not installed" >&2; exit 1; }
umask 077; mkdir -p "${1%/*}"; cat > "$1.helicon"
visudo -c -q -f "$1.helicon" >&2 || { rm -f "$1.helicon"; exit 1; }
chmod 0440 "$1.helicon"; sync "$1.helicon"; mv -T "$1.helicon" "$1"
"""
LEAVE = """
getent passwd "$1" >/dev/null && id -nG -- "$1" | tr ' ' '\\n' | grep -qxF "$2" || exit 0
exec gpasswd -d "$1" "$2" >/dev/null
"""
# A home of nothing but copies of /etc/skel and our keys goes; anything else is the user's work.
DELETE = """
set -u; entry=$(getent passwd "$1") || exit 0
if command -v pgrep >/dev/null && pgrep -u "$1" >/dev/null; then
  echo "processes of $1 are running: $(pgrep -l -u "$1" | head -n 5 | tr '\\n' ' ')" >&2; exit 1
fi
home=$(printf %s "$entry" | cut -d: -f6); kept=$2
case $home in /home/?*) [ ! -L "$home" ] || kept=keep ;; *) kept=keep ;; esac
[ "$kept" = keep ] || find "$home" -mindepth 1 ! -type d 2>/dev/null | {
  while IFS= read -r file; do
    rest=${file#"$home"/}
    [ "$rest" = .ssh/authorized_keys ] || cmp -s "$file" "/etc/skel/$rest" || exit 1
  done
} || kept=keep
[ "$kept" = keep ] || rm -rf -- "$home"
userdel "$1" || exit
[ ! -e "$home" ] || echo "$home"
"""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A user as the machine has it."""

    exists: bool = False
    home_there: bool = False
    shell: str = ""
    groups: tuple[str, ...] = ()
    ages: str = ""
    place: str = NOTHING
    keys: str = ""
    sudo: str = ""

    def has(self, key: str) -> bool:
        """Whether the key is in authorized_keys, whatever stands before or after it there."""
        lines = [line for line in self.keys.splitlines() if not line.lstrip().startswith("#")]
        return any(blob(key) in line.split() for line in lines)

    def sudo_of(self, user: str) -> str | None:
        """What our drop-in allows; None where there is none."""
        known = {sudo_text(user, kind): kind for kind in _KINDS}
        return known.get(self.sudo, "(differs)") if self.sudo else None

    @property
    def expiry(self) -> str:
        """ "never", or the limits that the password has."""
        least, most, inactive, account = self.ages.split(":") if self.ages else [""] * 4
        free = least in ("", "0", "-1") and most in (*_UNLIMITED, "99999")
        if free and inactive in _UNLIMITED and account in _UNLIMITED:
            return "never"
        return f"min {least or 0}, max {most}, inactive {inactive}, account {account}"


def look(users: Iterable[str]) -> Argv:
    """The question about all of the users."""
    return ("sh", "-c", LOOK, "users", *sorted(users))


def parse(text: str) -> list[Found]:
    """The answer to `look`, in its order."""
    return [_found(line) for line in text.splitlines()]


def _found(line: str) -> Found:
    if line.startswith("absent"):
        return Found(home_there=line != "absent")
    shell, groups, ages, place, keys, sudo = line.split("|")
    return Found(
        exists=True,
        home_there=True,
        shell=shell,
        groups=tuple(groups.split()),
        ages=ages,
        place=place,
        keys=base64.b64decode(keys).decode("utf-8", "replace"),
        sudo=base64.b64decode(sudo).decode("utf-8", "replace"),
    )


def blob(key: str) -> str:
    """The part of a public key that makes it this key and no other."""
    return key.split()[1]


def sudo_file(user: str) -> str:
    """Our drop-in for a user; a name with a dot would be skipped by sudo."""
    return f"/etc/sudoers.d/helicon-{user}"


def sudo_text(user: str, kind: str) -> str:
    """What it says."""
    return f"{user} ALL=(ALL:ALL) {_KINDS[kind]}\n"


def expiry_options(ages: str) -> list[str]:
    """The options of chage(1) for the fields min, max, inactive, account of shadow(5)."""
    fields = ages.split(":") if ages else ["0", "99999", "", ""]
    return [part for option, one in zip("mMIE", fields, strict=True) for part in (f"-{option}", one or "-1")]
