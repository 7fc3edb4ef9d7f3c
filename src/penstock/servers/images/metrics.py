"""Metrics, under the names of OpenShift's image service (assisted-image-service: ``main.go``), and some of ours.

The label ``handler`` is one of a fixed set, also for boot artifacts, where upstream's is the path that somebody sent.

``assisted_image_service_…``, with the labels ``service`` (always empty), ``handler``, ``method``, ``code``:

- ``http_request_duration_seconds``, ``http_response_size_bytes``: histograms; ``http_requests_inflight``: without the last two labels;
- ``images_wanted``, ``images_ready``, ``transfers_running``, ``transfers_waiting``: ours, without labels.

``penstock_images_…``, ours:

- ``snapshot_hits_total``, ``snapshot_misses_total``, ``snapshots_made_total``, ``snapshots_held``, ``snapshots_held_bytes``: see
  :mod:`penstock.imageservice.snapshots`;
- ``backend_calls_total`` by ``call`` (``ignition``, ``ramdisk``, ``kernel_arguments``), ``backend_failures_total`` by ``call`` and
  ``reason`` (a status of HTTP, ``unanswered``, ``unusable``);
- ``store_reads_total``, ``store_read_bytes_total``: ranges of images that were read from S3.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from penstock.imageservice.catalogue import Catalogue
from penstock.imageservice.figures import Figures
from penstock.servers.images.limiter import Slots

_PREFIX: Final = "assisted_image_service"
_OUR_PREFIX: Final = "penstock_images"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """The metrics of one server, in a registry of its own."""

    def __init__(self, catalogue: Callable[[], Catalogue], slots: Slots, figures: Figures | None = None) -> None:
        """Take what is read at every scrape.

        Args:
            catalogue: gives what is served now.
            slots: of the transfers.
            figures: further numbers.
        """
        self._registry = CollectorRegistry()
        labels = ("service", "handler", "method", "code")
        self._duration_s = Histogram(
            f"{_PREFIX}_http_request_duration_seconds",
            "How long requests took, to the last byte.",
            labels,
            buckets=(0.1, 1, 10, 50, 100, 300, 600),
            registry=self._registry,
        )
        self._size_bytes = Histogram(
            f"{_PREFIX}_http_response_size_bytes",
            "How large the bodies of answers were.",
            labels,
            buckets=(100, 1e6, 5e8, 1e9, 1e10),
            registry=self._registry,
        )
        # Looking them up by their labels takes longer than anything else about them.
        self._known: dict[tuple[str, str, int], tuple[Histogram, Histogram]] = {}
        self._gauges: dict[str, Gauge] = {}
        self._inflight = Gauge(
            f"{_PREFIX}_http_requests_inflight", "How many requests are answered now.", ("service", "handler"), registry=self._registry
        )
        self._registry.register(_State(catalogue, slots, figures))

    @contextmanager
    def running(self, handler: str) -> Iterator[None]:
        """Count a request as running."""
        gauge = self._gauges.get(handler)
        if gauge is None:
            gauge = self._gauges[handler] = self._inflight.labels("", handler)
        gauge.inc()
        try:
            yield
        finally:
            gauge.dec()

    def ended(self, handler: str, method: str, code: int, *, seconds: float, size_bytes: int) -> None:
        """Count a request that was answered."""
        key = (handler, method if method in _METHODS else "other", code)
        pair = self._known.get(key)
        if pair is None:
            labels = ("", handler, key[1], str(code))
            pair = self._known[key] = (self._duration_s.labels(*labels), self._size_bytes.labels(*labels))
        pair[0].observe(seconds)
        pair[1].observe(size_bytes)

    def text(self) -> bytes:
        """All of them, in Prometheus' text format."""
        return generate_latest(self._registry)


class _State(Collector):
    """What is read when somebody asks."""

    def __init__(self, catalogue: Callable[[], Catalogue], slots: Slots, figures: Figures | None) -> None:
        self._catalogue = catalogue
        self._slots = slots
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        catalogue = self._catalogue()
        ready = sum(1 for status in catalogue.statuses if status.ready)
        yield GaugeMetricFamily(f"{_PREFIX}_images_wanted", "How many images the lists have.", len(catalogue.statuses))
        yield GaugeMetricFamily(f"{_PREFIX}_images_ready", "How many of them are served.", ready)
        yield GaugeMetricFamily(f"{_PREFIX}_transfers_running", "How many transfers hold a slot.", self._slots.taken)
        yield GaugeMetricFamily(f"{_PREFIX}_transfers_waiting", "How many requests wait for a slot.", self._slots.waiting)
        families: dict[str, Metric] = {}
        for figure in self._figures() if self._figures else ():
            if figure.name not in families:
                kind = CounterMetricFamily if figure.name.endswith("_total") else GaugeMetricFamily
                families[figure.name] = kind(f"{_OUR_PREFIX}_{figure.name}", figure.about)
            families[figure.name].add_sample(f"{_OUR_PREFIX}_{figure.name}", dict(figure.labels), figure.value)
        yield from families.values()
