"""Red Hat Subscription Management: the images in Amazon's cloud that subscriptions know.

::

    async with RhsmClient(RhsmOptions(url="https://rhsm.example.com", certificate=cert, key=key), SystemClock()) as rhsm:
        products = await rhsm.products()
        entered = await rhsm.put_image(image)
"""

from penstock.adapters.rhsm.client import RhsmClient
from penstock.adapters.rhsm.options import RhsmOptions

__all__ = ["RhsmClient", "RhsmOptions"]
