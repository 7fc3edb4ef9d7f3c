"""A Kubernetes API server on loopback that keeps Secrets (core/v1).

::

    with KubeThread(namespaces=["images"]) as kube:
        kube.put_secret("images", "pull-secret", {".dockerconfigjson": b"{}"})
        kubeconfig.write_text(kube.kubeconfig())

Left out on purpose: watches, field selectors, server-side apply, everything that is no Secret.
"""

from penstock.simulators.kube.server import KubeSimulator, KubeThread

__all__ = ["KubeSimulator", "KubeThread"]
