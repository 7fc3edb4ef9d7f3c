"""A hub of koji with its tree of files, on loopback.

::

    builds = [KojiBuild("rhel-ec2", "9.4", "1", archives=(KojiArchive("images/rhel.raw.xz", arch="x86_64"),))]
    with KojiThread(builds, tree=Path("kojifiles")) as koji:
        ...  # koji:{koji.hub}?vmi_build=rhel-ec2-9.4-1&basedir={koji.basedir}

Of the hub there is what readers of builds of images ask for: ``getKojiVersion``, ``getAPIVersion``, ``getBuild``, ``getBuildType``,
``listArchives``, ``multiCall``.  Nobody has to say who asks.  Left out on purpose: everything that changes something, tasks, tags, RPMs.
"""

from penstock.simulators.koji.builds import KojiArchive, KojiBuild, parse_builds, staged_builds
from penstock.simulators.koji.server import KojiSimulator, KojiThread

__all__ = ["KojiArchive", "KojiBuild", "KojiSimulator", "KojiThread", "parse_builds", "staged_builds"]
