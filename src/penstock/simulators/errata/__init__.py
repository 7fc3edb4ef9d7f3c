"""The errata tool as far as publishing reads it, on loopback.

::

    with ErrataThread([Advisory("RHBA-2026:1234", builds=("rhel-ec2-9.4-1",))], tls=context) as errata:
        ...  # errata:{errata.url}?errata=RHBA-2026:1234&koji_source=koji:…

Clients reach the real one by HTTPS alone, whatever their address says, so this one wants ``tls`` too.  Its XML-RPC lets everybody read;
its REST API wants a Kerberos ticket (``Authorization: Negotiate``), which is asked for here and not verified.
"""

from penstock.simulators.errata.advisories import Advisory, parse_advisories
from penstock.simulators.errata.server import ErrataSimulator, ErrataThread

__all__ = ["Advisory", "ErrataSimulator", "ErrataThread", "parse_advisories"]
