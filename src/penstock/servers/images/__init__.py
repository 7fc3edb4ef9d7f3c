"""The image service over HTTP: ``async with serve(service, options) as bound``."""

from penstock.servers.images.listeners import Bound, ServerOptions, TlsFiles, serve

__all__ = ["Bound", "ServerOptions", "TlsFiles", "serve"]
