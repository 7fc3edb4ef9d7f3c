"""OCI and Docker images: manifests, indexes, configs, layouts and layers.

Specifications: OCI image-spec v1.1 (descriptor, manifest, image-index, config, layer, image-layout) and Docker image manifest
version 2, schema 2.  Schema 1 is refused.
"""
