"""Load balancing: HAProxy's options, what is forwarded to workers, and zones with endpoints of their own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from config.base import Part
from config.scalars import (
    LABEL,
    Address,
    DomainName,
    HaproxyTime,
    Location,
    Port,
    is_address,
    matching,
    wrong,
)
from config.vip import Vip

MOST_NODE_PORT = 32767
"""The service node ports that Kubernetes hands out unless it is told otherwise: 30000 to 32767."""


def _endpoint(value: str) -> str:
    if re.fullmatch(r"[0-9.]+", value) and not is_address(value):
        raise wrong("a name or an IPv4 address", "Write for example api.example.com or 10.42.253.52.")
    return value


Endpoint = Annotated[DomainName, AfterValidator(_endpoint)]
ZoneName = Annotated[
    str,
    matching(LABEL, "a zone's name: lower-case letters, digits, hyphens", "Write for example dmz.", 63),
    WithJsonSchema({"type": "string", "pattern": f"^{LABEL}$", "examples": ["dmz"]}),
]
ZoneReference = Annotated[
    str, matching(rf"({LABEL})?", "a zone's name", "Write a name that stands under zones.", 63)
]
"""The name of a zone, or nothing: the cluster's own."""
ForwardName = Annotated[
    str,
    matching(LABEL, "a name: lower-case letters, digits, hyphens", "Write for example http or https.", 32),
    WithJsonSchema({"type": "string", "pattern": f"^{LABEL}$", "examples": ["https"]}),
]


class Forward(Part):
    """A port of the load balancers that leads to a node port of the zone's nodes, as it is (TCP)."""

    port: Port
    """Port of the load balancers."""
    node_port: Annotated[int, Field(ge=1, le=MOST_NODE_PORT)]
    """Port of the nodes, for example the node port of the ingress or gateway service."""
    to_roles: Annotated[tuple[Literal["control-plane", "infra", "worker"], ...], Field(min_length=1)] = (
        "worker",
    )
    """Which of the zone's nodes take the connections: those with one of these roles."""
    proxy_protocol: bool = False
    """Whether the client's address is sent ahead (PROXY protocol); the ingress must expect it."""
    timeout: HaproxyTime = "10m"
    """Idle time after which a connection is closed, on either side."""


class Zone(Part):
    """A part of the rack that reaches the API by an endpoint of its own, for example a DMZ."""

    endpoint: Endpoint
    """Name or address at which the zone's machines reach the API."""
    endpoint_address: Address | None = None
    """What the endpoint's name means in /etc/hosts; without it, the vip or the zone's first load balancer."""
    endpoint_port: Port = 6443
    """Port of the API at the endpoint."""
    vip: Vip | None = None
    """A virtual address that the zone's load balancers share."""
    forward: Mapping[ForwardName, Forward] = {}
    """What the zone's load balancers forward to its nodes, by name, for example http and https."""


class Stats(Part):
    """HAProxy's page of statistics; it has no password, since the configuration holds no secrets."""

    enabled: bool = False
    """Whether there is one."""
    address: Location = "127.0.0.1"
    """Address it listens at; other machines see it only where another one is given (or by `ssh -L`)."""
    port: Port = 9000
    """Port it listens at."""


class Haproxy(Part):
    """HAProxy in front of the API servers."""

    balance: Literal["roundrobin", "leastconn", "source", "first"] = "roundrobin"
    """How connections are spread."""
    timeout_connect: HaproxyTime = "1s"
    """Time to reach an API server; then another one is tried."""
    timeout_client: HaproxyTime = "3h"
    """Idle time after which a client's connection is closed; long, for `kubectl logs --follow`."""
    timeout_server: HaproxyTime = "3h"
    """The same for the API server's side."""
    timeout_check: HaproxyTime = "3s"
    """Time an API server that was reached has to answer a health check; slow boards need longer."""
    retries: Annotated[int, Field(ge=0, le=10)] = 3
    """How often a connection that an API server refused is tried again, each time at another one."""
    maxconn: Annotated[int, Field(ge=1, le=1000000)] = 4000
    """Most connections at once."""
    check_interval: HaproxyTime = "500ms"
    """Time between two health checks of an API server; one whose TLS handshake takes longer, or longer than
    timeout_connect, has failed."""
    check_fast_interval: HaproxyTime = "100ms"
    """The same while checks begin to fail, or to succeed again."""
    fall: Annotated[int, Field(ge=1, le=100)] = 2
    """Failed checks after which an API server gets no more connections."""
    rise: Annotated[int, Field(ge=1, le=100)] = 2
    """Good checks after which it gets them again."""
    hard_stop_after: HaproxyTime = "3h"
    """How long connections that were open before a reload may last: a reload itself ends none."""
    stats: Stats = Stats()
    """The page of statistics."""
    admin_socket: bool = True
    """Whether the local socket exists that hatop uses, and by which a reload takes over the ports without a gap."""
    log_target: Location = "/dev/log"
    """Where HAProxy logs to: a socket, or a syslog server's address."""
    log_connections: bool = True
    """Whether connections that went well are logged, too; cards wear less without."""
    log_health_checks: bool = True
    """Whether changes of health are logged."""
    hatop_alias: bool = True
    """Whether shells on the machine know `hatop`."""
