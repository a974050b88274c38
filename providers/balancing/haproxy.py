"""HAProxy in front of the Kubernetes API."""

from __future__ import annotations

from collections.abc import Sequence

from providers.balancing import haproxy_config, hatop
from providers.balancing.haproxy_config import DEFAULTS
from providers.core import service
from providers.core.errors import Refused
from providers.core.host import Argv
from providers.core.options import complete, shown
from providers.core.service import Service, ServiceState
from providers.core.thing import Change, Site
from providers.core.writing import put

CONFIG = "/etc/haproxy/haproxy.cfg"
ALIAS = "/etc/profile.d/haproxy.sh"
UNIT = "haproxy.service"
_READ: list[Argv] = [("cat", CONFIG), ("cat", ALIAS)]
_INSTALL = """
new="$1.helicon"
cat > "$new" && chmod 0644 "$new" && sync "$new" || exit
said=$(haproxy -c -f "$new" 2>&1) && mv "$new" "$1" && exit
rm -f "$new"; printf '%s\\n' "$said" | grep -v '^.NOTICE.' >&2; exit 1
"""


class Haproxy(Service):
    """Options of HAProxy, read back line by line, so that a change by hand is named."""

    name = "haproxy"
    defaults = DEFAULTS
    file = CONFIG

    def questions(self, managed: ServiceState) -> Sequence[Argv]:
        """The configuration, the alias and the unit."""
        return [*_READ, *service.questions(UNIT)]

    def observe(self, site: Site, managed: ServiceState) -> ServiceState:
        """The options that the file has; anything in it that is not ours shows as `content`."""
        config, alias, enabled, active = site.host.ask(self.questions(managed))
        amiss = service.amiss(enabled, active)
        if not config.ok:
            return ServiceState(options=None, amiss=amiss)
        text = config.stdout.decode("utf-8", "replace")
        found = haproxy_config.parse(text)
        if None in found.values() or haproxy_config.text(found) != text:
            amiss[service.CONTENT] = service.DIFFERS
        found["hatop_alias"] = alias.text == haproxy_config.alias().rstrip()
        return ServiceState(options=shown(DEFAULTS, found, managed.options or {}), amiss=amiss)

    def apply(self, site: Site, changes: Sequence[Change], desired: ServiceState) -> None:
        """Write what has been validated, then reload, so that open connections stay."""
        options = complete(DEFAULTS, desired.options or {})
        service.remember_unit(site, self.name, UNIT)
        site.journal.keep_files([CONFIG, ALIAS])
        for port in haproxy_config.ports(options):
            _refuse_taken_port(site, port)
        rewritten = service.of_file(changes)
        if rewritten:
            service.install(site, _INSTALL, CONFIG, "haproxy", "haproxy -c", haproxy_config.text(options))
            _set_hatop(site, bool(options["hatop_alias"]), {change.field for change in rewritten})
        service.bring_up(site, UNIT, "reload" if rewritten else "start")

    def remove(self, site: Site, managed: ServiceState) -> None:
        """The packaged configuration, hatop, its alias and the unit as they were."""
        hatop.take_away(site)
        service.give_back(site, self.name, UNIT, [CONFIG, ALIAS])


def parse_listener(text: str) -> str:
    """The processes of `ss -ltnp` lines, as "name (pid n)"; empty without a listener."""
    names = []
    for entry in text.split('("')[1:]:
        name, _, rest = entry.partition('",pid=')
        names.append(f"{name} (pid {rest.split(',')[0]})")
    return ", ".join(sorted(set(names))) or ("another process" if text else "")


def _refuse_taken_port(site: Site, port: int) -> None:
    (answer,) = site.host.ask([("ss", "-H", "-ltnp", f"sport = :{port}")])
    owner = parse_listener(answer.text)
    if owner and not owner.startswith("haproxy "):
        raise Refused(
            host=str(site.host),
            item=f"port {port}",
            expected="free for HAProxy",
            found=f"in use by {owner}",
            next_step=f"ss -ltnp 'sport = :{port}'; stop that program, or configure another port",
        )


def _set_hatop(site: Site, wanted: bool, fields: set[str]) -> None:
    """The alias comes last: it stands for the package, which is asked for when there is no alias."""
    if not fields & {service.FILE, "hatop_alias"}:
        return
    if wanted:
        hatop.bring(site)
        put(site, ALIAS, haproxy_config.alias())
    else:
        hatop.take_away(site)
        site.host.run(["rm", "-f", ALIAS])
