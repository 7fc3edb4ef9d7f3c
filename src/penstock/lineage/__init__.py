"""The questions asked of the ledger: what a thing came from, and where it went.

Stages record; this package only reads (and keeps a job alive whose ledger cannot be written).  For a trace to mean the same everywhere all
stages draw their edges by two rules, under which no circle can arise:

1. **A whole is made of its parts** where somebody composed it: a release of its components, an index of its members.
2. **A part that was taken out** comes from what it was taken out of: a layer from its image, a file from its layer.  Nobody draws
   the reverse: an image is *not* made from its layers, because layers become artifacts only when something is taken out of them.

Read ``source → made``:

===============  =====================================================  ==================================================
who records      source → made                                          why
===============  =====================================================  ==================================================
payload new      image (component) → release                            ``component NAME``
payload new      release (base) → release                               ``based on``
payload new      release → release-index                                ``linux/ARCH``
payload extract  image → release, for each component of the payload     ``component NAME``, as ``payload new`` records it
payload extract  image → layer                                          ``layer N of M``; 1 is the lowest
payload extract  layer → file                                           ``extracted /PATH``
payload extract  release → file, where ``--image NAME`` led there       ``extracted /PATH from NAME``
payload extract  image → image-index, release → release-index,          ``linux/ARCH``
                 where an index led there
streams          cloud-image → marketplace                              ``azure ocp hyperVGen2 x86_64``: the slot that it fills
populate
streams          cloud-image → stream                                   ``aws us-east-1 x86_64``: the slot, where it is in ``images``
populate
streams          build → stream                                         ``ARCH``; a build is its ``meta.json``
generate
streams          build → file                                           ``ARCH``, into a ``release.json``
generate
streams          file → stream                                          ``metal iso disk x86_64``: the artifact that it is;
generate                                                                ``release.json``, where the stream was made from one
streams          cloud-image → stream                                   ``aws us-east-1 x86_64``, ``gcp x86_64``: as ``populate``
generate
streams merge    marketplace → stream, stream → stream                  ``marketplace images``, ``merged``; ``images of a push`` for what
                                                                        ``--emit-stream`` wrote
streams mirror   file → stream                                          ``metal iso disk x86_64``: a file that was mirrored
streams mirror   stream → stream                                        ``addresses rewritten``
streams          stream → configmap                                     ``stream NAME``, or ``default stream``
configmap
images serve     image → release, image → layer, layer → file,          as ``payload extract`` records them; ``holds /PATH`` for the layer
                 release → file, where the ISO came out of a payload
images serve     file → minimal-iso                                     ``minimal ISO``, ``minimal ISO with room for a ramdisk``
images serve     file → served-iso, minimal-iso → served-iso            ``served as full-iso to HOST``
images serve     host → served-iso                                      ``made for it``
images serve     ignition-config → host                                 ``assigned``; the host's fact ``ignition`` is the newest
publish          file → cloud-image                                     ``published to REGION as NAME``
publish          cloud-image → stream                                   ``aws us-east-1 x86_64``, ``gcp x86_64``, ``azure ocp hyperVGen2
--emit-stream                                                           x86_64``: the place that it fills
===============  =====================================================  ==================================================

So a trace *up* from an ISO shows the layer and the image that hold its bytes, the release that named the image, and through the release
every component; a trace *down* from an image shows the releases that contain it and the files that came out of it.  The other members of an
index never appear above a file: the index lies *below* its members.
The one edge that jumps, release → file, exists because rule 2 alone ends at the image, and the question is "from which release?".

An artifact's key is its digest wherever it has one: a file's is the SHA-256 of its content, an image's, index's or release's that of its
manifest, a layer's that of the blob as stored.  Names are what people type: pullspecs (with tag, with digest), versions, file names.
"""
